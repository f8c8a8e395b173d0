"""Templates as a vendor has approved them: what places each declares, and whether a message fills them in.

What they are made of: https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from relevo.domain.messages import Other
from relevo.domain.templates import FILE_NAMES, Buttons, components_for

USABLE = "APPROVED"
NAMED = 10
"""Templates that a refusal names; of more it says how many there are."""

Json = dict[str, Any]


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A template of a channel, in one language. `components` are the vendor's; `vendor_id` is its id there,
    `namespace` the account's, `reason` why it was rejected."""

    name: str
    lang: str
    category: str = ""
    status: str = USABLE
    components: tuple[Json, ...] = ()
    vendor_id: str = ""
    namespace: str = ""
    reason: str = ""
    quality: str = ""
    """What the vendor thinks of how people take it: GREEN, YELLOW, RED; "" while nobody knows."""

    @property
    def title(self) -> str:
        return f"{self.name} ({self.lang})"

    @property
    def is_usable(self) -> bool:
        return self.status == USABLE


class TemplateNews(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor tells of a template when something changes. What is None stays as it was. `is_gone`: it
    was deleted; `is_rewritten`: it says something else now, for which the vendor has to be asked."""

    name: str
    lang: str
    status: str | None = None
    category: str | None = None
    reason: str | None = None
    quality: str | None = None
    is_gone: bool = False
    is_rewritten: bool = False


Key = tuple[str, str]
Templates = Mapping[Key, Template]
"""By name and language. Empty: nobody has asked the vendor, so that anything may be there."""


def by_key(templates: Sequence[Template]) -> Templates:
    return {(one.name, one.lang): one for one in templates}


def after(templates: Templates, news: Sequence[TemplateNews]) -> Templates:
    """The templates as they are after news of them; of a template that is not among them nothing is known but
    its name, so that it stays away."""
    now = dict(templates)
    for one in news:
        known = now.get((one.name, one.lang))
        if one.is_gone:
            now.pop((one.name, one.lang), None)
        elif known is not None:
            told = {name: value for name in _TOLD if (value := getattr(one, name)) is not None}
            now[one.name, one.lang] = msgspec.structs.replace(known, **told)
    return now


_TOLD = ("status", "category", "reason", "quality")


def must_be_asked_for(templates: Templates, news: Sequence[TemplateNews]) -> bool:
    """Whether the vendor has to be asked for all: what the news are about is not known well enough."""
    there = (one for one in news if not one.is_gone)
    return bool(templates) and any(one.is_rewritten or (one.name, one.lang) not in templates for one in there)


def usable(templates: Templates) -> list[str]:
    """The titles of those that may be sent, in their order."""
    return sorted(one.title for one in templates.values() if one.is_usable)


def usable_words(templates: Templates) -> str:
    """`templates may be sent: order_sent (en_US), sale (de)`; "" where none are known."""
    if not templates:
        return ""
    titles = usable(templates)
    if not titles:
        return "there is no approved template that could be sent"
    more = f" and {len(titles) - NAMED} more" if len(titles) > NAMED else ""
    return f"templates may be sent: {', '.join(titles[:NAMED])}{more}"


def completed(said: Other, templates: Templates) -> Other | str:
    """A message of a template as the vendor wants it, with what the customer reads as its text; or why the
    vendor would refuse it."""
    payload = {key: value for key, value in said.payload.items() if key != "params"}
    if not templates:
        return msgspec.structs.replace(said, payload=payload)
    template = templates.get((payload["name"], payload["lang"]))
    if template is None or not template.is_usable:
        return _unusable(payload, template, templates)
    params = said.payload.get("params")
    components = components_for(params, button_places(template)) if params else payload["components"]
    given = _by_param(params) if params else dict(_given(components, template.components))
    if problem := _problem(template, given):
        return problem
    body = _body(template, components)
    return Other("template", {**payload, "components": components, "body": body}, body)


def _unusable(wanted: Json, template: Template | None, templates: Templates) -> str:
    title = f"{wanted['name']} ({wanted['lang']})"
    if template is not None:
        why = f": {template.reason}" if template.reason else ""
        return f"rejected: the template {title} is {template.status.lower()}{why}; {usable_words(templates)}"
    langs = sorted(one.lang for one in templates.values() if one.name == wanted["name"])
    other = f"it exists in {', '.join(langs)}; " if langs else ""
    return f"rejected: there is no template {title}; {other}{usable_words(templates)}"


# Places


class Place(msgspec.Struct, frozen=True):
    """Something that a message may fill in, by the name of its parameter."""

    param: str
    is_required: bool = True


_HOLE = re.compile(r"\{\{\s*(\w{1,60})\s*\}\}")


def places(template: Template) -> list[Place]:
    """All that the template declares."""
    return [*_places(template.components)]


def _places(components: Sequence[Json]) -> Iterator[Place]:
    for one in components:
        match str(one.get("type", "")).upper():
            case "HEADER":
                yield from _header_places(one)
            case "BODY":
                yield from (Place(f"BODY_{{{{{hole}}}}}") for hole in _holes(one.get("text")))
            case "BUTTONS":
                yield from _button_places(_dicts(one.get("buttons")))
            case "LIMITED_TIME_OFFER" if _dict(one.get("limited_time_offer")).get("has_expiration"):
                yield Place("LIMITED_TIME_OFFER")
            case "CAROUSEL":
                yield from _card_places(_dicts(one.get("cards")))
            case _:
                pass


def _header_places(header: Json) -> Iterator[Place]:
    shape = str(header.get("format", "TEXT")).upper()
    if shape == "TEXT":
        yield from (Place(f"HEADER_{{{{{hole}}}}}") for hole in _holes(header.get("text")))
    else:
        yield Place(f"HEADER_{shape}")


def _card_places(cards: Sequence[Json]) -> Iterator[Place]:
    for number, card in enumerate(cards, start=1):
        for place in _places(_dicts(card.get("components"))):
            yield Place(f"CARD_{number}_{place.param}", place.is_required)


_REQUIRED_BUTTONS = frozenset({"COPY_CODE", "OTP", "MPM"})
_OPTIONAL_BUTTONS = frozenset({"QUICK_REPLY", "FLOW", "CATALOG"})


def _button_places(buttons: Sequence[Json]) -> Iterator[Place]:
    counted: dict[str, int] = {}
    for button in buttons:
        kind = _kind(button)
        number = counted[kind] = counted.get(kind, 0) + 1
        if kind in _OPTIONAL_BUTTONS:
            yield Place(f"{kind}_{number}", is_required=False)
        elif kind in _REQUIRED_BUTTONS or (kind == "URL" and _holes(button.get("url"))):
            yield Place(f"{kind}_{number}")


def button_places(template: Template) -> Buttons:
    """The parameter of each button, in the order of the buttons: `{0: ["QUICK_REPLY_1", "URL_1"]}`."""
    cards = enumerate(_carousel(template.components), start=1)
    own = {0: _numbered(_buttons(template.components))}
    return own | {number: _numbered(_buttons(_dicts(card.get("components")))) for number, card in cards}


def _numbered(buttons: Sequence[Json]) -> list[str]:
    kinds = [_kind(button) for button in buttons]
    return [f"{kind}_{kinds[: at + 1].count(kind)}" for at, kind in enumerate(kinds)]


def _kind(button: Json) -> str:
    return str(button.get("type", "")).upper()


def _buttons(components: Sequence[Json]) -> list[Json]:
    return _dicts(_first(components, "BUTTONS").get("buttons"))


def _holes(text: Any) -> list[str]:
    return list(dict.fromkeys(_HOLE.findall(text))) if isinstance(text, str) else []


# Checking


def _problem(template: Template, given: Mapping[str, Any]) -> str:
    """What is missing, too much, or empty in what a message gives, by parameter; "" if nothing is."""
    declared = {place.param: place.is_required for place in places(template)}
    missing = [param for param, is_required in declared.items() if is_required and param not in given]
    if missing:
        return f"rejected: the template {template.title} needs {', '.join(missing)} as well"
    if extra := [param for param in given if param not in declared]:
        has = ", ".join(declared) or "no places at all"
        return f"rejected: the template {template.title} has no {', '.join(extra)}; it has: {has}"
    empty = [param for param, value in given.items() if value == ""]
    return f"rejected: {', '.join(empty)} of the template {template.title} is empty" if empty else ""


def _by_param(params: Mapping[str, Any]) -> Json:
    return {param: value for param, value in params.items() if not param.endswith(FILE_NAMES)}


def _given(components: Sequence[Json], declared: Sequence[Json]) -> Iterator[tuple[str, Any]]:
    """What the components of a message fill in, by parameter, with the words where they are words."""
    numbered = _numbered(_buttons(declared))
    for one in components:
        match str(one.get("type", "")).lower():
            case "header" | "body" as where:
                yield from _parameters(where.upper(), _dicts(one.get("parameters")))
            case "button":
                yield _button(one, numbered)
            case "limited_time_offer":
                yield "LIMITED_TIME_OFFER", None
            case "carousel":
                yield from _cards(_dicts(one.get("cards")), declared)
            case kind:
                yield kind.upper(), None


def _parameters(where: str, parameters: Sequence[Json]) -> Iterator[tuple[str, Any]]:
    for number, one in enumerate(parameters, start=1):
        kind = str(one.get("type", "")).upper()
        if kind in ("IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "PRODUCT"):
            yield f"{where}_{kind}", None
        else:
            yield f"{where}_{{{{{one.get('parameter_name') or number}}}}}", one.get("text")


def _button(one: Json, numbered: Sequence[str]) -> tuple[str, Any]:
    index = str(one.get("index", ""))
    at = int(index) if index.isdecimal() else len(numbered)
    first = next(iter(_dicts(one.get("parameters"))), {})
    param = numbered[at] if at < len(numbered) else f"button {index or 'without an index'}"
    return param, first.get("text")


def _cards(cards: Sequence[Json], declared: Sequence[Json]) -> Iterator[tuple[str, Any]]:
    known = _carousel(declared)
    for at, card in enumerate(cards):
        index = card.get("card_index", at)
        place = index if isinstance(index, int) else at
        theirs = _dicts(known[place].get("components")) if 0 <= place < len(known) else ()
        for param, value in _given(_dicts(card.get("components")), theirs):
            yield f"CARD_{place + 1}_{param}", value


def _carousel(declared: Sequence[Json]) -> list[Json]:
    return _dicts(_first(declared, "CAROUSEL").get("cards"))


# What the customer reads


def _body(template: Template, components: Sequence[Json]) -> str:
    text = next(
        (one.get("text") for one in template.components if str(one.get("type")).upper() == "BODY"), ""
    )
    parameters = [one for part in components if str(part.get("type")).lower() == "body"
                  for one in _dicts(part.get("parameters"))]  # fmt: skip
    words = {str(one.get("parameter_name") or at): _words(one) for at, one in enumerate(parameters, start=1)}
    return _HOLE.sub(lambda hole: words.get(hole[1], hole[0]), text) if isinstance(text, str) else ""


def _words(parameter: Json) -> str:
    """Of a currency or a date, what stands there where it cannot be put into the customer's language."""
    inner = _dict(parameter.get(str(parameter.get("type", ""))))
    return str(parameter.get("text") or inner.get("fallback_value") or "")


def _first(components: Sequence[Json], type_: str) -> Json:
    """The component of a type; an empty one where there is none."""
    return next((one for one in components if str(one.get("type", "")).upper() == type_), {})


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list | tuple) else []
