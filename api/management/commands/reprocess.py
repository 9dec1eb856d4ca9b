"""Parse kept texts again."""

from dataclasses import replace
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from api import wiring
from api.maintenance.lease import LeaseTaken, held
from api.management.operator import ActCommand, Progress, holder, now
from invoice_parser.wording import counted, printable

USAGE: Final = 2  # argparse's own exit status


class Command(ActCommand):
    """`manage.py reprocess [CUSTOMER [INVOICE]] [--rejections [--code CODE]] --why …`."""

    help = "Parse kept texts with today's parser; what reads otherwise becomes a new revision."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what to reprocess."""
        parser.add_argument("customer_id", nargs="?", help="one customer's invoices (default: all)")
        parser.add_argument("invoice_id", nargs="?", help="one invoice")
        parser.add_argument("--rejections", action="store_true", help="the open rejections instead")
        parser.add_argument("--code", help="only rejections with this reason")
        parser.add_argument("--dry-run", action="store_true", help="count the texts, change nothing")
        super().add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Reprocess them once."""
        _refuse_ignored(options)
        operator = self.operator(options)  # before the first text: it may be refused
        work = wiring.reprocessing(lambda: replace(operator, at=now()))
        if options["rejections"]:
            texts: Any = work.rejections(options["code"])
        else:
            texts = work.invoices(options["customer_id"], options["invoice_id"])
        is_named = bool(options["customer_id"]) and not options["rejections"]
        if options["dry_run"]:
            count = sum(1 for _ in texts)
            if not count and is_named:
                raise CommandError(_nothing(options), returncode=1)
            self.stdout.write(counted(count, "text"))
            return
        progress = Progress(self)

        def tell(line: str) -> None:
            progress.end()
            self.stderr.write(printable(line))

        try:
            with held(wiring.ledger(), "reprocess", holder(), now) as lease:
                done = work.run(texts, lease, progress, tell)
        except LeaseTaken as error:
            raise CommandError(str(error)) from error
        finally:
            progress.end()
        if not done.any and is_named:
            raise CommandError(_nothing(options), returncode=1)
        self.stdout.write(str(done))
        if done.failed:
            raise CommandError("some failed for now; run it again", returncode=1)


def _refuse_ignored(options: dict[str, Any]) -> None:
    """Raise CommandError for a selector that would be ignored, and so more be reprocessed than was named."""
    code, customer_id = options["code"], options["customer_id"]
    if code is not None and not options["rejections"]:
        raise CommandError(
            printable(
                f"--code chooses among rejections: write `reprocess --rejections --code {code} --why …`;"
                " invoices have no such code, so leave it out for them"
            ),
            returncode=USAGE,
        )
    if customer_id is not None and options["rejections"]:
        raise CommandError(
            printable(
                f"--rejections takes no customer, and {customer_id} would be ignored: write"
                f" `reprocess {customer_id} --why …` for the customer's invoices,"
                " `reprocess --rejections [--code CODE] --why …` for all open rejections,"
                " or `rejections reprocess KEY@VERSION --why …` for one"
            ),
            returncode=USAGE,
        )
    if "" in (code, customer_id, options["invoice_id"]):
        raise CommandError(
            "CUSTOMER, INVOICE or --code is empty (a variable that is not set?): write it, or leave it out",
            returncode=USAGE,
        )


def _nothing(options: dict[str, Any]) -> str:
    invoice = f"invoice {options['invoice_id']}" if options["invoice_id"] else "invoice"
    return printable(f"there is no {invoice} of {options['customer_id']}")
