from concurrent.futures import ThreadPoolExecutor

import pytest

from api import metrics


class TestCount:
    def test_adds_up_from_several_threads(self) -> None:
        before = metrics.counts().get(("sns.answers", "test-code"), 0)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: metrics.count("sns.answers", "test-code"), range(1000)))

        assert metrics.counts()["sns.answers", "test-code"] - before == 1000

    def test_refuses_a_counter_that_is_not_declared(self) -> None:
        with pytest.raises(KeyError):
            metrics.count("sns.anwsers", "x")
