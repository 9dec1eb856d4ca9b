"""One item: the short way and the long way agree."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from invoice_parser import InvoiceError
from invoice_parser.formats import COMMA_OR_SEMICOLON
from invoice_parser.item import Parts, read_item, read_usual_item

# The same separators, but not the object that the short way is for.
LONG_WAY = re.compile(f"(?:{COMMA_OR_SEMICOLON.pattern})")


def the_long_way(body: str) -> Parts | str | None:
    try:
        return read_item(body, LONG_WAY)
    except InvoiceError as error:
        return error.code


@given(
    st.one_of(
        st.builds(
            "{}, {}, {}".format,
            st.text(alphabet="ab 12,;.'\"-()", max_size=12),
            st.integers(0, 10**16),
            st.one_of(st.integers(0, 10**16), st.sampled_from(["", "1.5", "५", "²", "1,500"])),
        ),
        st.text(alphabet="ab 12,;.'५", max_size=16),
    )
)
@example("Damper, 7650, 500")
@example("'a', 1, 2")
@example(" , 1, 2")
@example("a; 5, 1, 2")
@example("a,5, 1, 2")
def test_the_short_way_reads_what_the_long_way_reads(body: str) -> None:
    usual = read_usual_item(body)

    assert usual is None or usual == the_long_way(body)


def test_the_short_way_is_taken() -> None:
    assert read_usual_item("Matter antimatter fusion controller, 2000, 200") == (
        "Matter antimatter fusion controller",
        (200_000, ""),
        (20_000, ""),
    )
