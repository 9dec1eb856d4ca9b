"""Bytes to text and back."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice_parser import InvoiceError, decode

TEXTS = st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1)


@given(
    text=TEXTS,
    form=st.sampled_from(
        [
            (b"", "utf-8"),
            (codecs.BOM_UTF8, "utf-8"),
            (codecs.BOM_UTF16_LE, "utf-16-le"),
            (codecs.BOM_UTF16_BE, "utf-16-be"),
            (codecs.BOM_UTF32_LE, "utf-32-le"),
            (codecs.BOM_UTF32_BE, "utf-32-be"),
        ]
    ),
)
def test_reads_every_unicode_form(text: str, form: tuple[bytes, str]) -> None:
    mark, codec = form
    data = mark + b"A " + text.encode(codec) if codec == "utf-8" else mark + ("A " + text).encode(codec)

    decoded, encoding = decode(data)

    assert decoded.removeprefix("\ufeff") == "A " + text
    assert decoded.encode(encoding) == data


@given(st.binary(min_size=1, max_size=200))
def test_keeps_every_byte_of_what_it_accepts(data: bytes) -> None:
    try:
        text, encoding = decode(data)
    except InvoiceError as error:
        kept, code = data, error.code
    else:
        kept, code = text.encode(encoding), ""

    assert kept == data
    assert code in ("", "not-text", "undecodable")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"%PDF-1.4", "a PDF file"),
        (b"PK\x03\x04...", "a ZIP archive"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"\xff\xd8\xff\xe0", "a JPEG image"),
        (b"GIF89a", "a GIF image"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        ("Inv-ID: 1".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        ("Inv-ID: 1".encode("utf-16-be"), "UTF-16 without a byte order mark"),
        (b"abc\0def and so on", "NUL bytes"),
    ],
)
def test_names_what_is_no_text(data: bytes, message: str) -> None:
    with pytest.raises(InvoiceError, match=message) as refusal:
        decode(data)

    assert refusal.value.code == "not-text"


def test_says_how_large_a_document_may_be() -> None:
    with pytest.raises(InvoiceError, match=r"has over 262144 bytes; no more are allowed"):
        decode(b" " * 300_000)


def test_says_where_utf_16_breaks_without_counting_the_mark() -> None:
    with pytest.raises(InvoiceError) as refusal:
        decode("\ufeffA\nBC".encode("utf-16-le") + b"D")

    assert (refusal.value.code, refusal.value.line, refusal.value.column) == ("undecodable", 2, 3)


def test_reads_windows_quotes_around_a_capital_with_accent() -> None:
    text, encoding = decode("“CAFÉ” and £5".encode("cp1252"))

    assert (text, encoding) == ("“CAFÉ” and £5", "cp1252")


def test_does_not_turn_damaged_utf_8_into_rubbish() -> None:
    with pytest.raises(InvoiceError, match=r"Byte 6 \(0xE2\) is damaged UTF-8") as refusal:
        decode("₹ 5\n₹ 6\n".encode().replace(b"5\n\xe2\x82\xb9", b"5\n\xe2\x82") + "₹ 7".encode())

    assert (refusal.value.line, refusal.value.column) == (2, 1)
