"""The operators' commands with everything behind them as in production, on moto."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from moto import mock_aws
from pytest_django import Settings

from api import wiring
from api.buckets import DestinationBucket
from api.maintenance.lease import held
from api.ports import TemporaryFailure
from api.s3_event import ObjectRef
from api.stores.dynamodb_schema import table_definitions
from invoice_parser import parse
from tests.support.invoices import invoice_text

SOURCE, DESTINATION = "docproc-source", "docproc-destination"
pytestmark = pytest.mark.usefixtures("s3")
WHY = ("--who", "anna", "--why", "the customer called")


@pytest.fixture
def s3(settings: Settings, tmp_path: Path) -> Iterator[Any]:
    """The account: both buckets, both tables, the dead-letter queue."""
    settings.DOCPROC_DUCKDB_PATH = tmp_path / "reports.duckdb"
    parts = [part for part in vars(wiring).values() if hasattr(part, "cache_clear")]
    for part in parts:
        part.cache_clear()
    with mock_aws():
        client = boto3.client("s3")
        for bucket in (SOURCE, DESTINATION):
            client.create_bucket(Bucket=bucket)
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for definition in table_definitions("docproc-document", "docproc-invoice"):
            boto3.client("dynamodb").create_table(**definition)
        settings.DOCPROC_DEAD_LETTER_QUEUE_URL = boto3.client("sqs").create_queue(QueueName="dlq")["QueueUrl"]
        yield client
    for part in parts:
        part.cache_clear()


def run(*arguments: str) -> str:
    """Run a command and return what it prints."""
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def upload(s3: Any, key: str, data: bytes) -> str:
    """Upload, let reconcile find it, and return KEY@VERSION."""
    version_id = s3.put_object(Bucket=SOURCE, Key=key, Body=data)["VersionId"]
    run("reconcile")
    return f"{key}@{version_id}"


def deliver(s3: Any, key: str, data: bytes) -> str:
    """Upload, as an event tells of it, and return KEY@VERSION; moto cannot list every key."""
    version_id = s3.put_object(Bucket=SOURCE, Key=key, Body=data)["VersionId"]
    ref = ObjectRef(bucket=SOURCE, key=key, version_id=version_id)
    wiring.pipeline().ingest(ref, message_id="m-1", now=datetime.now(UTC))
    return f"{key}@{version_id}"


class TestOperator:
    @pytest.fixture(autouse=True)
    def nameless(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Run as an account without a name, as a container's often is."""

        def fail() -> str:
            raise KeyError("getpwuid(): uid not found: 1234")

        monkeypatch.setattr("getpass.getuser", fail)

    def test_needs_no_account_of_that_name(self, s3: Any) -> None:
        upload(s3, "a.txt", invoice_text())

        assert run("withdraw", "C-1", "INV-1", *WHY) == "withdrawn: C-1 INV-1, now revision 2\n"

    @pytest.mark.parametrize(
        "command",
        [
            ("withdraw", "C-1", "INV-1"),
            ("rejections", "close", "a.txt@v1"),
            ("reprocess",),
            ("erase", "C-1", "--yes"),
        ],
    )
    def test_is_asked_for_where_the_account_has_no_name(self, command: tuple[str, ...]) -> None:
        with pytest.raises(CommandError, match="has no name: say who acts with --who NAME"):
            run(*command, "--why", "the customer called")

    @pytest.mark.parametrize("command", [("withdraw", "C-1", "INV-1"), ("reprocess",)])
    def test_gives_a_reason_of_a_length_that_is_kept(self, command: tuple[str, ...]) -> None:
        with pytest.raises(CommandError, match="the reason has over 1000 characters"):
            run(*command, "--who", "anna", "--why", "x" * 1_001)


