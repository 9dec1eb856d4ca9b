import pytest

from tests.bench.service.figures import Spread, percentile, ratios, spread, waiting_seconds


class TestSpread:
    def test_is_the_median_and_both_ends(self) -> None:
        assert spread([4.0, 1.0, 2.0]) == Spread(2.0, 1.0, 4.0)

    def test_takes_ratios_round_by_round(self) -> None:
        # The second round ran at half the speed; that must not show.
        assert ratios([10.0, 20.0, 12.0], [5.0, 10.0, 5.0]) == Spread(2.0, 2.0, 2.4)

    def test_refuses_rounds_without_a_partner(self) -> None:
        with pytest.raises(ValueError, match="zip"):
            ratios([1.0, 2.0], [1.0])


class TestPercentile:
    # The example of https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method
    @pytest.mark.parametrize(("share", "value"), [(0.05, 15), (0.30, 20), (0.40, 20), (0.50, 35), (1.00, 50)])
    def test_is_the_nearest_rank(self, share: float, value: float) -> None:
        assert percentile([15, 20, 35, 40, 50], share) == value

    def test_needs_no_order(self) -> None:
        assert percentile([3, 1, 2], 0.5) == 2

    def test_is_a_lone_value_itself(self) -> None:
        assert percentile([7], 0.0) == percentile([7], 0.99) == 7


class TestWaitingSeconds:
    def test_is_that_of_one_server_at_half_load(self) -> None:
        # M/M/1: rho / (mu - lambda), 0.5 / (10 - 5)
        assert waiting_seconds(5, 0.1, 1) == pytest.approx(0.1)

    def test_is_that_of_two_servers_at_half_load(self) -> None:
        # C(2, 1) = 1/3; divided by 2 * 10 - 10
        assert waiting_seconds(10, 0.1, 2) == pytest.approx(1 / 30)

    def test_agrees_with_erlangs_table(self) -> None:
        # C(10, 8) = 0.4092 in tables of Erlang's C; times 1 / (10 - 8) with a unit of work
        assert waiting_seconds(8, 1, 10) == pytest.approx(0.4092 / 2, abs=5e-5)

    def test_is_nothing_when_nothing_comes(self) -> None:
        assert waiting_seconds(0, 0.1, 2) == 0

    @pytest.mark.parametrize("rate", [20, 21])
    def test_refuses_more_than_the_cores_can_do(self, rate: float) -> None:
        with pytest.raises(ValueError, match="too much for 2 cores"):
            waiting_seconds(rate, 0.1, 2)
