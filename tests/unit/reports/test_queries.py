"""Every report on DuckDB over a few rows that can be added up by hand."""

from datetime import date
from decimal import Decimal

from api.reports.duck import DuckEngine
from api.reports.literals import Value
from api.reports.queries import REPORTS
from api.reports.raw import RawObjects
from api.reports.report import Row
from tests.support.bucket import MemoryBucket

# Two objects of one invoice (the second revision wins), a withdrawn one, and one of another currency.
OBJECTS = {
    "csv/v1/ingest=2026-01-26-09/sm-1_inv-1-r000001.csv": (
        '"sm-1","inv-1","2018-03-31","Space Mechanics Inc.","Starfleet","7650.00","500.00","8150.00","words",'
        '"","","500.00","","","","[]","","active","1","a.txt","2026-01-26T09:00:00Z","1"\n'
    ),
    "csv/v1/ingest=2026-01-26-10/sm-1_inv-1-r000002.csv": (
        '"sm-1","inv-1","2018-03-30","Space Mechanics Inc.","Starfleet","100.00","9.00","109.00","words",'
        '"","","9.00","","","","[]","","active","2","a.txt","2026-01-26T10:00:00Z","1"\n'
    ),
    "csv/v1/ingest=2026-01-26-10/sm-1_inv-2-r000001.csv": (
        '"sm-1","inv-2","2018-03-30","Space Mechanics Inc.","Starfleet","50.00","","50.05","words",'
        '"","","","","","","[]","","active","1","b.txt","2026-01-26T10:01:00Z","1"\n'
    ),
    "csv/v1/ingest=2026-01-26-10/sm-1_inv-3-r000002.csv": (
        '"sm-1","inv-3","2018-03-30","Space Mechanics Inc.","Starfleet","1.00","","1.00","words",'
        '"","","","","","","[]","","withdrawn","2","c.txt","2026-01-26T10:02:00Z","1"\n'
    ),
    "csv/v1/ingest=2026-01-26-09/sm-1_inv-3-r000001.csv": (
        '"sm-1","inv-3","2018-03-30","Space Mechanics Inc.","Starfleet","1.00","","1.00","words",'
        '"","","","","","","[]","","active","1","c.txt","2026-01-26T09:02:00Z","1"\n'
    ),
    "csv/v1/ingest=2026-01-26-11/sm-1_inv-4-r000001.csv": (
        '"sm-1","inv-4","2018-03-30","Space Mechanics Inc.","Starfleet","20.00","","20.00","words",'
        '"EUR","","","","","","[]","","active","1","d.txt","2026-01-26T11:00:00Z","1"\n'
    ),
}


def run(name: str, **values: Value) -> list[Row]:
    bucket = MemoryBucket({key: text.encode() for key, text in OBJECTS.items()})
    result = DuckEngine(RawObjects(bucket)).run(REPORTS[name].render(values))
    assert result.columns == tuple(column.name for column in REPORTS[name].columns)
    return list(result.rows)


class TestExpensesByDay:
    def test_sums_the_highest_active_revisions_per_currency(self) -> None:
        assert run("expenses-by-day") == [
            (date(2018, 3, 30), "", 2, Decimal("150.00"), Decimal("9.00"), Decimal("159.05")),
            (date(2018, 3, 30), "EUR", 1, Decimal("20.00"), None, Decimal("20.00")),
        ]

    def test_takes_the_dates_from_and_to(self) -> None:
        rows = run("expenses-by-day", **{"from": date(2018, 3, 31), "to": date(2018, 12, 31)})

        assert rows == []
