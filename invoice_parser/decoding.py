"""The document's bytes to text, exactly, or the name of what they are instead.

UTF-8 with or without byte order mark, UTF-16 and UTF-32 with one, Windows-1252 as the last resort.
"""

import codecs
from typing import Final

from invoice_parser import codes
from invoice_parser.invoice import MAX_DOCUMENT_BYTES, InvoiceError
from invoice_parser.lines import split_lines

# The longer marks first: UTF-32's little-endian mark begins with UTF-16's.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARK_STARTS: Final = tuple(mark for mark, _ in _MARKS)
_BINARY: Final = (
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"{\\rtf", "a rich text document"),
)
_BINARY_STARTS: Final = tuple(start for start, _ in _BINARY)
FALLBACK_ENCODING: Final = "cp1252"


def decode(data: bytes) -> tuple[str, str]:
    """Return the document's text and the codec that encodes it into the same bytes again.

    The byte order mark of UTF-16 and UTF-32 stays in the text, since their codecs write none.
    Raises InvoiceError with too-large, empty, not-text or undecodable.
    """
    # Not how many: of a large file the caller has read but one byte too many.
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InvoiceError(
            codes.TOO_LARGE, f"The document has over {MAX_DOCUMENT_BYTES} bytes; no more are allowed."
        )
    if not data:
        raise InvoiceError(codes.EMPTY, "The document has no bytes.")
    if data.startswith(_MARK_STARTS):
        encoding = next(codec for mark, codec in _MARKS if data.startswith(mark))
        text = _decoded(data, encoding)
    else:
        _refuse_binary(data)
        if data.isascii():
            return data.decode("ascii"), "utf-8"
        try:
            return data.decode(), "utf-8"
        except UnicodeDecodeError as error:
            encoding = FALLBACK_ENCODING
            _refuse_damaged(data, error)
            text = _decoded(data, encoding)
    if "\0" in text:
        raise InvoiceError(codes.NOT_TEXT, "The document is binary data (it holds NUL characters).")
    return text, encoding


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _undecodable(data, error, f"no {encoding.upper()} text") from error


def _refuse_damaged(data: bytes, error: UnicodeDecodeError) -> None:
    """Raise undecodable when most of the bytes beyond ASCII are good UTF-8.

    Read as Windows-1252, the good ones would turn into rubbish.
    """
    bad = data.decode(errors="replace").count("\ufffd")
    good = sum(character > "\x7f" for character in data.decode(errors="ignore"))
    if good > bad:
        raise _undecodable(data, error, "damaged UTF-8") from error


def _undecodable(data: bytes, error: UnicodeDecodeError, what: str) -> InvoiceError:
    text = data[: error.start].decode(error.encoding, errors="replace")
    before = split_lines(text.removeprefix("\ufeff"))
    message = f"Byte {error.start} (0x{data[error.start]:02X}) is {what}; send the document as UTF-8."
    return InvoiceError(codes.UNDECODABLE, message, len(before), len(before[-1]) + 1)


def _refuse_binary(data: bytes) -> None:
    if data.startswith(_BINARY_STARTS):
        what = next(name for start, name in _BINARY if data.startswith(start))
        raise InvoiceError(codes.NOT_TEXT, f"The document is {what}, not plain text.")
    if b"\0" in data:
        even, odd = data[::2].count(0), data[1::2].count(0)
        half = len(data) // 4
        what = (
            "UTF-16 without a byte order mark"
            if max(even, odd) > half
            else "binary data (it holds NUL bytes)"
        )
        raise InvoiceError(codes.NOT_TEXT, f"The document is {what}; send it as UTF-8 text.")
