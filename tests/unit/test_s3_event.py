"""S3 events: the documented form, the genuine ones, and everything else."""

import json
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.s3_event import NotAnEvent, ObjectRef, S3Event, parse

# Hand-made after the documentation's example.
PART = {
    "key": "inbox/invoice.txt",
    "size": 572,
    "eTag": "2fafdc4705f330664733b544dbcabc43",
    "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
    "sequencer": "0055AED6DCD90281E5",
}
REF = ObjectRef(
    bucket="docproc-source",
    key="inbox/invoice.txt",
    version_id="096fKKXTRTtl3on89fVO.nfljtsv6qko",
    etag="2fafdc4705f330664733b544dbcabc43",
    size_bytes=572,
    sequencer="0055AED6DCD90281E5",
)


def record(name: object = "ObjectCreated:Put", version: object = "2.1", **part: object) -> dict[str, Any]:
    """Return a record; keywords replace fields of its object, ... takes one out."""
    object_ = {key: value for key, value in (PART | part).items() if value is not ...}
    return {
        "eventVersion": version,
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {"bucket": {"name": "docproc-source"}, "object": object_},
    }


def event(*records: object) -> str:
    return json.dumps({"Records": records})


def key_of(encoded: str) -> str:
    (ref,) = parse(event(record(key=encoded))).objects
    return ref.key


class TestParse:
    @pytest.mark.parametrize(
        "name",
        [
            "ObjectCreated:Put",
            "ObjectCreated:Post",
            "ObjectCreated:Copy",
            "ObjectCreated:CompleteMultipartUpload",
            "ObjectCreated:SomethingNew",
            "s3:ObjectCreated:Put",
        ],
    )
    def test_names_the_created_object(self, name: str) -> None:
        assert parse(event(record(name))) == S3Event(objects=(REF,))

    @pytest.mark.parametrize("version", ["2.0", "2.1", "2.99"])
    def test_takes_any_minor_version(self, version: str) -> None:
        assert parse(event(record(version=version))).objects == (REF,)

    @pytest.mark.parametrize("version", ["1.0", "3.0", "20.1", "2", "", "v2.1", 2.1, None, ["2.1"]])
    def test_takes_no_other_version(self, version: object) -> None:
        parsed = parse(event(record(version=version)))

        assert parsed.objects == ()
        assert len(parsed.problems) == 1
        assert "eventVersion" in parsed.problems[0]

    def test_names_several_objects_in_order(self) -> None:
        parsed = parse(event(record(key="a"), record(key="b"), record(key="a")))

        assert [ref.key for ref in parsed.objects] == ["a", "b", "a"]

    @pytest.mark.parametrize(
        "name",
        [
            "ObjectRemoved:Delete",
            "ObjectRemoved:DeleteMarkerCreated",
            "LifecycleExpiration:Delete",
            "ObjectRestore:Completed",
            "ReducedRedundancyLostObject",
            "ObjectCreated",
            "objectcreated:put",
            "XObjectCreated:Put",
            "Unheard:Of",
            "",
        ],
    )
    def test_ignores_events_that_create_nothing(self, name: str) -> None:
        assert parse(event(record(name))) == S3Event(ignored=("other-event",))

    def test_ignores_the_test_event(self) -> None:
        text = '{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-21T12:00:00.000Z","Bucket":"b"}'

        assert parse(text) == S3Event(ignored=("test-event",))

    @pytest.mark.parametrize(
        ("text", "code", "message"),
        [
            ("", "message-not-json", "The message is not JSON, so it is no S3 event."),
            ("hello", "message-not-json", "The message is not JSON, so it is no S3 event."),
            ("[" * 100_000, "message-not-json", "The message is not JSON, so it is no S3 event."),
            (
                '{"Records": [], "Records": []}',
                "message-not-json",
                "The message is not JSON, so it is no S3 event.",
            ),
            ("[]", "message-not-an-event", "The message is JSON, but not an object."),
            ("null", "message-not-an-event", "The message is JSON, but not an object."),
            ("{}", "message-not-an-event", "The message has no list of Records."),
            ('{"Event": "s3:Other"}', "message-not-an-event", "The message has no list of Records."),
            ('{"Records": null}', "message-not-an-event", "The message has no list of Records."),
            ('{"Records": {"a": 1}}', "message-not-an-event", "The message has no list of Records."),
            ('{"Records": "x"}', "message-not-an-event", "The message has no list of Records."),
            ('{"Records": []}', "message-not-an-event", "The message has no list of Records."),
        ],
    )
    def test_refuses_what_is_no_event(self, text: str, code: str, message: str) -> None:
        with pytest.raises(NotAnEvent) as refusal:
            parse(text)

        assert (refusal.value.code, refusal.value.message, str(refusal.value)) == (code, message, message)

    def test_refuses_more_records_than_s3_would_ever_send(self) -> None:
        assert len(parse(event(*[record()] * 1000)).objects) == 1000
        with pytest.raises(NotAnEvent, match="more than 1000 Records"):
            parse(event(*[record()] * 1001))

    def test_names_the_first_problems_of_many(self) -> None:
        found = parse(event(*[0] * 12))

        assert len(found.problems) == 11
        assert found.problems[9] == "Record 10 of 12: it is not a JSON object."
        assert found.problems[10] == "And 2 more."

    @pytest.mark.parametrize("name", ["versionId", "eTag", "sequencer"])
    def test_refuses_an_id_that_no_ledger_could_hold(self, name: str) -> None:
        assert parse(event(record(**{name: "x" * 1024}))).problems == ()
        assert parse(event(record(**{name: "x" * 1025}))).problems == (
            f"Record 1 of 1: {name} is longer than any that S3 makes.",
        )

    def test_reads_the_genuine_events(self, shared: Path) -> None:
        texts = [
            json.loads((shared / "sns-vectors" / f"s3event-2026-01-{day}.json").read_text())["message"][
                "Message"
            ]
            for day in (26, 27)
        ]

        first, second = (parse(text) for text in texts)

        assert first == S3Event(
            objects=(
                ObjectRef(
                    bucket="tns-bucket-premade",
                    key="compare/geom.parquet",
                    etag="796850cb80ebe5b047bb7f1a5b9ef20e",
                    size_bytes=16371,
                    sequencer="006976B8A6AECEE0CB",
                ),
            )
        )
        assert len(second.objects) == 1
        assert second.problems == ()


