import json

from infra.local.s3_journal import S3Journal


def event(key: str, **extra: str) -> str:
    named = {"key": key, "size": 3, "eTag": "e"} | extra
    return json.dumps({"Records": [{"s3": {"bucket": {"name": "bucket"}, "object": named}}]})


def named_in(message: str) -> dict[str, str]:
    named: dict[str, str] = json.loads(message)["Records"][0]["s3"]["object"]
    return named


class TestS3Journal:
    def test_gives_the_events_of_a_key_its_versions_in_their_order(self) -> None:
        journal = S3Journal()
        for bucket, key, version_id in (("bucket", "k", "v1"), ("other", "k", "x1"), ("bucket", "k", "v2")):
            journal.note(bucket, key, version_id)

        first, second = (named_in(journal.complete(event("k"))) for _ in range(2))

        assert (first["versionId"], second["versionId"]) == ("v1", "v2")
        assert int(first["sequencer"], 16) < int(second["sequencer"], 16)
        assert len(first["sequencer"]) == len(second["sequencer"]) == 18

    def test_reads_the_key_as_a_form_value_and_writes_it_as_s3_does(self) -> None:
        journal = S3Journal()
        journal.note("bucket", "in/a b+c é.txt", "v1")

        named = named_in(journal.complete(event("in%2Fa+b%2Bc+%C3%A9.txt")))

        assert named["versionId"] == "v1"
        assert named["key"] == "in/a+b%2Bc+%C3%A9.txt"

    def test_names_no_version_in_a_bucket_without_versioning(self) -> None:
        journal = S3Journal()
        journal.note("bucket", "k", "")

        named = named_in(journal.complete(event("k")))

        assert "versionId" not in named
        assert named["sequencer"]

    def test_leaves_an_event_alone_that_is_complete_or_unknown(self) -> None:
        journal = S3Journal()
        journal.note("bucket", "k", "v1")

        complete = named_in(journal.complete(event("k", versionId="v0", sequencer="0A")))
        unknown = named_in(journal.complete(event("other")))

        assert complete == {"key": "k", "size": 3, "eTag": "e", "versionId": "v0", "sequencer": "0A"}
        assert unknown == {"key": "other", "size": 3, "eTag": "e"}

    def test_leaves_any_other_message_as_it_is(self) -> None:
        journal = S3Journal()

        for message in (
            "",
            "hello",
            "[]",
            '{"Records": 1}',
            '{"Records":[{}]}',
            '{"Event":  "s3:TestEvent"}',
        ):
            assert journal.complete(message) == message
