"""What is wrong with the databases that Django knows: users and sessions, and the ledger if it is in SQL."""

from collections.abc import Iterator

from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils.connection import ConnectionDoesNotExist

from invoice_parser.wording import counted


def faults() -> Iterator[tuple[str, str]]:
    """Yield what is wrong and what mends it, for each database."""
    for alias in connections:
        option = "" if alias == "default" else f" --database {alias}"
        try:
            executor = MigrationExecutor(connections[alias])
            plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except (DatabaseError, ConnectionDoesNotExist) as error:
            setting = "DOCPROC_DATABASE_URL" if alias == "default" else "DOCPROC_LEDGER"
            yield f"the database {alias!r} cannot be reached: {error}", f"check {setting}, and the way to it"
        else:
            if plan:
                yield (
                    f"the database {alias!r} lacks {counted(len(plan), 'migration')}",
                    f"manage.py migrate{option}",
                )
