"""Embedded AWS: S3, SNS, SQS and DynamoDB on 127.0.0.1, in this process and gone with it.

moto does the work; three things are put around it. One lock makes each call atomic, as it is
at AWS: in moto alone a conditional write can be overtaken. The S3 journal notes which version
each write made. And SNS over HTTP (sns_over_http.py), with its signing certificate.
https://docs.getmoto.org/en/latest/docs/server_mode.html
"""

import io
import os
import re
import threading
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import boto3
from botocore.config import Config
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from infra.local import form_upload
from infra.local.credentials import PLACEHOLDERS, refuse_real
from infra.local.deliverer import Deliverer
from infra.local.loopback import session
from infra.local.s3_journal import S3Journal
from infra.local.sns_messages import Signer
from infra.local.sns_over_http import InvalidParameter, SnsOverHttp

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"
REGION = "us-east-1"
_XML = '<{0}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/">{1}</{0}Response>'
_OBJECT_PATH = re.compile(r"/(?P<bucket>[^/]+)/(?P<key>.+)", re.DOTALL)


class EmbeddedAws:
    """A context manager: AWS is there inside the `with`, empty at its start.

    Only one at a time in a process, since moto's state is the process's. Raises
    RealCredentials if the environment leads to a real account.
    """

    def __init__(self) -> None:
        refuse_real(os.environ)
        self._server = make_server(HOST, 0, self._serve, threaded=True, request_handler=_QuietHandler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="embedded-aws", daemon=True
        )
        self.endpoint_url = f"http://{HOST}:{self._server.server_port}"
        self._session, self._clients = boto3.session.Session(), dict[str, Any]()
        self._moto: WSGIApplication = DomainDispatcherApplication(create_backend_app)
        self._journal = S3Journal()
        self._signer = Signer(datetime.now(UTC))
        self.sns = SnsOverHttp(
            sns=self.client("sns"),
            sqs=self.client("sqs"),
            signer=self._signer,
            base_url=self.endpoint_url,
            journal=self._journal,
        )

    @property
    def deliverer(self) -> Deliverer:
        """The postman, with its knobs."""
        return self.sns.deliverer

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes classes at run time
        """Return a boto3 client for it."""
        if service not in self._clients:
            self._clients[service] = self._session.client(  # type: ignore[call-overload]
                service,
                endpoint_url=self.endpoint_url,
                region_name=REGION,
                aws_access_key_id=PLACEHOLDERS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=PLACEHOLDERS["AWS_SECRET_ACCESS_KEY"],
                config=Config(
                    connect_timeout=2, read_timeout=20, proxies={}, s3={"addressing_style": "path"}
                ),
            )
        return self._clients[service]

    def __enter__(self) -> Self:
        self._thread.start()
        with session() as http:
            http.post(f"{self.endpoint_url}/moto-api/reset", timeout=10).raise_for_status()
        self.sns.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.sns.stop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] == self._signer.certificate_path:
            start_response("200 OK", [("Content-Type", "binary/octet-stream")])
            return [self._signer.certificate_pem]
        if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            call = _call(environ)
            try:
                arn = self.sns.answer(call)
            except InvalidParameter as error:
                return _refuse(start_response, str(error))
            if arn is not None:
                told: str | None = f"<SubscriptionArn>{escape(arn)}</SubscriptionArn>"
            else:
                told = self.sns.tell(call)
            if told is not None:
                return _answer(start_response, call["Action"], told)
        if form_upload.is_form(environ):
            return form_upload.answer(environ, start_response, self._serve)
        if environ.get("HTTP_X_AMZ_TARGET") == "AmazonSQS.ReceiveMessage":
            return self._moto(environ, start_response)  # it may wait, and has a lock of its own
        with self._journal.lock:
            return self._moto(environ, self._noting(environ, start_response))

    def _noting(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "StartResponse":
        """Return a start_response that notes the version that a write has made."""
        path = environ["PATH_INFO"].encode("latin-1").decode()
        named = _OBJECT_PATH.fullmatch(path)
        if not named or not _makes_object(environ) or not self.sns.subscription:
            return start_response

        def note(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:  # noqa: ANN401 - WSGI's
            if status.startswith("200"):
                version_id = dict(headers).get("x-amz-version-id", "")
                # moto tells of a multipart upload twice, as of a Put and as of its completion.
                events = 2 if environ["REQUEST_METHOD"] == "POST" else 1
                self._journal.note(named["bucket"], named["key"], version_id, events=events)
            return start_response(status, headers, *rest)

        return note


class _QuietHandler(MotoRequestHandler):
    """moto's handler, without a line on stderr for each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def _call(environ: "WSGIEnvironment") -> dict[str, str]:
    """Return the parameters of a query-protocol call, and leave the body readable."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return dict(parse_qsl(body.decode()))


def _makes_object(environ: "WSGIEnvironment") -> bool:
    """Tell PutObject, CopyObject and CompleteMultipartUpload from other writes on a key."""
    query = {name for name, _ in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)}
    if environ["REQUEST_METHOD"] == "POST":
        return "uploadId" in query
    return environ["REQUEST_METHOD"] == "PUT" and query <= {"x-id"}


def _answer(start_response: "StartResponse", action: str, told: str) -> Iterable[bytes]:
    result = f"<{action}Result>{told}</{action}Result>"
    start_response("200 OK", [("Content-Type", "text/xml")])
    return [_XML.format(action, result + _metadata()).encode()]


def _refuse(start_response: "StartResponse", message: str) -> Iterable[bytes]:
    error = (
        f"<Error><Type>Sender</Type><Code>InvalidParameter</Code><Message>{escape(message)}</Message></Error>"
    )
    start_response("400 Bad Request", [("Content-Type", "text/xml")])
    return [_XML.format("Error", error).encode()]


def _metadata() -> str:
    return f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
