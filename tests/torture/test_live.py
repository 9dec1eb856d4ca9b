"""The running service on embedded AWS: killed, deployed, flooded, cut off; its books looked at from outside.

One system for all proofs here: each goes on where the last one ended, and the books are those of all.
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest
import requests

from infra.local.deliverer import RetryPolicy, once
from infra.local.sns_messages import Message
from tests.support.live import PATIENT, Live, live, twice_at_times
from tests.support.receiver import wait_for


@pytest.fixture(scope="module")
def one_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("live"), seed=1) as system:
        yield system


@pytest.fixture
def system(one_system: Live) -> Iterator[Live]:
    """Return the system in good health."""
    one_system.attempts.clear()
    yield one_system
    one_system.proxy.share, one_system.proxy.delay_seconds, one_system.proxy.is_down = 0.0, 0.0, False
    one_system.system.aws.deliverer.plan = once
    one_system.system.aws.deliverer.retry = PATIENT
    if not one_system.service.is_alive:
        one_system.restart()


def upload_all(system: Live, names: list[str], amount: str = "100.00") -> None:
    """Upload one invoice for each name, some at once."""
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(system.upload, name, amount) for name in names]:
            done.result()


def deploy_under_load(system: Live, name: str, *, documents: int, deploys: int) -> str:
    """End the service by SIGTERM and start it again, while documents come; each deploy amid its calls."""
    each = documents // deploys
    for number in range(deploys):
        calls = system.proxy.tried["pass"] + each
        upload_all(system, [f"{name}-{number}-{place}" for place in range(each)])
        wait_for(partial(_is_amid, system, calls), 60)
        system.service.stop()
        system.restart()
    system.wait_taken(documents, seconds=300)
    system.check()
    return f"{deploys} deploys, {documents} documents, answers {dict(system.statuses())}, lost 0, doubled 0"


def stay_away(system: Live, name: str, *, documents: int, seconds: float) -> str:
    """Have all of AWS refuse connections for so long, while documents come."""
    system.proxy.is_down, began = True, time.monotonic()
    for number in range(documents):
        system.upload(f"{name}-{number}")
        time.sleep(max(0, began + seconds * (number + 1) / documents - time.monotonic()))
    wait_for(lambda: system.statuses()[503] >= documents, 60)
    assert not system.taken
    system.proxy.is_down = False
    system.wait_taken(documents, seconds=300)
    system.check()
    return f"{seconds:.0f} s, {documents} documents, answers {dict(system.statuses())}, lost 0, doubled 0"


def kill_under_load(system: Live, name: str, *, documents: int, kills: int, seed: int) -> str:
    """Kill amid the calls to AWS: one worker, or all of it at every tenth; one message in ten comes twice."""
    chance, each = random.Random(seed), documents // kills
    system.system.aws.deliverer.plan = twice_at_times(chance)
    for number in range(kills):
        calls = system.proxy.tried["pass"] + chance.randint(1, 3 * each)
        upload_all(system, [f"{name}-{number}-{place}" for place in range(each)])
        wait_for(partial(_is_amid, system, calls), 60)
        if number % 10 == 9:
            system.service.kill()
            system.restart()
        else:
            os.kill(chance.choice(system.workers()), signal.SIGKILL)
    system.wait_taken(each * kills, seconds=600)
    system.check()
    return f"{kills} kills, {each * kills} documents, answers {dict(system.statuses())}, lost 0, doubled 0"


def _is_amid(system: Live, calls: int) -> bool:
    return system.proxy.tried["pass"] >= calls and bool(system.workers())


def suffer(system: Live, name: str, documents: int) -> str:
    """Take documents through while 30 % of the requests to AWS meet a fault of the network."""
    system.proxy.tried.clear()
    system.proxy.share = 0.3
    upload_all(system, [f"{name}-{number}" for number in range(documents)])
    system.wait_taken(documents, seconds=600)
    system.proxy.share = 0.0
    tried = dict(system.proxy.tried)
    system.check()
    return f"{documents} documents, requests {tried}, answers {dict(system.statuses())}, lost 0, doubled 0"


def miss(system: Live, name: str, documents: int) -> str:
    """Let documents come while the service is down; SNS gives up, some are overwritten, some expire."""
    system.service.kill()
    system.system.aws.deliverer.retry = RetryPolicy(attempts=2, first_wait_seconds=0.05)
    overwritten, untold = documents // 10, documents // 5
    told = documents - untold
    names = [f"{name}-{number}" for number in range(told - overwritten)]
    upload_all(system, names)
    upload_all(system, names[1 : 1 + overwritten], "120.00")
    wait_for(lambda: len(system.attempts) == 2 * told and not system.system.aws.deliverer.pending, 300)
    system.system.aws.deliverer.plan = lambda _: ()
    upload_all(system, [f"{name}-untold-{number}" for number in range(untold)])
    expired = names[1 + overwritten :: 10]
    for each in expired:
        system.expire(each)
    system.restart()
    system.manage("redrive")
    system.manage("reconcile")
    system.check()
    return (
        f"{told} given up by SNS, of them {overwritten} over others and {len(expired)} expired,"
        f" {untold} told by nobody, lost 0, doubled 0"
    )


def intercept(system: Live, *names: str) -> list[Message]:
    """Upload invoices and return their messages, which SNS then does not deliver."""
    kept: list[Message] = []

    def keep(message: Message) -> tuple[float, ...]:
        kept.append(message)
        return ()

    system.system.aws.deliverer.plan = keep
    upload_all(system, list(names))
    wait_for(lambda: len(kept) == len(names), 60)
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the service answered: the status, its code for it, and after how many seconds."""

    status: int
    code: str
    seconds: float