class TestObjectRef:
    def test_knows_nothing_but_bucket_and_key_by_default(self) -> None:
        ref = ObjectRef(bucket="b", key="k")

        assert (ref.version_id, ref.etag, ref.size_bytes, ref.sequencer) == ("", "", None, "")

    @pytest.mark.parametrize("value", [REF, S3Event()])
    def test_and_event_cannot_be_changed(self, value: ObjectRef | S3Event) -> None:
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, "x")


class TestKey:
    @pytest.mark.parametrize(
        ("encoded", "key"),
        [
            ("a+b%2Fc%20d", "a b/c d"),
            ("%252F", "%2F"),
            ("a%2Bb", "a+b"),
            ("%E2%82%B9.txt", "₹.txt"),
            ("₹.txt", "₹.txt"),
            ("../../etc/passwd", "../../etc/passwd"),
            ("%2e%2e/%2fetc//x/.", "..//etc//x/."),
            ("/", "/"),
            ("C:%5Cx", "C:\\x"),
            ("%zz%", "%zz%"),
            ("a%0Ab", "a\nb"),
            ("k" * 1024, "k" * 1024),
            ("%C3%BC" * 512, "ü" * 512),
        ],
    )
    def test_is_decoded_once_and_left_alone(self, encoded: str, key: str) -> None:
        assert key_of(encoded) == key

    @pytest.mark.parametrize(
        ("encoded", "problem"),
        [
            ("", "Record 1 of 1: key has not 1 to 1024 bytes."),
            ("k" * 1025, "Record 1 of 1: key has not 1 to 1024 bytes."),
            ("%C3%BC" * 513, "Record 1 of 1: key has not 1 to 1024 bytes."),
            ("%ff", "Record 1 of 1: key is not UTF-8."),
            ("%ed%a0%80", "Record 1 of 1: key is not UTF-8."),
            (None, "Record 1 of 1: key is not a text."),
            (["a"], "Record 1 of 1: key is not a text."),
            (..., "Record 1 of 1: key is not a text."),
        ],
    )
    def test_that_s3_cannot_have_is_a_problem(self, encoded: object, problem: str) -> None:
        assert parse(event(record(key=encoded))) == S3Event(problems=(problem,))