class TestWithdraw:
    def test_takes_an_invoice_out_and_restore_brings_it_back(self, s3: Any) -> None:
        upload(s3, "a.txt", invoice_text())

        withdrawn = run("withdraw", "C-1", "INV-1", *WHY)
        without = run("expenses")
        restored = run("restore", "C-1", "INV-1", *WHY)

        assert withdrawn == "withdrawn: C-1 INV-1, now revision 2\n"
        assert "(0 rows)" in without
        assert restored == "restored: C-1 INV-1, now revision 3\n"
        assert "2026-11-02" in run("expenses")

    def test_acts_only_on_the_revision_that_was_seen(self, s3: Any) -> None:
        upload(s3, "a.txt", invoice_text())
        upload(s3, "a.txt", invoice_text(amount="900.00"))

        seen = "somebody else changed this meanwhile: the current revision is 2; look at it again"
        with pytest.raises(CommandError, match=seen):
            run("withdraw", "C-1", "INV-1", "--rev", "1", *WHY)
        withdrawn = run("withdraw", "C-1", "INV-1", "--rev", "2", *WHY)
        with pytest.raises(CommandError, match="somebody else changed this meanwhile"):
            run("restore", "C-1", "INV-1", "--rev", "2", *WHY)

        assert withdrawn == "withdrawn: C-1 INV-1, now revision 3\n"
        with pytest.raises(CommandError, match="write a whole number from 1 to 999999"):
            run("withdraw", "C-1", "INV-1", "--rev", "0", *WHY)

    def test_says_why_it_cannot(self) -> None:
        with pytest.raises(CommandError, match="there is no invoice INV-9 of C-1"):
            run("withdraw", "C-1", "INV-9", *WHY)
        with pytest.raises(CommandError, match="--why"):
            run("withdraw", "C-1", "INV-1")


class TestHistory:
    def test_shows_each_revision_with_its_act(self, s3: Any) -> None:
        upload(s3, "a.txt", invoice_text())
        run("withdraw", "C-1", "INV-1", *WHY)

        newest, oldest = run("history", "C-1", "INV-1").splitlines()

        assert newest.startswith("r000002")
        assert "withdrawn" in newest
        assert newest.endswith("withdraw by anna: the customer called")
        assert oldest.startswith("r000001")
        assert oldest.endswith("delivered")

    def test_hands_a_terminal_no_commands(self, s3: Any) -> None:
        deliver(s3, "a\x1b[31m.txt", invoice_text())

        assert "a<U+001B>[31m.txt@" in run("history", "C-1", "INV-1")

    def test_says_that_there_is_no_such_invoice(self) -> None:
        with pytest.raises(CommandError, match="there is no invoice INV-1 of C-1"):
            run("history", "C-1", "INV-1")


class TestRejections:
    def test_are_listed_shown_and_closed(self, s3: Any) -> None:
        document = upload(s3, "a.txt", invoice_text().replace(b"Total: 100.00", b"Total: 1.0.0"))

        listed, shown = run("rejections", "list"), run("rejections", "show", document)
        closed = run("rejections", "close", document, *WHY)

        assert f"{document}  bad-amount: line 7: " in listed
        assert "reason      bad-amount" in shown
        assert "Total: 1.0.0" in shown
        assert closed == f"closed: {document}\n"
        assert run("rejections", "list") == "no rejections\n"
        assert "closed  " in run("rejections", "list", "--all")

    def test_hand_a_terminal_no_commands(self, s3: Any) -> None:
        text = invoice_text().replace(b"Total: 100.00", b"Total: 1\x1b[2J\xe2\x80\xae0.0")
        document = deliver(s3, "a\x1b[31m\u202etxt.txt", text)

        listed, shown = run("rejections", "list"), run("rejections", "show", document)
        closed = run("rejections", "close", document, *WHY)
        with pytest.raises(CommandError) as refused:
            run("rejections", "close", document + "\r", *WHY)

        assert "a<U+001B>[31m<U+202E>txt.txt@" in listed
        assert "a<U+001B>[31m<U+202E>txt.txt@" in shown
        assert "Total: 1<U+001B>[2J<U+202E>0.0\n" in shown
        assert "closed: a<U+001B>[31m<U+202E>txt.txt@" in closed
        printed = listed + shown + closed + str(refused.value)
        assert not {"\x1b", "\u202e", "\r"} & set(printed)

    @pytest.mark.parametrize("limit", ["-3", "0", "1001", "ten"])
    def test_are_listed_up_to_a_limit_that_makes_sense(self, limit: str) -> None:
        with pytest.raises(CommandError, match="write a whole number from 1 to 1000"):
            run("rejections", "list", "--limit", limit)

    def test_are_accepted_when_they_conflict(self, s3: Any) -> None:
        upload(s3, "a.txt", invoice_text())
        document = upload(s3, "b.txt", invoice_text(amount="900.00"))

        accepted = run("rejections", "accept", document, *WHY)

        assert accepted == "accepted: C-1 INV-1 is now revision 2\n"
        assert "900.00" in run("expenses")

    def test_are_reprocessed(self, s3: Any) -> None:
        document = upload(s3, "a.txt", b"no invoice")

        again = run("rejections", "reprocess", document, *WHY)

        assert again.startswith(f"rejected: {document} (")
        with pytest.raises(CommandError, match="there is no rejection"):
            run("rejections", "close", "b.txt@v1", *WHY)
        with pytest.raises(CommandError, match="names no document"):
            run("rejections", "close", "b.txt", *WHY)


