"""Values as people read them: amounts grouped as in their country, times, sizes, text made visible."""

import secrets
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from django import template
from django.http import HttpRequest
from django.utils.formats import get_format
from django.utils.html import escape, format_html
from django.utils.numberformat import format as format_number
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

from api.pages.icons import ICONS
from invoice_parser.wording import is_unseen

register = template.Library()

# Thousands, then hundreds of thousands: 12,34,567.00. Django has no formats for the region.
_INDIAN: Final = (3, 2, 0)
_INDIAN_REGIONS: Final = ("-in", "-bd", "-np", "-pk", "-lk")
_INDIAN_LANGUAGES: Final = frozenset({"hi", "bn", "ta", "te", "mr", "gu", "kn", "ml", "pa"})
_KILO: Final = 1024
_UNITS: Final = ("KB", "MB", "GB", "TB")


@register.simple_tag(takes_context=True)
def amount(context: Mapping[str, Any], value: Decimal | None, currency: str = "") -> str:
    """Return an amount with two decimals, grouped as the reader's language has it; nothing for None."""
    return "" if value is None else money(context["request"], value, currency)


@register.simple_tag(takes_context=True)
def number(context: Mapping[str, Any], value: float | None) -> str:
    """Return a count grouped as the reader's language has it; a fraction keeps its decimals."""
    return "" if value is None else _grouped(context["request"], value, None)


@register.filter
def when(value: datetime | None) -> str:
    """Return a time in UTC as an element that the page's script shows in the viewer's zone."""
    if value is None:
        return ""
    at = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{} UTC</time>',
        at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        at.strftime("%Y-%m-%d %H:%M:%S"),
    )


@register.filter
def day(value: date | None) -> str:
    """Return a day as ISO writes it."""
    return value.isoformat() if value else ""


@register.filter
def seconds(value: float | None) -> str:
    """Return a duration in the unit that fits it."""
    if value is None:
        return "\N{EN DASH}"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 90:  # noqa: PLR2004 - a minute and a half still reads well in seconds
        return f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.0f} h"  # noqa: PLR2004 - the same


@register.filter
def size(value: int | None) -> str:
    """Return a number of bytes in the unit that fits it."""
    left = float(value or 0)
    if left < _KILO:
        return f"{left:.0f} bytes"
    place = 0
    while left >= _KILO and place < len(_UNITS):
        left, place = left / _KILO, place + 1
    return f"{left:.1f}".removesuffix(".0") + f" {_UNITS[place - 1]}"


@register.filter
def visible(value: str) -> str:
    """Return text of unknown origin with a mark for each character that shows nothing or turns the text."""
    text = str(value)
    if text.isascii() and text.isprintable():
        return escape(text)
    return mark_safe("".join(map(_mark, text)))  # noqa: S308 - _mark escapes each character


@register.filter
def item(mapping: Mapping[str, object], key: str) -> object:
    """Return a mapping's value, nothing without one: templates cannot index by a variable."""
    return mapping.get(key, "")


@register.filter
def visible_lines(value: str) -> str:
    """Return text of several lines as `visible` does."""
    return mark_safe("\n".join(visible(line) for line in str(value).split("\n")))  # noqa: S308 - the same


@register.inclusion_tag("parts/sort_head.html", takes_context=True)
def sort_head(context: Mapping[str, Any], sort: str, name: str, title: str, kind: str = "") -> dict[str, Any]:
    """Return a table's head that sorts by its column: first one way, then the other."""
    is_first = sort.removeprefix("-") != name
    ascending = sort == name
    # Names are looked for from A, numbers from the largest.
    following = ("-" if kind else "") + name if is_first else ("-" if ascending else "") + name
    return {
        "request": context["request"],
        "title": title,
        "kind": kind,
        "direction": "" if is_first else ("ascending" if ascending else "descending"),
        "following": following,
    }


@register.simple_tag(takes_context=True)
def url_again(context: Mapping[str, Any]) -> str:
    """Return the page's address without the queries that it asks after, so that new ones are started."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    for name in [name for name in query if name.startswith("q-")]:
        del query[name]
    query["again"] = secrets.token_hex(4)
    return f"{request.path}?{query.urlencode()}"


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return a picture beside a word; readers of screens skip it."""
    return format_html(
        '<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d="{}"/></svg>', ICONS[name]
    )


def money(request: HttpRequest, value: Decimal, currency: str = "") -> str:
    """Return an amount as `amount` does."""
    text = _grouped(request, value, 2).replace("-", "\N{MINUS SIGN}")
    return f"{text} {currency}" if currency else text


def language_of(request: HttpRequest) -> str:
    """Return the language whose number formats the reader expects, `en` if we know none of theirs."""
    for code, _ in parse_accept_lang_header(request.headers.get("Accept-Language", "").lower()):
        if code.endswith(_INDIAN_REGIONS) or code.split("-")[0] in _INDIAN_LANGUAGES:
            return "en-in"
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return "en"


def _grouped(request: HttpRequest, value: Decimal | float, decimals: int | None) -> str:
    language = getattr(request, "number_language", "") or language_of(request)
    request.number_language = language  # type: ignore[attr-defined] # asked for hundreds of times a page
    is_indian = language == "en-in"
    known = "en" if is_indian else language
    return str(
        format_number(
            value,
            get_format("DECIMAL_SEPARATOR", known),
            decimals,
            _INDIAN if is_indian else get_format("NUMBER_GROUPING", known),
            get_format("THOUSAND_SEPARATOR", known),
            force_grouping=True,
        )
    )


def _mark(char: str) -> str:
    if not is_unseen(char):
        return escape(char)
    if char == "\t":
        return char
    name = unicodedata.name(char, "control character")
    return f'<span class="unseen" title="{escape(name)}">U+{ord(char):04X}</span>'
