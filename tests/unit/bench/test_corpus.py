import json
from datetime import UTC, datetime, timedelta
from http.client import parse_headers
from io import BytesIO
from pathlib import Path

import pytest

from api.certificates import KeyCache
from api.regions import Signer as Trusted
from api.regions import signers_of
from api.s3_event import ObjectRef, parse
from api.sns import Gate, UntrustedMessage
from infra.local.sns_messages import Signer
from invoice_parser import parse as parse_invoice
from tests.bench.service import corpus
from tests.bench.service.stub import invoice_text

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AWS = "http://127.0.0.1:4566"


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer(NOW, name="sns.localhost")


class TestCorpus:
    def gate(self, signer: Signer) -> Gate:
        trusted = signers_of([corpus.TOPIC], local=Trusted(AWS, "sns.localhost"))
        return Gate(signers=trusted, keys=KeyCache(lambda _: signer.certificate_pem, clock=lambda: 0.0))

    def sent(self, post: bytes) -> tuple[dict[str, str], bytes]:
        """Return the headers, names in lower case, and the body that the request says it has."""
        stream = BytesIO(post)
        assert stream.readline() == b"POST /sns HTTP/1.1\r\n"
        headers = {name.lower(): value for name, value in parse_headers(stream).items()}
        body = stream.read()
        assert len(body) == int(headers["content-length"])
        return headers, body

    def test_passes_the_gate(self, signer: Signer) -> None:
        (post,) = corpus.requests([corpus.notification(41, signer, AWS, NOW)])
        headers, body = self.sent(post)

        message = self.gate(signer).admit(body, headers, NOW)

        assert parse(message.text).objects == (
            ObjectRef(
                bucket="docproc-source",
                key="inbox/0000041.txt",
                version_id="v0000000000000000000000000000041",
                etag="2fafdc4705f330664733b544dbcabc43",
                size_bytes=574,
                sequencer="000000000000000029",
            ),
        )

    def test_is_refused_when_a_byte_is_changed(self, signer: Signer) -> None:
        (post,) = corpus.requests([corpus.notification(41, signer, AWS, NOW)])
        headers, body = self.sent(post)
        changed = body.replace(b"inbox%2F0000041.txt", b"inbox%2F0000042.txt")
        assert changed != body

        with pytest.raises(UntrustedMessage, match="signature"):
            self.gate(signer).admit(changed, headers, NOW)

    def test_is_of_the_present(self, signer: Signer) -> None:
        (message,) = corpus.make(1, signer, AWS)

        sent_at = datetime.fromisoformat(json.loads(message.body)["Timestamp"])

        assert abs(datetime.now(UTC) - sent_at) < timedelta(minutes=1)

    def test_comes_back_from_its_file(self, signer: Signer, tmp_path: Path) -> None:
        posts = corpus.requests([corpus.notification(number, signer, AWS, NOW) for number in range(3)])

        corpus.write(tmp_path / "corpus", posts)

        assert corpus.read(tmp_path / "corpus") == posts


class TestInvoiceText:
    def test_is_another_invoice_for_each_number(self) -> None:
        one, other = parse_invoice(invoice_text(7)), parse_invoice(invoice_text(5_012))

        assert (one.customer_id, one.invoice_id) == ("sm-LK0000007", "inv-0000007")
        assert (other.customer_id, other.invoice_id) == ("sm-LK0000012", "inv-0005012")

    def test_has_the_size_that_the_event_says(self) -> None:
        assert len(invoice_text(0)) == len(invoice_text(9_999_999)) == 574
