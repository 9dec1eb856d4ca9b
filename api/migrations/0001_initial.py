"""The ledger as it begins: documents, revisions, leases, checkpoints. Made by makemigrations."""

import api.models
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("name", api.models.ExactField(max_length=64, primary_key=True, serialize=False)),
                ("reached", api.models.ExactTextField()),
            ],
            options={
                "db_table": "checkpoint",
            },
        ),
        migrations.CreateModel(
            name="Lease",
            fields=[
                ("name", api.models.ExactField(max_length=64, primary_key=True, serialize=False)),
                ("holder", api.models.ExactField(max_length=1024)),
                ("expires_at", models.DateTimeField()),
            ],
            options={
                "db_table": "lease",
            },
        ),
        migrations.CreateModel(
            name="Document",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("document_key", models.CharField(max_length=64, unique=True)),
                ("source_key", api.models.ExactField(max_length=1024)),
                ("version_id", api.models.ExactField(max_length=1024)),
                ("outcome", models.CharField(max_length=16)),
                ("is_open", models.BooleanField()),
                ("recorded_at", models.DateTimeField()),
                ("reason_code", models.CharField(max_length=64)),
                ("reason_message", api.models.ExactTextField()),
                ("reason_line", models.PositiveIntegerField()),
                ("reason_column", models.PositiveIntegerField()),
                ("customer_key", models.CharField(max_length=64)),
                ("customer_id", api.models.ExactField(max_length=1024)),
                ("invoice_id", api.models.ExactField(max_length=1024)),
                ("rev", models.PositiveIntegerField()),
                ("etag", api.models.ExactField(max_length=1024)),
                ("size_bytes", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("sequencer", api.models.ExactField(max_length=1024)),
                ("last_modified_at", models.DateTimeField(null=True)),
                ("message_id", api.models.ExactField(max_length=1024)),
                ("attempts", models.PositiveIntegerField()),
                ("acts", models.JSONField()),
                ("act_count", models.PositiveIntegerField()),
                ("data", models.BinaryField(null=True)),
            ],
            options={
                "db_table": "document",
                "indexes": [
                    models.Index(fields=["recorded_at", "id"], name="document_recent"),
                    models.Index(
                        fields=["outcome", "is_open", "recorded_at", "id"], name="document_rejected"
                    ),
                    models.Index(fields=["customer_key"], name="document_customer"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("invoice_key", models.CharField(max_length=64)),
                ("current_key", models.CharField(max_length=64, null=True, unique=True)),
                ("customer_key", models.CharField(max_length=64)),
                ("customer_id", api.models.ExactField(max_length=1024)),
                ("invoice_id", api.models.ExactField(max_length=1024)),
                ("rev", models.PositiveIntegerField()),
                ("status", models.CharField(max_length=16)),
                ("stored_at", models.DateTimeField()),
                ("issue_date", models.DateField(null=True)),
                ("currency", models.CharField(max_length=8)),
                ("net_amount", models.DecimalField(decimal_places=2, max_digits=20, null=True)),
                ("tax_amount", models.DecimalField(decimal_places=2, max_digits=20, null=True)),
                ("total_amount", models.DecimalField(decimal_places=2, max_digits=20, null=True)),
                ("row", models.BinaryField()),
                ("csv_key", api.models.ExactField(max_length=1024)),
                ("data", models.BinaryField(null=True)),
                ("sha256", models.CharField(max_length=64)),
                ("source_key", api.models.ExactField(max_length=1024)),
                ("version_id", api.models.ExactField(max_length=1024)),
                ("sequencer", api.models.ExactField(max_length=1024)),
                ("last_modified_at", models.DateTimeField(null=True)),
                ("act", models.JSONField(null=True)),
            ],
            options={
                "db_table": "revision",
                "indexes": [
                    models.Index(fields=["stored_at", "id"], name="revision_stored"),
                    models.Index(fields=["customer_key", "id"], name="revision_customer"),
                ],
                "constraints": [models.UniqueConstraint(fields=("invoice_key", "rev"), name="revision_once")],
            },
        ),
    ]
