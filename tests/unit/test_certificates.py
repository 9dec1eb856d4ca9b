"""The key cache: what strangers can make it do is bounded, what is known stays."""

import gc
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import certificates
from api.certificates import KeyCache, signing_key
from api.sns import CertificateUnavailable, Refusal, SigningKey, UntrustedMessage
from tests.support import sns_signing as signing
from tests.support.sns_signing import CERTIFICATE_NAME, CERTIFICATE_URL, Clock, Fetch


def url_of(number: int) -> str:
    return f"{signing.HOST}/SimpleNotificationService-{number:032x}.pem"


def code_of(cache: KeyCache, url: str) -> str:
    with pytest.raises(Refusal) as refusal:
        cache.get(url, CERTIFICATE_NAME)
    return refusal.value.code


class Host:
    """A host that is up or down, with one genuine certificate and nothing under other ids."""

    def __init__(self) -> None:
        self.is_up = True
        self.urls: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.urls.append(url)
        if self.is_up and url == CERTIFICATE_URL:
            return signing.certificate()
        raise CertificateUnavailable("certificate-status")


class TestSigningKey:
    def test_has_the_key_and_its_validity(self) -> None:
        pem = signing.certificate(
            not_before=datetime(2026, 1, 2, tzinfo=UTC), not_after=datetime(2027, 1, 2, tzinfo=UTC)
        )

        key = signing_key(pem, CERTIFICATE_NAME)

        assert key.public_key.public_numbers() == signing.rsa_key().public_key().public_numbers()
        assert key.not_before == datetime(2026, 1, 2, tzinfo=UTC)
        assert key.not_after == datetime(2027, 1, 2, tzinfo=UTC)

    @pytest.mark.parametrize("bits", [1024, 2040])
    def test_must_be_long(self, bits: int) -> None:
        with pytest.raises(UntrustedMessage) as refusal:
            signing_key(signing.certificate(key=signing.rsa_key(bits)), CERTIFICATE_NAME)

        assert refusal.value.code == "certificate-key"

    def test_of_a_kind_that_cryptography_does_not_know_is_refused(self) -> None:
        # The OID of RSA encryption, 1.2.840.113549.1.1.1, becomes 1.2.840.113549.1.1.99.
        pem = signing.certificate()
        der = signing.der(pem).replace(
            bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d010163")
        )

        with pytest.raises(UntrustedMessage) as refusal:
            signing_key(signing.pem(der), CERTIFICATE_NAME)

        assert refusal.value.code == "certificate-key"


@given(st.binary(max_size=300))
def test_any_bytes_for_a_certificate_are_unavailable(data: bytes) -> None:
    with pytest.raises(CertificateUnavailable):
        signing_key(data, CERTIFICATE_NAME)


