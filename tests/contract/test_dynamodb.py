"""What only the DynamoDB ledger can show: its calls, its faults, its pages, its size."""

import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from api.aws import Clients
from api.decision import MAX_ITEM_BYTES
from api.ports import TemporaryFailure
from api.records import Change, Seen
from api.stores.dynamodb import DynamoLedger
from api.stores.dynamodb_items import SHARDS
from api.stores.dynamodb_schema import table_definitions
from tests.support.dynamodb import TABLES, dynamodb
from tests.support.records import AT, act, document, rejection, revision

NEW = Change(document=document(), revision=revision(), seen=Seen())


def fault(status: int, code: str, **more: object) -> tuple[int, dict[str, Any]]:
    """Return an error as DynamoDB words it."""
    return status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "made by a test", **more}


def cancelled(*codes: str) -> tuple[int, dict[str, Any]]:
    """Return the cancellation of a transaction."""
    reasons = [{"Code": code} for code in codes]
    return fault(400, "TransactionCanceledException", CancellationReasons=reasons)


class Wire:
    """Sees every request, and answers some in DynamoDB's place."""

    client: Any
    ledger: DynamoLedger

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, Any]] | None] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.waits: list[float] = []
        self.before: Callable[[str], None] = lambda _: None

    def __call__(self, request: Any) -> tuple[int, dict[str, str], str] | None:
        operation = request.headers["X-Amz-Target"].decode().split(".")[1]
        self.sent.append((operation, json.loads(request.body)))
        self.before(operation)
        answer = self.answers.pop(0) if self.answers else None
        return (answer[0], {}, json.dumps(answer[1])) if answer else None

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.sent]


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    with dynamodb(wire) as client:
        wire.client = client
        wire.ledger = DynamoLedger(
            client=client, document_table=TABLES[0], invoice_table=TABLES[1], sleep=wire.waits.append
        )
        wire.sent.clear()
        yield wire


class TestCalls:
    def test_are_one_for_a_new_invoice(self, wire: Wire) -> None:
        wire.ledger.commit(NEW)

        assert wire.operations == ["TransactWriteItems"]

    def test_are_one_for_a_known_document(self, wire: Wire) -> None:
        wire.ledger.commit(NEW)
        wire.sent.clear()

        wire.ledger.commit(NEW)

        assert wire.operations == ["TransactWriteItems"]

    def test_carry_a_token_that_makes_botocores_own_retry_safe(self, wire: Wire) -> None:
        wire.answers = [fault(500, "InternalServerError")]

        wire.ledger.commit(NEW)

        first, second = (body["ClientRequestToken"] for _, body in wire.sent)
        assert first == second

    def test_read_consistently_what_decisions_rest_on(self, wire: Wire) -> None:
        wire.ledger.commit(NEW)
        wire.sent.clear()

        wire.ledger.document("in/a.txt", "v1")
        wire.ledger.documents([("in/a.txt", "v1")])
        wire.ledger.revision("ACME", "INV-1")
        wire.ledger.revision("ACME", "INV-1", 7)
        wire.ledger.history("ACME", "INV-1")
        list(wire.ledger.current_revisions(customer_id="ACME"))
        wire.ledger.checkpoint("reconcile")

        reads = [body["RequestItems"][TABLES[0]] if "RequestItems" in body else body for _, body in wire.sent]
        assert [body["ConsistentRead"] for body in reads] == [True] * 9


