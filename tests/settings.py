"""docproc's own settings, with the environment that the tests want."""

import os

os.environ.update(
    DOCPROC_SECRET_KEY="a key for tests only, never used elsewhere, 50 characters",
    DOCPROC_ALLOWED_HOSTS="testserver,127.0.0.1",
    DOCPROC_TOPIC_ARNS="arn:aws:sns:us-east-1:123456789012:docproc",
    DOCPROC_SOURCE_BUCKET="docproc-source",
    DOCPROC_DESTINATION_BUCKET="docproc-destination",
    DOCPROC_REPORTS="duckdb",
    DOCPROC_HTTPS="false",  # Django's test client speaks HTTP
    # The tests' AWS is moto; a real account must be out of reach even by mistake.
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_SESSION_TOKEN="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
)
for name in ("AWS_PROFILE", "DOCPROC_LEDGER", "DOCPROC_AWS_ENDPOINT_URL"):
    os.environ.pop(name, None)

from docproc.settings import *  # noqa: E402, F403 - after the environment is set

# Django's own hasher is slow on purpose; the tests log in hundreds of times.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
