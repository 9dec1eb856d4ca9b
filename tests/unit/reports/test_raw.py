"""The raw objects as rows: each is read once, the listing stays short, old rows are forgotten."""

from api.reports.raw import PREFIX, RawObjects
from invoice_parser import CSV_COLUMNS
from tests.support.bucket import MemoryBucket


def row(invoice_id: str, *, columns: int = 22) -> bytes:
    values = ["C-1", invoice_id, *(f"v{place}" for place in range(3, columns + 1))]
    return ('"' + '","'.join(values) + '"\n').encode()


def key(hour: str, name: str) -> str:
    return f"csv/v1/ingest=2026-01-{hour}/{name}.csv"


class TestRawObjects:
    def test_gives_the_columns_of_the_csv_and_the_hour(self) -> None:
        table = RawObjects(MemoryBucket({key("26-09", "a"): row("A")})).since("2026-01-26-09")

        assert table.column_names == [*CSV_COLUMNS, "ingest"]
        assert table.num_rows == 1
        assert table.to_pylist()[0]["invoice_id"] == "A"
        assert table.to_pylist()[0]["schema_version"] == "v22"
        assert table.to_pylist()[0]["ingest"] == "2026-01-26-09"

    def test_takes_no_object_before_the_hour(self) -> None:
        bucket = MemoryBucket({key("26-08", "z"): row("A"), key("26-09", "a"): row("B")})

        assert RawObjects(bucket).since("2026-01-26-09").column("invoice_id").to_pylist() == ["B"]
        assert bucket.got == [key("26-09", "a")]

    def test_an_older_row_lacks_the_last_columns_and_a_newer_one_has_more(self) -> None:
        objects = {key("26-09", "old"): row("A", columns=20), key("26-09", "new"): row("B", columns=24)}

        rows = RawObjects(MemoryBucket(objects)).since("2026-01-26-09").to_pylist()

        assert {each["invoice_id"]: (each["source_key"], each["stored_at"]) for each in rows} == {
            "A": ("v20", None),
            "B": ("v20", "v21"),
        }

    def test_reads_quotes_commas_and_whatever_is_not_utf_8(self) -> None:
        text = b'"C-1","A,""1""","x\xffy\\"\n'

        (found,) = RawObjects(MemoryBucket({key("26-09", "a"): text})).since("2026-01-26-09").to_pylist()

        assert (found["invoice_id"], found["issue_date"]) == ('A,"1"', "x\N{REPLACEMENT CHARACTER}y\\")

    def test_an_object_without_rows_adds_none(self) -> None:
        assert RawObjects(MemoryBucket({key("26-09", "a"): b""})).since("2026-01-26-09").num_rows == 0

    def test_reads_each_object_once_and_lists_only_where_new_ones_can_come(self) -> None:
        bucket = MemoryBucket({key("26-01", "a"): row("A"), key("26-09", "b"): row("B")})
        raw = RawObjects(bucket)
        raw.since("2026-01-26-00")
        bucket.objects[key("26-08", "late")] = row("C")

        rows = raw.since("2026-01-26-00")

        assert set(rows.column("invoice_id").to_pylist()) == {"A", "B", "C"}
        assert sorted(bucket.got) == sorted(bucket.objects)
        assert bucket.listed == [f"{PREFIX}2026-01-26-00", f"{PREFIX}2026-01-26-08"]

    def test_forgets_what_has_been_compacted(self) -> None:
        raw = RawObjects(MemoryBucket({key("26-01", "a"): row("A"), key("26-09", "b"): row("B")}))
        raw.since("2026-01-26-00")

        assert raw.since("2026-01-26-05").column("invoice_id").to_pylist() == ["B"]

    def test_begins_anew_when_the_tail_became_longer(self) -> None:
        bucket = MemoryBucket({key("26-01", "a"): row("A"), key("26-09", "b"): row("B")})
        raw = RawObjects(bucket)
        raw.since("2026-01-26-05")

        assert raw.since("2026-01-26-00").num_rows == 2
