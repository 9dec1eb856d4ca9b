"""Dates as people write them, written by hand from docs/invoice-format.md."""

from tests.unit.invoice_parser.cases.case import Case, line

DATES: list[Case] = [
    *(
        line("Dated: 2018-03-31", f"Dated: {written}", issue_date="2018-03-31")
        for written in (
            "Mar 31 2018",
            "mar 31, 2018",
            "March 31st, 2018",
            "31 March, 2018",
            "31st March 2018",
            "31-Mar-2018",
            "31-MAR-2018",
            "31/Mar/2018",
            "31.03.2018",
            "31/03/2018",
            "31-03-2018",
            "03/31/2018",
            "2018/03/31",
            "2018-3-31",
            "20180331",
            "'Mar 31 2018'",
            "Saturday, 31 March 2018",
        )
    ),
    line("Dated: 2018-03-31", "Dated: 03/03/2018", issue_date="2018-03-03"),
    line("Dated: 2018-03-31", "Dated: 1990-01-01", issue_date="1990-01-01"),
    line("Dated: 2018-03-31", "Dated: 2100-12-31", issue_date="2100-12-31"),
    *(
        line("Dated: 2018-03-31", f"Dated: {written}", "ambiguous-date")
        for written in (
            "03/04/2018",
            "3-4-2018",
            "04.03.2018",
            "10",
            "Mar 2018",
            "Mar 31",
            "31/03/18",
            "31-Mar-18",
            "2018",
        )
    ),
    *(
        line("Dated: 2018-03-31", f"Dated: {written}", "bad-date")
        for written in (
            "Feb 30",
            "Feb 30 2018",
            "30/02/2018",
            "2018-13-01",
            "2018-02-29",
            "32 March 2018",
            "31/31/2018",
            "today",
            "yesterday",
            "soon",
            "31 Foo 2018",
            "1989-12-31",
            "2101-01-01",
            "0000-00-00",
            "३१ March 2018",
            "31 March 20188",
        )
    ),
]
