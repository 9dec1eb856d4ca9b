"""An amount in English words, to minor units; or None when it cannot be read as one amount.

    amount = [name…] ["minus"] number [name…] [["and"] cents] [name…]
    cents  = number subunit | subunit number | digits subunit | digits "/100" | "point" digit [digit]

Numbers use the western scales (thousand, million, …) and the Indian ones (lakh, crore, …). A name
is any word that is no number: rupees, dollars, only. A word that should have been a number and
is not (`fivty`) therefore reads as a name; then the amount differs from the total, which is the point.
"""

import re
from typing import Final

_ONES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_HUNDRED: Final = 100
_CRORE: Final = 10**7
_SCALES: Final = {
    "thousand": 10**3,
    "lakh": 10**5,
    "lac": 10**5,
    "million": 10**6,
    "crore": _CRORE,
    "billion": 10**9,
    "arab": 10**9,
    "kharab": 10**11,
    "trillion": 10**12,
}
_NUMBERS: Final = (
    {word: value for value, word in enumerate(_ONES.split())}
    | {word: value * 10 for value, word in enumerate(_TENS.split(), 2)}
    | {"hundred": _HUNDRED}
    | _SCALES
    | {f"{word}s": value for word, value in _SCALES.items()}
)
_SUBUNITS: Final = frozenset(
    ("paise", "paisa", "cent", "cents", "penny", "pence", "fils", "halala", "halalas")
)
_POINT: Final = "point"
_BREAKS: Final = _SUBUNITS | {_POINT}
_MINUS: Final = frozenset(("minus", "negative"))
_WORD: Final = re.compile(r"[a-z]+|[0-9]+(?:/100)?")
_MAX_CHARACTERS: Final = 1_000


def read_words(text: str) -> int | None:
    """Return the amount in hundredths, or None."""
    if len(text) > _MAX_CHARACTERS:
        return None
    words = _WORD.findall(text.lower())
    cents: int | None = 0
    if "/" in text or not _BREAKS.isdisjoint(words):
        words, cents = _split(words)
    whole = _number(words)
    if whole is None or cents is None or cents >= _HUNDRED:
        return None
    sign = 1 if _MINUS.isdisjoint(words) else -1
    return sign * (whole * 100 + cents)


def _split(words: list[str]) -> tuple[list[str], int | None]:
    """Return the words of the whole units, and the cents; None when they cannot be read."""
    place = next((i for i, word in enumerate(words) if word in _BREAKS or word.endswith("/100")), None)
    if place is None:
        return words, 0
    before, word, after = words[:place], words[place], words[place + 1 :]
    if word.endswith("/100"):
        return before, int(word[: -len("/100")])
    if word == _POINT:
        return before, _decimals(after)
    if any(follower in _NUMBERS for follower in after):
        return before, _number(after)
    start = place
    while start and (before[start - 1] in _NUMBERS or before[start - 1].isdigit()):
        start -= 1
    if before[start:] and before[start].isdigit():
        cents = int(before[start]) if start == place - 1 else None
    else:
        cents = _number(before[start:])
    rest = before[:start]
    return (rest if any(word in _NUMBERS for word in rest) else [*rest, "zero"]), cents


def _decimals(words: list[str]) -> int | None:
    """Return the hundredths of the digits after the point: `five` is 50, `zero five` is 5."""
    digits = [_NUMBERS[word] for word in words if word in _NUMBERS]
    if not 1 <= len(digits) <= 2 or max(digits) > 9:  # noqa: PLR2004 - two decimal digits
        return None
    return digits[0] * 10 + (digits[1] if digits[1:] else 0)


def _number(words: list[str]) -> int | None:
    """Return the one number among the words, or None when there is none, or more than one."""
    run: list[int] = []
    ended = False
    for word in words:
        value = _NUMBERS.get(word)
        if value is not None:
            if ended:
                return None
            run.append(value)
        elif word.isdigit():
            return None
        elif run and word != "and":
            ended = True
    if run == [0]:
        return 0
    return _value(run) if run and 0 not in run else None


def _value(run: list[int]) -> int | None:
    """Return the value of number words in the order of speech, or None when nobody speaks so."""
    total = group = 0
    scale = 10**15
    for value in run:
        if value > _HUNDRED:
            if value == _CRORE and total and scale < _CRORE:
                total = (total + group) * value  # one lakh crore
            elif value < scale and (group or not total):
                total += (group or 1) * value
            else:
                return None
            scale, group = value, 0
        elif value == _HUNDRED:
            if group >= _HUNDRED or (total and not group):
                return None
            group = (group or 1) * value
        elif not _may_follow(value, group % 100):
            return None
        else:
            group += value
    return total + group


def _may_follow(value: int, group: int) -> bool:
    """Tell whether a number below 100 may follow the tens and ones spoken so far (`twenty`, `one`)."""
    return group == 0 or (value < 10 and group >= 20 and group % 10 == 0)  # noqa: PLR2004 - ones after tens