def post(system: Live, message: Message) -> Answer:
    """Post a message as SNS does."""
    began = time.monotonic()
    answer = requests.post(
        f"{system.service.url}/sns", data=message.body, headers=dict(message.headers), timeout=20
    )
    return Answer(status=answer.status_code, code=answer.text, seconds=time.monotonic() - began)


def post_until_taken(system: Live, message: Message) -> list[Answer]:
    """Post a message again and again; return the answers, of which the last is a 200."""
    answers: list[Answer] = []
    while not answers or answers[-1].status != 200:
        assert len(answers) < 200, answers[-1]
        time.sleep(min(len(answers), 4) * 0.2)  # SNS waits longer each time, too
        answers.append(post(system, message))
    return answers


@pytest.mark.proof
class TestService:
    def test_makes_one_document_of_a_hundred_copies_at_once(self, system: Live) -> None:
        (message,) = intercept(system, "copies")

        with ThreadPoolExecutor(100) as pool:
            statuses = {each.status for each in pool.map(lambda _: post(system, message), range(100))}

        assert 200 in statuses
        assert statuses <= {200, 503}
        assert post(system, message).status == 200
        system.check()

    def test_answers_503_at_once_when_it_is_full_and_loses_nothing(self, system: Live) -> None:
        messages = intercept(system, *(f"full-{number}" for number in range(60)))
        system.proxy.delay_seconds = 0.4

        with ThreadPoolExecutor(60) as pool:
            found = list(pool.map(lambda message: post_until_taken(system, message), messages))

        system.proxy.delay_seconds = 0.0
        answers = [each for some in found for each in some]
        busy = [each for each in answers if each.code == "busy"]
        done = [each for each in answers if each.code == "done"]
        assert len(done) == 60
        assert {each.status for each in busy} == {503}
        assert min(each.seconds for each in done) > 0.8  # two calls to AWS and more
        assert min(each.seconds for each in busy) < 0.4  # not one
        print(f"\nback-pressure: 60 documents, {len(busy)} times 503 for busy, lost 0, doubled 0")
        system.check()

    def test_finishes_what_is_in_flight_when_it_is_told_to_end(self, system: Live) -> None:
        system.proxy.delay_seconds = 0.3
        calls = system.proxy.tried["pass"]
        upload_all(system, [f"term-{number}" for number in range(6)])
        wait_for(lambda: system.proxy.tried["pass"] >= calls + 6, 20)  # each is at its first call
        assert len(system.attempts) < 6

        system.service.stop()

        assert [attempt.status for attempt in system.attempts] == [200] * 6
        system.proxy.delay_seconds = 0.0
        system.restart()
        system.check()

    def test_loses_and_doubles_nothing_by_a_deploy_under_load(self, system: Live) -> None:
        print("\ndeploys:", deploy_under_load(system, "deploy", documents=40, deploys=2))

    def test_loses_and_doubles_nothing_while_aws_is_away(self, system: Live) -> None:
        stay_away(system, "away", documents=10, seconds=1)

    def test_loses_and_doubles_nothing_on_a_bad_network(self, system: Live) -> None:
        suffer(system, "net", 30)

    def test_brings_back_what_came_while_it_was_down(self, system: Live) -> None:
        miss(system, "down", 50)

    def test_loses_and_doubles_nothing_under_kill_9(self, system: Live) -> None:
        kill_under_load(system, "kill", documents=100, kills=20, seed=1)

    @pytest.mark.slow
    def test_loses_and_doubles_nothing_under_many_kills(self, system: Live) -> None:
        print("\nkill -9:", kill_under_load(system, "kills", documents=1_000, kills=200, seed=2))

    @pytest.mark.slow
    def test_loses_and_doubles_nothing_on_a_bad_network_for_long(self, system: Live) -> None:
        print("\nTCP proxy:", suffer(system, "nets", 300))

    @pytest.mark.slow
    def test_loses_and_doubles_nothing_while_aws_is_away_for_minutes(self, system: Live) -> None:
        print("\nAWS away:", stay_away(system, "aways", documents=100, seconds=150))

    @pytest.mark.slow
    def test_loses_and_doubles_nothing_by_many_deploys_under_load(self, system: Live) -> None:
        print("\ndeploys:", deploy_under_load(system, "deploys", documents=300, deploys=10))

    @pytest.mark.slow
    def test_brings_back_a_thousand_that_came_while_it_was_down(self, system: Live) -> None:
        print("\noutage:", miss(system, "downs", 1_000))
