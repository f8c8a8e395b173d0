"""What somebody asks to be set up, and what is wrong with it, if anything.

In a wish, None means: as it is, or as it is by default when the thing is new. A check answers
with problems by field (`url`, `headers.X-Key`), empty when there are none. No text of theirs
shows a header's value or a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from email_validator import EmailNotValidError, validate_email

from relevo.domain import json_paths, sealing
from relevo.domain.emails import Mailbox, sender_address
from relevo.domain.hours import Hours
from relevo.domain.inbound_webhooks import (
    FIELD,
    IDENTITIES,
    MOST_MAPPINGS,
    MOST_TAGS,
    TAG,
    TARGETS,
    Mapped,
)
from relevo.domain.signing import check_secret
from relevo.domain.workspaces import EventType, LiveChatMode, PausedAutomation, Role
from relevo.domain.yaml_reading import did_you_mean, quoted

LONGEST_NAME = 200
LONGEST_EMAIL = 254
LONGEST_URL = 4096
MOST_HEADERS = 50
LONGEST_HEADER_NAME, LONGEST_HEADER_VALUE = 100, 4096
MOST_SECRETS = 2
LONGEST_FLOW_SECRET = 8_000
LONGEST_PAUSE = timedelta(days=366)
MOST_IN_FLIGHT, MOST_PER_SECOND = 200, 10_000

OPTIONAL_EVENTS = tuple(event for event in EventType if event is not EventType.TEST)
"""What an endpoint may opt in to. Where live chat goes, `message.received` comes without."""

MASK = "••••"
"""What a form shows instead of a header's value or a secret; sent back, it means the stored one."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VISIBLE = re.compile(r"[!-~]([ -~]*[!-~])?")
_MAIL_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_OURS = frozenset({
    "connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive",
    "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding",
    "upgrade",
})  # fmt: skip
_OUR_PREFIXES = ("webhook-", "relevo-")


class Wrong(NamedTuple):
    """What is wrong and what would be right."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


Wrongs = dict[str, Wrong]
"""By field."""

ConfigCheck = Callable[[dict[str, Any]], dict[str, str]]
"""An adapter's `check_config`."""


# Wishes


