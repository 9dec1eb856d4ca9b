"""Charts as geometry."""

from decimal import Decimal

import pytest

from api.pages.charts import Point, bar_chart, parts, shares, short, spark_line


def points(*values: int) -> list[Point]:
    return [
        Point(name=f"n{place}", label=f"l{place}", value=Decimal(value), title="", href="")
        for place, value in enumerate(values)
    ]


def percent(text: str) -> float:
    assert text.endswith("%")
    return float(text[:-1])


class TestBarChart:
    def test_draws_heights_in_proportion_from_a_common_zero(self) -> None:
        small, large = bar_chart(points(10, 20)).bars

        assert percent(large.height) == pytest.approx(2 * percent(small.height), rel=1e-3)
        assert percent(small.y) + percent(small.height) == pytest.approx(88)
        assert percent(large.y) == pytest.approx(4)  # 20 is the top of the axis

    def test_draws_negative_values_below_zero(self) -> None:
        chart = bar_chart(points(10, -10))
        above, below = chart.bars
        (zero,) = [percent(tick.at) for tick in chart.ticks if tick.is_zero]

        assert percent(above.y) + percent(above.height) == pytest.approx(zero)
        assert percent(below.y) == pytest.approx(zero)
        assert (above.is_negative, below.is_negative) == (False, True)

    @pytest.mark.parametrize(
        ("values", "ticks"),
        [
            ((8150,), ["0", "2.5k", "5k", "7.5k", "10k"]),
            ((3,), ["0", "1", "2", "3"]),
            ((0,), ["0", "0.25"]),
            ((-30, 70), ["-50", "-25", "0", "25", "50", "75"]),
            ((-40,), ["-40", "-30", "-20", "-10", "0", "10"]),
            ((1_000_000,), ["0", "250k", "500k", "750k", "1M"]),
        ],
    )
    def test_marks_the_axis_at_round_numbers(self, values: tuple[int, ...], ticks: list[str]) -> None:
        assert [tick.text for tick in bar_chart(points(*values)).ticks] == ticks

    def test_keeps_every_bar_inside(self) -> None:
        for bar in bar_chart(points(*range(-50, 70))).bars:
            assert 0 <= percent(bar.x) < percent(bar.x) + percent(bar.width) <= 100
            assert percent(bar.y) + 1e-6 >= 4
            assert percent(bar.y) + percent(bar.height) <= 88.01

    @pytest.mark.parametrize(
        ("count", "shown", "on_a_telephone"), [(1, 1, 1), (8, 8, 4), (30, 8, 4), (62, 8, 4)]
    )
    def test_labels_no_more_than_can_be_read(self, count: int, shown: int, on_a_telephone: int) -> None:
        labels = bar_chart(points(*range(count))).labels

        assert len(labels) == shown
        assert len([label for label in labels if not label.is_dense]) == on_a_telephone


def test_shares_are_of_the_longest() -> None:
    assert [share.width for share in shares(points(50, 200, -100))] == ["25%", "100%", "50%"]
    assert [share.width for share in shares(points(0))] == ["0%"]


def test_parts_fill_one_bar() -> None:
    assert parts([1, 1, 2]) == (("0%", "25%"), ("25%", "25%"), ("50%", "50%"))
    assert parts([0, 0]) == (("0%", "0%"), ("0%", "0%"))


def test_a_spark_line_spans_its_box() -> None:
    assert spark_line([Decimal(0), Decimal(10), Decimal(5)]) == "0,28 50,2 100,15"
    assert spark_line([Decimal(1)]) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("999", "999"),
        ("1000", "1k"),
        ("-1500", "-1.5k"),
        ("20000000", "20M"),
        ("3E9", "3B"),
        ("1E13", "10T"),
    ],
)
def test_short_numbers(value: str, text: str) -> None:
    assert short(Decimal(value)) == text
