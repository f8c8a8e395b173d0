"""Parameters: tolerant of how they are sent, not of what they say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from relevo.domain.errors import InvalidInput
from relevo.web.api.reading import ALIASES, VERBATIM, _from_json, _from_pairs, read


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    text: str = ""
    short: Annotated[str, Meta(max_length=3)] = ""
    form: Annotated[str, Meta(pattern=r"^f[0-9]+$")] = "f1"
    words: Annotated[str, Meta(extra={ALIASES: ("said", "told"), VERBATIM: True})] = ""
    number: int = 7
    little: Annotated[int, Meta(ge=1, le=9)] = 1
    maybe: int | None = None
    flag: Literal[0, 1] = 0
    choice: Literal["red", "blue"] | None = None
    level: Literal[0, 1, 2] = 0
    many: Annotated[list[str], Meta(max_length=2)] = []
    thing: dict[str, Any] | None = None


class Needy(msgspec.Struct, frozen=True):
    user_ns: str
    sub_flow_ns: str


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, Everything()),
        ({"text": None, "number": None, "flag": None, "many": None, "thing": None}, Everything()),
        ({"text": "", "number": "", "flag": " ", "many": [], "thing": {}}, Everything()),
        ({"unknown": 1, "TEXT": "x"}, Everything()),
        ({"text": " a "}, Everything(text="a")),
        ({"text": 61400000000}, Everything(text="61400000000")),
        ({"words": " a "}, Everything(words=" a ")),
        ({"told": "a"}, Everything(words="a")),
        ({"words": "", "said": "b", "told": "c"}, Everything(words="b")),
        ({"short": " abc "}, Everything(short="abc")),
        ({"form": "f12"}, Everything(form="f12")),
        ({"number": "-30"}, Everything(number=-30)),
        ({"number": "+030"}, Everything(number=30)),
        ({"number": 30.0}, Everything(number=30)),
        ({"maybe": "0"}, Everything(maybe=0)),
        ({"flag": True}, Everything(flag=1)),
        ({"flag": "Yes"}, Everything(flag=1)),
        ({"flag": "0"}, Everything(flag=0)),
        ({"flag": False}, Everything(flag=0)),
        ({"choice": " red"}, Everything(choice="red")),
        ({"level": "2"}, Everything(level=2)),
        ({"many": ["a", "b"]}, Everything(many=["a", "b"])),
        ({"thing": {"a": [1]}}, Everything(thing={"a": [1]})),
    ],
)
def test_what_is_meant_is_understood(sent: dict[str, Any], expected: Everything) -> None:
    assert read(sent, Everything) == expected


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"text": ["a"]}, "The text must be a string; it is ['a']."),
        ({"text": True}, "The text must be a string; it is True."),
        ({"text": 1.5}, "The text must be a string; it is 1.5."),
        ({"words": 5}, "The words must be a string; it is 5."),
        ({"short": "abcd"}, "The short must not be greater than 3 characters; it has 4."),
        ({"form": "g12"}, "The form format is invalid."),
        ({"form": "f12\nf12"}, "The form format is invalid."),
        ({"number": "3e1"}, "The number must be an integer; it is '3e1'."),
        ({"number": "٣"}, "The number must be an integer; it is '٣'."),
        ({"number": "1" * 19}, f"The number must be an integer; it is '{'1' * 19}'."),
        ({"number": 1.5}, "The number must be an integer; it is 1.5."),
        ({"number": False}, "The number must be an integer; it is False."),
        ({"number": 2**63}, f"The number must not be greater than {2**63 - 1}; it is {2**63}."),
        ({"number": -1e30}, f"The number must be at least {-(2**63)}; it is {int(-1e30)}."),
        ({"little": 0}, "The little must be at least 1; it is 0."),
        ({"little": "10"}, "The little must not be greater than 9; it is 10."),
        ({"flag": 2}, "The selected flag is invalid: 2 is none of 0, 1."),
        ({"flag": 1.0}, "The selected flag is invalid: 1.0 is none of 0, 1."),
        ({"flag": "maybe"}, "The selected flag is invalid: 'maybe' is none of 0, 1."),
        ({"choice": "green"}, "The selected choice is invalid: 'green' is none of blue, red."),
        ({"level": "3"}, "The selected level is invalid: '3' is none of 0, 1, 2."),
        ({"choice": ["red"]}, "The selected choice is invalid: ['red'] is none of blue, red."),
        ({"many": "a"}, "The many must be an array; it is 'a'."),
        ({"many": ["a", "b", "c"]}, "The many must not have more than 2 items; it has 3."),
        ({"many": [["a"]]}, "The many.0 must be a string; it is ['a']."),
        ({"thing": [1]}, "The thing must be an array; it is [1]."),
    ],
)
def test_what_is_not_meant_is_refused(sent: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(sent, Everything)

    assert refused.value.errors == {next(iter(sent)): [wrong]}


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        read({"user_ns": [1]}, Needy)

    assert refused.value.errors == {
        "user_ns": ["The user ns must be a string; it is [1]."],
        "sub_flow_ns": ["The sub flow ns field is required."],
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", {}),
        (b"a=1&a=2", {"a": "2"}),
        (b"a[]=1&a[]=2", {"a": ["1", "2"]}),
        (b"a[0]=1&a[1]=2", {"a": ["1", "2"]}),
        (b"a%5B%5D=1", {"a": ["1"]}),
        (b"a=1&a[]=2", {"a": ["1", "2"]}),
        (b"a=%C3%A9+b", {"a": "é b"}),
        (b"a=%ff", {"a": "\ufffd"}),
        (b"a", {"a": ""}),
    ],
)
def test_pairs_are_read_as_php_reads_them(text: bytes, expected: dict[str, Any]) -> None:
    assert _from_pairs(text, "query string") == expected


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_read_or_refused(body: bytes) -> None:
    for reader in (_from_json, lambda text: _from_pairs(text, "body")):
        try:
            sent = reader(body)
        except InvalidInput:
            continue
        assert isinstance(sent, dict)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(Everything.__struct_fields__), VALUES))
def test_arbitrary_parameters_are_of_their_types_or_refused(sent: dict[str, Any]) -> None:
    try:
        value = read(sent, Everything)
    except InvalidInput:
        return
    assert msgspec.convert(msgspec.to_builtins(value), Everything) == value
