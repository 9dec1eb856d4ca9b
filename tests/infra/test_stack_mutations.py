"""Each single fault breaks a rule of the contract: none of the rules is decoration."""

from collections import Counter

import pytest

from tests.support.stack_contract import RULES, broken
from tests.support.stack_mutations import FAULTS, mutants
from tests.support.template import CONFIGURATIONS, load, resolve


def _broken_anywhere(template: dict[str, object]) -> set[str]:
    return {
        sentence
        for parameters in CONFIGURATIONS.values()
        for sentence in broken(resolve(template, parameters))
    }


@pytest.mark.proof
def test_every_faulty_template_is_caught() -> None:
    template = load()

    caught = {name: _broken_anywhere(faulty) for name, faulty in mutants(template)}

    survivors = [name for name, sentences in caught.items() if not sentences]
    assert survivors == []
    assert len(FAULTS) >= 60


@pytest.mark.proof
def test_most_rules_are_broken_by_some_fault() -> None:
    template = load()

    by_rule = Counter(sentence for _, faulty in mutants(template) for sentence in _broken_anywhere(faulty))

    assert set(RULES) - set(by_rule) == set()
