"""Hours begin in UTC, and a span of time has each of its hours once."""

from datetime import UTC, datetime, timedelta, timezone

from api.stores.hours import hour_of, hours_between

TEN = datetime(2026, 1, 27, 10, tzinfo=UTC)


class TestHourOf:
    def test_is_the_beginning_in_utc(self) -> None:
        india = timezone(timedelta(hours=5, minutes=30))

        assert hour_of(datetime(2026, 1, 27, 16, 15, 1, 2, india)) == TEN
        assert hour_of(TEN) == TEN


class TestHoursBetween:
    def test_has_the_hours_at_both_ends(self) -> None:
        found = list(hours_between(TEN + timedelta(minutes=59), TEN + timedelta(hours=2, microseconds=1)))

        assert found == [TEN, TEN + timedelta(hours=1), TEN + timedelta(hours=2)]

    def test_ends_before_its_end(self) -> None:
        assert list(hours_between(TEN, TEN + timedelta(hours=1))) == [TEN]
        assert list(hours_between(TEN, TEN)) == []