class WorkspaceWish(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    timezone: str | None = None
    agent_reply_pauses_for: timedelta | None = None
    paused_automation: PausedAutomation | None = None
    operations_url: str | None = None
    written_hours: Hours | Literal["always"] | None = None


class EndpointWish(msgspec.Struct, frozen=True, kw_only=True):
    """`headers` are all of them: one that is left out goes. `secret` is to sign; another than those that
    do begins a rotation. `secrets` are to sign from now on, and no others: newest first. `channels`: the
    names of those that it listens to."""

    name: str
    url: str | None = None
    headers: dict[str, str] | None = None
    secret: str | None = None
    secrets: tuple[str, ...] | None = None
    events: frozenset[EventType] | None = None
    channels: tuple[str, ...] | Literal["all"] | None = None
    max_in_flight: int | None = None
    max_per_second: int | None = None

    def __repr__(self) -> str:
        return f"EndpointWish(name={self.name!r}, url={self.url!r})"


class MemberWish(msgspec.Struct, frozen=True, kw_only=True):
    email: str
    name: str | None = None
    role: Role | None = None


class ChannelWish(msgspec.Struct, frozen=True, kw_only=True):
    """`flow` and `endpoint` are names. An option of `config` that is None is taken away; one that
    is left out stays as it is."""

    name: str
    type: str | None = None
    flow: str | None = None
    mode: LiveChatMode | None = None
    endpoint: str | None = None
    config: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"ChannelWish(name={self.name!r}, type={self.type!r}, flow={self.flow!r})"


class InboundWish(msgspec.Struct, frozen=True, kw_only=True):
    """An inbound webhook. `channel` "" is none, as `start` and `key` are."""

    name: str
    flow: str | None = None
    channel: str | None = None
    mappings: tuple[Mapped, ...] | None = None
    tags: tuple[str, ...] | None = None
    start: str | None = None
    key_path: str | None = None


# Checks of a wish


def check_workspace(wish: WorkspaceWish) -> Wrongs:
    return _found({
        "name": check_name(wish.name),
        "timezone": None if wish.timezone is None else check_timezone(wish.timezone),
        "agent_reply_pauses_for": _check_pause(wish.agent_reply_pauses_for),
        "operations_url": check_url(wish.operations_url) if wish.operations_url else None,
        "written_hours": _check_hours(wish.written_hours),
    })  # fmt: skip


def _check_hours(hours: Hours | Literal["always"] | None) -> Wrong | None:
    return check_timezone(hours.zone) if isinstance(hours, Hours) and hours.zone else None


def check_endpoint(wish: EndpointWish) -> Wrongs:
    return _found({
        "name": check_name(wish.name),
        "url": None if wish.url is None else check_url(wish.url),
        "secrets": _check_secrets(wish),
        "events": None if wish.events is None else _check_events(wish.events),
        "max_in_flight": _check_limit("max_in_flight", wish.max_in_flight, MOST_IN_FLIGHT),
        "max_per_second": _check_limit("max_per_second", wish.max_per_second, MOST_PER_SECOND),
        **check_headers(wish.headers or {}),
    })  # fmt: skip


def check_member(wish: MemberWish) -> Wrongs:
    return _found({
        "email": check_email(wish.email),
        "name": None if wish.name is None else check_name(wish.name),
    })  # fmt: skip


def check_channel(wish: ChannelWish, types: Mapping[str, ConfigCheck]) -> Wrongs:
    """`types`: the channel types that there are, each with the check of its options."""
    return _found({
        "name": check_name(wish.name),
        "type": _check_type(wish.type, types),
        "live_chat": _check_live_chat(wish),
        **check_config(wish.config, types.get(wish.type or "")),
    })  # fmt: skip


def check_flow_secret(name: str, value: str) -> Wrongs:
    """A secret that flows send to other servers."""
    return _found({"name": _check_secret_name(name), "value": _check_secret_value(value)})


def check_mailbox(box: Mailbox) -> Wrongs:
    """The mail server of a workspace."""
    return _found({
        "host": _check_mail_host(box.host),
        "port": _check_mail_port(box.port),
        "security": _check_mail_security(box),
        "password": _check_mail_password(box),
        "sender": _check_sender(box),
        "reply_to": check_email(box.reply_to) if box.reply_to else None,
    })  # fmt: skip


def check_inbound(wish: InboundWish) -> Wrongs:
    mappings = wish.mappings or ()
    return _found({
        "name": check_name(wish.name),
        "map": _check_map(mappings),
        **{f"map.{one.path}": _check_mapping(one) for one in mappings},
        "tags": _check_tags(wish.tags or ()),
        "key": _check_path(wish.key_path) if wish.key_path else None,
    })  # fmt: skip


def _check_map(mappings: Sequence[Mapped]) -> Wrong | None:
    if len(mappings) > MOST_MAPPINGS:
        return Wrong(f"there are {len(mappings)} mappings", f"at most {MOST_MAPPINGS} are possible")
    targets = [one.to for one in mappings if one.to != TAG]
    twice = next((one for one in targets if targets.count(one) > 1), None)
    if twice is not None:
        return Wrong(f"two paths go to {twice}", "keep one of them")
    if mappings and not any(one.to in IDENTITIES for one in mappings):
        return Wrong("no path says who it is about", f"map one to {', '.join(IDENTITIES)}")
    return None


def _check_mapping(one: Mapped) -> Wrong | None:
    if one.to.startswith(FIELD):
        return _check_path(one.path) or check_name(one.to.removeprefix(FIELD))
    if one.to not in TARGETS:
        remedy = did_you_mean(one.to, TARGETS)
        return Wrong(f"{quoted(one.to)} is nowhere a value can go", f"{remedy}; a field is field.NAME")
    return _check_path(one.path)


def _check_path(path: str) -> Wrong | None:
    try:
        is_path = bool(path.strip() and json_paths.parse(path) is not None)
    except json_paths.NoPath:
        is_path = False
    remedy = "write one like customer.phone or items[0].sku"
    return None if is_path else Wrong(f"{quoted(path)} is not a path into JSON", remedy)


def _check_tags(tags: Sequence[str]) -> Wrong | None:
    if len(tags) > MOST_TAGS:
        return Wrong(f"there are {len(tags)} tags", f"at most {MOST_TAGS} are possible")
    return next((wrong for tag in tags if (wrong := check_name(tag))), None)


def check_config(config: Mapping[str, Any], check: ConfigCheck | None) -> Wrongs:
    if check is None:
        return {}
    given = {option: value for option, value in config.items() if value is not None}
    return {option: _option_wrong(option, text) for option, text in check(given).items()}


def _option_wrong(option: str, text: str) -> Wrong:
    wrong = wrong_of(text)
    what = f"{option}: {wrong.what[:1].lower()}{wrong.what[1:]}"
    return Wrong(what, wrong.remedy or "see the guide of this channel type")


def wrong_of(text: str) -> Wrong:
    """`what is wrong; what would be right` in its parts. What is wrong may show a value with `; ` in it."""
    what, _, remedy = text.rpartition("; ")
    return Wrong(what, remedy) if what else Wrong(text, "")


def _found(checked: Mapping[str, Wrong | None]) -> Wrongs:
    return {field: wrong for field, wrong in checked.items() if wrong is not None}


# Checks of a value


def check_name(name: str) -> Wrong | None:
    """Of anything that people name."""
    if not name.strip():
        return Wrong("the name is empty", "write one")
    if name != name.strip():
        return Wrong(f"the name {quoted(name)} has space around it", "leave the space out")
    if _CONTROL.search(name):
        return Wrong(f"the name {quoted(name)} has a line break or a control character", "leave it out")
    if len(name) > LONGEST_NAME:
        return Wrong(f"the name has {len(name)} characters", f"write at most {LONGEST_NAME}")
    return None


def check_email(email: str) -> Wrong | None:
    if len(email) > LONGEST_EMAIL:
        return Wrong(
            f"the e-mail address has {len(email)} characters", f"at most {LONGEST_EMAIL} are possible"
        )
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        return Wrong(f"{quoted(email)} is not an e-mail address", "write one like luis@example.com")
    return None


def _check_secret_name(name: str) -> Wrong | None:
    if sealing.NAME.fullmatch(name):
        return None
    remedy = "use letters, digits and _, at most 64, as in SHOP_KEY"
    return Wrong(f"{quoted(name)} is no name for a secret", remedy)


def _check_secret_value(value: str) -> Wrong | None:
    if not value:
        return Wrong("the secret is empty", "write it")
    if len(value) > LONGEST_FLOW_SECRET:
        return Wrong(f"the secret has {len(value)} characters", f"at most {LONGEST_FLOW_SECRET} are possible")
    return Wrong("the secret has a NUL character", "leave it out") if "\0" in value else None


def _check_mail_host(host: str) -> Wrong | None:
    if _MAIL_HOST.fullmatch(host):
        return None
    return Wrong(f"{quoted(host)} is not the name of a server", "write one like smtp.example.com")


def _check_mail_port(port: int) -> Wrong | None:
    if 1 <= port <= 65535:
        return None
    return Wrong(f"there is no port {port}", "use 587 with starttls, or 465 with tls")


def _check_mail_security(box: Mailbox) -> Wrong | None:
    if box.username and box.security == "none":
        return Wrong("the password would be sent for everybody to read", "use starttls or tls")
    return None


def _check_mail_password(box: Mailbox) -> Wrong | None:
    if box.username and not box.password:
        return Wrong("the password is missing", "write it, or leave the user name out")
    return None


def _check_sender(box: Mailbox) -> Wrong | None:
    if "\n" not in box.sender and check_email(sender_address(box)) is None:
        return None
    return Wrong(f"{quoted(box.sender)} is no sender", "write one like Acme <hello@example.com>")


def check_url(url: str) -> Wrong | None:
    """The form of it only; where it leads is another question (`http_client.egress_guard`)."""
    remedy = "write one like https://desk.example.com/hook"
    if len(url) > LONGEST_URL:
        return Wrong(f"the URL has {len(url)} characters", f"write one of at most {LONGEST_URL}")
    parts = _url_parts(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return Wrong(f"{quoted(url)} is not an http or https URL", remedy)
    if parts.username or parts.password:
        return Wrong("the URL has a user name or a password in it", "use a header for it")
    return None


def check_timezone(name: str) -> Wrong | None:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return Wrong(f"{quoted(name)} is not a time zone", did_you_mean_zone(name))
    return None


def did_you_mean_zone(name: str) -> str:
    remedy = did_you_mean(name, sorted(available_timezones()))
    return remedy if remedy.startswith("did you mean") else "write one like UTC or Europe/Madrid"


def check_headers(headers: Mapping[str, str]) -> Wrongs:
    """An endpoint's custom headers, each as `headers.NAME`."""
    if len(headers) > MOST_HEADERS:
        return {"headers": Wrong(f"there are {len(headers)} headers", f"at most {MOST_HEADERS} are possible")}
    wrongs = {f"headers.{name}": check_header(name, value) for name, value in headers.items()}
    for name in _repeated(headers):
        wrongs[f"headers.{name}"] = Wrong(f"the header {name} is given twice", "keep one of them")
    return _found(wrongs)


def check_header(name: str, value: str) -> Wrong | None:
    if not _TOKEN.fullmatch(name) or len(name) > LONGEST_HEADER_NAME:
        remedy = f"use letters, digits and -, at most {LONGEST_HEADER_NAME}, as in X-Desk-Key"
        return Wrong(f"{quoted(name)} is not a header's name", remedy)
    if name.lower() in _OURS or name.lower().startswith(_OUR_PREFIXES):
        return Wrong(f"the header {name} is set by Relevo itself", "leave it out")
    if not _VISIBLE.fullmatch(value) or len(value) > LONGEST_HEADER_VALUE:
        remedy = f"use 1 to {LONGEST_HEADER_VALUE} letters, digits, signs and spaces of ASCII"
        return Wrong(f"the value of the header {name} cannot be sent", remedy)
    return None


def _repeated(names: Iterable[str]) -> list[str]:
    """Names that differ from an earlier one in nothing but case."""
    first: dict[str, str] = {}
    return [name for name in names if first.setdefault(name.lower(), name) != name]


def _check_pause(pause: timedelta | None) -> Wrong | None:
    if pause is None or timedelta() < pause <= LONGEST_PAUSE:
        return None
    return Wrong(
        "the pause after an agent's reply must be longer than nothing", "for example 30m; at most 366d"
    )


def _check_secrets(wish: EndpointWish) -> Wrong | None:
    secrets = wish.secrets if wish.secret is None else (wish.secret,)
    if secrets is None:
        return None
    if not 1 <= len(secrets) <= MOST_SECRETS:
        return Wrong(f"there are {len(secrets)} signing secrets", "give one, or two while you replace one")
    for secret in secrets:
        if problem := check_secret(secret):
            what = problem[:1].lower() + problem[1:]
            return Wrong(what, "`relevo secret` makes one; left out, Relevo makes one and shows it once")
    return None


def _check_events(events: frozenset[EventType]) -> Wrong | None:
    extra = sorted(events.difference(OPTIONAL_EVENTS))
    if not extra:
        return None
    return Wrong(f"{extra[0]} cannot be opted in to", f"use {', '.join(OPTIONAL_EVENTS)}")


def _check_limit(name: str, limit: int | None, most: int) -> Wrong | None:
    if limit is None or 0 <= limit <= most:
        return None
    return Wrong(f"{name} is {limit}", f"write a number from 1 to {most}, or 0 for no limit")


def _check_type(type_: str | None, types: Mapping[str, ConfigCheck]) -> Wrong | None:
    if type_ is None or type_ in types:
        return None
    return Wrong(f"there is no channel type {quoted(type_)}", did_you_mean(type_, types))


def _check_live_chat(wish: ChannelWish) -> Wrong | None:
    if wish.mode == LiveChatMode.WEBHOOK and not wish.endpoint:
        return Wrong("live chat by webhook needs an endpoint", "add endpoint: and the name of one")
    if wish.endpoint and wish.mode in (LiveChatMode.NONE, LiveChatMode.INBOX):
        return Wrong(
            f"live chat mode {wish.mode} uses no endpoint", "leave the endpoint out, or use mode: webhook"
        )
    return None


def _url_parts(url: str) -> Any:
    if any(character <= " " or character == "\x7f" for character in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that cannot be
    except ValueError:
        return None
    return parts