class TestConflict:
    def test_is_tried_again_after_a_wait(self, wire: Wire) -> None:
        wire.answers = [cancelled("TransactionConflict", "None"), cancelled("None", "ThrottlingError")]

        assert wire.ledger.commit(NEW) is None

        assert wire.ledger.document("in/a.txt", "v1") == document()
        assert len(wire.waits) == 2
        assert 0 <= wire.waits[0] <= 0.06
        assert 0 <= wire.waits[1] <= 0.12

    @pytest.mark.parametrize(
        "code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]
    )
    def test_is_temporary_when_it_does_not_end(self, wire: Wire, code: str) -> None:
        wire.answers = [cancelled("None", code)] * 5

        with pytest.raises(TemporaryFailure) as raised:
            wire.ledger.commit(NEW)

        assert (raised.value.service, raised.value.operation) == ("dynamodb", "TransactWriteItems")
        assert (raised.value.code, raised.value.mend) == (code, "")
        assert wire.operations == ["TransactWriteItems"] * 5
        assert wire.ledger.document("in/a.txt", "v1") is None

    def test_beside_a_failed_condition_is_no_reason_to_wait(self, wire: Wire) -> None:
        wire.answers = [cancelled("ConditionalCheckFailed", "TransactionConflict")]

        answer = wire.ledger.commit(NEW)

        assert answer == Seen(document=None, invoice=None)
        assert wire.waits == []

    def test_is_not_what_a_fault_of_ours_is_taken_for(self, wire: Wire) -> None:
        wire.answers = [cancelled("None", "ValidationError")]

        with pytest.raises(ClientError, match="TransactionCanceledException"):
            wire.ledger.commit(NEW)


