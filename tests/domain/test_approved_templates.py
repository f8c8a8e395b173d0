"""Templates whose places are known: what a message has to fill in."""

from __future__ import annotations

from typing import Any

import pytest

from relevo.domain.approved_templates import Template, by_key, completed, places, usable_words
from relevo.domain.messages import Other
from relevo.domain.templates import template

BUTTONS = [
    {"type": "URL", "text": "Track", "url": "https://shop.example/{{1}}"},
    {"type": "QUICK_REPLY", "text": "Stop"},
    {"type": "PHONE_NUMBER", "text": "Ring", "phone_number": "+61400000000"},
    {"type": "COPY_CODE", "example": "SAVE"},
    {"type": "FLOW", "text": "Book"},
]
ORDER = Template(
    name="order_sent",
    lang="en_US",
    components=(
        {"type": "HEADER", "format": "IMAGE"},
        {"type": "BODY", "text": "Hi {{1}}, order {{2}} is on its way."},
        {"type": "FOOTER", "text": "Acme"},
        {"type": "BUTTONS", "buttons": BUTTONS},
    ),
)
NAMED = Template(
    name="welcome",
    lang="de",
    components=(
        {"type": "HEADER", "format": "TEXT", "text": "Hallo {{first_name}}"},
        {"type": "BODY", "text": "Am {{day}}, {{first_name}}"},
    ),
)
OFFER = Template(
    name="sale",
    lang="en",
    components=(
        {"type": "BODY", "text": "Only today"},
        {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Ends", "has_expiration": True}},
        {
            "type": "CAROUSEL",
            "cards": [
                {
                    "components": [
                        {"type": "HEADER", "format": "IMAGE"},
                        {"type": "BODY", "text": "{{1}} off"},
                        {
                            "type": "BUTTONS",
                            "buttons": [BUTTONS[0], {"type": "QUICK_REPLY", "text": "Buy"}],
                        },
                    ]
                }
            ],
        },
    ),
)
CODE = Template(
    name="code",
    lang="en",
    components=(
        {"type": "BODY", "text": "{{1}} is your code"},
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]},
    ),
)
REJECTED = Template(name="bad", lang="en", status="REJECTED", reason="PROMOTIONAL")
ALL = by_key([ORDER, NAMED, OFFER, CODE, REJECTED])
RIGHT = {
    "HEADER_IMAGE": "https://x.example/a",
    "BODY_{{1}}": "Ana",
    "BODY_{{2}}": 77,
    "URL_1": "77",
    "COPY_CODE_1": "SAVE",
}


def said(name: str, lang: str, params: dict[str, Any], components: list[Any] | None = None) -> Other | str:
    return completed(template(name, lang, params, components or []), ALL)


def test_every_place_of_a_template_has_a_parameter() -> None:
    assert {place.param: place.is_required for place in places(ORDER)} == {
        "HEADER_IMAGE": True,
        "BODY_{{1}}": True,
        "BODY_{{2}}": True,
        "URL_1": True,
        "QUICK_REPLY_1": False,
        "COPY_CODE_1": True,
        "FLOW_1": False,
    }


def test_what_fills_all_places_goes_with_buttons_where_the_template_has_them() -> None:
    done = said("order_sent", "en_US", {**RIGHT, "QUICK_REPLY_1": "do:stop", "FLOW_1": {"flow_token": "t"}})

    assert isinstance(done, Other)
    indexes = {one["sub_type"]: one["index"] for one in done.payload["components"] if one["type"] == "button"}
    assert indexes == {"url": "0", "quick_reply": "1", "copy_code": "3", "flow": "4"}
    assert done.text == done.payload["body"] == "Hi Ana, order 77 is on its way."
    assert "params" not in done.payload


@pytest.mark.parametrize("missing", [*RIGHT])
def test_what_is_missing_is_named(missing: str) -> None:
    given = {key: value for key, value in RIGHT.items() if key != missing}

    assert said("order_sent", "en_US", given) == (
        f"rejected: the template order_sent (en_US) needs {missing} as well"
    )


@pytest.mark.parametrize("extra", ["BODY_{{3}}", "URL_2", "HEADER_{{1}}", "OTP_1", "CARD_1_BODY_{{1}}"])
def test_what_the_template_has_no_place_for_is_named(extra: str) -> None:
    told = said("order_sent", "en_US", {**RIGHT, extra: "x"})

    assert isinstance(told, str)
    assert told.startswith("rejected: the template order_sent (en_US) has no ")
    assert "it has: HEADER_IMAGE, BODY_{{1}}, BODY_{{2}}, URL_1" in told


