"""The runbook speaks of what there is."""

import re

from api.management.commands.deploy import PARAMETERS
from tests.support.stack_contract import RULES
from tests.support.stack_mutations import FAULTS
from tests.support.template import CONFIGURATIONS, PATH, load, resolve

RUNBOOK = (PATH.parent / "README.md").read_text(encoding="utf-8")


def test_says_of_each_alarm_what_to_do() -> None:
    alarms = resolve(load(), CONFIGURATIONS["scaled"]).of("AWS::CloudWatch::Alarm").values()
    table = RUNBOOK.split("## Alarms")[1].split("## Growing")[0]

    listed = {
        name
        for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    }

    assert listed == {alarm["AlarmName"].removeprefix("docproc-") for alarm in alarms}


def test_names_only_options_that_deploy_has() -> None:
    options = set(
        re.findall(r"--([a-z-]+)", " ".join(re.findall(r"`(?:manage\.py deploy|add) ([^`]*)`", RUNBOOK)))
    )
    options |= set(re.findall(r"add `--([a-z-]+)", RUNBOOK))

    assert options <= {option.replace("_", "-") for option in PARAMETERS} | {"region", "name", "yes"}
    assert {"protocol", "domain", "zone", "size", "ledger"} <= options


def test_counts_the_rules_and_faults_right() -> None:
    counted = re.search(r"(\d+) rules of our own, each broken by at least one of (\d+) faulty", RUNBOOK)

    assert counted is not None
    assert int(counted[1]) <= len(RULES)
    assert int(counted[2]) <= len(FAULTS)
