"""What the ledgers' tests share: the types, and a race."""

from collections.abc import Callable, Sequence
from threading import Barrier, Thread
from typing import TypeAlias, TypeVar

from django.db import connections

from api.stores.dynamodb import DynamoLedger
from api.stores.sql import SqlLedger

RealLedger: TypeAlias = DynamoLedger | SqlLedger
_Answer = TypeVar("_Answer")


def race(calls: Sequence[Callable[[], _Answer]]) -> list[_Answer]:
    """Call all at once, each in a thread of its own, and return their answers in order.

    Raises the first exception that one of them raised.
    """
    barrier = Barrier(len(calls))
    answers: dict[int, _Answer] = {}
    errors: list[Exception] = []

    def call(place: int) -> None:
        barrier.wait(10)
        try:
            answers[place] = calls[place]()
        except Exception as error:  # noqa: BLE001 - raised again below, where pytest sees it
            errors.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=call, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
    return [answers[place] for place in range(len(calls))]
