"""DynamoDB items: every value comes back, and no two keys collide."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.records import Act, Document, Reason, Revision
from api.stores.dynamodb_items import (
    current_key,
    document_item,
    document_of,
    invoice_id_of,
    is_replaced,
    replaced_key,
    revision_item,
    revision_of,
)
from api.stores.dynamodb_values import time_text
from tests.support.records import AT, document, rejection, revision

texts = st.text(st.characters(codec="utf-8"), max_size=20)
times = st.datetimes(timezones=st.just(UTC))
# Ids that look like the keys of replaced revisions, and like those made of them.
ids = st.one_of(texts, st.from_regex(r"A?(#r[0-9]{5,7}#?){0,3}#{0,2}", fullmatch=True))
data = st.one_of(st.binary(max_size=50), texts.map(str.encode), texts.map(lambda text: text.encode("utf-16")))
acts = st.builds(Act, kind=st.sampled_from(["accept", "erase"]), who=texts, why=texts, at=times)
reasons = st.builds(Reason, code=texts, message=texts, line=st.integers(0), column=st.integers(0))


@given(
    st.builds(
        Document,
        source_key=texts,
        version_id=texts,
        outcome=st.sampled_from(["stored", "superseded"]),
        recorded_at=times,
        reason=st.none() | reasons,
        customer_id=texts,
        invoice_id=texts,
        rev=st.integers(0, 10**9),
        etag=texts,
        size_bytes=st.integers(0, 10**12),
        sha256=texts,
        sequencer=texts,
        last_modified_at=st.none() | times,
        message_id=texts,
        attempts=st.integers(1, 10**6),
        data=st.none() | data,
        acts=st.lists(acts, max_size=3).map(tuple),
    ),
    st.booleans(),
)
def test_a_document_comes_back(document: Document, is_rejected: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
    if is_rejected:
        document = replace(document, outcome="rejected", is_open=len(document.acts) == 0)

    assert document_of(document_item(document)) == document


@given(
    st.builds(
        Revision,
        customer_id=texts,
        invoice_id=ids,
        rev=st.integers(1, 10**9),
        status=st.sampled_from(["active", "withdrawn"]),
        stored_at=times,
        row=data,
        csv_key=texts,
        data=st.none() | data,
        sha256=texts,
        source_key=texts,
        version_id=texts,
        sequencer=texts,
        last_modified_at=st.none() | times,
        act=st.none() | acts,
    ),
    st.booleans(),
)
def test_a_revision_comes_back(revision: Revision, is_current: bool) -> None:  # noqa: FBT001 - the same
    item = revision_item(revision, is_current=is_current)

    assert revision_of(item) == revision
    assert is_replaced(item) is not is_current


@given(ids, ids, st.integers(1, 2 * 10**6), st.integers(1, 2 * 10**6))
def test_no_two_revisions_share_a_key(one: str, other: str, rev: int, other_rev: int) -> None:
    keys = {
        ("current", one): current_key("C", one),
        ("current", other): current_key("C", other),
        (one, rev): replaced_key("C", one, rev),
        (other, other_rev): replaced_key("C", other, other_rev),
    }

    assert len({key["invoice_id"]["S"] for key in keys.values()}) == len(keys)
    assert {invoice_id_of(key) for key in keys.values()} == {one, other}


class TestKeys:
    @pytest.mark.parametrize(
        ("invoice_id", "key"),
        [
            ("INV-1", "INV-1"),
            ("INV-1#", "INV-1#"),
            ("INV-1#r00001", "INV-1#r00001"),
            ("INV-1#r000001", "INV-1#r000001#"),
            ("INV-1#r000001#", "INV-1#r000001##"),
            ("INV-1#r000001x", "INV-1#r000001x"),
            ("INV-1#r\u0660\u0660\u0660\u0660\u0660\u0661", "INV-1#r\u0660\u0660\u0660\u0660\u0660\u0661"),
        ],
    )
    def test_of_a_current_revision_is_never_one_of_a_replaced(self, invoice_id: str, key: str) -> None:
        assert current_key("ACME", invoice_id) == {"customer_id": {"S": "ACME"}, "invoice_id": {"S": key}}

    def test_of_a_replaced_revision_ends_in_its_number(self) -> None:
        assert replaced_key("ACME", "INV-1", 12)["invoice_id"] == {"S": "INV-1#r000012"}


class TestData:
    @pytest.mark.parametrize(
        ("data", "value", "encoding"),
        [
            (b"", {"S": ""}, None),
            (b"Inv-ID: 1\r\n", {"S": "Inv-ID: 1\r\n"}, None),
            ("€".encode(), {"S": "€"}, None),
            (b"\xef\xbb\xbfA", {"S": "\ufeffA"}, None),
            (b"M\xfcller", {"S": "Müller"}, "cp1252"),
            (b"\xff\xfeA\0", {"S": "\ufeffA"}, "utf-16-le"),
            (b"\xfe\xff\0A", {"S": "\ufeffA"}, "utf-16-be"),
            (b"\xff\xfeA", {"S": "ÿþA"}, "cp1252"),
            (b"a\0b", {"B": b"a\0b"}, None),
            (b"\x81\xff", {"B": b"\x81\xff"}, None),
            (b"\xe4" * 4_096, {"S": "ä" * 4_096}, "cp1252"),
            (b"\xe4" * 4_097, {"B": b"\xe4" * 4_097}, None),
        ],
    )
    def test_is_readable_where_it_can_be(self, data: bytes, value: Any, encoding: str | None) -> None:
        item = document_item(rejection(data=data))

        assert item["data"] == value
        assert item.get("encoding") == ({"S": encoding} if encoding else None)

    def test_is_no_attribute_of_a_stored_document(self) -> None:
        item = document_item(document())

        assert not {"data", "encoding", "reason", "acts", "unstored_shard"} & set(item)


class TestShards:
    @pytest.mark.parametrize(
        ("changes", "group"),
        [
            ({"is_open": True}, "open"),
            ({"is_open": False}, "closed"),
            ({"is_open": False, "outcome": "superseded"}, "superseded"),
        ],
    )
    def test_group_what_has_no_row(self, changes: dict[str, Any], group: str) -> None:
        shards = {
            document_item(rejection(source_key=str(n), **changes))["unstored_shard"]["S"] for n in range(99)
        }

        assert shards == {f"{group}#0", f"{group}#1", f"{group}#2", f"{group}#3"}

    def test_split_an_hour(self) -> None:
        documents = {document_item(document(source_key=str(n)))["hour_shard"]["S"] for n in range(99)}
        revisions = {revision_item(revision(invoice_id=str(n)))["hour_shard"]["S"] for n in range(99)}

        assert documents == revisions == {f"2026-01-27T10#{shard}" for shard in range(4)}

    def test_are_of_the_hour_in_utc(self) -> None:
        at = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))

        assert document_item(document(recorded_at=at)) == document_item(document())


class TestTime:
    def test_sorts_as_text(self) -> None:
        times = [
            AT.replace(microsecond=0),
            AT,
            AT + timedelta(microseconds=1),
            datetime(2030, 1, 1, tzinfo=UTC),
        ]

        assert [time_text(at) for at in times] == [
            "2026-01-27T10:11:12.000000Z",
            "2026-01-27T10:11:12.345678Z",
            "2026-01-27T10:11:12.345679Z",
            "2030-01-01T00:00:00.000000Z",
        ]

    def test_without_zone_is_refused(self) -> None:
        with pytest.raises(ValueError, match="zone"):
            time_text(AT.replace(tzinfo=None))
