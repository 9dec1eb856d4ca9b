import pytest

from infra.local.deliverer import Attempt, Deliverer, RetryPolicy
from infra.local.sns_messages import Message

MESSAGE = Message(type="Notification", message_id="1", body=b"{}", headers={})


class TestRetryPolicy:
    def test_doubles_the_wait_up_to_the_last(self) -> None:
        policy = RetryPolicy(first_wait_seconds=0.5, last_wait_seconds=3)

        assert [policy.wait_seconds(number) for number in (1, 2, 3, 4, 5000)] == [0.5, 1, 2, 3, 3]


class TestAttempt:
    @pytest.mark.parametrize(
        ("status", "is_taken", "may_pass"),
        [
            (200, True, False),
            (204, True, False),
            (301, False, False),
            (400, False, False),
            (403, False, False),
            (429, False, True),
            (500, False, True),
            (503, False, True),
            (None, False, True),
        ],
    )
    def test_reads_the_answer_as_sns_does(self, status: int | None, is_taken: bool, may_pass: bool) -> None:  # noqa: FBT001
        attempt = Attempt(message=MESSAGE, number=1, status=status)

        assert (attempt.is_taken, attempt.may_pass) == (is_taken, may_pass)


class TestDeliverer:
    @pytest.mark.parametrize(
        "url",
        [
            "https://127.0.0.1/sns",
            "http://example.com/sns",
            "http://127.0.0.1.example.com/",
            "",
            "ftp://::1/",
        ],
    )
    def test_takes_endpoints_on_this_machine_only(self, url: str) -> None:
        deliverer = Deliverer(dead_letter=lambda _message: None)

        with pytest.raises(ValueError, match="this machine only"):
            deliverer.endpoint = url
