"""See and deal with the documents that did not become a row."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api import wiring
from api.acts import ActRefused
from api.management.operator import ActCommand, operator, parse_document, whole
from invoice_parser.wording import printable, printable_lines


class Command(BaseCommand):
    """`manage.py rejections list|show|accept|close|reprocess`."""

    help = "List, show, accept, close or reprocess rejections."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one parser an action."""
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="the open ones, newest first")
        listing.add_argument("--all", action="store_true", help="closed ones too")
        listing.add_argument("--limit", type=whole(1, 1_000), default=100, help="at most so many")
        show = actions.add_parser("show", help="one, with its text")
        show.add_argument("document", type=parse_document, metavar="KEY@VERSION")
        for name, help_text in (
            ("accept", "let a conflicting document, or one for a withdrawn invoice, win"),
            ("close", "mark it as dealt with"),
            ("reprocess", "parse its kept text with today's parser"),
        ):
            act = actions.add_parser(name, help=help_text)
            act.add_argument("document", type=parse_document, metavar="KEY@VERSION")
            ActCommand.add_arguments(self, act)  # type: ignore[arg-type] # it only adds to the parser

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Do what the action says."""
        action = options["action"]
        if action == "list":
            self._list(open_only=not options["all"], limit=options["limit"])
        elif action == "show":
            self._show(*options["document"])
        else:
            self._act(action, options)

    def _list(self, *, open_only: bool, limit: int) -> None:
        page = wiring.ledger().rejections(open_only=open_only, limit=limit, token=None)
        for document in page.documents:
            reason = document.reason
            where = f"line {reason.line}: " if reason and reason.line else ""
            self.stdout.write(
                f"{document.recorded_at:%Y-%m-%d %H:%M:%S}Z  {'open  ' if document.is_open else 'closed'}  "
                + printable(
                    f"{document.source_key}@{document.version_id}  "
                    + (f"{reason.code}: {where}{reason.message}" if reason else "")
                )
            )
        if page.next_token:
            self.stdout.write(f"… more than {limit}; raise --limit to see them")
        elif not page.documents:
            self.stdout.write("no rejections")

    def _show(self, source_key: str, version_id: str) -> None:
        document = wiring.ledger().document(source_key, version_id)
        named = printable(f"{source_key}@{version_id}")
        if document is None or document.outcome != "rejected":
            raise CommandError(f"there is no rejection of {named}")
        reason = document.reason
        self.stdout.write(f"document    {named}")
        if reason:
            self.stdout.write(printable(f"reason      {reason.code}: {reason.message}"))
        if reason and reason.line:
            self.stdout.write(f"place       line {reason.line}, column {reason.column}")
        self.stdout.write(
            f"recorded    {document.recorded_at:%Y-%m-%d %H:%M:%S}Z, attempts {document.attempts}"
        )
        ids = f"{document.customer_id or '-'} {document.invoice_id or '-'}"
        self.stdout.write(printable(f"invoice     {ids}"))
        for act in document.acts:
            by = f"{act.at:%Y-%m-%d %H:%M:%S}Z {act.kind} by {act.who}: {act.why}"
            self.stdout.write(printable(f"act         {by}"))
        self.stdout.write("")
        text = (document.data or b"(the text is not kept)").decode("utf-8", "replace")
        self.stdout.write(printable_lines(text))

    def _act(self, action: str, options: dict[str, Any]) -> None:
        source_key, version_id = options["document"]
        acts, named = wiring.acts(), printable(f"{source_key}@{version_id}")
        who = operator(options)
        try:
            if action == "accept":
                revision = acts.accept(source_key, version_id, who)
                invoice = printable(f"{revision.customer_id} {revision.invoice_id}")
                self.stdout.write(f"accepted: {invoice} is now revision {revision.rev}")
            elif action == "close":
                acts.close(source_key, version_id, who)
                self.stdout.write(f"closed: {named}")
            else:
                document = acts.reprocess_rejection(source_key, version_id, who)
                code = f" ({document.reason.code})" if document.reason else ""
                self.stdout.write(f"{document.outcome}: {named}{code}")
        except ActRefused as error:
            raise CommandError(printable(str(error))) from error
