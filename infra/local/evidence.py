"""What the system holds, shown: row, record, rejections, expenses and the balance.

Read by the service's own parts; see demo.py on what they need.
"""

import io
import textwrap
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime

from django.core.management import call_command

from api import wiring
from api.maintenance.lease import held
from api.records import Revision
from infra.local.provision import DESTINATION_BUCKET, INVOICE_TABLE
from infra.local.screen import Screen, packed
from infra.local.system import LocalSystem
from invoice_parser import read_row
from invoice_parser.wording import counted


def show_evidence(
    system: LocalSystem, screen: Screen, *, customer_id: str, invoice_id: str, data: bytes
) -> bool:
    """Show all of it, one invoice in full; tell whether the books balance and it has its bytes."""
    revision = wiring.ledger().revision(customer_id, invoice_id)
    if revision is not None:
        _show_row(screen, revision)
        _show_record(screen, revision, system, data)
    _show_rejections(screen)
    _show_expenses(screen)
    return _show_balance(screen) and revision is not None and revision.data == data


def _show_row(screen: Screen, revision: Revision) -> None:
    row = wiring.destination().get(revision.csv_key)
    screen.title("The CSV row", f"s3://{DESTINATION_BUCKET}/{revision.csv_key}")
    quoted = ['"' + value.replace('"', '""') + '"' for value in read_row(row).values()]
    for line in packed(quoted, screen.width - 2):
        screen.line(f"  {line}")


def _show_record(screen: Screen, revision: Revision, system: LocalSystem, data: bytes) -> None:
    is_dynamodb = system.ledger == "dynamodb"
    store = f"table {INVOICE_TABLE}" if is_dynamodb else "SQLite, through Django's ORM"
    screen.title(f"The {'DynamoDB' if is_dynamodb else 'SQL'} record", store)
    screen.facts(_facts(revision, data))


def _facts(revision: Revision, data: bytes) -> Iterable[tuple[str, str]]:
    for field in fields(revision):
        value = getattr(revision, field.name)
        if isinstance(value, bytes):
            as_uploaded = ", byte for byte as uploaded" if value == data else ""
            yield field.name, f"{len(value)} bytes{as_uploaded}"
        elif value is not None:
            yield field.name, value.isoformat() if isinstance(value, datetime) else str(value)


def _show_rejections(screen: Screen) -> None:
    page = wiring.ledger().rejections(open_only=True, limit=100, token=None)
    screen.title("The rejections", "each stays until somebody deals with it")
    for document in sorted(page.documents, key=lambda rejection: rejection.recorded_at):
        if reason := document.reason:
            place = f":{reason.line}:{reason.column}" if reason.line else ""
            screen.line(f"  {screen.color(f'{reason.code:19}', 'rejected')}  {document.source_key}{place}")
            for line in textwrap.wrap(reason.message, screen.width - 23):
                screen.line(f"{'':21}  {line}")


def _show_expenses(screen: Screen) -> None:
    screen.title("Expenses by date", "Athena's SQL over the CSV objects, run by DuckDB here")
    table = io.StringIO()
    call_command("expenses", stdout=table)
    for line in table.getvalue().splitlines():
        screen.line(f"  {line}")


def _show_balance(screen: Screen) -> bool:
    with held(wiring.ledger(), "reconcile", "demo", _now) as lease:
        balance = wiring.reconciler(_now).run(lease, full=True, dry_run=True)
        is_closed = balance.is_closed and not balance.repaired
        if is_closed:  # then a sweep changes nothing but what the overview knows of it
            wiring.reconciler(_now).run(lease)
    screen.title(
        "The balance", "every version has exactly one outcome, every row its object" if is_closed else ""
    )
    screen.line(
        f"  {counted(balance.versions, 'version')} uploaded = {balance.stored} stored"
        f" + {balance.superseded} superseded + {balance.rejected} rejected + {balance.pending} pending"
    )
    if balance.repaired:
        screen.line(screen.color(f"  {balance.repaired} CSV objects are missing", "failed"))
    return is_closed


def _now() -> datetime:
    return datetime.now(UTC)
