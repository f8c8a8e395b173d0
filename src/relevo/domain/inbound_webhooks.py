"""Inbound webhooks: another system posts JSON, and that changes a subscriber and starts a subflow.

`read` makes of a body what a webhook's mapping says. Nothing is looked up here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
import phonenumbers
from email_validator import EmailNotValidError, validate_email

from relevo.domain.errors import RelevoError
from relevo.domain.events import DirectAct
from relevo.domain.flows.runs import AddTag, SetField
from relevo.domain.ids import ChannelId, FlowId, InboundWebhookId, WorkspaceId
from relevo.domain.json_paths import as_field, at, parse
from relevo.domain.subscribers import Profile

IDENTITIES = ("user_ns", "user_id", "phone", "email")
"""What finds a subscriber, in this order."""
PROFILE = ("first_name", "last_name", "name", "gender", "language", "timezone")
FIELD, TAG = "field.", "tag"
TARGETS = (*IDENTITIES, *PROFILE, TAG)
"""Where a value may go; besides, `field.` and the name of a field."""

MOST_MAPPINGS = 100
MOST_TAGS = 20
LONGEST_VALUE = 5000
LONGEST_KEY = 255

_SECRET = re.compile(
    r"pass(word|wd|code|phrase)|secret|token|api[_-]?key|authori[sz]ation|signature|card[_-]?number|cvv|cvc|iban",
    re.IGNORECASE,
)
_HIDDEN = "***"


class NotJson(RelevoError):
    """The body is not JSON."""

    code = "not_json"
    status = 400


class SwitchedOff(RelevoError):
    """This inbound webhook is switched off."""

    code = "switched_off"
    status = 403


class NobodyNamed(RelevoError):
    """The request names nobody who could be found or made."""

    code = "nobody_named"
    status = 422


class BadKey(RelevoError):
    """The idempotency key must have 1 to 255 characters."""

    code = "bad_key"
    status = 422


class Mapped(NamedTuple):
    """What stands at `path` goes `to`: an identity, a part of the profile, `tag`, or `field.NAME`."""

    path: str
    to: str


class InboundWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """One address that another system posts to. `key` is its unguessable part.

    People who are not there yet are made on `channel_id`; None: nobody is made. `tags` are for everybody;
    `start` is the subflow that starts then. `key_path` is where the body has what makes it recognisable when
    it is sent again. Without mappings it listens: requests are kept to be looked at, and nothing is done.
    """

    id: InboundWebhookId
    workspace_id: WorkspaceId
    flow_id: FlowId
    name: str
    key: str
    channel_id: ChannelId | None = None
    mappings: tuple[Mapped, ...] = ()
    tags: tuple[str, ...] = ()
    start: str = ""
    key_path: str = ""
    disabled_reason: str = ""

    @property
    def listens(self) -> bool:
        return not self.mappings

    def __repr__(self) -> str:
        return f"InboundWebhook(id={self.id}, name={self.name!r})"


def inbound_url(public_url: str, webhook: InboundWebhook) -> str:
    return f"{public_url}/inbound/{webhook.key}"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a body says. `who` has the identities that it names; `mapped` is what was taken, by target;
    `wrongs` are sentences about what was left out."""

    who: dict[str, str] = {}
    profile: Profile = Profile()
    acts: tuple[DirectAct, ...] = ()
    key: str = ""
    mapped: dict[str, Any] = {}
    wrongs: tuple[str, ...] = ()


