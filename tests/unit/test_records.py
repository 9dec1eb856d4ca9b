"""The words of the ledger hold what they promise."""

import pytest

from api.records import Change, Seen
from tests.support.records import document, revision


class TestChange:
    @pytest.mark.parametrize(("seen", "rev"), [(0, 0), (0, 2), (1, 1), (1, 3), (4, 2)])
    def test_refuses_a_revision_that_does_not_follow(self, seen: int, rev: int) -> None:
        invoice = revision(rev=seen) if seen else None

        with pytest.raises(ValueError, match="does not follow"):
            Change(document=document(), revision=revision(rev=rev), seen=Seen(invoice=invoice))

    @pytest.mark.parametrize(("seen", "rev"), [(0, 1), (1, 2), (41, 42)])
    def test_takes_the_next_revision(self, seen: int, rev: int) -> None:
        invoice = revision(rev=seen) if seen else None

        change = Change(document=document(), revision=revision(rev=rev), seen=Seen(invoice=invoice))

        assert change.revision == revision(rev=rev)
