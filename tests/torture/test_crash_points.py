"""Every crash point: each outside call, found by recording, dies before it, after it, or loses its answer.

In memory a call is one of a port; on the real ledgers it is one HTTP request below botocore, or one
statement or commit below Django.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from api.ports import TemporaryFailure
from tests.support.crash_points import CrashPoints
from tests.support.outside import Switch
from tests.support.scenarios import ACTS, COMMANDS, DELIVERIES, Scenario, new_invoice
from tests.support.world import World


@contextmanager
def in_memory(switch: Switch) -> Iterator[World]:
    yield World(gate=switch)


def lost(name: str) -> TemporaryFailure:
    return TemporaryFailure("test", name, "answer lost")


class TestCrashPoints:
    @pytest.mark.parametrize("scenario", (*DELIVERIES, *COMMANDS, *ACTS))
    def test_lose_and_double_nothing(self, scenario: Scenario) -> None:
        CrashPoints(in_memory, lost).cut_everywhere(scenario)

    def test_are_the_three_calls_of_a_new_invoice(self) -> None:
        assert CrashPoints(in_memory, lost).calls_of(new_invoice) == [
            "source.read",
            "ledger.commit",
            "sink.put_row",
        ]
