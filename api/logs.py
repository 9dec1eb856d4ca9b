"""Log events: constants with dots; the facts go in `extra`."""

INGEST_INTERNAL_ERROR = "ingest.internal_error"
