"""Answers of AWS that end amid their headers, which Python's http.client takes for whole ones."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from api.aws import Clients
from api.buckets import DestinationBucket, SourceBucket
from api.ports import TemporaryFailure
from api.s3_event import ObjectRef
from api.stores.dynamodb import DynamoLedger
from tests.support.records import document

REF = ObjectRef(bucket="source", key="a.txt", version_id="v1")


@pytest.fixture
def torn() -> Iterator[Callable[[bytes], Clients]]:
    """Return a function that makes clients of an AWS that says these bytes and hangs up."""
    stopped, words = threading.Event(), [b""]
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)

        def serve() -> None:
            while not stopped.is_set():
                try:
                    client, _ = server.accept()
                except TimeoutError:
                    continue
                with client:
                    client.settimeout(2)
                    client.recv(65_536)
                    client.sendall(words[0])
                    client.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve)
        thread.start()

        def clients(said: bytes) -> Clients:
            words[0] = said
            return Clients(region="us-east-1", endpoint_url=f"http://127.0.0.1:{server.getsockname()[1]}")

        yield clients
        stopped.set()
        thread.join()


BEGUN = b"HTTP/1.1 200 OK\r\nServer: AmazonS3\r\nx-amz-req"
REFUSED = b"HTTP/1.1 400 Bad Request\r\nServer: Server\r\nx-amzn-Req"


def source(clients: Clients) -> SourceBucket:
    return SourceBucket(client=clients.make("s3"), bucket="source", max_bytes=1000)


def ledger(clients: Clients) -> DynamoLedger:
    return DynamoLedger(client=clients.make("dynamodb"), document_table="d", invoice_table="i")


class TestTornAnswer:
    def test_is_no_document(self, torn: Callable[[bytes], Clients]) -> None:
        with pytest.raises(TemporaryFailure):
            source(torn(BEGUN)).read(REF)

    def test_is_no_empty_bucket(self, torn: Callable[[bytes], Clients]) -> None:
        with pytest.raises(TemporaryFailure):
            list(source(torn(BEGUN)).list_versions())

    def test_is_no_copy(self, torn: Callable[[bytes], Clients]) -> None:
        client = torn(BEGUN).make("s3")
        destination = DestinationBucket(client=client, copy_client=client, bucket="destination")

        with pytest.raises(TemporaryFailure):
            destination.keep_rejected(REF, document())

    def test_is_no_unknown_document(self, torn: Callable[[bytes], Clients]) -> None:
        with pytest.raises(TemporaryFailure):
            ledger(torn(BEGUN)).document("a.txt", "v1")

    def test_is_no_refusal_of_the_document(self, torn: Callable[[bytes], Clients]) -> None:
        with pytest.raises(TemporaryFailure):
            ledger(torn(REFUSED)).document("a.txt", "v1")

    def test_is_no_matter_where_nothing_is_read(self, torn: Callable[[bytes], Clients]) -> None:
        client = torn(BEGUN).make("s3")

        DestinationBucket(client=client, copy_client=client, bucket="destination").put_row("csv/k", b"row\n")