def test_an_empty_word_is_refused() -> None:
    assert said("order_sent", "en_US", {**RIGHT, "BODY_{{1}}": ""}) == (
        "rejected: BODY_{{1}} of the template order_sent (en_US) is empty"
    )


def test_places_by_name() -> None:
    params = {"HEADER_{{first_name}}": "Ana", "BODY_{{day}}": "Montag", "BODY_{{first_name}}": "Ana"}
    done = said("welcome", "de", params)

    assert isinstance(done, Other)
    assert done.text == "Am Montag, Ana"


def test_an_offer_with_an_end_and_cards() -> None:
    params = {"LIMITED_TIME_OFFER": 1795341600000, "CARD_1_HEADER_IMAGE": "https://x.example/a"}
    params |= {"CARD_1_BODY_{{1}}": "5 %", "CARD_1_URL_1": "77", "CARD_1_QUICK_REPLY_1": "do:buy"}
    done = said("sale", "en", params)

    assert isinstance(done, Other)
    offer, carousel = done.payload["components"]
    assert offer["parameters"][0]["limited_time_offer"] == {"expiration_time_ms": 1795341600000}
    (card,) = carousel["cards"]
    assert [one.get("index") for one in card["components"]] == [None, None, "0", "1"]
    assert said("sale", "en", {"LIMITED_TIME_OFFER": 1, "CARD_1_HEADER_IMAGE": "https://x.example/a"}) == (
        "rejected: the template sale (en) needs CARD_1_BODY_{{1}}, CARD_1_URL_1 as well"
    )


def test_a_code_goes_into_its_button_too() -> None:
    done = said("code", "en", {"BODY_{{1}}": "123", "OTP_1": "123"})

    assert isinstance(done, Other)
    button = done.payload["components"][-1]
    assert (button["sub_type"], button["index"], button["parameters"][0]["text"]) == ("url", "0", "123")


def test_metas_own_components_are_checked_as_well() -> None:
    amount = {"type": "currency", "currency": {"fallback_value": "$9.90", "code": "USD", "amount_1000": 9900}}
    header = {"type": "header", "parameters": [{"type": "image", "image": {"id": "7"}}]}
    body = {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, amount]}
    url = {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "7"}]}
    code = {"type": "button", "sub_type": "copy_code", "index": "3", "parameters": [{"coupon_code": "X"}]}

    done = said("order_sent", "en_US", {}, [header, body, url, code])
    assert isinstance(done, Other)
    assert done.text == "Hi Ana, order $9.90 is on its way."
    assert said("order_sent", "en_US", {}, [header, body, url]) == (
        "rejected: the template order_sent (en_US) needs COPY_CODE_1 as well"
    )


@pytest.mark.parametrize(
    ("name", "lang", "words"),
    [
        (
            "order_sent",
            "de",
            "there is no template order_sent (de); it exists in en_US; templates may be sent:",
        ),
        ("no_such", "en", "there is no template no_such (en); templates may be sent: code (en), order_sent"),
        ("bad", "en", "the template bad (en) is rejected: PROMOTIONAL; templates may be sent:"),
    ],
)
def test_a_template_that_cannot_be_sent_is_refused_with_those_that_can(
    name: str, lang: str, words: str
) -> None:
    told = said(name, lang, {})

    assert isinstance(told, str)
    assert words in told


def test_where_nobody_asked_the_vendor_everything_goes_as_it_is() -> None:
    done = completed(template("any", "en", {"BODY_{{1}}": "Ana"}, []), {})

    assert isinstance(done, Other)
    assert "params" not in done.payload
    assert done.payload["components"] == [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}]


def test_a_long_list_is_cut() -> None:
    many = by_key([Template(name=f"t{number:02}", lang="en") for number in range(12)])

    assert usable_words(many).endswith("t09 (en) and 2 more")
    assert usable_words(by_key([REJECTED])) == "there is no approved template that could be sent"


ODD: list[dict[str, Any]] = [
    {},
    {"type": 7},
    {"type": "BUTTONS", "buttons": [7, {}]},
    {"type": "CAROUSEL"},
    {"type": "BODY", "text": None},
    {"type": "HEADER", "format": None},
]


@pytest.mark.parametrize("odd", ODD)
def test_a_template_of_an_odd_form_breaks_nothing(odd: dict[str, Any]) -> None:
    strange = Template(name="odd", lang="en", components=(odd,))

    assert isinstance(completed(template("odd", "en", {}, []), by_key([strange])), Other | str)
