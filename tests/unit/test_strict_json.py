import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.strict_json import NotStrictJson, loads

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


class TestLoads:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (b'{"a": [1, -2.5, true, null, "\\u00e9\\ud83d\\ude00"]}', {"a": [1, -2.5, True, None, "é😀"]}),
            ("\t\r\n [] ", []),
            ('"é"', "é"),
            ("9999999999999999999", 9999999999999999999),
            ("-9999999999999999999", -9999999999999999999),
            ('"\\\\ud800"', "\\ud800"),
        ],
    )
    def test_reads_what_has_one_meaning(self, text: bytes | str, value: object) -> None:
        assert loads(text) == value

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "\ufeff{}",
            b"\xef\xbb\xbf{}",
            b"\xff",
            '{"a": 1, "a": 1}',
            '[{"a": 1, "\\u0061": 2}]',
            "NaN",
            "Infinity",
            "-Infinity",
            "10000000000000000000",
            "-10000000000000000000",
            "9" * 5000,
            '"\\ud800"',
            '"\\udc00"',
            '"\\uDC00\\uD800"',
            '"\ud800"',
            '{"\\ud800": 1}',
            "01",
            "1 2",
            "[1,]",
            "'a'",
            '"a\nb"',
            "[" * 100_000,
        ],
    )
    def test_refuses_the_rest(self, text: bytes | str) -> None:
        with pytest.raises(NotStrictJson):
            loads(text)


@given(VALUES)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert loads(json.dumps(value)) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary() | st.text(st.characters()))
def test_any_input_is_a_value_or_refused(data: bytes | str) -> None:
    try:
        loads(data)
    except NotStrictJson:
        return