class TestReconcile:
    def test_prints_the_balance(self, s3: Any) -> None:
        s3.put_object(Bucket=SOURCE, Key="a.txt", Body=invoice_text())
        s3.put_object(Bucket=SOURCE, Key="b.txt", Body=b"no invoice")

        out = run("reconcile")

        assert out.startswith(
            "2 versions = 0 from earlier sweeps + 1 stored + 0 superseded + 1 rejected + 0 pending"
        )

    def test_finds_what_was_uploaded_before_versioning_and_overwritten_since(self, s3: Any) -> None:
        suspended, enabled = {"Status": "Suspended"}, {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration=suspended)
        first = s3.put_object(Bucket=SOURCE, Key="a.txt", Body=invoice_text(invoice_id="INV-1"))
        s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration=enabled)
        s3.put_object(Bucket=SOURCE, Key="a.txt", Body=invoice_text(invoice_id="INV-2"))
        # The event of such an upload has no version.
        ref = ObjectRef(bucket=SOURCE, key="a.txt", etag=first["ETag"].strip('"'))

        out = run("reconcile")
        late = wiring.pipeline().ingest(ref, message_id="m-1", now=datetime.now(UTC))

        assert out.startswith(
            "2 versions = 0 from earlier sweeps + 2 stored + 0 superseded + 0 rejected + 0 pending"
        )
        assert late.kind == "repeated"

    def test_fails_while_the_balance_does_not_close(self, s3: Any) -> None:
        s3.put_object(Bucket=SOURCE, Key="a.txt", Body=invoice_text())

        with pytest.raises(CommandError, match="does not close") as caught:
            run("reconcile", "--dry-run")

        assert caught.value.returncode == 1

    def test_is_not_run_twice_at_once(self) -> None:
        from api.management.operator import now  # noqa: PLC0415 - the command's own clock

        with (
            held(wiring.ledger(), "reconcile", "another", now),
            pytest.raises(CommandError, match="elsewhere"),
        ):
            run("reconcile")


class TestRedrive:
    def test_drains_the_queue(self, settings: Settings) -> None:
        boto3.client("sqs").send_message(QueueUrl=settings.DOCPROC_DEAD_LETTER_QUEUE_URL, MessageBody="hello")

        waiting, done = run("redrive", "--dry-run"), run("redrive")

        assert waiting == "about 1 message waiting\n"
        assert done.startswith("1 delivered")
        assert "message-not-json" in run("rejections", "list")


