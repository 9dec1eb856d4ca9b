"""The picture of a run."""

from tests.bench.service.figures import ratios, spread
from tests.bench.service.results import Run


def svg(run: Run) -> str:
    """Return a picture of the CPU that an invoice costs, readable on light and on dark."""
    rows = [row for row in run.rows if row.aws_ms == 0]
    floor = run.row("floor", 0)
    longest = max(spread(row.costs_ms).middle for row in rows)
    bars = []
    for number, row in enumerate(sorted(rows, key=lambda row: spread(row.costs_ms).middle)):
        cost, y = spread(row.costs_ms).middle, 40 + 26 * number
        width = max(2.0, 380 * cost / longest)
        times = f", {ratios(row.costs_ms, floor.costs_ms).middle:.1f} x floor" if floor else ""
        style = ' class="ours"' if row.name == "docproc" else ""
        bars.append(
            f'<text x="130" y="{y + 13}" text-anchor="end">{row.name}</text>'
            f'<rect{style} x="138" y="{y}" width="{width:.0f}" height="18" rx="2"/>'
            f'<text x="{144 + width:.0f}" y="{y + 13}">{cost:.2f}{times}</text>'
        )
    height = 48 + 26 * len(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 {height}" width="680" height="{height}">\n'
        "<style>text{font:13px sans-serif;fill:#24292f}rect{fill:#8c959f}.ours{fill:#0969da}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#6e7681}.ours{fill:#58a6ff}}</style>\n"
        '<text x="138" y="24">milliseconds of CPU for one invoice</text>\n' + "\n".join(bars) + "\n</svg>\n"
    )
