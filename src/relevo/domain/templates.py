"""Templates of WhatsApp: messages that Meta has approved, and takes whenever the person last wrote.

What fills their places in is given as UChat has it, `{"BODY_{{1}}": "Ana", "URL_1": "77"}`, or as Meta's own
`components` (https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview).
Which places a template has is known where its channel was synced: `approved_templates`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from relevo.domain.errors import InvalidInput
from relevo.domain.messages import Other

Params = Mapping[str, Any]

_FILE = re.compile(r"HEADER_(IMAGE|VIDEO|DOCUMENT)")
_WORDS = re.compile(r"(HEADER|BODY)_\{\{(\w{1,60})\}\}")
_BUTTON = re.compile(r"(QUICK_REPLY|URL|COPY_CODE|FLOW|OTP|CATALOG|MPM)_([1-9]|10)")
_CARD = re.compile(r"CARD_([1-9]|10)_(.+)")
FILE_NAMES = ("HEADER_DOCUMENT_FILENAME", "HEADER_FILENAME")
_BUTTONS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "QUICK_REPLY": lambda value: {"type": "payload", "payload": str(value)},
    "URL": lambda value: {"type": "text", "text": str(value)},
    "COPY_CODE": lambda value: {"type": "coupon_code", "coupon_code": str(value)},
    "FLOW": lambda value: {"type": "action", "action": value},
    "OTP": lambda value: {"type": "text", "text": str(value)},
    "CATALOG": lambda value: {"type": "action", "action": value},
    "MPM": lambda value: {"type": "action", "action": value},
}
"""The kinds of buttons with something to fill in, in the order in which they are counted where nobody knows
the template."""
_SUB_TYPES = {"OTP": "url"}
"""Where Meta calls the button of a message otherwise than that of the template."""


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]{1,512}$")]
    lang: Annotated[str, msgspec.Meta(pattern="^[A-Za-z_]{2,10}$")]
    params: dict[str, str | int | float | dict[str, Any]] | list[Any] = {}
    components: list[dict[str, Any]] = []


def read_template(wanted: dict[str, Any], subflows: Mapping[str, str], field: str = "content") -> Other:
    """What the API is given as `content`. `subflows`: `sub_flow_ns` → name; a quick reply that names one
    goes there when it is pressed. Raises `InvalidInput`."""
    try:
        read = msgspec.convert(wanted, _Wanted)
    except msgspec.ValidationError as error:
        raise InvalidInput({field: [f"The {field} is no template: {error}."]}) from error
    if isinstance(read.params, list) and read.params:
        raise InvalidInput({f"{field}.params": [_NO_OBJECT]})
    given = read.params if isinstance(read.params, dict) else {}  # some clients send [] for none
    params = {key: _target(key, value, subflows) for key, value in given.items()}
    return template(read.name, read.lang, params, read.components)


_NO_OBJECT = 'The content is no template: its params are an object, like {"BODY_{{1}}": "Ana"}.'


def _target(key: str, value: Any, subflows: Mapping[str, str]) -> Any:
    is_known = "QUICK_REPLY_" in key and isinstance(value, str) and value in subflows
    return f"do:{subflows[value]}" if is_known else value


def template(name: str, lang: str, params: Params, components: list[dict[str, Any]]) -> Other:
    """A template with its places filled in, as far as can be told without knowing it. Raises `InvalidInput`,
    which names the parameter."""
    filled = components or components_for(params)
    given = {"params": dict(params)} if params and not components else {}
    return Other("template", {"name": name, "lang": lang, "components": filled, **given})


Buttons = Mapping[int, Sequence[str]]
"""The parameter of each button, in order: of the template itself (0), and of each of its cards (from 1)."""


def components_for(params: Params, buttons: Buttons = MappingProxyType({})) -> list[dict[str, Any]]:
    """Meta's components of these parameters. Without `buttons` these are counted through, kind by kind.
    Raises `InvalidInput`."""
    return [*_components(params, buttons)]


def _components(params: Params, buttons: Buttons) -> Iterator[dict[str, Any]]:
    cards = _by_card(params)
    own = {key: value for key, value in params.items() if not _CARD.fullmatch(key)}
    for key in own:
        _check(key)
    if header := [*_files(own), *_words(own, "HEADER")]:
        yield {"type": "header", "parameters": header}
    if body := [*_words(own, "BODY")]:
        yield {"type": "body", "parameters": body}
    if "LIMITED_TIME_OFFER" in own:
        ends = {"expiration_time_ms": own["LIMITED_TIME_OFFER"]}
        offer = {"type": "limited_time_offer", "limited_time_offer": ends}
        yield {"type": "limited_time_offer", "parameters": [offer]}
    yield from _placed(own, buttons[0]) if 0 in buttons else _counted(own)
    if cards:
        yield {"type": "carousel", "cards": [_card(at, cards[at], buttons) for at in sorted(cards)]}


def _card(number: int, params: Params, buttons: Buttons) -> dict[str, Any]:
    own = {0: buttons[number]} if number in buttons else {}
    return {"card_index": number - 1, "components": components_for(params, own)}


def _by_card(params: Params) -> dict[int, dict[str, Any]]:
    cards: dict[int, dict[str, Any]] = {}
    for key, value in params.items():
        if match := _CARD.fullmatch(key):
            cards.setdefault(int(match[1]), {})[match[2]] = value
    return cards


def _check(key: str) -> None:
    forms = (_FILE, _WORDS, _BUTTON)
    others = (*FILE_NAMES, "HEADER_LOCATION", "LIMITED_TIME_OFFER")
    if key not in others and not any(form.fullmatch(key) for form in forms):
        known = "HEADER_IMAGE, HEADER_{{1}}, BODY_{{1}}, QUICK_REPLY_1, URL_1, COPY_CODE_1, FLOW_1"
        raise InvalidInput({"content.params": [f"The parameter {key!r} is unknown; write one like {known}."]})


def _files(params: Params) -> Iterator[dict[str, Any]]:
    for key, value in params.items():
        if key == "HEADER_LOCATION":
            yield {"type": "location", "location": value}
        elif match := _FILE.fullmatch(key):
            kind = match[1].lower()
            name = next((params[one] for one in FILE_NAMES if one in params), "")
            named = {"filename": str(name)} if kind == "document" and name else {}
            yield {"type": kind, kind: {"link": str(value), **named}}


def _words(params: Params, where: str) -> Iterator[dict[str, Any]]:
    """By number, or by name. A value may be Meta's own parameter: a currency, a date."""
    found = {match[2]: value for key, value in params.items() if (match := _place(key, where))}
    for place in sorted(found, key=lambda place: int(place) if place.isdecimal() else 0):
        value = found[place]
        parameter = value if isinstance(value, dict) else {"type": "text", "text": str(value)}
        yield parameter if place.isdecimal() else {**parameter, "parameter_name": place}


