"""Every setting, read once from the environment. The table in README.md lists them all."""

import secrets
import sys
from pathlib import Path
from typing import Any

import dj_database_url
import pymysql
from django.core.exceptions import ImproperlyConfigured

from docproc import env

pymysql.install_as_MySQLdb()

BASE_DIR = Path(__file__).resolve().parent.parent

# The web.
DEBUG = env.flag("DOCPROC_DEBUG", default=False)
# Without a key of its own each process makes one up: safe, but sessions end with it (docproc.E002).
SECRET_KEY = env.secret("DOCPROC_SECRET_KEY") or "made-up-" + secrets.token_urlsafe(48)
ALLOWED_HOSTS = list(env.hosts("DOCPROC_ALLOWED_HOSTS"))

# What to trust: nobody, until told.
DOCPROC_TOPIC_ARNS = frozenset(env.words("DOCPROC_TOPIC_ARNS"))
DOCPROC_SNS_ALLOW_SHA1 = env.flag("DOCPROC_SNS_ALLOW_SHA1", default=False)
DOCPROC_SNS_CERTIFICATE_BASE_URL = env.loopback_url("DOCPROC_SNS_CERTIFICATE_BASE_URL")
DOCPROC_SNS_CERTIFICATE_NAME = env.text("DOCPROC_SNS_CERTIFICATE_NAME")

# AWS.
DOCPROC_AWS_REGION = (
    env.matching("DOCPROC_AWS_REGION", r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}", "a region, like us-east-1")
    or "us-east-1"
)
DOCPROC_AWS_ENDPOINT_URL = env.loopback_url("DOCPROC_AWS_ENDPOINT_URL")
DOCPROC_AWS_CLIENT = env.choice("DOCPROC_AWS_CLIENT", "fast", ("fast", "boto3"))
DOCPROC_SOURCE_BUCKET = env.bucket("DOCPROC_SOURCE_BUCKET")
DOCPROC_DESTINATION_BUCKET = env.bucket("DOCPROC_DESTINATION_BUCKET")
DOCPROC_REJECTION_TOPIC_ARN = env.matching(
    "DOCPROC_REJECTION_TOPIC_ARN",
    r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?",
    "the ARN of an SNS topic, like arn:aws:sns:us-east-1:123456789012:rejections",
)
DOCPROC_DEAD_LETTER_QUEUE_URL = env.matching(
    "DOCPROC_DEAD_LETTER_QUEUE_URL",
    r"https?://[^\s/@?#]+/[^\s?#]+",
    "the queue's URL, like https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters",
)

# The name under which CloudWatch keeps this deployment's metrics.
DOCPROC_STACK = env.text("DOCPROC_STACK", "docproc")

# The ledger.
DOCPROC_LEDGER = env.secret("DOCPROC_LEDGER", "dynamodb")
DOCPROC_DOCUMENT_TABLE = env.text("DOCPROC_DOCUMENT_TABLE", "docproc-document")
DOCPROC_INVOICE_TABLE = env.text("DOCPROC_INVOICE_TABLE", "docproc-invoice")
# 0 is for ever.
DOCPROC_KEEP_TEXTS_DAYS = env.integer("DOCPROC_KEEP_TEXTS_DAYS", 0, low=0, high=36_500)

# The service.
DOCPROC_DAY_FIRST = env.optional_flag("DOCPROC_DAY_FIRST")
# gunicorn.py reads it too, before Django is there.
DOCPROC_THREADS = env.integer("DOCPROC_THREADS", 32, low=1, high=256)
DOCPROC_MAX_IN_FLIGHT = env.integer("DOCPROC_MAX_IN_FLIGHT", 28, low=1, high=10_000)

# Reports.
DOCPROC_REPORTS = env.choice("DOCPROC_REPORTS", "athena", ("athena", "duckdb"))
DOCPROC_ATHENA_DATABASE = (
    env.matching("DOCPROC_ATHENA_DATABASE", r"[a-z0-9_]{1,255}", "a database's name: a-z, 0-9 and _")
    or "docproc"
)
DOCPROC_ATHENA_WORKGROUP = env.text("DOCPROC_ATHENA_WORKGROUP", "docproc")
DOCPROC_COMPACT_WORKGROUP = env.text("DOCPROC_COMPACT_WORKGROUP", "docproc-compact")
DOCPROC_DUCKDB_PATH = Path(env.text("DOCPROC_DUCKDB_PATH", str(BASE_DIR / ".demo" / "reports.duckdb")))

if DOCPROC_SNS_CERTIFICATE_BASE_URL and not DOCPROC_AWS_ENDPOINT_URL:
    # Local trust beside real AWS would let whoever owns a port of this machine sign messages.
    raise ImproperlyConfigured(
        "DOCPROC_SNS_CERTIFICATE_BASE_URL is for local mode only: set DOCPROC_AWS_ENDPOINT_URL too."
    )
if DOCPROC_DOCUMENT_TABLE == DOCPROC_INVOICE_TABLE:
    raise ImproperlyConfigured(
        f"DOCPROC_DOCUMENT_TABLE and DOCPROC_INVOICE_TABLE are both {DOCPROC_INVOICE_TABLE!r}; "
        "name the two tables of the ledger."
    )