def decode(body: bytes) -> Any:
    """Raises `NotJson`, which says where."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = f"it says: {error}" if body.strip() else "it is empty"
        raise NotJson(f"The body must be JSON; {what}.") from error


def read(webhook: InboundWebhook, body: Any) -> Reading:
    """What the mapping makes of a body."""
    taken: dict[str, Any] = {}
    wrongs: list[str] = []
    tags = list(webhook.tags)
    for mapping in webhook.mappings:
        value, wrong = _value(mapping, at(body, parse(mapping.path)))
        if wrong:
            wrongs.append(f"{mapping.path}: {wrong}")
        elif mapping.to == TAG:
            tags += value
        else:
            taken[mapping.to] = value
    return Reading(
        who={name: taken[name] for name in IDENTITIES if name in taken},
        profile=Profile(**{name: taken[name] for name in (*PROFILE, "phone", "email") if name in taken}),
        acts=(*_fields(taken), *(AddTag(name) for name in dict.fromkeys(tags))),
        key=_key(webhook, body),
        mapped=taken | ({TAG: list(dict.fromkeys(tags))} if tags else {}),
        wrongs=tuple(wrongs),
    )


def _fields(taken: Mapping[str, Any]) -> Iterable[SetField]:
    return (SetField(to.removeprefix(FIELD), value) for to, value in taken.items() if to.startswith(FIELD))


def _key(webhook: InboundWebhook, body: Any) -> str:
    value = at(body, parse(webhook.key_path)) if webhook.key_path else None
    return _text(value) if value is not None else ""


# One value


def _value(mapping: Mapped, value: Any) -> tuple[Any, str]:
    """A value as its target has it, or what is wrong with it."""
    if value is None:
        return None, "the body has nothing there"
    if len(_text(value)) > LONGEST_VALUE:
        return None, f"longer than {LONGEST_VALUE} characters"
    if "\0" in _text(value):
        return None, "it has the character U+0000"
    match mapping.to:
        case "phone":
            return _checked(phone_of(_text(value)), value, "phone number with its country: +61400000000")
        case "email":
            return _checked(_email(_text(value)), value, "e-mail address")
        case "tag":
            return _tags(value)
        case to if to.startswith(FIELD):
            return as_field(value), ""
        case _:
            return _checked(_text(value).strip() or None, value, "text")


def _checked(found: str | None, value: Any, what: str) -> tuple[Any, str]:
    return (found, "") if found else (None, f"{_text(value)[:60]!r} is not a {what}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _tags(value: Any) -> tuple[Any, str]:
    names = value if isinstance(value, list) else [value]
    texts = [_text(name).strip() for name in names if not isinstance(name, dict | list)]
    tags = [text for text in texts if 0 < len(text) <= 200]
    if not tags or len(tags) > MOST_TAGS:
        return None, f"1 to {MOST_TAGS} tags of up to 200 characters are possible"
    return tags, ""


def phone_of(text: str) -> str | None:
    """A valid number in E.164, with or without its plus; None for anything else."""
    digits = re.sub(r"[\s().-]", "", text)
    digits = f"+{digits[2:]}" if digits.startswith("00") else digits
    try:
        number = phonenumbers.parse(digits if digits.startswith("+") else f"+{digits}")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email(text: str) -> str | None:
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        return None


def user_id_of(channel_type: str, who: Mapping[str, str]) -> str:
    """The id inside a channel that somebody has of whom this is known; "" when nobody can tell: there, an id
    is the vendor's to give."""
    if given := who.get("user_id"):
        return given
    phone = who.get("phone", "")
    match channel_type:
        case "whatsapp":
            return phone.removeprefix("+")
        case "sms":
            return phone
        case _:
            return ""


# What is kept of a body


def redacted(value: Any) -> Any:
    """The same without what looks like a secret by its name."""
    match value:
        case dict():
            return {
                name: _HIDDEN if _SECRET.search(name) else redacted(inner) for name, inner in value.items()
            }
        case list():
            return [redacted(inner) for inner in value]
        case _:
            return value


_SECRET_TEXT = re.compile(
    rf"""(["']?\w*(?:{_SECRET.pattern})\w*["']?\s*[:=]\s*)("[^"]*"|[^\s&,;]+)""", re.IGNORECASE
)


def redacted_text(text: str) -> str:
    """The same of a text that could not be read."""
    return _SECRET_TEXT.sub(lambda match: f"{match[1]}{_HIDDEN}", text)
