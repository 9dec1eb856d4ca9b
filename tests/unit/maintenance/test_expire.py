"""Expiry, a day at a time."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from api.maintenance.expire import expire
from tests.support.memory import MemoryLedger

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Ledger(MemoryLedger):
    """A ledger that drops a text a day and fails after so many days."""

    spans: list[tuple[datetime, datetime]] = field(default_factory=list)
    patience: int = 1000
    oldest: datetime | None = None

    def nothing_before(self) -> datetime | None:
        return self.oldest

    def expire_texts(self, *, since: datetime, before: datetime) -> int:
        if len(self.spans) >= self.patience:
            raise ConnectionError
        self.spans.append((since, before))
        return 1


class TestExpire:
    def test_stops_at_the_days_that_are_kept(self) -> None:
        ledger = Ledger()

        count = expire(ledger, NOW, keep_days=28)

        assert count == 3
        assert ledger.spans == [
            (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
            (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)),
            (datetime(2026, 1, 3, tzinfo=UTC), datetime(2026, 1, 3, 12, tzinfo=UTC)),
        ]

    def test_goes_on_where_it_was_interrupted(self) -> None:
        ledger = Ledger(patience=2)
        with pytest.raises(ConnectionError):
            expire(ledger, NOW, keep_days=28)
        ledger.patience = 1000

        count = expire(ledger, NOW, keep_days=28)

        assert count == 1

    def test_has_nothing_to_do_twice(self) -> None:
        ledger = Ledger()
        expire(ledger, NOW, keep_days=28)

        assert expire(ledger, NOW, keep_days=28) == 0
        assert expire(ledger, NOW + timedelta(hours=1), keep_days=28) == 1

    def test_begins_where_the_ledger_does(self) -> None:
        ledger = Ledger(oldest=datetime(2026, 1, 2, 22, tzinfo=UTC))

        expire(ledger, NOW, keep_days=28)

        assert ledger.spans == [(datetime(2026, 1, 2, 22, tzinfo=UTC), datetime(2026, 1, 3, 12, tzinfo=UTC))]

    def test_leaves_a_ledger_alone_that_has_nothing_so_old(self) -> None:
        ledger = Ledger(oldest=datetime.max.replace(tzinfo=UTC))

        assert expire(ledger, NOW, keep_days=28) == 0
        assert (ledger.spans, ledger.checkpoints) == ([], {})

    def test_tells_how_far_it_is(self) -> None:
        told: list[str] = []

        expire(Ledger(), NOW, keep_days=29, say=lambda until, count: told.append(f"{until:%d %H} {count}"))

        assert told == ["02 00 1", "02 12 2"]
