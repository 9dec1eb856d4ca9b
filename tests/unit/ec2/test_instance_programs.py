"""What an instance asks for itself, and how its journal reaches CloudWatch."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from infra.ec2.instance import claim, signal, write_secrets
from infra.ec2.ship_logs import MAX_EVENTS, Batch, Event, Stream, follow, journal_command, ship


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Call")


@dataclass
class Ec2:
    """Refuses the volume as often as it is told to."""

    refusals: list[str]
    calls: list[str] = field(default_factory=list)

    def associate_address(self, **named: Any) -> None:
        assert named["AllowReassociation"]
        self.calls.append("address")

    def attach_volume(self, **_: Any) -> None:
        self.calls.append("volume")
        if self.refusals:
            raise refusal(self.refusals.pop(0))


class TestClaim:
    def test_waits_until_the_instance_before_has_let_go_of_the_volume(self) -> None:
        ec2, waits = Ec2(["VolumeInUse", "IncorrectState"]), list[float]()

        claim(ec2, "i-1", "vol-1", "eipalloc-1", sleep=waits.append)

        assert ec2.calls == ["address", "volume", "volume", "volume"]
        assert waits == [10, 10]

    def test_does_not_wait_for_a_volume_that_is_not_there(self) -> None:
        with pytest.raises(ClientError):
            claim(Ec2(["InvalidVolume.NotFound"]), "i-1", "vol-1", "eipalloc-1", sleep=lambda _: None)

    def test_gives_up_after_ten_minutes(self) -> None:
        waits = list[float]()

        with pytest.raises(ClientError):
            claim(Ec2(["VolumeInUse"] * 100), "i-1", "vol-1", "eipalloc-1", sleep=waits.append)

        assert sum(waits) == 590


class TestWriteSecrets:
    def _secrets(self) -> Any:
        values = {"arn:s": "key", "arn:d": json.dumps({"username": "docproc", "password": "p@ss/wörd"})}
        return SimpleNamespace(get_secret_value=lambda SecretId: {"SecretString": values[SecretId]})  # noqa: N803 - AWS's

    def test_writes_files_that_nobody_else_reads(self, tmp_path: Path) -> None:
        write_secrets(self._secrets(), {"SESSION_SECRET": "arn:s", "DATABASE_SECRET": ""}, tmp_path)

        assert (tmp_path / "secret_key").read_text() == "key"
        assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
        assert not (tmp_path / "database_url").exists()

    def test_makes_a_url_of_the_database_s_login(self, tmp_path: Path) -> None:
        environ = {"SESSION_SECRET": "arn:s", "DATABASE_SECRET": "arn:d", "DATABASE_HOST": "db.example"}

        write_secrets(self._secrets(), environ, tmp_path)

        assert (tmp_path / "database_url").read_text() == (
            "mysql://docproc:p%40ss%2Fw%C3%B6rd@db.example:3306/docproc?ssl-ca=/etc/docproc/tls/rds.pem"
        )


class TestSignal:
    @pytest.mark.parametrize(("code", "is_raised"), [("ValidationError", False), ("AccessDenied", True)])
    def test_is_not_missed_by_a_stack_that_waits_for_nobody(self, code: str, is_raised: bool) -> None:  # noqa: FBT001 - a table's column
        def refuse(**_: str) -> None:
            raise refusal(code)

        cloudformation = SimpleNamespace(signal_resource=refuse)

        if is_raised:
            with pytest.raises(ClientError):
                signal(cloudformation, "docproc", "Group", "i-1", "SUCCESS")
        else:
            signal(cloudformation, "docproc", "Group", "i-1", "SUCCESS")


@dataclass
class Logs:
    """CloudWatch Logs, failing as it is told to."""

    faults: list[Exception] = field(default_factory=list)
    batches: list[list[Event]] = field(default_factory=list)

    def put_log_events(self, **named: Any) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.batches.append(named["logEvents"])


def entry(number: int, message: object = "x") -> str:
    moment = 1_795_262_400_000_000 + number * 1_000
    return json.dumps({"__CURSOR": f"c{number}", "__REALTIME_TIMESTAMP": str(moment), "MESSAGE": message})


def stream(logs: Logs) -> Stream:
    return Stream(client=logs, group="/docproc/service", name="host", sleep=lambda _: None)


class TestShip:
    def test_sends_what_has_gathered_and_keeps_the_cursor(self, tmp_path: Path) -> None:
        logs, cursor = Logs(), tmp_path / "cursor"

        ship(iter([entry(1, "a"), entry(2, "b"), None, entry(3, "c")]), stream(logs), cursor)

        assert [[event["message"] for event in batch] for batch in logs.batches] == [["a", "b"], ["c"]]
        assert logs.batches[0][0]["timestamp"] == 1_795_262_400_001
        assert cursor.read_text() == "c3"

    def test_waits_for_cloudwatch_and_loses_nothing(self, tmp_path: Path) -> None:
        down = [EndpointConnectionError(endpoint_url="https://logs"), refusal("ThrottlingException")]
        logs = Logs(faults=list(down))

        ship(iter([entry(1, "a")]), stream(logs), tmp_path / "cursor")

        assert [event["message"] for event in logs.batches[0]] == ["a"]

    def test_keeps_the_old_cursor_while_a_batch_is_not_taken(self, tmp_path: Path) -> None:
        class Killed(Exception):  # noqa: N818 - what happens
            pass

        cursor = tmp_path / "cursor"
        cursor.write_text("c0")

        with pytest.raises(Killed):
            ship(iter([entry(1), None]), stream(Logs(faults=[Killed()])), cursor)

        assert cursor.read_text() == "c0"

    def test_does_not_let_a_batch_that_is_wrong_hold_up_the_others(self, tmp_path: Path) -> None:
        logs = Logs(faults=[refusal("InvalidParameterException")])

        ship(iter([entry(1, "bad"), None, entry(2, "good")]), stream(logs), tmp_path / "cursor")

        assert [[event["message"] for event in batch] for batch in logs.batches] == [["good"]]

    def test_brings_lines_into_the_order_of_time(self, tmp_path: Path) -> None:
        logs = Logs()

        ship(iter([entry(2, "later"), entry(1, "earlier")]), stream(logs), tmp_path / "cursor")

        assert [event["message"] for event in logs.batches[0]] == ["earlier", "later"]

    @pytest.mark.parametrize(
        ("message", "expected"), [([104, 105, 255], "hi\ufffd"), (None, "-"), ("é" * 150_000, "é" * 100_000)]
    )
    def test_makes_text_of_whatever_the_journal_has(
        self, message: object, expected: str, tmp_path: Path
    ) -> None:
        logs = Logs()

        ship(iter([entry(1, message)]), stream(logs), tmp_path / "cursor")

        assert logs.batches[0][0]["message"] == expected


class TestBatch:
    def _event(self, message: str = "x", timestamp: int = 0) -> Event:
        return Event(timestamp=timestamp, message=message)

    def test_holds_as_many_as_cloudwatch_takes(self) -> None:
        batch = Batch(events=[self._event()] * MAX_EVENTS)

        assert not batch.has_room(self._event())

    def test_holds_as_many_bytes_as_cloudwatch_takes(self) -> None:
        batch = Batch()
        for _ in range(4):
            batch.add(self._event("x" * 200_000), "c")

        assert batch.has_room(self._event("x" * 199_000))
        assert not batch.has_room(self._event("x" * 200_000))

    def test_spans_less_than_a_day(self) -> None:
        batch = Batch()
        batch.add(self._event(), "c")

        assert batch.has_room(self._event(timestamp=22 * 3_600_000))
        assert not batch.has_room(self._event(timestamp=24 * 3_600_000))


class TestFollow:
    def test_yields_each_line_and_ends_with_the_command(self) -> None:
        lines: Iterator[str | None] = follow(["printf", "one\\n\\ntwo\\n"])

        assert [line for line in lines if line] == ["one", "two"]


class TestJournalCommand:
    def test_goes_on_behind_the_cursor(self, tmp_path: Path) -> None:
        cursor = tmp_path / "cursor"
        first = journal_command(cursor)
        cursor.write_text("s=1;i=2\n")

        assert first[-1] == "--lines=all"
        assert journal_command(cursor)[-1] == "--after-cursor=s=1;i=2"
        assert {"--follow", "--merge", "--identifier=docproc"} <= set(first)
