"""DynamoDB in this process, with the service's tables."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any, TypeAlias
from unittest.mock import patch

from moto import mock_aws
from moto.core.models import botocore_stubber

from api.aws import Clients
from api.stores.dynamodb_schema import table_definitions

make_client = cache(lambda: Clients(region="us-east-1").make("dynamodb"))
TABLES = ("docproc-document", "docproc-invoice")


Intercept: TypeAlias = Callable[[Any], tuple[int, dict[str, str], str] | None]


@contextmanager
def dynamodb(intercept: Intercept = lambda _: None) -> Iterator[Any]:
    """Yield a client as the service makes it; both tables are there and empty.

    `intercept` sees each request and may answer (status, headers, body) in moto's place.

    moto carries a transaction out on the one copy of the tables, and puts the copy that it took
    before back when a condition fails, with whatever another thread wrote meanwhile lost. DynamoDB
    isolates transactions, so here one request is carried out after the other; what happens
    between two requests of one thread stays as racy as it is.
    """
    lock, carry_out = Lock(), botocore_stubber.process_request

    def one_by_one(request: Any) -> Any:
        answer = intercept(request)
        if answer is not None:
            return answer
        with lock:
            return carry_out(request)

    with patch.object(botocore_stubber, "process_request", one_by_one), mock_aws():
        client = make_client()
        for definition in table_definitions(*TABLES):
            client.create_table(**definition)
        yield client
