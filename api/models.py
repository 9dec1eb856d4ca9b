"""The ledger's tables for MySQL and SQLite; stores/sql.py reads and writes them.

What is looked up is looked up by a SHA-256 of the exact bytes (`…_key`, hexadecimal): InnoDB
indexes 3,072 bytes at most, which is less than two of S3's 1,024-byte names take in utf8mb4,
and no collation has a say in which names are equal. The names stand beside it for people.
"""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    CharField = models.CharField[str, str]
    TextField = models.TextField[str, str]
else:
    from django.db.models import CharField, TextField

# S3's names have 1,024 bytes at most, and ids end up in one of them.
_NAME = 1024
_KEY = 64


class _Exact:
    """Compares byte by byte: `INV-1`, `inv-1` and `INV-1 ` are three.

    MySQL's usual utf8mb4_bin ignores blanks at the end; the collation that does not has another
    name on MariaDB. SQLite compares exactly by itself.
    https://dev.mysql.com/doc/refman/8.4/en/charset-binary-collations.html
    https://mariadb.com/kb/en/supported-character-sets-and-collations/
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:  # noqa: ANN401 - Django's own type
        """Add the collation to the column's type; it brings its character set along."""
        parameters: Any = super().db_parameters(connection)  # type: ignore[misc] # the field's
        if connection.vendor == "mysql":
            is_mariadb = getattr(connection, "mysql_is_mariadb", False)
            parameters["collation"] = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        return parameters


class ExactField(_Exact, CharField):
    """A short exact text."""


class ExactTextField(_Exact, TextField):
    """A long exact text."""


class Document(models.Model):
    """The fate of one version of one key; records.Document says what the columns mean."""

    document_key = models.CharField(max_length=_KEY, unique=True)
    source_key = ExactField(max_length=_NAME)
    version_id = ExactField(max_length=_NAME)
    outcome = models.CharField(max_length=16)
    is_open = models.BooleanField()
    recorded_at = models.DateTimeField()
    reason_code = models.CharField(max_length=64)
    reason_message = ExactTextField()
    reason_line = models.PositiveIntegerField()
    reason_column = models.PositiveIntegerField()
    customer_key = models.CharField(max_length=_KEY)
    customer_id = ExactField(max_length=_NAME)
    invoice_id = ExactField(max_length=_NAME)
    rev = models.PositiveIntegerField()
    etag = ExactField(max_length=_NAME)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=_KEY)
    sequencer = ExactField(max_length=_NAME)
    last_modified_at = models.DateTimeField(null=True)
    message_id = ExactField(max_length=_NAME)
    attempts = models.PositiveIntegerField()
    acts = models.JSONField()
    act_count = models.PositiveIntegerField()
    data = models.BinaryField(null=True)

    class Meta:
        """The listings, newest first, and the erasure have an index each."""

        db_table = "document"
        indexes = (
            models.Index(fields=["recorded_at", "id"], name="document_recent"),
            models.Index(fields=["outcome", "is_open", "recorded_at", "id"], name="document_rejected"),
            models.Index(fields=["customer_key"], name="document_customer"),
        )

    def __str__(self) -> str:
        return f"{self.source_key} {self.version_id}"


class Revision(models.Model):
    """One revision of an invoice; records.Revision says what the columns mean.

    `current_key` is the invoice's key in its current revision and NULL in the others, so that
    its unique index allows one current revision an invoice. From `issue_date` to `total_amount`
    the row is told again for those who query the table; the row is the truth.
    """

    invoice_key = models.CharField(max_length=_KEY)
    current_key = models.CharField(max_length=_KEY, unique=True, null=True)  # noqa: DJ001 - NULLs are never equal
    customer_key = models.CharField(max_length=_KEY)
    customer_id = ExactField(max_length=_NAME)
    invoice_id = ExactField(max_length=_NAME)
    rev = models.PositiveIntegerField()
    status = models.CharField(max_length=16)
    stored_at = models.DateTimeField()
    issue_date = models.DateField(null=True)
    currency = models.CharField(max_length=8)
    net_amount = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    tax_amount = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    total_amount = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    row = models.BinaryField()
    csv_key = ExactField(max_length=_NAME)
    data = models.BinaryField(null=True)
    sha256 = models.CharField(max_length=_KEY)
    source_key = ExactField(max_length=_NAME)
    version_id = ExactField(max_length=_NAME)
    sequencer = ExactField(max_length=_NAME)
    last_modified_at = models.DateTimeField(null=True)
    act = models.JSONField(null=True)

    class Meta:
        """A revision number is used once: of two racing changes one fails on it."""

        db_table = "revision"
        constraints = (models.UniqueConstraint(fields=["invoice_key", "rev"], name="revision_once"),)
        indexes = (
            models.Index(fields=["stored_at", "id"], name="revision_stored"),
            models.Index(fields=["customer_key", "id"], name="revision_customer"),
        )

    def __str__(self) -> str:
        return f"{self.customer_id} {self.invoice_id} r{self.rev}"


class Lease(models.Model):
    """Who may run a recovery command now."""

    name = ExactField(max_length=_KEY, primary_key=True)
    holder = ExactField(max_length=_NAME)
    expires_at = models.DateTimeField()

    class Meta:
        """Named as people would."""

        db_table = "lease"

    def __str__(self) -> str:
        return str(self.name)


class Checkpoint(models.Model):
    """How far a recovery command got."""

    name = ExactField(max_length=_KEY, primary_key=True)
    reached = ExactTextField()

    class Meta:
        """Named as people would."""

        db_table = "checkpoint"

    def __str__(self) -> str:
        return str(self.name)
