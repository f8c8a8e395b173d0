"""Dynamic content v1: what it becomes, what is wrong with it and where."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.dynamic_content import DynamicContent, read
from relevo.domain.errors import InvalidInput
from relevo.domain.flows.runs import AddTag, RemoveTag, SetField
from relevo.domain.messages import Button, Card, Cards, Content, Media, QuickReply, Text

SUBFLOWS = {"Main menu": "Main menu", "f1001s1": "Main menu"}

TEXT = {"type": "text", "text": "Hello"}
IMAGE = {"type": "image", "url": "https://cdn.example/a.jpg"}
CARD = {"title": "Mug", "subtitle": "9.90", "image_url": "https://cdn.example/m.jpg"}


def content(**parts: Any) -> dict[str, Any]:
    return {"version": "v1", "content": parts}


def errors(data: object) -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as refused:
        read(data, SUBFLOWS)
    return refused.value.errors


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (TEXT, Text("Hello")),
        (TEXT | {"buttons": []}, Text("Hello")),
        (
            TEXT | {"buttons": [{"type": "url", "caption": "Shop", "url": "https://shop.example"}]},
            Text("Hello", (Button("Shop", kind="url", target="https://shop.example"),)),
        ),
        (
            TEXT | {"buttons": [{"type": "call", "caption": "Call", "phone": "+61400000000"}]},
            Text("Hello", (Button("Call", kind="call", target="+61400000000"),)),
        ),
        (
            TEXT | {"buttons": [{"type": "node", "caption": "Menu", "target": "f1001s1"}]},
            Text("Hello", (Button("Menu", id="do:Main menu"),)),
        ),
        (IMAGE, Media(type="image", url="https://cdn.example/a.jpg")),
        (IMAGE | {"caption": "A mug"}, Media(type="image", url="https://cdn.example/a.jpg", caption="A mug")),
        (IMAGE | {"type": "video"}, Media(type="video", url="https://cdn.example/a.jpg")),
        (IMAGE | {"type": "audio"}, Media(type="audio", url="https://cdn.example/a.jpg")),
        (
            IMAGE | {"type": "file", "title": "invoice.pdf"},
            Media(type="file", url="https://cdn.example/a.jpg", title="invoice.pdf"),
        ),
        (
            {"type": "cards", "elements": [CARD]},
            Cards((Card("Mug", "9.90", "https://cdn.example/m.jpg"),)),
        ),
        (
            {"type": "cards", "image_aspect_ratio": "square", "elements": [{"title": "Mug", "buttons": []}]},
            Cards((Card("Mug"),), "square"),
        ),
    ],
)
def test_each_kind_of_message_is_read(message: dict[str, Any], expected: Content) -> None:
    assert read(content(messages=[message]), SUBFLOWS).contents == (expected,)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ({"action": "add_tag", "tag_name": "lead"}, AddTag("lead")),
        ({"action": "remove_tag", "tag_name": "cold"}, RemoveTag("cold")),
        ({"action": "set_field_value", "field_name": "size", "value": 42}, SetField("size", 42)),
        ({"action": "set_field_value", "field_name": "size", "value": ""}, SetField("size", "")),
        ({"action": "set_field_value", "field_name": "vip", "value": False}, SetField("vip", False)),
        (
            {"action": "set_field_value", "field_name": "sizes", "value": [1, "L"]},
            SetField("sizes", [1, "L"]),
        ),
        ({"action": "unset_field_value", "field_name": "size"}, SetField("size", None)),
    ],
)
def test_each_kind_of_action_is_read(action: dict[str, Any], expected: object) -> None:
    assert read(content(actions=[action]), SUBFLOWS).acts == (expected,)


def test_quick_replies_stand_under_the_last_message_and_links_become_buttons() -> None:
    replies = [
        {"type": "node", "caption": "Menu", "target": "Main menu"},
        {"type": "content", "caption": "Yes"},
        {"type": "url", "caption": "Site", "url": "https://shop.example"},
    ]

    first, last = read(content(messages=[TEXT, TEXT], quick_replies=replies), SUBFLOWS).contents

    assert first == Text("Hello")
    picks = (QuickReply("Menu", "do:Main menu"), QuickReply("Yes", "say:Yes"))
    assert last == Text("Hello", (Button("Site", kind="url", target="https://shop.example"),), picks)


def test_quick_replies_stand_under_cards_too() -> None:
    data = content(
        messages=[{"type": "cards", "elements": [CARD]}],
        quick_replies=[{"type": "content", "caption": "Yes"}],
    )

    (cards,) = read(data, SUBFLOWS).contents

    assert isinstance(cards, Cards)
    assert cards.quick_replies == (QuickReply("Yes", "say:Yes"),)


@pytest.mark.parametrize("name", ["Main menu", "f1001s1"])
def test_a_subflow_is_gone_to_by_its_name_or_its_number(name: str) -> None:
    assert read(content(goto=name), SUBFLOWS).go_to == "Main menu"


@pytest.mark.parametrize(
    "data",
    [
        {"version": "v1", "content": {"messages": [TEXT]}},
        {"content": {"messages": [TEXT]}},
        {"messages": [TEXT]},
        {"version": None, "content": {"messages": [TEXT], "actions": [], "quick_replies": None, "goto": ""}},
    ],
)
def test_the_wrapping_may_be_left_out(data: dict[str, Any]) -> None:
    assert read(data, SUBFLOWS) == DynamicContent((Text("Hello"),))


NOT_AN_OBJECT = "The data must be an array; it is {}."


@pytest.mark.parametrize(
    ("data", "path", "sentence"),
    [
        ([], "data", "The data field is required."),
        (None, "data", "The data field is required."),
        ("hello", "data", NOT_AN_OBJECT.format("'hello'")),
        ([1], "data", NOT_AN_OBJECT.format("[1]")),
        (
            {"version": "v2", "content": {"messages": [TEXT]}},
            "data.version",
            "The selected data.version is invalid: 'v2' is none of v1.",
        ),
        ({}, "data.messages", "The data.messages field is required."),
        (content(), "data.content.messages", "The data.content.messages field is required."),
        (
            content(messages=[]),
            "data.content.messages",
            "The data.content.messages field is required.",
        ),
        (
            content(messages=TEXT),
            "data.content.messages",
            "The data.content.messages must be an array; it is {'type': 'text', 'text': 'Hello'}.",
        ),
        (
            content(messages=[TEXT] * 11),
            "data.content.messages",
            "The data.content.messages must not have more than 10 items; it has 11.",
        ),
        (
            content(messages=[TEXT], quick_replies=[{"type": "content", "caption": "x"}] * 12),
            "data.content.quick_replies",
            "The data.content.quick_replies must not have more than 11 items; it has 12.",
        ),
        (
            content(actions=[{"action": "add_tag", "tag_name": "x"}] * 6),
            "data.content.actions",
            "The data.content.actions must not have more than 5 items; it has 6.",
        ),
        (
            content(messages=[TEXT, {"type": "gif"}]),
            "data.content.messages.1.type",
            "The selected data.content.messages.1.type is invalid: 'gif' is none of "
            "text, image, video, audio, file, cards.",
        ),
        (
            content(messages=[{"text": "Hello"}]),
            "data.content.messages.0.type",
            "The data.content.messages.0.type field is required.",
        ),
        (
            content(messages=["Hello"]),
            "data.content.messages.0",
            "The data.content.messages.0 must be an array; it is 'Hello'.",
        ),
        (
            content(messages=[{"type": "text", "text": " \n"}]),
            "data.content.messages.0.text",
            "The data.content.messages.0.text field is required.",
        ),
        (
            content(messages=[{"type": "text", "text": 5}]),
            "data.content.messages.0.text",
            "The data.content.messages.0.text must be a string; it is 5.",
        ),
        (
            content(messages=[{"type": "text", "text": "x" * 20_001}]),
            "data.content.messages.0.text",
            "The data.content.messages.0.text must not be greater than 20000 characters; it has 20001.",
        ),
        (
            content(messages=[{"type": "text", "text": "a\0b"}]),
            "data.content.messages.0.text",
            r"The data.content.messages.0.text must be without NUL characters; it is 'a\x00b'.",
        ),
        (
            content(messages=[IMAGE | {"url": "javascript:alert(1)"}]),
            "data.content.messages.0.url",
            "The data.content.messages.0.url must be a valid URL that begins with http:// or https://; "
            "it is 'javascript:alert(1)'.",
        ),
        (
            content(messages=[{"type": "image"}]),
            "data.content.messages.0.url",
            "The data.content.messages.0.url field is required.",
        ),
        (
            content(messages=[{"type": "cards", "elements": []}]),
            "data.content.messages.0.elements",
            "The data.content.messages.0.elements field is required.",
        ),
        (
            content(messages=[{"type": "cards", "elements": [CARD | {"image_url": "x"}]}]),
            "data.content.messages.0.elements.0.image_url",
            "The data.content.messages.0.elements.0.image_url must be a valid URL that begins with http:// "
            "or https://; it is 'x'.",
        ),
        (
            content(messages=[{"type": "cards", "image_aspect_ratio": "round", "elements": [CARD]}]),
            "data.content.messages.0.image_aspect_ratio",
            "The selected data.content.messages.0.image_aspect_ratio is invalid: 'round' is none of "
            "horizontal, square.",
        ),
        (
            content(messages=[TEXT | {"buttons": [{"type": "node", "caption": "x", "target": "nowhere"}]}]),
            "data.content.messages.0.buttons.0.target",
            "The selected data.content.messages.0.buttons.0.target is invalid: "
            "there is no subflow 'nowhere'.",
        ),
        (
            content(messages=[TEXT], quick_replies=[{"type": "dynamic_block_callback", "caption": "x"}]),
            "data.content.quick_replies.0.type",
            "The data.content.quick_replies.0.type is not supported: dynamic_block_callback – a button of "
            "Relevo calls nobody. Send the buttons that you would have answered with.",
        ),
        (
            content(goto="f1001s1", quick_replies=[{"type": "content", "caption": "x"}]),
            "data.content.quick_replies",
            "The data.content.quick_replies need a message to stand under; content.messages has none.",
        ),
        (
            content(
                messages=[{"type": "cards", "elements": [CARD]}],
                quick_replies=[{"type": "url", "caption": "x", "url": "https://x.example"}],
            ),
            "data.content.quick_replies",
            "The data.content.quick_replies is not supported: a url cannot stand under cards. "
            "Put it on a card.",
        ),
        (
            content(actions=[{"action": "pause_bot"}]),
            "data.content.actions.0.action",
            "The selected data.content.actions.0.action is invalid: 'pause_bot' is none of "
            "add_tag, remove_tag, set_field_value, unset_field_value.",
        ),
        (
            content(actions=[{"action": "set_field_value", "field_name": "x"}]),
            "data.content.actions.0.value",
            "The data.content.actions.0.value field is required.",
        ),
        (
            content(actions=[{"action": "set_field_value", "field_name": "x", "value": {"a": 1}}]),
            "data.content.actions.0.value",
            "The data.content.actions.0.value must be a string, a number, a boolean or a list of these; "
            "it is {'a': 1}.",
        ),
        (
            content(actions=[{"action": "set_field_value", "field_name": "x", "value": 2**63}]),
            "data.content.actions.0.value",
            "The data.content.actions.0.value must be a string, a number, a boolean or a list of these; "
            "it is 9223372036854775808.",
        ),
        (
            content(goto="f1001n42"),
            "data.content.goto",
            "The selected data.content.goto is invalid: there is no subflow 'f1001n42'.",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_path(data: object, path: str, sentence: str) -> None:
    assert errors(data)[path] == [sentence]


def test_everything_that_is_wrong_is_named_at_once() -> None:
    data = content(
        messages=[{"type": "text"}, {"type": "image", "url": "x"}],
        actions=[{"action": "add_tag"}],
        goto="nowhere",
    )

    assert list(errors(data)) == [
        "data.content.messages.0.text",
        "data.content.messages.1.url",
        "data.content.actions.0.tag_name",
        "data.content.goto",
    ]


def test_the_path_begins_where_the_content_stood() -> None:
    with pytest.raises(InvalidInput) as refused:
        read({"messages": [{"type": "text"}]}, SUBFLOWS, path="")

    assert list(refused.value.errors) == ["messages.0.text"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KNOWN: list[dict[str, Any]] = [
    content(
        messages=[
            TEXT | {"buttons": [{"type": "url", "caption": "Shop", "url": "https://shop.example"}]},
            IMAGE,
            {"type": "cards", "elements": [CARD]},
        ],
        actions=[{"action": "set_field_value", "field_name": "size", "value": 42}],
        quick_replies=[{"type": "node", "caption": "Menu", "target": "Main menu"}],
        goto="Main menu",
    )
]


@given(JSON)
def test_arbitrary_json_is_read_or_refused_with_words(data: object) -> None:
    assert_polite(data)


@given(st.data(), JSON)
def test_known_content_with_one_thing_wrong_is_read_or_refused_with_words(
    data: st.DataObject, wrong: object
) -> None:
    place = data.draw(st.sampled_from(list(places(KNOWN[0]))))

    assert_polite(put(KNOWN[0], place, wrong))


def assert_polite(data: object) -> None:
    try:
        found = read(data, SUBFLOWS)
    except InvalidInput as refused:
        check_words(refused.errors)
        return
    assert found.contents or found.acts or found.go_to
    assert msgspec.json.decode(msgspec.json.encode(found), type=DynamicContent) == found


def check_words(wrong: dict[str, list[str]]) -> None:
    assert all(sentence.endswith(".") for sentences in wrong.values() for sentence in sentences)


def places(value: Any) -> list[tuple[Any, ...]]:
    """The path of everything in a JSON value, itself included."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((key, *place) for key, inner in items for place in places(inner))]


def put(value: Any, place: tuple[Any, ...], wrong: Any) -> Any:
    """A copy of `value` with `wrong` at `place`."""
    if not place:
        return wrong
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = put(value[place[0]], place[1:], wrong)
    return copy
