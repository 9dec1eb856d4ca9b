"""System checks: what would be unsafe or useless in production, each with an id and a hint."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name

from api.regions import signer_of

# 128 bits in hexadecimal; Django's own check, of a deployment only, would like 50 of any.
MIN_KEY_CHARACTERS = 32


@register()
def check_topics(**_: Any) -> Sequence[CheckMessage]:  # noqa: ANN401 - Django's signature
    """E001: /sns trusts the listed topics only; without one it refuses everything."""
    hint = "Set DOCPROC_TOPIC_ARNS to the ARN of the topic, or several separated by commas."
    if not settings.DOCPROC_TOPIC_ARNS:
        return [Error("No SNS topic is trusted, so every message is refused.", hint=hint, id="docproc.E001")]
    errors: list[CheckMessage] = []
    for topic_arn in sorted(settings.DOCPROC_TOPIC_ARNS):
        try:
            signer_of(topic_arn)
        except ValueError as error:
            errors.append(Error(f"{error}.", hint=hint, id="docproc.E001"))
    return errors


@register()
def check_secret_key(**_: Any) -> Sequence[CheckMessage]:  # noqa: ANN401 - the same
    """E002: sessions need one key for all processes, and one that cannot be guessed."""
    hint = "Set DOCPROC_SECRET_KEY (50 random characters), or DOCPROC_SECRET_KEY_FILE to a file with it."
    if settings.DEBUG:
        return []
    if settings.SECRET_KEY.startswith("made-up-"):
        fault = "There is no secret key, so sessions end with each process."
    elif len(settings.SECRET_KEY) < MIN_KEY_CHARACTERS and not settings.DOCPROC_AWS_ENDPOINT_URL:
        fault = f"The secret key has {len(settings.SECRET_KEY)} characters, so sessions can be forged."
    else:
        return []
    return [Error(fault, hint=hint, id="docproc.E002")]


@register()
def check_buckets(**_: Any) -> Sequence[CheckMessage]:  # noqa: ANN401 - the same
    """E003: both buckets are named and differ, or the service would read its own writing."""
    source, destination = settings.DOCPROC_SOURCE_BUCKET, settings.DOCPROC_DESTINATION_BUCKET
    hint = "Set DOCPROC_SOURCE_BUCKET and DOCPROC_DESTINATION_BUCKET to two buckets."
    if source and destination and source != destination:
        return []
    return [Error("The source and destination buckets are not both set.", hint=hint, id="docproc.E003")]


@register()
def check_databases(**_: Any) -> Sequence[CheckMessage]:  # noqa: ANN401 - the same
    """E004: in one database with the users' tables, Django would never make the ledger's."""
    ledger, default = settings.DATABASES.get("ledger"), settings.DATABASES["default"]
    where = ("ENGINE", "HOST", "PORT", "NAME")
    if ledger is None or any(ledger.get(key) != default.get(key) for key in where):
        return []
    hint = "Give DOCPROC_LEDGER and DOCPROC_DATABASE_URL two databases; they may be on one server."
    return [Error("The ledger and the users are in one database.", hint=hint, id="docproc.E004")]


@register()
def check_sha1(**_: Any) -> Sequence[CheckMessage]:  # noqa: ANN401 - the same
    """W001: signature version 1 is SHA-1."""
    if not settings.DOCPROC_SNS_ALLOW_SHA1:
        return []
    hint = "Set the topic's SignatureVersion attribute to 2, then unset DOCPROC_SNS_ALLOW_SHA1."
    return [Warning("SHA-1 signatures are accepted.", hint=hint, id="docproc.W001")]


@register()
def check_threads(**_: Any) -> Sequence[CheckMessage]:  # noqa: ANN401 - the same
    """W002: with all messages in flight somebody must still answer health checks, people and strangers."""
    threads, places = settings.DOCPROC_THREADS, settings.DOCPROC_MAX_IN_FLIGHT
    if threads > places:
        return []
    message = f"{threads} threads may all have one of {places} messages in flight, and none a health check."
    hint = "Set DOCPROC_THREADS to a few more than DOCPROC_MAX_IN_FLIGHT."
    return [Warning(message, hint=hint, id="docproc.W002")]
