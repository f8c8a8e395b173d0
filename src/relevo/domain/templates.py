"""Templates of WhatsApp: messages that Meta has approved, and takes whenever the person last wrote.

What fills their places in is given as UChat has it, `{"BODY_{{1}}": "Ana", "URL_1": "77"}`, or as Meta's own
`components`, which reach every kind of place there is
(https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import msgspec

from relevo.domain.errors import InvalidInput
from relevo.domain.messages import Other

Params = Mapping[str, Any]

_FILE = re.compile(r"HEADER_(IMAGE|VIDEO|DOCUMENT)")
_WORDS = re.compile(r"(HEADER|BODY)_\{\{(\w{1,60})\}\}")
_BUTTON = re.compile(r"(QUICK_REPLY|URL|COPY_CODE|FLOW)_([1-9]|10)")
_FILE_NAMES = ("HEADER_DOCUMENT_FILENAME", "HEADER_FILENAME")
_BUTTONS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "QUICK_REPLY": lambda value: {"type": "payload", "payload": str(value)},
    "URL": lambda value: {"type": "text", "text": str(value)},
    "COPY_CODE": lambda value: {"type": "coupon_code", "coupon_code": str(value)},
    "FLOW": lambda value: {"type": "action", "action": value},
}
"""The kinds of buttons with something to fill in, in the order in which they are counted."""


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]{1,512}$")]
    lang: Annotated[str, msgspec.Meta(pattern="^[A-Za-z_]{2,10}$")]
    params: dict[str, str | int | float | dict[str, Any]] = {}
    components: list[dict[str, Any]] = []


def read_template(wanted: dict[str, Any], subflows: Mapping[str, str]) -> Other:
    """What the API is given as `content`. `subflows`: `sub_flow_ns` → name; a quick reply that names one
    goes there when it is pressed. Raises `InvalidInput`."""
    try:
        read = msgspec.convert(wanted, _Wanted)
    except msgspec.ValidationError as error:
        raise InvalidInput({"content": [f"The content is no template: {error}."]}) from error
    params = {key: _target(key, value, subflows) for key, value in read.params.items()}
    return template(read.name, read.lang, params, read.components)


def _target(key: str, value: Any, subflows: Mapping[str, str]) -> Any:
    is_known = key.startswith("QUICK_REPLY_") and isinstance(value, str) and value in subflows
    return f"do:{subflows[value]}" if is_known else value


def template(name: str, lang: str, params: Params, components: list[dict[str, Any]]) -> Other:
    """A template with its places filled in, ready for Meta. Raises `InvalidInput`, which names the
    parameter."""
    filled = components or [*_components(params)]
    return Other("template", {"name": name, "lang": lang, "components": filled})


def _components(params: Params) -> Iterator[dict[str, Any]]:
    for key in params:
        _check(key)
    if header := [*_files(params), *_words(params, "HEADER")]:
        yield {"type": "header", "parameters": header}
    if body := [*_words(params, "BODY")]:
        yield {"type": "body", "parameters": body}
    yield from _buttons(params)


def _check(key: str) -> None:
    forms = (_FILE, _WORDS, _BUTTON)
    if key not in (*_FILE_NAMES, "HEADER_LOCATION") and not any(form.fullmatch(key) for form in forms):
        known = "HEADER_IMAGE, HEADER_{{1}}, BODY_{{1}}, QUICK_REPLY_1, URL_1, COPY_CODE_1, FLOW_1"
        raise InvalidInput({"content.params": [f"The parameter {key!r} is unknown; write one like {known}."]})


def _files(params: Params) -> Iterator[dict[str, Any]]:
    for key, value in params.items():
        if key == "HEADER_LOCATION":
            yield {"type": "location", "location": value}
        elif match := _FILE.fullmatch(key):
            kind = match[1].lower()
            name = next((params[one] for one in _FILE_NAMES if one in params), "")
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


def _buttons(params: Params) -> Iterator[dict[str, Any]]:
    """Meta counts the buttons of a template through, from 0; here each kind is counted from 1."""
    before = 0
    for kind, parameter in _BUTTONS.items():
        given = {int(match[2]): params[key] for key in params if (match := _button(key, kind))}
        for number, value in sorted(given.items()):
            index = str(before + number - 1)
            sub_type = kind.lower()
            yield {"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter(value)]}
        before += max(given, default=0)


def _button(key: str, kind: str) -> re.Match[str] | None:
    match = _BUTTON.fullmatch(key)
    return match if match and match[1] == kind else None
