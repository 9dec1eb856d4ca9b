"""Faults as AWS, the network and a database server have them, told in their own words."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from django.db import OperationalError

from tests.support.databases import Reaper

_XML = "<Error><Code>{}</Code><Message>later</Message></Error>"
_JSON = '{{"__type": "com.amazonaws.dynamodb.v20120810#{}", "message": "later"}}'
_URL = "http://127.0.0.1/"


class Faulty:
    """A gate at which that share of the calls fails, each in one of the ways of its service; counts them."""

    def __init__(self, seed: int, share: float, reaper: Reaper | None = None) -> None:
        """`reaper` kills connections of the database that the SQL goes to, among the other faults."""
        self.tried: Counter[str] = Counter()
        self._random, self._share = random.Random(seed), share
        self._sql_faults = (*_SQL_FAULTS, *(_killings(reaper) if reaper else ()))

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        """Make the call, or fail before it, or make it and lose the answer."""
        if self._random.random() >= self._share:
            self.tried["calls that worked"] += 1
            return call()
        fault = self._random.choice(self._sql_faults if name.startswith("sql") else _HTTP_FAULTS)
        self.tried[fault.__name__.strip("_")] += 1
        return fault(name, call)


class Down:
    """A gate that is shut for the calls of a service, as in an outage of it."""

    def __init__(self, is_down: Callable[[str], bool]) -> None:
        self.refused = 0
        self._is_down = is_down

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        """Make the call unless its service is down."""
        if self._is_down(name):
            self.refused += 1
            if name.startswith("sql"):
                raise OperationalError(2003, "Can't connect to the server")
            raise EndpointConnectionError(endpoint_url=_URL)
        return call()


def is_s3(name: str) -> bool:
    """Tell a request to S3, which is named by its method, from one to DynamoDB."""
    return name.startswith(("GET ", "PUT ", "HEAD ", "DELETE "))


def _throttled(name: str, _: Callable[[], Any]) -> Any:
    return _answer(503, "SlowDown") if is_s3(name) else _answer(400, "ThrottlingException")


def _server_error(name: str, _: Callable[[], Any]) -> Any:
    return _answer(500, "InternalError") if is_s3(name) else _answer(500, "InternalServerError")


def _server_error_after_all(name: str, call: Callable[[], Any]) -> Any:
    call()
    return _server_error(name, call)


def _no_sense(_: str, call: Callable[[], Any]) -> Any:
    """Answer as a proxy in between does."""
    call()
    return 502, {}, b"<html>Bad Gateway</html>"


def _no_connection(_: str, __: Callable[[], Any]) -> Any:
    raise EndpointConnectionError(endpoint_url=_URL)


def _reset(_: str, call: Callable[[], Any]) -> Any:
    call()
    raise ConnectionClosedError(endpoint_url=_URL)


def _too_slow(_: str, call: Callable[[], Any]) -> Any:
    call()
    raise ReadTimeoutError(endpoint_url=_URL)


def _deadlock(_: str, __: Callable[[], Any]) -> Any:
    raise OperationalError(1213, "Deadlock found when trying to get lock")


def _server_gone(_: str, __: Callable[[], Any]) -> Any:
    raise OperationalError(2006, "Server has gone away")


def _connection_lost(_: str, call: Callable[[], Any]) -> Any:
    call()
    raise OperationalError(2013, "Lost connection during query")


def _killings(reaper: Reaper) -> tuple[Callable[[str, Callable[[], Any]], Any], ...]:
    def killed_before(_: str, call: Callable[[], Any]) -> Any:
        reaper.kill_own()
        return call()  # finds out

    def killed_after(_: str, call: Callable[[], Any]) -> Any:
        answer = call()
        reaper.kill_own()
        return answer  # the next call finds out

    def killed_unheard(name: str, call: Callable[[], Any]) -> Any:
        call()
        reaper.kill_own()
        raise OperationalError(2013, f"Lost connection during {name}")

    return killed_before, killed_after, killed_unheard


def _answer(status: int, code: str) -> tuple[int, dict[str, str], bytes]:
    is_json = code.endswith("Exception") or code == "InternalServerError"
    return status, {}, (_JSON if is_json else _XML).format(code).encode()


_HTTP_FAULTS = (
    *(_throttled, _server_error, _server_error_after_all, _no_sense),
    *(_no_connection, _reset, _too_slow),
)
_SQL_FAULTS = (_deadlock, _server_gone, _connection_lost)
