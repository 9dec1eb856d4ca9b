"""Moto answers hot calls as it answers boto3's: where the process ends, behind the same gates.

moto sits in botocore's event `before-send`, which a hot call does not pass. Here it sits at Wire as well,
and keeps quiet where boto3 only goes through the motions for an attempt that was made already.
"""

import importlib
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import botocore_stubber

from api.hot import _HotClient
from api.wire import Answer, Wire

# What became of hot calls so far: `answered`, by their status, or `failed`.
hot_calls: Counter[str] = Counter()


@contextmanager
def moto_on_the_wire() -> Iterator[None]:
    """Let moto, while it is on, answer inside the block whatever goes over a Wire."""
    exchange, stub, before_send = Wire.exchange, BotocoreStubber.__call__, _HotClient._before_send
    thread = threading.local()

    def exchange_with_moto(
        self: Wire, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        if not botocore_stubber.enabled:
            return exchange(self, method, target, headers, body)
        return _from_moto(self, method, target, headers, body)

    def before_send_noted(self: _HotClient, request: AWSPreparedRequest, **more: object) -> Any:
        answer = before_send(self, request, **more)
        thread.is_made = answer is not None
        return answer

    def stub_unless_made(self: Any, event_name: str, request: AWSPreparedRequest, **more: Any) -> Any:
        is_made, thread.is_made = getattr(thread, "is_made", False), False
        return None if is_made else stub(self, event_name, request, **more)

    with (
        patch.object(Wire, "exchange", exchange_with_moto),
        patch.object(_HotClient, "_before_send", before_send_noted),
        patch.object(BotocoreStubber, "__call__", stub_unless_made),
    ):
        yield


def _from_moto(wire: Wire, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
    url = f"{'https' if wire.tls else 'http'}://{headers['host']}{target}"
    # botocore has its headers as bytes by then.
    prepared = HeadersDict({name: value.encode() for name, value in headers.items() if name != "host"})
    if "RECORD_AWS_REQUESTS" in os.environ:
        importlib.import_module("sitecustomize").note("wire", method, url, dict(headers), body)
    request = AWSPreparedRequest(method, url, prepared, body, stream_output=False)  # type: ignore[arg-type] # the stub means another
    try:
        answer = botocore_stubber.process_request(request)
    except BaseException:
        hot_calls["failed"] += 1
        raise
    assert answer is not None, f"moto does not know {url}"
    status, told, content = answer
    hot_calls[f"answered {status}"] += 1
    content = content.encode() if isinstance(content, str) else content
    lower = {name.lower(): str(value) for name, value in told.items()}
    return Answer(status, {"content-length": str(len(content)), **lower}, content)
