"""The options of each channel type, as a form asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from relevo.domain.configuring import MASK
from relevo.web.console.forms import Form

Kind = Literal["text", "url", "color", "secret"]


class Option(msgspec.Struct, frozen=True):
    """One option; what is secret is never shown."""

    name: str
    label: str
    kind: Kind
    hint: str
    required: bool = False
    placeholder: str = ""

    @property
    def field(self) -> str:
        """Its name in the form, apart from the fields that every channel has."""
        return f"option.{self.name}"


OPTIONS: Mapping[str, tuple[Option, ...]] = {
    "web": (
        Option(
            "title", "Title", "text", "The name at the top of the chat. The channel's name if left empty."
        ),
        Option("subtitle", "Subtitle", "text", "A line under it, such as “We answer within the hour”."),
        Option(
            "color",
            "Colour",
            "color",
            "The main colour, like #2f5bea.",
            placeholder="#2f5bea",
        ),
        Option(
            "secret",
            "Visitors' secret",
            "secret",
            "Signs the visitors' tokens. Made for you; a new one makes every visitor a stranger.",
        ),
    ),
    "apichat": (
        Option(
            "webhook_url",
            "Webhook URL",
            "url",
            "Where Relevo posts what the bot and the agents say.",
            required=True,
            placeholder="https://chat.example.com/from-relevo",
        ),
        Option(
            "secret",
            "Secret",
            "secret",
            "whsec_…: signs what Relevo posts, and what you post if you sign it. Made for you if left empty.",
        ),
        Option(
            "verification_key",
            "Verification key",
            "secret",
            "Any text that only your side knows; leave it empty to skip the verification.",
        ),
    ),
}


def options_of(type_: str) -> tuple[Option, ...]:
    return OPTIONS.get(type_, ())


def shown(type_: str, config: Mapping[str, Any]) -> dict[str, str]:
    """Options as values of the form's fields."""
    return {
        option.field: MASK if option.kind == "secret" else str(config[option.name])
        for option in options_of(type_)
        if config.get(option.name)
    }


def read(type_: str, form: Form, config: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a form asks for; one that was there and is empty now is taken away. A secret that
    was left empty stays: whoever clears a masked field has not said that there should be none."""
    wished: dict[str, Any] = {}
    for option in options_of(type_):
        value = form.get(option.field)
        if value:
            wished[option.name] = value
        elif option.name in config and option.kind != "secret":
            wished[option.name] = None
    return wished


def field_of(type_: str) -> dict[str, str]:
    """From the option that a problem names to the field of the form."""
    return {option.name: option.field for option in options_of(type_)}