def _place(key: str, where: str) -> re.Match[str] | None:
    match = _WORDS.fullmatch(key)
    return match if match and match[1] == where else None


def _counted(params: Params) -> Iterator[dict[str, Any]]:
    """Meta counts the buttons of a template through, from 0; here each kind is counted from 1."""
    before = 0
    for kind in _BUTTONS:
        given = {int(match[2]): params[key] for key in params if (match := _button(key, kind))}
        for number, value in sorted(given.items()):
            yield _button_component(kind, before + number - 1, value)
        before += max(given, default=0)


def _placed(params: Params, buttons: Sequence[str]) -> Iterator[dict[str, Any]]:
    """At the places that they have in the template; what it has no button for, behind them."""
    given = {key: match for key in params if (match := _BUTTON.fullmatch(key))}
    for index, key in enumerate((*buttons, *(key for key in given if key not in buttons))):
        if key in given:
            yield _button_component(given[key][1], index, params[key])


def _button_component(kind: str, index: int, value: Any) -> dict[str, Any]:
    sub_type = _SUB_TYPES.get(kind, kind.lower())
    return {
        "type": "button",
        "sub_type": sub_type,
        "index": str(index),
        "parameters": [_BUTTONS[kind](value)],
    }


def _button(key: str, kind: str) -> re.Match[str] | None:
    match = _BUTTON.fullmatch(key)
    return match if match and match[1] == kind else None
