"""The bytes and the characters, written by hand from docs/invoice-format.md."""

import codecs

from tests.unit.invoice_parser.cases.case import BASE, Case, swap, whole

TEXT: list[Case] = [
    whole("the base", BASE.encode()),
    whole("UTF-8 with mark", codecs.BOM_UTF8 + BASE.encode(), encoding="utf-8-sig"),
    whole(
        "UTF-16 little endian with mark", codecs.BOM_UTF16_LE + BASE.encode("utf-16-le"), encoding="utf-16-le"
    ),
    whole(
        "UTF-16 big endian with mark", codecs.BOM_UTF16_BE + BASE.encode("utf-16-be"), encoding="utf-16-be"
    ),
    whole(
        "UTF-32 little endian with mark", codecs.BOM_UTF32_LE + BASE.encode("utf-32-le"), encoding="utf-32-le"
    ),
    whole(
        "UTF-32 big endian with mark", codecs.BOM_UTF32_BE + BASE.encode("utf-32-be"), encoding="utf-32-be"
    ),
    whole("UTF-16 without mark", BASE.encode("utf-16-le"), "not-text"),
    whole("UTF-16 big endian without mark", BASE.encode("utf-16-be"), "not-text"),
    whole("UTF-16 cut in a character", (codecs.BOM_UTF16_LE + BASE.encode("utf-16-le"))[:-1], "undecodable"),
    whole("CRLF", BASE.replace("\n", "\r\n").encode(), seller_name="Seller Ltd"),
    whole("lone CR", BASE.replace("\n", "\r").encode(), seller_name="Seller Ltd"),
    whole("no final newline", BASE.strip().encode()),
    whole("tabs for blanks", swap(("Dated: ", "Dated\t:\t"), ("1) Controller, ", "\t1)\tController,\t"))),
    whole(
        "no-break spaces",
        swap(("Total: ", "Total\u00a0:\u00a0"), ("Seller Ltd", "Seller\u00a0Ltd")),
        seller_name="Seller Ltd",
    ),
    whole("ideographic and thin spaces", swap(("Inv-ID: ", "\u3000Inv-ID:\u2009"))),
    whole("full-width colons", BASE.replace(": ", "\uff1a").encode(), buyer_name="Buyer GmbH"),
    whole(
        "Windows-1252",
        swap(("Seller Ltd", "Caf\u00e9 Ltd")).decode().encode("cp1252"),
        "encoding-assumed",
        seller_name="Café Ltd",
    ),
    whole(
        "Windows-1252 pound sign",
        swap(("Amount: 7650", "Amount: £7650")).decode().encode("cp1252"),
        "encoding-assumed",
        currency="GBP",
    ),
    whole("a byte of no encoding", swap(("Seller", "S?ller")).replace(b"?", b"\x81"), "undecodable"),
    whole(
        "UTF-8 with one broken character", swap(("Seller", "S?ller ₹₹")).replace(b"?", b"\xc3"), "undecodable"
    ),
    whole("PDF", b"%PDF-1.7\n" + BASE.encode(), "not-text"),
    whole("ZIP", b"PK\x03\x04" + BASE.encode(), "not-text"),
    whole("PNG", b"\x89PNG\r\n\x1a\n" + BASE.encode(), "not-text"),
    whole("JPEG", b"\xff\xd8\xff\xe0" + BASE.encode(), "not-text"),
    whole("GIF", b"GIF89a" + BASE.encode(), "not-text"),
    whole("gzip", b"\x1f\x8b\x08" + BASE.encode(), "not-text"),
    whole("a NUL byte", swap(("Seller", "Sel\0ler")), "not-text"),
    whole(
        "a NUL in UTF-16",
        codecs.BOM_UTF16_LE + swap(("Seller", "Sel\0ler")).decode().encode("utf-16-le"),
        "not-text",
    ),
    whole("no bytes", b"", "empty"),
    whole("only blanks", b" \n\t\r\n \xc2\xa0\n", "empty"),
    whole("only a byte order mark", codecs.BOM_UTF8, "empty"),
    whole("the largest document", BASE.encode() + b" \n" * ((262_144 - len(BASE)) // 2)),
    whole("a byte too many", BASE.encode() + b"\n" * (262_145 - len(BASE)), "too-large"),
    whole("a line of 10,000 characters", swap(("Seller Ltd", "S" * 9_994)), seller_name="S" * 9_994),
    whole("a line of 10,001 characters", swap(("Seller Ltd", "S" * 9_995)), "line-too-long"),
    whole(
        "zero-width space in the id",
        swap(("INV-7", "INV\u200b-7")),
        "invisible-characters",
        invoice_id="INV-7",
    ),
    whole(
        "bidirectional override",
        swap(("Seller Ltd", "\u202eSeller Ltd")),
        "invisible-characters",
        seller_name="Seller Ltd",
    ),
    whole(
        "control characters",
        swap(("Seller Ltd", "Seller\x07 L\x1btd")),
        "invisible-characters",
        seller_name="Seller Ltd",
    ),
    whole(
        "a replacement character",
        swap(("Seller Ltd", "S\ufffdller Ltd")),
        "damaged-characters",
        seller_name="S\ufffdller Ltd",
    ),
    whole("not an invoice", b"Dear sirs,\n\nplease find our offer attached.\n", "missing-field"),
]
