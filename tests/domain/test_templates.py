"""What fills the places of a template in."""

from __future__ import annotations

from typing import Any

import pytest

from relevo.domain.errors import InvalidInput
from relevo.domain.templates import read_template, template

AMOUNT = {"type": "currency", "currency": {"fallback_value": "$9.90", "code": "USD", "amount_1000": 9900}}


def components(params: dict[str, Any]) -> Any:
    return template("order_sent", "en_US", params, []).payload["components"]


@pytest.mark.parametrize(
    ("params", "header"),
    [
        (
            {"HEADER_IMAGE": "https://x.example/a"},
            {"type": "image", "image": {"link": "https://x.example/a"}},
        ),
        (
            {"HEADER_VIDEO": "https://x.example/a"},
            {"type": "video", "video": {"link": "https://x.example/a"}},
        ),
        (
            {"HEADER_DOCUMENT": "https://x.example/a", "HEADER_FILENAME": "a.pdf"},
            {"type": "document", "document": {"link": "https://x.example/a", "filename": "a.pdf"}},
        ),
        ({"HEADER_{{1}}": "Ana"}, {"type": "text", "text": "Ana"}),
        (
            {"HEADER_LOCATION": {"latitude": 1.5, "longitude": 2.5}},
            {"type": "location", "location": {"latitude": 1.5, "longitude": 2.5}},
        ),
    ],
)
def test_a_header_has_one_parameter(params: dict[str, Any], header: dict[str, Any]) -> None:
    assert components(params) == [{"type": "header", "parameters": [header]}]


def test_places_of_the_body_come_in_their_order_and_may_be_more_than_text() -> None:
    (body,) = components({"BODY_{{10}}": "ten", "BODY_{{2}}": 2, "BODY_{{1}}": AMOUNT})

    assert body["parameters"] == [AMOUNT, {"type": "text", "text": "2"}, {"type": "text", "text": "ten"}]


def test_a_named_place_has_its_name() -> None:
    (body,) = components({"BODY_{{first_name}}": "Ana"})

    assert body["parameters"] == [{"type": "text", "text": "Ana", "parameter_name": "first_name"}]


def test_buttons_are_counted_through() -> None:
    params = {
        "URL_1": "77",
        "QUICK_REPLY_2": "no",
        "QUICK_REPLY_1": "yes",
        "COPY_CODE_1": "X",
        "FLOW_1": {"a": 1},
    }

    assert [(one["sub_type"], one["index"], one["parameters"][0]) for one in components(params)] == [
        ("quick_reply", "0", {"type": "payload", "payload": "yes"}),
        ("quick_reply", "1", {"type": "payload", "payload": "no"}),
        ("url", "2", {"type": "text", "text": "77"}),
        ("copy_code", "3", {"type": "coupon_code", "coupon_code": "X"}),
        ("flow", "4", {"type": "action", "action": {"a": 1}}),
    ]


def test_metas_own_components_go_as_they_are() -> None:
    carousel = [{"type": "carousel", "cards": []}]

    assert template("sale", "de", {}, carousel).payload == {
        "name": "sale",
        "lang": "de",
        "components": carousel,
    }


@pytest.mark.parametrize("key", ["BODY_1", "URL_11", "URL_0", "HEADER_AUDIO", "", "BODY_{{}}"])
def test_an_unknown_parameter_is_named(key: str) -> None:
    with pytest.raises(InvalidInput, match=r"is unknown; write one like HEADER_IMAGE"):
        components({key: "x"})


def test_a_quick_reply_that_names_a_subflow_goes_there() -> None:
    wanted = {"name": "sale", "lang": "de", "params": {"QUICK_REPLY_1": "f1s2", "URL_1": "f1s2"}}

    reply, url = read_template(wanted, {"f1s2": "prices"}).payload["components"]

    assert reply["parameters"] == [{"type": "payload", "payload": "do:prices"}]
    assert url["parameters"] == [{"type": "text", "text": "f1s2"}]


@pytest.mark.parametrize(
    "wanted",
    [{}, {"name": "sale"}, {"name": "No!", "lang": "de"}, {"name": "a", "lang": "de", "params": ["x"]}],
)
def test_what_is_no_template_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="The content is no template"):
        read_template(wanted, {})
