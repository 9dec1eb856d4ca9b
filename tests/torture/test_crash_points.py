"""Every crash point: each outside call, found by recording, dies before it, after it, or loses its answer.

In memory a call is one of a port; on the real ledgers it is one HTTP request below botocore, or one
statement or commit below Django.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_django.plugin import DjangoDbBlocker

from api.ports import TemporaryFailure
from tests.support.crash_points import CrashPoints
from tests.support.moto_wire import hot_calls
from tests.support.outside import Switch
from tests.support.real_worlds import RealWorlds
from tests.support.scenarios import (
    ACTS,
    COMMANDS,
    DELIVERIES,
    Scenario,
    new_invoice,
    withdraw,
)
from tests.support.world import World

EVERYTHING = (*DELIVERIES, *COMMANDS, *ACTS)


@contextmanager
def in_memory(switch: Switch) -> Iterator[World]:
    yield World(gate=switch)


def lost(name: str) -> TemporaryFailure:
    return TemporaryFailure("test", name, "answer lost")


@pytest.fixture(
    scope="module", params=("dynamodb", "sqlite", pytest.param("mariadb", marks=pytest.mark.server))
)
def real(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[CrashPoints]:
    """Return the crash points of each of the real ledgers."""
    url = request.getfixturevalue(f"{request.param}_url")
    with django_db_blocker.unblock(), RealWorlds(url) as worlds:
        yield CrashPoints(worlds.open, worlds.lost_answer, worlds.bury)


class TestCrashPoints:
    @pytest.mark.parametrize("scenario", EVERYTHING, ids=lambda each: each.__name__)
    def test_lose_and_double_nothing(self, scenario: Scenario) -> None:
        CrashPoints(in_memory, lost).cut_everywhere(scenario)

    def test_are_the_three_calls_of_a_new_invoice(self) -> None:
        assert CrashPoints(in_memory, lost).calls_of(new_invoice) == [
            "source.read",
            "ledger.commit",
            "sink.put_row",
        ]

    @pytest.mark.proof
    @pytest.mark.parametrize("scenario", [new_invoice, withdraw], ids=lambda each: each.__name__)
    def test_lose_and_double_nothing_on_real_parts(self, real: CrashPoints, scenario: Scenario) -> None:
        before = Counter(hot_calls)

        real.cut_everywhere(scenario)

        assert (hot_calls - before)["answered 200"]  # or only boto3 was cut off

    @pytest.mark.slow
    @pytest.mark.parametrize("scenario", EVERYTHING, ids=lambda each: each.__name__)
    def test_lose_and_double_nothing_anywhere(
        self, request: pytest.FixtureRequest, real: CrashPoints, scenario: Scenario
    ) -> None:
        before = real.tried

        real.cut_everywhere(scenario)

        print(f"\n{request.node.name}: {real.tried - before} crash points, lost 0, doubled 0")
