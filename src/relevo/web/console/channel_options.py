"""The options of each channel type, as a form asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relevo.channels.adapter import Option
from relevo.channels.registry import ADAPTERS
from relevo.domain.configuring import MASK
from relevo.web.console.forms import Form


def field_name(option: Option) -> str:
    """Its name in the form, apart from the fields that every channel has."""
    return f"option.{option.name}"


def options_of(type_: str) -> tuple[Option, ...]:
    return ADAPTERS[type_].options if type_ in ADAPTERS else ()


def shown(type_: str, config: Mapping[str, Any]) -> dict[str, str]:
    """Options as values of the form's fields."""
    return {
        field_name(option): MASK if option.kind == "secret" else str(config[option.name])
        for option in options_of(type_)
        if config.get(option.name)
    }


def read(type_: str, form: Form, config: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a form asks for; one that was there and is empty now is taken away. A secret that
    was left empty stays: whoever clears a masked field has not said that there should be none."""
    wished: dict[str, Any] = {}
    for option in options_of(type_):
        value = form.get(field_name(option))
        if value:
            wished[option.name] = value
        elif option.name in config and option.kind != "secret":
            wished[option.name] = None
    return wished


def field_of(type_: str) -> dict[str, str]:
    """From the option that a problem names to the field of the form."""
    return {option.name: field_name(option) for option in options_of(type_)}