class TestFault:
    @pytest.mark.parametrize(
        ("status", "code", "mend"),
        [
            (400, "ProvisionedThroughputExceededException", ""),
            (400, "ThrottlingException", ""),
            (400, "RequestLimitExceeded", ""),
            (400, "TransactionInProgressException", ""),
            (500, "InternalServerError", ""),
            (503, "ServiceUnavailable", ""),
            (400, "AccessDeniedException", "the role may not do this"),
            (400, "ResourceNotFoundException", "DOCPROC_DOCUMENT_TABLE"),
            (400, "UnrecognizedClientException", "the credentials"),
            (400, "ExpiredTokenException", "the credentials"),
        ],
    )
    def test_is_temporary_and_names_its_mend(self, wire: Wire, status: int, code: str, mend: str) -> None:
        wire.answers = [fault(status, code)] * 2

        with pytest.raises(TemporaryFailure) as raised:
            wire.ledger.commit(NEW)

        assert raised.value.code == code
        assert raised.value.mend.startswith(mend) or mend in raised.value.mend
        assert bool(raised.value.mend) == bool(mend)

    def test_is_temporary_for_every_method(self, wire: Wire) -> None:
        ledger = wire.ledger
        methods: list[Callable[[], object]] = [
            lambda: ledger.document("k", "v"),
            lambda: ledger.documents([("k", "v")]),
            lambda: ledger.revision("c", "i"),
            lambda: ledger.history("c", "i"),
            lambda: list(ledger.current_revisions()),
            lambda: list(ledger.revisions_stored(AT)),
            lambda: ledger.rejections(limit=1, token=None),
            lambda: ledger.open_rejection_count(1),
            lambda: ledger.recent_documents(now=AT, limit=1, token=None),
            lambda: ledger.acquire_lease("n", "h", now=AT, seconds=1),
            lambda: ledger.release_lease("n", "h"),
            lambda: ledger.checkpoint("n"),
            lambda: ledger.save_checkpoint("n", "v"),
            lambda: list(ledger.erase("c", None, act("erase"))),
            lambda: ledger.expire_texts(since=AT, before=AT.replace(hour=23)),
            ledger.nothing_before,
            ledger.ready,
        ]

        for method in methods:
            wire.answers = [fault(400, "AccessDeniedException")]
            with pytest.raises(TemporaryFailure):
                method()

    def test_is_temporary_when_nobody_listens(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            client = Clients(region="us-east-1", endpoint_url=url).make("dynamodb")
            ledger = DynamoLedger(client=client, document_table=TABLES[0], invoice_table=TABLES[1])

            with pytest.raises(TemporaryFailure, match="EndpointConnectionError"):
                ledger.ready()

    def test_is_temporary_when_a_table_is_missing(self, wire: Wire) -> None:
        wire.client.delete_table(TableName=TABLES[1])

        with pytest.raises(TemporaryFailure, match="the table does not exist"):
            wire.ledger.ready()

    def test_of_a_lost_answer_leaves_the_document_known(self, wire: Wire) -> None:
        # DynamoDB would know the token of the second try and say that it is done; moto keeps no
        # tokens, which is what happens in DynamoDB after ten minutes.
        def carry_out_and_lose(_: str) -> None:
            wire.before = lambda _: None
            DynamoLedger(client=wire.client, document_table=TABLES[0], invoice_table=TABLES[1]).commit(NEW)
            wire.answers = [fault(500, "InternalServerError")]

        wire.before = carry_out_and_lose

        assert wire.ledger.commit(NEW) == Seen(document=document(), invoice=revision())


class TestBatch:
    def test_asks_again_for_what_was_left_out(self, wire: Wire) -> None:
        wire.ledger.commit(NEW)
        left = {TABLES[0]: {"Keys": [{"source_key": {"S": "in/a.txt"}, "version_id": {"S": "v1"}}]}}
        wire.answers = [(200, {"Responses": {TABLES[0]: []}, "UnprocessedKeys": left})] * 2

        assert list(wire.ledger.documents([("in/a.txt", "v1")])) == [("in/a.txt", "v1")]
        assert len(wire.waits) == 2

    def test_is_temporary_when_all_is_left_out_for_ever(self, wire: Wire) -> None:
        left = {TABLES[0]: {"Keys": [{"source_key": {"S": "in/a.txt"}, "version_id": {"S": "v1"}}]}}
        wire.answers = [(200, {"Responses": {}, "UnprocessedKeys": left})] * 5

        with pytest.raises(TemporaryFailure, match="UnprocessedKeys"):
            wire.ledger.documents([("in/a.txt", "v1")])

    def test_finds_a_revision_that_was_replaced_since_the_index_was_read(self, wire: Wire) -> None:
        wire.ledger.commit(NEW)
        second = revision(rev=2, stored_at=AT.replace(hour=23))

        def replace_it(operation: str) -> None:
            if operation == "BatchGetItem":
                wire.before = lambda _: None
                wire.ledger.commit(Change(document=None, revision=second, seen=Seen(invoice=revision())))

        wire.before = replace_it

        assert list(wire.ledger.revisions_stored(AT)) == [revision()]

    def test_expires_the_text_of_one_that_was_replaced_since_the_index_was_read(self, wire: Wire) -> None:
        wire.ledger.commit(NEW)
        second = revision(rev=2, stored_at=AT.replace(hour=23))

        def replace_it(operation: str) -> None:
            if operation == "UpdateItem":
                wire.before = lambda _: None
                wire.ledger.commit(Change(document=None, revision=second, seen=Seen(invoice=revision())))

        wire.before = replace_it

        assert wire.ledger.expire_texts(since=AT, before=AT.replace(hour=11)) == 1
        assert wire.ledger.history("ACME", "INV-1") == (second, revision(data=None))

    def test_reads_the_replaced_one_that_was_current_a_moment_ago(self, wire: Wire) -> None:
        wire.ledger.commit(NEW)
        second = revision(rev=2)

        def replace_it(_: str) -> None:
            wire.before = lambda _: None
            wire.ledger.commit(Change(document=None, revision=second, seen=Seen(invoice=revision())))

        wire.before = replace_it

        assert wire.ledger.revision("ACME", "INV-1", 1) == revision()


class TestPages:
    def test_are_all_read(self, wire: Wire) -> None:
        # A page of DynamoDB's ends at 1 MB, and so does moto's.
        text = random.Random(3).randbytes(200_000)
        chain = [revision(rev=rev, data=text) for rev in range(1, 10)]
        seen = Seen()
        for each in chain:
            wire.ledger.commit(Change(document=None, revision=each, seen=seen))
            seen = Seen(invoice=each)
        wire.sent.clear()

        history = wire.ledger.history("ACME", "INV-1")
        current = list(wire.ledger.current_revisions())

        assert history == tuple(reversed(chain))
        assert current == [chain[-1]]
        assert wire.operations.count("Query") > 1
        assert wire.operations.count("Scan") > 1


def item_bytes(value: Any) -> int:
    """Return an item's size by the rules of DynamoDB's documentation.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    if "S" in value:
        return len(value["S"].encode())
    if "N" in value:
        return 21  # at the most
    if "B" in value:
        return len(value["B"])
    if "L" in value:
        return 3 + sum(1 + item_bytes(each) for each in value["L"])
    return 3 + sum(1 + len(name.encode()) + item_bytes(each) for name, each in value["M"].items())


class TestIdleDay:
    def test_is_looked_at_many_hours_at_once(self, wire: Wire) -> None:
        eight = threading.Barrier(8)
        hours_before = (1 + 2 + 4) * SHARDS

        def meet(_: str) -> None:
            if hours_before < len(wire.sent) <= hours_before + eight.parties:
                eight.wait(timeout=10)

        wire.before = meet
        page = wire.ledger.recent_documents(now=AT, limit=1, token=None)

        assert (page.documents, wire.operations) == ((), ["Query"] * 24 * SHARDS)


class TestSize:
    @pytest.mark.parametrize(
        "text",
        [b"a" * 262_144, "ä".encode() * 131_072, b"\xe4" * 262_144, bytes(range(1, 256)) * 1_028],
        ids=["ASCII", "UTF-8", "cp1252", "binary"],
    )
    def test_of_the_largest_revision_that_is_let_through_is_below_400_kb(
        self, wire: Wire, text: bytes
    ) -> None:
        longest = "n" * 1024
        largest = revision(
            customer_id="c" * 480,
            invoice_id="i" * 480,
            data=text,
            row=b"r" * (MAX_ITEM_BYTES - len(text)),
            csv_key=longest,
            source_key=longest,
            version_id=longest,
            sequencer=longest,
            act=act(why="€" * 1_000),
        )
        wire.ledger.commit(Change(document=None, revision=largest, seen=Seen()))
        key = {"customer_id": {"S": "c" * 480}, "invoice_id": {"S": "i" * 480}}

        item = wire.client.get_item(TableName=TABLES[1], Key=key)["Item"]

        assert item_bytes({"M": item}) < 400 * 1024

    def test_of_the_largest_rejection_is_below_400_kb(self, wire: Wire) -> None:
        longest = "n" * 1024
        largest = rejection(
            source_key=longest,
            version_id=longest,
            data=b"\xe4" * 262_144,
            acts=tuple(act(why="€" * 1_000) for _ in range(40)),
        )
        wire.ledger.commit(Change(document=largest, revision=None, seen=Seen()))
        key = {"source_key": {"S": longest}, "version_id": {"S": longest}}

        item = wire.client.get_item(TableName=TABLES[0], Key=key)["Item"]

        assert item_bytes({"M": item}) < 400 * 1024


class TestIndexes:
    def test_carry_neither_texts_nor_rows(self) -> None:
        facts = [
            name
            for table in table_definitions("d", "i")
            for index in table["GlobalSecondaryIndexes"]
            for name in index["Projection"]["NonKeyAttributes"]
        ]

        assert not {"data", "encoding", "row"} & set(facts)
        # DynamoDB's limits: 20 an index, 100 a table.
        assert len(facts) <= 40

    def test_have_no_open_rejection_where_nothing_is_open(self, wire: Wire) -> None:
        wire.ledger.commit(NEW)

        answer = wire.client.scan(TableName=TABLES[0], IndexName="unstored")

        assert answer["Items"] == []


class TestNothingBefore:
    def test_is_unknown_of_a_table_that_is_more_than_a_page(self, wire: Wire) -> None:
        text = random.Random(3).randbytes(200_000)
        for number in range(6):
            each = revision(invoice_id=str(number), data=text)
            wire.ledger.commit(Change(document=None, revision=each, seen=Seen()))

        assert wire.ledger.nothing_before() is None