class TestRecord:
    def test_may_leave_out_all_but_bucket_and_key(self) -> None:
        bare = {
            "eventVersion": "2.1",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "docproc-source"}, "object": {"key": "a"}},
        }

        assert parse(event(bare)).objects == (
            ObjectRef(
                bucket="docproc-source", key="a", version_id="", etag="", size_bytes=None, sequencer=""
            ),
        )

    def test_of_a_suspended_bucket_has_no_version(self) -> None:
        (ref,) = parse(event(record(versionId="null"))).objects

        assert ref.version_id == ""

    @pytest.mark.parametrize(("size", "size_bytes"), [(0, 0), (5 * 10**12, 5 * 10**12), (None, None)])
    def test_has_any_size(self, size: int | None, size_bytes: int | None) -> None:
        (ref,) = parse(event(record(size=size))).objects

        assert ref.size_bytes == size_bytes

    @pytest.mark.parametrize(
        ("bad", "problem"),
        [
            (None, "it is not a JSON object"),
            ("x", "it is not a JSON object"),
            ([record()], "it is not a JSON object"),
            ({}, "eventVersion is not a text"),
            (record(version="3.0"), "its eventVersion is not 2.x"),
            (record(None), "eventName is not a text"),
            (record(["ObjectCreated:Put"]), "eventName is not a text"),
            (record() | {"s3": None}, "s3 is not an object"),
            (record() | {"s3": {"bucket": {"name": "b"}}}, "object is not an object"),
            (record() | {"s3": {"object": PART}}, "bucket is not an object"),
            (record() | {"s3": {"object": PART, "bucket": "b"}}, "bucket is not an object"),
            (record() | {"s3": {"object": PART, "bucket": {}}}, "name is not a text"),
            (record(versionId=7), "versionId is not a text"),
            (record(versionId=None), "versionId is not a text"),
            (record(eTag=7), "eTag is not a text"),
            (record(sequencer=7), "sequencer is not a text"),
            (record(size=-1), "size is not a number of bytes"),
            (record(size=True), "size is not a number of bytes"),
            (record(size="572"), "size is not a number of bytes"),
            (record(size=572.0), "size is not a number of bytes"),
        ],
    )
    def test_that_is_bad_does_not_spoil_the_others(self, bad: object, problem: str) -> None:
        parsed = parse(event(record(key="a"), bad, record(key="b")))

        assert [ref.key for ref in parsed.objects] == ["a", "b"]
        assert parsed.problems == (f"Record 2 of 3: {problem}.",)

    def test_of_another_event_may_have_any_form(self) -> None:
        parsed = parse(event({"eventVersion": "2.1", "eventName": "ObjectRemoved:Delete"}, record()))

        assert parsed == S3Event(objects=(REF,), ignored=("other-event",))


@given(st.text())
def test_any_text_is_an_event_or_refused(text: str) -> None:
    try:
        parse(text)
    except NotAnEvent:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.floats() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(["s3", "object", "bucket", "name", "key", "size"]), children)
    ),
)


@given(
    st.lists(
        JSON
        | st.fixed_dictionaries(
            {"eventVersion": st.just("2.1"), "eventName": st.just("ObjectCreated:Put"), "s3": JSON}
        ),
        min_size=1,
        max_size=10,  # of more problems than these only the number is told
    )
)
def test_every_record_is_accounted_for(records: list[object]) -> None:
    text = event(*records)
    if "NaN" in text or "Infinity" in text:
        with pytest.raises(NotAnEvent):
            parse(text)
        return

    parsed = parse(text)

    assert len(parsed.objects) + len(parsed.ignored) + len(parsed.problems) == len(records)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=250))
def test_any_key_comes_back_as_it_was(key: str) -> None:
    assert key_of(quote_plus(key)) == key
