"""What an instance asks of EC2 and CloudFormation: metadata, its volume and address, the signal."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qsl

INSTANCE = "i-0123456789abcdef0"
ROLE = "docproc-role"
CREDENTIALS = {"AccessKeyId": "embedded", "SecretAccessKey": "embedded", "Token": "session-token"}
_METADATA = {
    "instance-id": INSTANCE,
    "iam/security-credentials/": ROLE,
    f"iam/security-credentials/{ROLE}": json.dumps(CREDENTIALS, indent=2),
}
_TOKEN = "imds-token"


class ControlPlane:
    """A context manager; `calls` are the API calls in their order, as their parameters."""

    def __init__(self) -> None:
        self.calls: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        calls = self.calls

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                is_asked = "X-aws-ec2-metadata-token-ttl-seconds" in self.headers
                self._answer(200 if self.path == "/latest/api/token" and is_asked else 404, _TOKEN)

            def do_GET(self) -> None:
                if self.headers.get("X-aws-ec2-metadata-token") != _TOKEN:  # version 1 is switched off
                    self._answer(401, "")
                    return
                value = _METADATA.get(self.path.removeprefix("/latest/meta-data/"))
                self._answer(200 if value else 404, value or "")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                call = dict(parse_qsl(body))
                calls.append(call)
                name = call["Action"]
                self._answer(200, f"<{name}Response><{name}Result/><return>true</return></{name}Response>")

            def _answer(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        return Handler
