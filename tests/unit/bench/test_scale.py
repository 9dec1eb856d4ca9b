import pytest

from tests.bench.service import scale
from tests.bench.service.report import between_marks


class TestItemBytes:
    def test_counts_names_and_values(self) -> None:
        # 1 + 5, 1 + 2 (UTF-8), 3 + 2 (a number: two digits a byte, and one)
        assert scale.item_bytes({"a": {"S": "12345"}, "b": {"S": "é"}, "rev": {"N": "12"}}) == 14

    def test_knows_no_other_kinds(self) -> None:
        with pytest.raises(ValueError, match="no rule for BOOL"):
            scale.item_bytes({"a": {"BOOL": True}})


class TestWriteUnits:
    def test_are_two_a_kilobyte_in_the_tables_and_one_in_the_indexes(self) -> None:
        assert scale.write_units() == {
            "document": 2,
            "document, index recent": 1,
            "invoice": 4,
            "invoice, index stored": 1,
        }


class TestDollars:
    @pytest.mark.parametrize("daily", [100_000, 1_000_000, 100_000_000])
    def test_agree_with_the_runbook(self, daily: int) -> None:
        costs = scale.dollars(daily, cpu_ms=1.0)

        # infra/README.md: S3 10.40, DynamoDB 5, SNS 1.10, logs 0.50 for a million
        assert sum(dollars for name, dollars in costs.items() if name.startswith("S3")) == pytest.approx(
            10.40
        )
        assert costs["DynamoDB: 8 write units"] == pytest.approx(5.00)
        assert costs["SNS: publish, deliver"] == pytest.approx(1.10)
        assert costs["CloudWatch Logs: a line of 1,000 bytes"] == pytest.approx(0.50)

    # docs/athena.md: expenses by day over a year, with the tail
    @pytest.mark.parametrize(
        ("daily", "dollars"), [(100_000, 0.0087), (1_000_000, 0.087), (10_000_000, 0.87)]
    )
    def test_of_a_query_agree_with_the_guide_to_athena(self, daily: int, dollars: float) -> None:
        assert scale.query(daily) == pytest.approx(dollars, rel=0.02)

    def test_of_instances_are_one_at_least(self) -> None:
        # A t3.small the month through, 15.18 dollars, for 3.04 million invoices.
        assert scale.instances(100_000, cpu_ms=1.0) == pytest.approx(4.99, abs=0.01)

    def test_of_instances_grow_with_the_cpu(self) -> None:
        # 10 ms, half again, at half load on two cores: 4.17 hours a million
        assert scale.instances(100_000_000, cpu_ms=10.0) == pytest.approx(4.1667 * 0.08925, abs=1e-3)


class TestCores:
    @pytest.mark.parametrize(("rate", "number"), [(1, 2), (600, 2), (700, 4), (5_000, 16)])
    def test_come_in_pairs_and_run_at_half_load(self, rate: float, number: int) -> None:
        assert scale.cores(rate, cpu_ms=1.0) == number


class TestLimits:
    def test_begin_with_the_one_that_is_met_first(self) -> None:
        assert [round(rate) for rate, _, _ in scale.limits()] == [
            250,
            1_000,
            3_500,
            4_000,
            5_500,
            10_000,
            30_000,
        ]


class TestDocument:
    def test_has_the_tables_that_the_script_computes(self) -> None:
        document = scale.DOCUMENT.read_text()

        assert document == between_marks(document, "computed", scale.tables(scale.measured_cpu_ms())), (
            "run `python -m tests.bench.service.scale`"
        )
