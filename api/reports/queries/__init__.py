"""Every report by its name, in the order in which people look for them."""

from api.reports.queries import doubts, lists, sums
from api.reports.report import Report

REPORTS: dict[str, Report] = {
    report.name: report
    for report in (
        sums.BY_DAY,
        sums.BY_WEEK,
        sums.BY_MONTH,
        sums.BY_SELLER,
        sums.BY_CUSTOMER,
        sums.TAX_SUMMARY,
        sums.RUNNING_TOTAL,
        lists.TOP_INVOICES,
        lists.INVOICES,
        lists.LINE_ITEMS,
        doubts.FINDINGS,
        doubts.SUSPECTED_DUPLICATES,
        doubts.OUTLIERS,
    )
}