if bool(DOCPROC_SNS_CERTIFICATE_BASE_URL) != bool(DOCPROC_SNS_CERTIFICATE_NAME):
    raise ImproperlyConfigured(
        "DOCPROC_SNS_CERTIFICATE_BASE_URL and DOCPROC_SNS_CERTIFICATE_NAME go together; set both or neither."
    )


def _database(name: str, url: str) -> dict[str, Any]:
    """Return Django's settings for a database URL; raises ImproperlyConfigured on a bad one."""
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=600, conn_health_checks=True))
    except (ValueError, KeyError):
        raise ImproperlyConfigured(
            f"{name} is no database URL; write one like mysql://user:password@host:3306/name."
        ) from None  # its words can quote a password with a slash in it, taken for the port
    if not config["ENGINE"].endswith(("sqlite3", "mysql")):
        # No other has a driver here, a time-out for every call, or a test.
        raise ImproperlyConfigured(
            f"{name} is a database that docproc does not know; write mysql:// or sqlite://."
        )
    options: dict[str, Any] = config.setdefault("OPTIONS", {})
    is_somewhere = config.get("HOST") or "unix_socket" in options
    if config["ENGINE"].endswith("mysql") and not (is_somewhere and config["NAME"]):
        raise ImproperlyConfigured(
            f"{name} names no host or no database; write it like mysql://user:password@host:3306/name."
        )
    if config["ENGINE"].endswith("sqlite3"):
        # A writer takes its lock when it begins, or two would each wait for the other's read lock.
        options |= {"timeout": 5, "transaction_mode": "IMMEDIATE"}
    elif config["ENGINE"].endswith("mysql"):
        options |= {
            "charset": "utf8mb4",
            "connect_timeout": 2,
            "read_timeout": 4,
            "write_timeout": 4,
            "isolation_level": "read committed",
            # Strict, or what is too long would be cut off; and a lock that does not come must end
            # before the connection's time-out does, which would leave the transaction in doubt.
            "init_command": "SET SESSION sql_mode = 'TRADITIONAL', innodb_lock_wait_timeout = 2",
        }
    return config


DATABASES = {
    # Users and sessions.
    "default": _database(
        "DOCPROC_DATABASE_URL", env.secret("DOCPROC_DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
    ),
}
if DOCPROC_LEDGER != "dynamodb":
    DATABASES["ledger"] = _database("DOCPROC_LEDGER", DOCPROC_LEDGER)
# Without the database `ledger` the models of the SQL ledger have no tables anywhere.
DATABASE_ROUTERS = ["api.stores.router.LedgerRouter"]

# People's browsers come through nginx, which ends TLS; local mode and debugging have neither.
DOCPROC_HTTPS = env.flag("DOCPROC_HTTPS", default=not (DOCPROC_AWS_ENDPOINT_URL or DEBUG))
SECURE_SSL_REDIRECT = DOCPROC_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^sns/?$", r"^healthz$", r"^readyz$"]  # SNS and load balancers may use HTTP
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if DOCPROC_HTTPS else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if DOCPROC_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = DOCPROC_HTTPS
# Preloading binds a whole domain for years, so that is for its owner to ask for.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# People. A browser keeps a cookie named __Host-… only when it came from this very host over HTTPS.
_HOST = "__Host-" if DOCPROC_HTTPS else ""
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "login", "overview", "login"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_HOST}docproc-session", f"{_HOST}docproc-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = DOCPROC_HTTPS
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_HTTPONLY = True
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
CACHES = {
    # Answers to reports, of this process.
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 200},
    },
    # What all processes must agree on: login attempts and used login links. `migrate` makes the table.
    "shared": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "docproc_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "api",
]
MIDDLEWARE = [
    "api.middleware.RequestIds",
    "api.views.SnsFirst",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "api.middleware.PageLines",
    "api.middleware.Headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "api.middleware.Access",
    "api.middleware.Faults",
]
ROOT_URLCONF = "docproc.urls"
WSGI_APPLICATION = "docproc.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "api.pages.frame.frame",
            ],
            "builtins": ["api.pages.tags"],
        },
    },
]

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# A deployment runs collectstatic, which compresses the files and names them by their content; a
# checkout where nobody did serves them as they are.
_COLLECTED = (STATIC_ROOT / "staticfiles.json").exists() or "collectstatic" in sys.argv[1:2]
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = not _COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # nothing is uploaded to us
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# A person at a terminal reads the command's answer, and events only if something is wrong.
_IS_AT_TERMINAL = Path(sys.argv[0]).name == "manage.py" and sys.stderr.isatty()
# One line of JSON an event, on standard error, where journald or a container's log driver is.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "api.logs.JsonFormatter", "stack": DOCPROC_STACK}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "WARNING" if _IS_AT_TERMINAL else "INFO"},
    "filters": {
        "unhandled": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: record.exc_info is not None,
        }
    },
    "loggers": {
        # botocore tells at this level which credentials it found, in each process.
        "botocore": {"level": "WARNING"},
        # A view's own 503 has its line already; an error that nobody caught has none.
        "django.request": {"level": "ERROR", "filters": ["unhandled"]},
    },
}
