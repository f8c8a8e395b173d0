"""A subscriber: a person who writes to a flow on a channel."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a channel tells about the person with a message. Empty means: not told."""

    name: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    email: str = ""
    gender: str = ""
    locale: str = ""
    language: str = ""
    timezone: str = ""
    picture_url: str = ""


PROFILE_FIELDS = ("first_name", "last_name", "name", "email", "phone", "language")
"""Fields that everybody has: setting one changes the profile."""

FieldValue = str | int | float | bool | list[Any] | None


By = Literal["email", "sms"]
"""Ways of being written to besides the channel, which a person has to agree to."""


class OptIn(msgspec.Struct, frozen=True):
    """That a person has agreed, when, and through what: `api`, `console`, `flow` …"""

    at: datetime
    through: str


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """The person, as flows and the API see them.

    `user_id` is the id inside the channel (a phone number, a visitor's id …). `fields`, `tags` and
    `labels` go by name; they are set by flows, the API and the console.
    """

    user_id: str
    profile: Profile = Profile()
    fields: dict[str, FieldValue] = {}
    tags: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    opt_ins: dict[By, OptIn] = {}
    no_broadcasts: bool = False
    """Whether they do not want what is said to many, on their channel."""
    held: tuple[str, ...] = ()
    """What of the profile a flow, the platform or a member has set: the channel's own does not replace it."""
    created_at: datetime
    last_seen_at: datetime | None = None

    @property
    def display_name(self) -> str:
        profile = self.profile
        full = f"{profile.first_name} {profile.last_name}".strip()
        return profile.name or full or profile.phone or "Visitor"

    @property
    def first_name(self) -> str:
        return self.profile.first_name or self.profile.name.split(" ", 1)[0]

    @property
    def last_name(self) -> str:
        if self.profile.last_name or self.profile.first_name:
            return self.profile.last_name
        return self.profile.name.partition(" ")[2]

    def with_field(self, name: str, value: FieldValue) -> Subscriber:
        """After a field was set; None clears it."""
        if name in PROFILE_FIELDS:
            text = "" if value is None else str(value)
            others = tuple(one for one in self.held if one != name)
            held = (*others, name) if text else others
            return replace(self, profile=replace(self.profile, **{name: text}), held=held)
        fields = {key: old for key, old in self.fields.items() if key != name}
        return replace(self, fields=fields if value is None else {**fields, name: value})

    def with_tag(self, name: str) -> Subscriber:
        """With the tag, last if it is new."""
        return self if name in self.tags else replace(self, tags=(*self.tags, name))

    def without_tag(self, name: str) -> Subscriber:
        return replace(self, tags=tuple(tag for tag in self.tags if tag != name))

    def with_label(self, name: str) -> Subscriber:
        """With the label, last if it is new."""
        return self if name in self.labels else replace(self, labels=(*self.labels, name))

    def without_label(self, name: str) -> Subscriber:
        return replace(self, labels=tuple(label for label in self.labels if label != name))

    def opted_in(self, by: By, opt_in: OptIn) -> Subscriber:
        """After they agreed; the first time counts."""
        return self if by in self.opt_ins else replace(self, opt_ins={**self.opt_ins, by: opt_in})

    def opted_out(self, by: By) -> Subscriber:
        return replace(self, opt_ins={one: told for one, told in self.opt_ins.items() if one != by})

    def told(self, profile: Profile) -> Subscriber:
        """The subscriber after a flow, the platform or a member told something; what is left out stays."""
        told = msgspec.to_builtins(profile)  # leaves out what was not told
        new = tuple(name for name in told if name not in self.held)
        return replace(self._with(told), held=(*self.held, *new)) if told else self

    def met(self, profile: Profile) -> Subscriber:
        """The subscriber after a channel told something. A vendor tells the same with each message, a browser
        at each visit: it takes nothing back that was found out meanwhile."""
        return self._with(msgspec.to_builtins(profile), but=self.held)

    def _with(self, told: dict[str, str], but: tuple[str, ...] = ()) -> Subscriber:
        known = self.profile
        news = {name: v for name, v in told.items() if name not in but and getattr(known, name) != v}
        return replace(self, profile=replace(known, **news)) if news else self