@given(st.data())
def test_any_damage_to_a_certificate_is_refused_or_leaves_name_and_strength(data: st.DataObject) -> None:
    der = bytearray(signing.der(signing.certificate()))
    der[data.draw(st.integers(0, len(der) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        key = signing_key(signing.pem(bytes(der)), CERTIFICATE_NAME)
    except Refusal:
        return

    assert key.public_key.key_size >= 2048


class TestGet:
    def test_fetches_once(self) -> None:
        fetch = Fetch()
        cache = KeyCache(fetch, Clock())

        keys = [cache.get(CERTIFICATE_URL, CERTIFICATE_NAME) for _ in range(3)]

        assert fetch.urls == [CERTIFICATE_URL]
        assert all(isinstance(key, SigningKey) for key in keys)

    def test_fetches_a_wrong_certificate_once(self) -> None:
        fetch, clock = Fetch(signing.certificate("sns.example.com")), Clock()
        cache = KeyCache(fetch, clock)

        codes = {code_of(cache, CERTIFICATE_URL) for _ in range(3)}
        clock.seconds += 599

        assert codes | {code_of(cache, CERTIFICATE_URL)} == {"certificate-name"}
        assert fetch.urls == [CERTIFICATE_URL]

    def test_asks_again_for_a_wrong_certificate_after_ten_minutes(self) -> None:
        fetch, clock = Fetch(signing.certificate("sns.example.com")), Clock()
        cache = KeyCache(fetch, clock)
        code_of(cache, CERTIFICATE_URL)

        clock.seconds += 600
        fetch.answer = signing.certificate()

        assert isinstance(cache.get(CERTIFICATE_URL, CERTIFICATE_NAME), SigningKey)

    def test_does_not_ask_again_within_ten_seconds_of_a_failure(self) -> None:
        host, clock = Host(), Clock()
        host.is_up = False
        cache = KeyCache(host, clock)
        code_of(cache, CERTIFICATE_URL)

        clock.seconds += 9.9

        assert code_of(cache, CERTIFICATE_URL) == "certificate-status"
        assert len(host.urls) == 1

    def test_works_with_the_first_good_fetch_after_an_outage(self) -> None:
        host, clock = Host(), Clock()
        host.is_up = False
        cache = KeyCache(host, clock)
        # An hour in which somebody asks every second: the budget must outlast it.
        for _ in range(3600):
            assert code_of(cache, CERTIFICATE_URL) == "certificate-status"
            clock.seconds += 1

        host.is_up = True
        clock.seconds += 10

        assert isinstance(cache.get(CERTIFICATE_URL, CERTIFICATE_NAME), SigningKey)
        assert len(host.urls) == 361

    def test_lets_a_fault_of_the_program_rise_and_tries_again(self) -> None:
        fetch = Fetch(lambda _: 1 // 0)  # type: ignore[arg-type,return-value] # the fault itself
        cache = KeyCache(fetch, Clock())
        with pytest.raises(ZeroDivisionError):
            cache.get(CERTIFICATE_URL, CERTIFICATE_NAME)

        fetch.answer = signing.certificate()

        assert isinstance(cache.get(CERTIFICATE_URL, CERTIFICATE_NAME), SigningKey)


class TestFlood:
    def test_of_ids_fetches_no_more_than_the_budget(self) -> None:
        host, clock = Host(), Clock()
        cache = KeyCache(host, clock)

        codes = [code_of(cache, url_of(number)) for number in range(500)]

        assert len(host.urls) == 10
        assert codes[9:11] == ["certificate-status", "certificate-budget"]

    def test_earns_one_fetch_in_six_seconds_and_saves_no_more_than_ten(self) -> None:
        host, clock = Host(), Clock()
        cache = KeyCache(host, clock)
        numbers = iter(range(10_000))

        def spend() -> int:
            before = len(host.urls)
            while code_of(cache, url_of(next(numbers))) != "certificate-budget":
                pass
            return len(host.urls) - before

        spent = []
        for seconds in (0, 5.9, 0.2, 60, 3600):
            clock.seconds += seconds
            spent.append(spend())

        assert spent == [10, 0, 1, 10, 10]

    def test_leaves_the_known_key_and_its_messages_alone(self) -> None:
        host, clock = Host(), Clock()
        cache = KeyCache(host, clock)
        key = cache.get(CERTIFICATE_URL, CERTIFICATE_NAME)

        for number in range(5000):
            code_of(cache, url_of(number))
            clock.seconds += 1
            assert cache.get(CERTIFICATE_URL, CERTIFICATE_NAME) is key

        assert host.urls.count(CERTIFICATE_URL) == 1

    def test_keeps_memory_flat(self) -> None:
        host, clock = Host(), Clock()
        cache = KeyCache(host, clock)

        def flood(numbers: range) -> None:
            for number in numbers:
                clock.seconds += 6  # the slowest flood: each id is really fetched, and kept as a failure
                code_of(cache, url_of(number))
            host.urls.clear()

        flood(range(500))
        gc.collect()
        tracemalloc.start()
        flood(range(500, 1500))
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        # 256 failures replaced by 256 others; without the limit a thousand more would stand here.
        assert grown < 200_000
        assert len(cache._failures) == 256

    def test_of_genuine_certificates_keeps_the_key_that_is_used(self) -> None:
        """AWS has old certificates, of the right name, that anybody may ask for by their ids."""
        fetch, clock = Fetch(), Clock()
        cache = KeyCache(fetch, clock)
        cache.get(CERTIFICATE_URL, CERTIFICATE_NAME)

        for number in range(200):
            clock.seconds += 6
            cache.get(url_of(number), CERTIFICATE_NAME)
            cache.get(CERTIFICATE_URL, CERTIFICATE_NAME)

        assert fetch.urls.count(CERTIFICATE_URL) == 1
        assert len(cache._keys) == 64


class TestThreads:
    def test_that_come_first_together_cause_one_fetch(self) -> None:
        started = threading.Event()

        def slow(_: str) -> bytes:
            started.set()
            time.sleep(0.2)
            return signing.certificate()

        fetch = Fetch(slow)
        cache = KeyCache(fetch, time.monotonic)

        with ThreadPoolExecutor(16) as pool:
            keys = list(pool.map(lambda _: cache.get(CERTIFICATE_URL, CERTIFICATE_NAME), range(16)))

        assert fetch.urls == [CERTIFICATE_URL]
        assert len({id(key) for key in keys}) == 1

    def test_that_fail_together_cause_one_fetch(self) -> None:
        def slow(_: str) -> bytes:
            time.sleep(0.2)
            raise CertificateUnavailable("certificate-status")

        fetch = Fetch(slow)
        cache = KeyCache(fetch, time.monotonic)

        with ThreadPoolExecutor(16) as pool:
            codes = list(pool.map(lambda _: code_of(cache, CERTIFICATE_URL), range(16)))

        assert fetch.urls == [CERTIFICATE_URL]
        assert set(codes) == {"certificate-status"}

    def test_with_a_known_key_do_not_wait_for_a_fetch(self) -> None:
        go = threading.Event()

        def host(url: str) -> bytes:
            if url != CERTIFICATE_URL:
                assert go.wait(10)
            return signing.certificate()

        cache = KeyCache(Fetch(host), time.monotonic)
        cache.get(CERTIFICATE_URL, CERTIFICATE_NAME)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(cache.get, url_of(1), CERTIFICATE_NAME)

            key = cache.get(CERTIFICATE_URL, CERTIFICATE_NAME)

            assert not waiting.done()
            go.set()
            assert waiting.result(10) is not key

    def test_do_not_wait_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(certificates, "WAIT_SECONDS", 0.05)
        go, began = threading.Event(), threading.Event()

        def host(_: str) -> bytes:
            began.set()
            assert go.wait(10)
            return signing.certificate()

        cache = KeyCache(Fetch(host), time.monotonic)
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(cache.get, CERTIFICATE_URL, CERTIFICATE_NAME)
            assert began.wait(10)

            code = code_of(cache, CERTIFICATE_URL)

            go.set()
            assert isinstance(first.result(10), SigningKey)
        assert code == "certificate-wait"
        gc.collect()
        assert not cache._turns  # or made-up URLs would pile up here
