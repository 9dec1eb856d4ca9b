from datetime import UTC, datetime, timedelta

import pytest

from api.maintenance.notify import notify
from api.records import Document, Page, Reason

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)


class Ledger:
    """Open rejections, newest first, two to a page."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.saved: dict[str, str] = {}

    def reject(self, key: str, minutes: int, code: str = "missing-field", line: int = 4) -> None:
        reason = Reason(code=code, message="there is no total", line=line)
        recorded_at = NOON + timedelta(minutes=minutes)
        self.documents.append(
            Document(
                source_key=key,
                version_id="v",
                outcome="rejected",
                recorded_at=recorded_at,
                reason=reason,
                is_open=True,
            )
        )
        self.documents.sort(key=lambda document: document.recorded_at, reverse=True)

    def rejections(self, *, open_only: bool, limit: int, token: str | None) -> Page:
        assert open_only
        assert limit > 0
        start = int(token or 0)
        more = start + 2 < len(self.documents)
        return Page(
            documents=tuple(self.documents[start : start + 2]), next_token=str(start + 2) if more else None
        )

    def checkpoint(self, name: str) -> str | None:
        return self.saved.get(name)

    def save_checkpoint(self, name: str, value: str) -> None:
        self.saved[name] = value


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []

    def publish(self, subject: str, text: str) -> None:
        self.mails.append((subject, text))


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def ledger() -> Ledger:
    told = Ledger()
    told.saved["notify"] = NOON.isoformat()
    return told


class TestNotify:
    def test_says_which_document_was_rejected_where_and_why(self, ledger: Ledger, mailbox: Mailbox) -> None:
        ledger.reject("vega/coffee.txt", 1)

        number = notify(ledger, mailbox.publish, LATER)

        assert number == 1
        [(subject, text)] = mailbox.mails
        assert subject == "docproc: 1 document was rejected"
        line = "2026-11-21 12:01 UTC  vega/coffee.txt, line 4: there is no total (missing-field)"
        assert text.splitlines()[0] == line

    def test_tells_of_each_once_and_in_order(self, ledger: Ledger, mailbox: Mailbox) -> None:
        for minute, key in enumerate(("a", "b", "c"), start=1):
            ledger.reject(key, minute)
        notify(ledger, mailbox.publish, NOON + timedelta(minutes=13))
        ledger.reject("d", 9)

        notify(ledger, mailbox.publish, LATER)
        notify(ledger, mailbox.publish, LATER)

        assert [subject for subject, _ in mailbox.mails] == [
            "docproc: 3 documents were rejected",
            "docproc: 1 document was rejected",
        ]
        assert [line.split()[3] for line in mailbox.mails[0][1].splitlines()[:3]] == ["a,", "b,", "c,"]

    def test_does_not_tell_the_whole_past_when_it_begins(self, mailbox: Mailbox) -> None:
        ledger = Ledger()
        ledger.reject("old", -5)

        assert notify(ledger, mailbox.publish, NOON) == 0
        assert mailbox.mails == []
        assert ledger.saved == {"notify": "2026-11-21T11:50:00+00:00"}

    def test_waits_for_what_is_still_being_recorded(self, ledger: Ledger, mailbox: Mailbox) -> None:
        ledger.reject("fast", 5)
        first = notify(ledger, mailbox.publish, NOON + timedelta(minutes=6))
        ledger.reject("slow", 4)  # it began earlier and came later

        second = notify(ledger, mailbox.publish, NOON + timedelta(minutes=15))

        assert (first, second) == (0, 2)

    def test_tells_again_when_publishing_failed(self, ledger: Ledger, mailbox: Mailbox) -> None:
        ledger.reject("a", 1)

        def fail(_subject: str, _text: str) -> None:
            raise TimeoutError

        with pytest.raises(TimeoutError):
            notify(ledger, fail, LATER)

        assert notify(ledger, mailbox.publish, LATER) == 1

    def test_keeps_a_mail_readable(self, ledger: Ledger, mailbox: Mailbox) -> None:
        for minute in range(60):
            ledger.reject(f"{minute}.txt", minute + 1)

        notify(ledger, mailbox.publish, LATER)

        [(subject, text)] = mailbox.mails
        assert subject == "docproc: 60 documents were rejected"
        assert len(text.splitlines()) == 53
        assert "... and 10 more" in text

    def test_tells_nothing_that_a_reader_of_mail_would_obey(self, ledger: Ledger, mailbox: Mailbox) -> None:
        ledger.reject("a\r\nBcc: x\x1b[2J\u202etxt.txt", 5)

        notify(ledger, mailbox.publish, LATER)

        [(_, text)] = mailbox.mails
        assert "a<U+000D><U+000A>Bcc: x<U+001B>[2J<U+202E>txt.txt, line 4: there is no total" in text
