"""The other pure parts of the pages: sums, the pulse, checks, a document's lines, login attempts."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from api.pages import attempts
from api.pages.checks import CHECKS
from api.pages.periods import Period, Range, each, end
from api.pages.pulse import pulse
from api.pages.source import MAX_LINE_CHARACTERS, MAX_LINES, differences, source
from api.pages.sums import Line, by_period, currencies, lines, ordered, total
from api.reports.report import Row
from invoice_parser import FINDINGS
from tests.support.records import AT, act, document, rejection

ROWS: list[Row] = [
    (date(2026, 11, 2), "INR", 2, Decimal(100), Decimal(18), Decimal(118)),
    (date(2026, 11, 2), "", 1, Decimal(7), Decimal(0), Decimal(7)),
    (date(2026, 11, 4), "INR", 1, Decimal("-50.00"), Decimal(-9), Decimal("-59.00")),
]


class TestSums:
    def test_are_per_currency_the_commonest_first(self) -> None:
        found = currencies(ROWS)

        assert [(each.code, each.invoices, each.total) for each in found] == [
            ("INR", 3, Decimal("59.00")),
            ("", 1, Decimal(7)),
        ]

    def test_add_up_credit_notes(self) -> None:
        found = total(lines(ROWS, "INR"))

        assert (found.invoices, found.net, found.tax, found.total) == (
            3,
            Decimal("50.00"),
            Decimal(9),
            Decimal("59.00"),
        )

    def test_have_a_line_for_empty_days(self) -> None:
        asked = Range(date(2026, 11, 1), date(2026, 11, 5))

        found = by_period(lines(ROWS, "INR"), "day", asked)

        assert [(line.key, line.total) for line in found] == [
            (date(2026, 11, 1), Decimal(0)),
            (date(2026, 11, 2), Decimal(118)),
            (date(2026, 11, 3), Decimal(0)),
            (date(2026, 11, 4), Decimal(-59)),
            (date(2026, 11, 5), Decimal(0)),
        ]

    def test_end_with_the_data_where_the_range_is_open(self) -> None:
        found = by_period(lines(ROWS, "INR"), "day", Range(None, None))

        assert [line.key for line in found] == [date(2026, 11, day) for day in (2, 3, 4)]
        assert by_period((), "day", Range(None, None)) == ()

    @pytest.mark.parametrize(
        ("period", "day"),
        [("day", date(2026, 11, 2)), ("week", date(2026, 11, 2)), ("month", date(2026, 11, 1))],
    )
    @pytest.mark.parametrize("first", [date(1, 1, 1), date(2020, 1, 1), None])
    def test_of_a_range_for_ever_end_with_the_data(
        self, period: Period, day: date, first: date | None
    ) -> None:
        rows: list[Row] = [(day, "INR", 2, Decimal(100), Decimal(18), Decimal(118))]

        found = by_period(lines(rows, "INR"), period, Range(first, date(9999, 12, 31)))

        assert [(line.key, line.total) for line in found] == [(day, Decimal(118))]

    def test_come_to_the_last_days_of_all(self) -> None:
        last = [date(9999, 12, 27), date(9999, 12, 31)]

        assert list(each("week", date(9999, 12, 20), last[1])) == [date(9999, 12, 20), last[0]]
        assert end("week", last[0]) == end("month", date(9999, 12, 1)) == last[1]

    def test_are_ordered_with_ties_by_name(self) -> None:
        def line(key: str, invoices: int) -> Line:
            return Line(key=key, invoices=invoices, net=Decimal(0), tax=Decimal(0), total=Decimal(0))

        some = [line("b", 1), line("c", 2), line("a", 1)]

        assert [each.key for each in ordered(some, "invoices")] == ["a", "b", "c"]
        assert [each.key for each in ordered(some, "-invoices")] == ["c", "a", "b"]


class TestPulse:
    def test_takes_waits_that_somebody_had(self) -> None:
        waits = [1, 2, 3, 4, 100]
        some = [document(last_modified_at=AT - timedelta(seconds=wait)) for wait in waits]

        beat = pulse(some, AT, 1_000)

        assert (beat.p50_seconds, beat.p95_seconds) == (3, 100)

    def test_leaves_out_what_nobody_waited_for(self) -> None:
        old = rejection(last_modified_at=AT - timedelta(days=3), acts=(act("reprocess"),))

        archived = document(last_modified_at=AT - timedelta(days=3_000), message_id="import")

        beat = pulse([old, archived, document(last_modified_at=None)], AT, 1_000)

        assert (beat.received, beat.rejected, beat.p50_seconds, beat.p95_seconds) == (3, 1, None, None)

    def test_never_has_a_wait_below_nothing(self) -> None:
        late = document(last_modified_at=AT + timedelta(seconds=1))

        assert pulse([late], AT, 1_000).p50_seconds == 0

    def test_of_nothing_is_nothing(self) -> None:
        assert (pulse([], AT, 1_000).received, pulse([], AT, 1_000).since) == (0, AT)

    def test_counts_what_is_not_older_than_it_says(self) -> None:
        some = [document(recorded_at=AT + timedelta(minutes=minute)) for minute in (9, 5, 0, -1)]

        day, most = pulse(some, AT, 1_000), pulse(some[:2], AT, 2)

        assert (day.received, day.since, day.is_cut) == (3, AT, False)
        assert (most.received, most.since, most.is_cut) == (2, AT + timedelta(minutes=5), True)


def test_every_finding_belongs_to_one_check() -> None:
    codes = [code for check in CHECKS for code in check.codes]

    assert sorted(codes) == sorted(FINDINGS)


class TestSource:
    def test_marks_what_is_cited_and_where_the_fault_is(self) -> None:
        found = source(b"one\ntwo 7,65\nthree\n", cited={1}, fault=(2, 5))

        assert [(line.number, line.is_cited, line.is_fault) for line in found.lines] == [
            (1, True, False),
            (2, False, True),
            (3, False, False),
        ]
        assert found.lines[1].before == "two "

    def test_shows_the_faulty_line_of_a_long_document(self) -> None:
        data = b"\n".join(b"line %d" % number for number in range(1, 5_001))

        found = source(data, fault=(4_000, 1))

        assert len(found.lines) == MAX_LINES
        assert [line.text for line in found.lines if line.is_fault] == ["line 4000"]
        assert found.left_out == 5_000 - MAX_LINES

    def test_shows_the_faulty_column_of_a_long_line(self) -> None:
        (line,) = source(b"x" * 5_000 + b"?" + b"y" * 100, fault=(1, 5_001)).lines

        assert len(line.text) <= MAX_LINE_CHARACTERS
        assert line.text[len(line.before)] == "?"
        assert line.is_cut

    def test_shows_what_is_damaged_as_far_as_it_goes(self) -> None:
        (line,) = source("Grüße aus Köln ".encode() + b"\xff").lines

        assert line.text == "Grüße aus Köln \N{REPLACEMENT CHARACTER}"

    @pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
    def test_counts_lines_as_the_parser_does(self, newline: bytes) -> None:
        assert [line.text for line in source(newline.join([b"a", b"", b"b", b""])).lines] == ["a", "", "b"]

    def test_finds_the_lines_that_differ(self) -> None:
        assert differences(b"a\nb\nc\n", b"a\nx\ny\nc\n") == ({2}, {2, 3})
        assert differences(b"a", b"") == (set(), set())


class Slots:
    """A shared cache without time."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def add(self, key: str, value: object, timeout: float) -> bool:
        del value, timeout
        is_new = key not in self.taken
        self.taken.add(key)
        return is_new

    def delete(self, key: str) -> bool:
        self.taken.discard(key)
        return True


class TestAttempts:
    def test_take_a_slot_each_until_none_is_left(self) -> None:
        slots = Slots()

        taken = [attempts.take(slots, "ada", "192.0.2.1") for _ in range(6)]

        assert [each is not None for each in taken] == [True] * 5 + [False]

    def test_a_refused_one_costs_nobody_a_slot(self) -> None:
        slots = Slots()
        for _ in range(5):
            attempts.take(slots, "ada", "192.0.2.1")
        before = set(slots.taken)

        attempts.take(slots, "ada", "192.0.2.1")

        assert slots.taken == before

    def test_a_flood_from_many_addresses_is_limited_by_account(self) -> None:
        slots = Slots()

        taken = [attempts.take(slots, "ada", f"192.0.2.{number}") for number in range(61)]

        assert [each is not None for each in taken] == [True] * 60 + [False]

    def test_keep_no_name_and_no_address(self) -> None:
        slots = Slots()

        attempts.take(slots, "ada", "192.0.2.1")

        assert not [key for key in slots.taken if "ada" in key or "192" in key]
