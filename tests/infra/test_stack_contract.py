"""The template keeps the contract in every configuration, and its rules are enough of them."""

import pytest

from tests.support.stack_contract import RULES, broken
from tests.support.template import CONFIGURATIONS, load, resolve


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_no_rule_is_broken(name: str) -> None:
    stack = resolve(load(), CONFIGURATIONS[name])

    assert broken(stack) == []


def test_each_rule_has_a_sentence_of_its_own() -> None:
    assert len(RULES) >= 40
