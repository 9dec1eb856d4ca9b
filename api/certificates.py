"""Signing keys by certificate URL: fetched once, kept, and cheap to ask for in vain. Pure.

Anybody can make up certificate ids, so what strangers can cause is bounded: fetches by a
budget, memory by two limits, waiting by one shared fetch for all who want the same URL.
A key in hand costs no budget, and no failure can push it out.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar
from weakref import WeakValueDictionary

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate
from cryptography.x509.oid import NameOID

from api.sns import CertificateUnavailable, Refusal, SigningKey, UntrustedMessage

# AWS has few certificates per region at a time, and changes them about once a year.
MAX_KEYS = 64
MAX_FAILURES = 256
MIN_KEY_BITS = 2048
# A cold start may want a certificate per region at once; after that, one fetch in six seconds.
BUDGET = 10
BUDGET_SECONDS = 6.0
# Longer than BUDGET_SECONDS, so that asking for one certificate all through an outage never
# eats up the budget; shorter than the wait between two attempts of SNS.
FAILURE_SECONDS = 10.0
# What stands under one id does not change; the limit only spares an operator a restart.
REFUSAL_SECONDS = 600.0
# More than a fetch takes, less than the 15 s that SNS waits for an answer.
WAIT_SECONDS = 10.0

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Failure:
    error: type[Refusal]
    code: str
    until: float


class KeyCache:
    """The keys of the certificates that `fetch` brings. Safe to use from several threads.

    `fetch` returns the bytes behind a URL or raises CertificateUnavailable, and takes bounded
    time; `clock` counts seconds and never goes back.
    """

    def __init__(self, fetch: Callable[[str], bytes], clock: Callable[[], float]) -> None:
        self._fetch, self._clock = fetch, clock
        self._lock = Lock()  # of everything below; never held during a fetch
        self._keys: OrderedDict[str, SigningKey] = OrderedDict()
        self._failures: OrderedDict[str, _Failure] = OrderedDict()
        self._turns: WeakValueDictionary[str, Lock] = WeakValueDictionary()
        self._budget, self._budgeted_at = float(BUDGET), clock()

    def get(self, url: str, certificate_name: str) -> SigningKey:
        """Return the key of the certificate at the URL, which must bear that name.

        Raises UntrustedMessage when it is not such a certificate, CertificateUnavailable when
        it cannot be had now.
        """
        found = self._known(url) or self._load_once(url, certificate_name)
        if isinstance(found, _Failure):
            raise found.error(found.code)
        return found

    def _known(self, url: str) -> SigningKey | _Failure | None:
        with self._lock:
            if key := self._keys.get(url):
                self._keys.move_to_end(url)
                return key
            failure = self._failures.get(url)
            return failure if failure and self._clock() < failure.until else None

    def _load_once(self, url: str, certificate_name: str) -> SigningKey | _Failure:
        with self._lock:
            turn = self._turns.setdefault(url, Lock())  # gone when nobody waits for the URL any more
        if not turn.acquire(timeout=WAIT_SECONDS):
            raise CertificateUnavailable("certificate-wait")
        try:
            found = self._known(url)  # by the one whose turn it was before
            if found is None:
                self._spend()
                found = self._load(url, certificate_name)
                self._keep(url, found)
            return found
        finally:
            turn.release()

    def _spend(self) -> None:
        with self._lock:
            now = self._clock()
            earned = (now - self._budgeted_at) / BUDGET_SECONDS
            self._budget, self._budgeted_at = min(BUDGET, self._budget + earned), now
            if self._budget < 1:
                raise CertificateUnavailable("certificate-budget")
            self._budget -= 1

    def _load(self, url: str, certificate_name: str) -> SigningKey | _Failure:
        try:
            return signing_key(self._fetch(url), certificate_name)
        except CertificateUnavailable as error:
            return _Failure(CertificateUnavailable, error.code, self._clock() + FAILURE_SECONDS)
        except UntrustedMessage as error:
            return _Failure(UntrustedMessage, error.code, self._clock() + REFUSAL_SECONDS)

    def _keep(self, url: str, found: SigningKey | _Failure) -> None:
        with self._lock:
            self._failures.pop(url, None)
            if isinstance(found, SigningKey):
                _put(self._keys, url, found, MAX_KEYS)
            else:
                _put(self._failures, url, found, MAX_FAILURES)


def signing_key(pem: bytes, certificate_name: str) -> SigningKey:
    """Return the certificate's key: RSA of 2048 bits or more, under exactly that common name.

    The chain is not looked at: that the bytes came from the signer's own host over TLS is the
    proof. Raises CertificateUnavailable for bytes that are no certificate, UntrustedMessage
    for another certificate than SNS has.
    """
    try:
        certificate = load_pem_x509_certificate(pem)
        names = [name.value for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        key = certificate.public_key()
    except UnsupportedAlgorithm as error:
        raise UntrustedMessage("certificate-key") from error
    except Exception as error:  # x509 raises InvalidVersion and others of no common kind
        raise CertificateUnavailable("certificate-unreadable") from error
    if names != [certificate_name]:
        raise UntrustedMessage("certificate-name")
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_KEY_BITS:
        raise UntrustedMessage("certificate-key")
    return SigningKey(public_key=key, not_before=not_before, not_after=not_after)


def _put(table: OrderedDict[str, _Value], url: str, value: _Value, limit: int) -> None:
    table[url] = value
    if len(table) > limit:
        table.popitem(last=False)