class TestImport:
    def test_takes_a_folder_and_a_bucket(self, s3: Any, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a.txt").write_bytes(invoice_text(invoice_id="INV-1"))
        s3.create_bucket(Bucket="archive")
        s3.put_object(Bucket="archive", Key="2025/b.txt", Body=invoice_text(invoice_id="INV-2"))

        folder, bucket = run("import", str(tmp_path / "in")), run("import", "s3://archive/2025/")
        again = run("import", "s3://archive/2025/")

        assert folder.startswith("1 stored")
        assert bucket.startswith("1 stored")
        assert "1 known already" in again
        assert "200.00" in run("expenses")

    def test_takes_what_was_uploaded_before_versioning_and_overwritten_since(self, s3: Any) -> None:
        s3.create_bucket(Bucket="archive")
        s3.put_object(Bucket="archive", Key="a.txt", Body=invoice_text(invoice_id="INV-1"))
        s3.put_object(Bucket="archive", Key="b.txt", Body=b"no invoice")
        s3.put_bucket_versioning(Bucket="archive", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="archive", Key="a.txt", Body=invoice_text(invoice_id="INV-2"))
        s3.put_object(Bucket="archive", Key="b.txt", Body=invoice_text(invoice_id="INV-3"))

        out = run("import", "s3://archive/")
        again = run("import", "s3://archive/")

        copies = s3.list_objects_v2(Bucket=DESTINATION, Prefix="rejected/")["Contents"]
        assert out.startswith("3 stored, 0 superseded, 1 rejected")
        assert "4 known already" in again
        assert [s3.get_object(Bucket=DESTINATION, Key=each["Key"])["Body"].read() for each in copies] == [
            b"no invoice"
        ]

    @pytest.mark.parametrize("more", [(), ("--dry-run",)])
    def test_says_that_there_is_nothing_or_no_such_bucket(self, s3: Any, more: tuple[str, ...]) -> None:
        s3.create_bucket(Bucket="archive")

        if not more:
            with pytest.raises(CommandError, match="there is nothing in s3://archive/2052/") as caught:
                run("import", "s3://archive/2052/")
            assert caught.value.returncode == 1
        with pytest.raises(CommandError, match="there is no bucket archiev"):
            run("import", "s3://archiev/2025/", *more)

    def test_says_that_there_is_no_such_folder(self) -> None:
        with pytest.raises(CommandError, match="/nowhere is no folder"):
            run("import", "/nowhere")


class TestReprocess:
    def test_changes_nothing_that_reads_the_same(self, s3: Any) -> None:
        upload(s3, "a.txt", invoice_text())
        upload(s3, "b.txt", b"no invoice")

        assert run("reprocess", "--dry-run", *WHY) == "1 text\n"
        assert run("reprocess", *WHY).startswith("0 changed, 1 unchanged")
        assert run("reprocess", "--rejections", *WHY).startswith("0 changed, 1 unchanged")

    @pytest.mark.parametrize(
        ("ids", "said"),
        [
            (("C-1", "INV-9"), "there is no invoice INV-9 of C-1"),
            (("C-9",), "there is no invoice of C-9"),
            (("C-9", "INV-1"), "there is no invoice INV-1 of C-9"),
        ],
    )
    def test_names_what_is_not_there(self, s3: Any, ids: tuple[str, ...], said: str) -> None:
        upload(s3, "a.txt", invoice_text())

        for more in ((), ("--dry-run",)):
            with pytest.raises(CommandError, match=said) as caught:
                run("reprocess", *ids, *more, *WHY)
            assert caught.value.returncode == 1

    @pytest.mark.parametrize(
        ("selectors", "said"),
        [
            (("--code", "bad-amount"), "write `reprocess --rejections --code bad-amount --why …`"),
            (("C-1", "--code", "bad-amount"), "write `reprocess --rejections --code bad-amount --why …`"),
            (("--rejections", "C-1"), "--rejections takes no customer, and C-1 would be ignored"),
            (("--rejections", "C-1", "--dry-run"), "write `reprocess C-1 --why …`"),
            (("",), "CUSTOMER, INVOICE or --code is empty"),
            (("C-1", ""), "CUSTOMER, INVOICE or --code is empty"),
            (("--rejections", "--code", ""), "CUSTOMER, INVOICE or --code is empty"),
        ],
    )
    def test_refuses_what_it_would_ignore(self, selectors: tuple[str, ...], said: str) -> None:
        with pytest.raises(CommandError, match=re.escape(said)) as caught:
            run("reprocess", *selectors, *WHY)

        assert caught.value.returncode == 2

    def test_names_what_was_refused_and_why(self, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        upload(s3, "a.txt", invoice_text())
        monkeypatch.setattr("api.pipeline.parse", lambda *_, **__: parse(invoice_text(invoice_id="INV-2")))
        out, err = io.StringIO(), io.StringIO()

        call_command("reprocess", *WHY, stdout=out, stderr=err)

        assert err.getvalue() == "invoice C-1 INV-1: refused: today's parser reads other ids from the text\n"
        assert out.getvalue() == "0 changed, 0 unchanged, 1 refused, 0 failed for now\n"

    def test_names_what_failed_without_the_error_s_text(
        self, s3: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        document = deliver(s3, "a\x1b.txt", b"no invoice")

        def fail(*_: object, **__: object) -> None:
            raise ValueError("a line of the invoice")

        monkeypatch.setattr("api.pipeline.parse", fail)
        out, err = io.StringIO(), io.StringIO()

        with pytest.raises(CommandError, match="some failed for now; run it again"):
            call_command("reprocess", "--rejections", *WHY, stdout=out, stderr=err)

        named = document.replace("\x1b", "<U+001B>")
        why = "ValueError, an error of docproc's; the log has where"
        assert err.getvalue() == f"rejection {named}: failed: {why}\n"


class TestErase:
    def test_leaves_nothing_of_the_customer_but_that_it_did(self, s3: Any) -> None:
        upload(s3, "a.txt", invoice_text())
        upload(s3, "b.txt", invoice_text(amount="900.00"))  # a conflict, copied to rejected/
        upload(s3, "c.txt", invoice_text(customer_id="C-2"))
        run("compact")

        out = run("erase", "C-1", "--yes", *WHY)
        run("compact")

        keys = [each["Key"] for each in s3.list_object_versions(Bucket=DESTINATION)["Versions"]]
        assert "2 records" in out
        assert [key.rpartition("/")[2] for key in keys] == ["C-2_INV-1-r000001.csv"]
        assert re.search(r"2026-11-02 +1 +100\.00", run("expenses"))
        assert "erase by anna" in run("history", "C-1", "INV-1")
        with pytest.raises(CommandError, match="was erased"):
            run("restore", "C-1", "INV-1", *WHY)

    def test_says_that_it_knows_nothing_of_the_customer(self) -> None:
        with pytest.raises(CommandError, match="nothing is known of C-9"):
            run("erase", "C-9", "--yes", *WHY)

    def test_erases_a_rejection_that_could_not_be_read(self, s3: Any) -> None:
        document = upload(s3, "b.txt", b"no invoice")

        out = run("erase", "--document", document, "--yes", *WHY)

        assert out == f"erased: {document}\n"
        assert "the text is not kept" in run("rejections", "show", document)
        assert "Versions" not in s3.list_object_versions(Bucket=DESTINATION)

    @pytest.mark.parametrize("named", [(), ("C-1", "--document", "b.txt@v1")], ids=["nothing", "both"])
    def test_wants_to_know_what(self, named: tuple[str, ...]) -> None:
        with pytest.raises(CommandError, match="name a customer, or one rejection"):
            run("erase", *named, "--yes", *WHY)

    def test_names_the_policy_when_the_role_may_not(self, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        upload(s3, "a.txt", invoice_text())

        def refuse(*_: object) -> None:
            raise TemporaryFailure("s3", "DeleteObject", "AccessDenied", "the role may not do this")

        monkeypatch.setattr(DestinationBucket, "remove", refuse)

        with pytest.raises(CommandError, match="EraserPolicyArn"):
            run("erase", "C-1", "--yes", *WHY)


class TestExpire:
    def test_keeps_texts_for_ever_unless_told(self, settings: Settings) -> None:
        assert "kept for ever" in run("expire")
        settings.DOCPROC_KEEP_TEXTS_DAYS = 36_500
        assert run("expire") == "dropped 0 texts older than 36500 days\n"
