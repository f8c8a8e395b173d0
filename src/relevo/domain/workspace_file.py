"""A workspace file becomes a plan, or a list of all that is wrong with it.

Nothing is read or looked up here: the caller hands over the environment, the channel types and a
way to read the flow files that the workspace names. What `{{ env.NAME }}` stood for is in no
problem's text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, TypeVar, cast, get_args

import msgspec

from relevo.domain import configuring, hours_reading, yaml_reading
from relevo.domain.configuring import (
    ChannelWish,
    ConfigCheck,
    EndpointWish,
    InboundWish,
    MemberWish,
    WorkspaceWish,
    Wrong,
    Wrongs,
)
from relevo.domain.emails import Mailbox, Security
from relevo.domain.flows import parsing
from relevo.domain.hours import WEEKDAYS, Holiday, Hours, Span
from relevo.domain.hours_reading import NoHours
from relevo.domain.inbound_webhooks import Mapped
from relevo.domain.workspaces import EventType, LiveChatMode, PausedAutomation
from relevo.domain.yaml_reading import Place, Problem, Problems, Value, did_you_mean, nearest, quoted

VERSION = 1
"""The version of the format."""

KEYS = ("version", "workspace", "timezone", "agent_reply_pauses_for", "paused_automation", "operations_url",
        "business_hours",
        "endpoints", "agents", "flows", "channels", "inbound_webhooks", "secrets", "email")  # fmt: skip
ENDPOINT_KEYS = ("name", "url", "headers", "secret", "events", "channels", "max_in_flight", "max_per_second")
HOURS_KEYS = ("zone", *WEEKDAYS, "holidays")
HOLIDAY_KEYS = ("day", "name", "hours")
AGENT_KEYS = ("name", "email")
CHANNEL_KEYS = ("name", "type", "flow", "live_chat")  # and the options of its type
INBOUND_KEYS = ("name", "flow", "channel", "map", "tags", "start", "key")
LIVE_CHAT_KEYS = ("mode", "endpoint")
EMAIL_KEYS = ("host", "port", "security", "username", "password", "from", "reply_to")
FIELDS = {"workspace": "name", "business_hours": "written_hours", "secret": "secrets", "from": "sender"}
"""Fields of wishes that the file calls differently."""

_PLACEHOLDER = re.compile(r"\{\{\s*env\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_SHORTEST_CONCEALED = 4
"""Shorter values of variables are no secrets, and hiding `1` everywhere would hide the problem."""

T = TypeVar("T")


class FlowText(msgspec.Struct, frozen=True):
    """A flow file. `file` is what problems call it."""

    file: str
    text: str


class Unreadable(msgspec.Struct, frozen=True):
    """Why a file cannot be read: `there is no such file`."""

    why: str


ReadFlow = Callable[[str], FlowText | Unreadable]
"""Reads a flow file by its path as the workspace file writes it."""


class FlowPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A flow to publish; its text was parsed and is right."""

    name: str
    source: str
    file: str


class WorkspacePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a workspace file asks for. `places`: where in `file` each field of each thing stands,
    by kind, name and field ("" is the thing itself). `variables`: what placeholders stood for."""

    file: str
    workspace: WorkspaceWish
    endpoints: tuple[EndpointWish, ...] = ()
    agents: tuple[MemberWish, ...] = ()
    flows: tuple[FlowPlan, ...] = ()
    channels: tuple[ChannelWish, ...] = ()
    inbound_webhooks: tuple[InboundWish, ...] = ()
    secrets: dict[str, str] = {}
    mailbox: Mailbox | None = None
    places: dict[tuple[str, str, str], Place] = {}
    variables: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"WorkspacePlan({self.workspace.name!r}, file={self.file!r})"

    def conceal(self, text: str) -> str:
        """A text to be shown, with placeholders instead of what they stood for."""
        return _concealed(text, self.variables)

    def place(self, kind: str, name: str, field: str) -> Place:
        return self.places.get((kind, name, field)) or self.places.get((kind, name, "")) or Place(1, 1)


class ParsedWorkspace(msgspec.Struct, frozen=True):
    """Either a plan and no problems, or problems, each file's in its order, and no plan."""

    plan: WorkspacePlan | None
    problems: tuple[Problem, ...] = ()


def is_workspace_file(text: str) -> bool:
    """Whether a file is meant as a workspace and not as a flow, by its keys."""
    root = yaml_reading.read(text, Problems(""))
    if root is None or not root.is_mapping or (keys := root.mapping()) is None:
        return False
    return "workspace" in keys or ("flow" not in keys and any(key in keys for key in KEYS[2:]))


def parse(
    text: str,
    *,
    file: str,
    environ: Mapping[str, str],
    types: Mapping[str, ConfigCheck],
    read_flow: ReadFlow,
) -> ParsedWorkspace:
    """Read a workspace file. `file` is what problems call it; `types` are the channel types, each
    with the check of its options."""
    reader = _Reader(file, environ, types, read_flow)
    plan = reader.plan(text)
    problems = reader.found()
    return ParsedWorkspace(None, problems) if problems else ParsedWorkspace(plan)


class _Reader:
    """Reads one file; what is wrong is collected on the way."""

    def __init__(
        self, file: str, environ: Mapping[str, str], types: Mapping[str, ConfigCheck], read_flow: ReadFlow
    ) -> None:
        self._file = file
        self._problems = Problems(file)
        self._flow_problems: list[Problem] = []
        self._environ = environ
        self._types = types
        self._read_flow = read_flow
        self._used: dict[str, str] = {}
        self._places: dict[tuple[str, str, str], Place] = {}
        self._is_flow_unknown = False
        """Whether the name of some flow could not be read: then one that is missing may be that one."""

    def found(self) -> tuple[Problem, ...]:
        problems = [*self._problems.found, *self._flow_problems]
        return tuple(
            msgspec.structs.replace(
                one, what=_concealed(one.what, self._used), remedy=_concealed(one.remedy, self._used)
            )
            for one in problems
        )

    def plan(self, text: str) -> WorkspacePlan | None:
        root = yaml_reading.read(text, self._problems)
        keys = root.mapping(KEYS, "start with version: 1 and workspace: its name") if root else None
        if keys is None:
            return None
        self._check_version(keys)
        workspace = self._workspace(keys)
        endpoints = self._all(keys, "endpoints", self._endpoint)
        agents = self._all(keys, "agents", self._agent)
        flows = self._all(keys, "flows", self._flow)
        channels = self._all(keys, "channels", self._channel)
        inbound = self._all(keys, "inbound_webhooks", self._inbound)
        secrets = self._optional(keys, "secrets", self._secrets) or {}
        mailbox = self._optional(keys, "email", self._mailbox)
        self._check_references(channels, endpoints, flows)
        self._check_inbound(inbound, channels, flows)
        return WorkspacePlan(
            file=self._file,
            workspace=workspace,
            endpoints=endpoints,
            agents=agents,
            flows=flows,
            channels=channels,
            inbound_webhooks=inbound,
            secrets=secrets,
            mailbox=mailbox,
            places=self._places,
            variables=self._used,
        )

    # The parts of the file

    def _check_version(self, keys: yaml_reading.Mapping) -> None:
        value = keys.need("version", f"add version: {VERSION}")
        if value and value.literal() != VERSION:
            value.mismatch(str(VERSION), f"write version: {VERSION}")

    def _workspace(self, keys: yaml_reading.Mapping) -> WorkspaceWish:
        value = keys.need("workspace", "add workspace: its name")
        wish = WorkspaceWish(
            name=(self._text(value, "write its name") if value else None) or "",
            timezone=self._optional(keys, "timezone", self._text),
            agent_reply_pauses_for=self._optional(keys, "agent_reply_pauses_for", _duration),
            paused_automation=self._optional(keys, "paused_automation", _paused_automation),
            operations_url=self._optional(keys, "operations_url", self._text),
            written_hours=self._optional(keys, "business_hours", self._hours),
        )
        self._note(keys, "workspace", wish.name)
        wrongs = configuring.check_workspace(wish)
        self._report("workspace", wish.name, wrongs if wish.name else wrongs | {"name": None})
        return wish

    def _hours(self, value: Value) -> Hours | Literal["always"] | None:
        """`always`, or hours by weekday, with holidays."""
        if not value.is_mapping:
            return "always" if value.one_of(("always",)) else None
        keys = value.mapping(HOURS_KEYS)
        assert keys is not None
        return hours_in(keys, self._optional(keys, "zone", self._text) or "")

    def _endpoint(self, item: Value) -> EndpointWish | None:
        keys = item.mapping(ENDPOINT_KEYS, "for example {name: desk, url: https://desk.example.com/hook}")
        name = self._named("endpoint", keys)
        if keys is None or name is None:
            return None
        secret = self._optional(keys, "secret", self._secret)
        wish = EndpointWish(
            name=name,
            url=self._needed(keys, "url"),
            headers=self._optional(keys, "headers", lambda value: self._headers(name, value)),
            secret=secret if isinstance(secret, str) else None,
            secrets=secret if isinstance(secret, tuple) else None,
            events=self._optional(keys, "events", _events),
            channels=self._optional(keys, "channels", self._listening),
            max_in_flight=self._optional(keys, "max_in_flight", _limit(configuring.MOST_IN_FLIGHT)),
            max_per_second=self._optional(keys, "max_per_second", _limit(configuring.MOST_PER_SECOND)),
        )
        self._report("endpoint", name, configuring.check_endpoint(wish))
        return wish

    def _agent(self, item: Value) -> MemberWish | None:
        keys = item.mapping(AGENT_KEYS, "for example {name: Luis, email: luis@example.com}")
        email = self._named("agent", keys, by="email")
        if keys is None or email is None:
            return None
        # Checked as it is written: a problem with it in lower case would show what a variable holds.
        wish = MemberWish(email=self._needed(keys, "email") or email, name=self._needed(keys, "name"))
        self._report("agent", email, configuring.check_member(wish))
        return msgspec.structs.replace(wish, email=email)

    def _flow(self, item: Value) -> FlowPlan | None:
        plan = self._flow_of(item)
        self._is_flow_unknown |= plan is None
        if plan and self._is_first("flow", plan.name, item):
            self._places["flow", plan.name, ""] = item.place
        return plan

    def _flow_of(self, item: Value) -> FlowPlan | None:
        path = self._text(item, "write the path of a flow file, from this file on")
        if path is None:
            return None
        found = self._read_flow(path)
        if isinstance(found, Unreadable):
            item.problem(f"cannot read {quoted(path)}: {found.why}", "write its path from this file on")
            return None
        parsed = parsing.parse(found.text, file=found.file)
        self._flow_problems += parsed.problems
        return FlowPlan(name=parsed.flow.name, source=found.text, file=found.file) if parsed.flow else None

    def _channel(self, item: Value) -> ChannelWish | None:
        keys = item.mapping(remedy="for example {name: site, type: web, flow: support}")
        name = self._named("channel", keys)
        if keys is None or name is None:
            return None
        mode, endpoint = self._live_chat(keys)
        wish = ChannelWish(
            name=name,
            type=self._needed(keys, "type"),
            flow=self._needed(keys, "flow"),
            mode=mode,
            endpoint=endpoint,
            config={key: self._plain(value) for key, value in keys.items() if key not in CHANNEL_KEYS},
        )
        self._report("channel", name, self._check_channel(wish))
        return wish

    def _inbound(self, item: Value) -> InboundWish | None:
        keys = item.mapping(INBOUND_KEYS, "for example {name: orders, flow: support, map: {phone: phone}}")
        name = self._named("inbound webhook", keys)
        if keys is None or name is None:
            return None
        wish = InboundWish(
            name=name,
            flow=self._needed(keys, "flow"),
            channel=self._optional(keys, "channel", self._text),
            mappings=self._optional(keys, "map", lambda value: self._mappings(name, value)),
            tags=self._optional(keys, "tags", lambda value: value.texts()),
            start=self._optional(keys, "start", self._text),
            key_path=self._optional(keys, "key", self._text),
        )
        self._report("inbound webhook", name, configuring.check_inbound(wish))
        return wish

    def _secrets(self, value: Value) -> dict[str, str]:
        """What flows send to other servers, by name."""
        if not value.is_mapping:  # whatever it is, it may hold a secret: it is not shown
            value.problem("secrets must be names with values", 'for example SHOP_KEY: "{{ env.SHOP_KEY }}"')
            return {}
        keys = value.mapping()
        found: dict[str, str] = {}
        for name, item in keys.items() if keys else []:
            self._places["secret", name, ""] = item.place
            if (text := self._text(item)) is not None:
                found[name] = text
                self._report("secret", name, configuring.check_flow_secret(name, text))
        return found

    def _mailbox(self, value: Value) -> Mailbox | None:
        keys = value.mapping(EMAIL_KEYS, "for example {host: smtp.example.com, from: hello@example.com}")
        host, sender = (self._needed(keys, "host"), self._needed(keys, "from")) if keys else (None, None)
        if keys is None or host is None or sender is None:
            return None
        password = self._text(keys["password"]) if "password" in keys else ""
        security = self._optional(keys, "security", lambda value: value.one_of(get_args(Security)))
        box = Mailbox(
            host=host,
            port=self._optional(keys, "port", lambda value: value.integer(least=1, most=65535)) or 587,
            security=cast(Security, security or "starttls"),
            username=self._optional(keys, "username", self._text) or "",
            password="-" if password is None else password,  # "-": reported already
            sender=sender,
            reply_to=self._optional(keys, "reply_to", self._text) or "",
        )
        self._note(keys, "mail server", host)
        self._report("mail server", host, configuring.check_mailbox(box))
        return box

    def _mappings(self, webhook: str, value: Value) -> tuple[Mapped, ...]:
        keys = value.mapping(remedy="for example map: {customer.phone: phone}")
        found: list[Mapped] = []
        for path, targets in keys.items() if keys else []:
            self._places["inbound webhook", webhook, f"map.{path}"] = targets.place
            found += [Mapped(path, target) for target in targets.texts()]
        return tuple(found)

    def _live_chat(self, keys: yaml_reading.Mapping) -> tuple[LiveChatMode | None, str | None]:
        value = keys.get("live_chat")
        inner = value.mapping(LIVE_CHAT_KEYS, "write {mode: webhook, endpoint: …}") if value else None
        if inner is None:
            return None, None
        mode = inner.need("mode", f"add mode: {', '.join(LiveChatMode)}")
        word = mode.one_of([mode.value for mode in LiveChatMode]) if mode else None
        endpoint = self._optional(inner, "endpoint", self._text)
        return (LiveChatMode(word) if word else None), endpoint

    def _check_channel(self, wish: ChannelWish) -> Wrongs:
        wrongs = configuring.check_channel(wish, self._types)
        for option in wish.config:
            if option in wrongs and (meant := nearest(option, CHANNEL_KEYS)):
                wrongs[option] = wrongs[option]._replace(remedy=f'did you mean "{meant}"?')
        return wrongs

    # What belongs together

    def _check_references(
        self,
        channels: Sequence[ChannelWish],
        endpoints: Sequence[EndpointWish],
        flows: Sequence[FlowPlan],
    ) -> None:
        for channel in channels:
            if channel.endpoint:
                self._check_reference(channel, "endpoint", channel.endpoint, [one.name for one in endpoints])
            if channel.flow and not self._is_flow_unknown:
                self._check_reference(channel, "flow", channel.flow, [one.name for one in flows])
        for endpoint in endpoints:
            for name in endpoint.channels if isinstance(endpoint.channels, tuple) else ():
                place = self._places["endpoint", endpoint.name, "channels"]
                self._check_known(place, "channel", name, [one.name for one in channels])

    def _check_inbound(
        self, inbound: Sequence[InboundWish], channels: Sequence[ChannelWish], flows: Sequence[FlowPlan]
    ) -> None:
        for one in inbound:
            places = self._places
            if one.channel:
                place = places["inbound webhook", one.name, "channel"]
                ours = [channel.name for channel in channels if channel.flow == one.flow]
                self._check_known(place, "channel", one.channel, ours)
            if one.flow and not self._is_flow_unknown:
                place = places.get(("inbound webhook", one.name, "flow")) or Place(1, 1)
                self._check_known(place, "flow", one.flow, [flow.name for flow in flows])

    def _check_reference(self, channel: ChannelWish, kind: str, name: str, known: list[str]) -> None:
        field = "live_chat" if kind == "endpoint" else kind
        place = self._places.get(("channel", channel.name, field)) or Place(1, 1)
        self._check_known(place, kind, name, known)

    def _check_known(self, place: Place, kind: str, name: str, known: list[str]) -> None:
        if name not in known:
            remedy = did_you_mean(name, known) if known else f"list it under {kind}s:"
            self._problems.add(place, f"there is no {kind} {quoted(name)} in this file", remedy)

    def _named(self, kind: str, keys: yaml_reading.Mapping | None, by: str = "name") -> str | None:
        """What the thing is called; None, reported, when it has no name or another's."""
        value = keys.need(by) if keys else None
        text = self._text(value) if value else None
        name = text.lower() if text and by == "email" else text
        if keys is None or value is None or name is None or not self._is_first(kind, name, value):
            return None
        self._note(keys, kind, name)
        return name

    def _is_first(self, kind: str, name: str, value: Value) -> bool:
        first = self._places.get((kind, name, ""))
        if first is not None:
            value.problem(
                f"there is another {kind} {quoted(name)}, in line {first.line}", "rename one of them"
            )
        return first is None

    def _note(self, keys: yaml_reading.Mapping, kind: str, name: str) -> None:
        """Remember where the thing and its fields stand."""
        self._places[kind, name, ""] = keys.place
        for key, value in keys.items():
            self._places[kind, name, FIELDS.get(key, key)] = value.place

    def _report(self, kind: str, name: str, wrongs: Mapping[str, Wrong | None]) -> None:
        for field, wrong in wrongs.items():
            place = self._places.get((kind, name, field)) or self._places[kind, name, ""]
            if wrong is not None:
                self._problems.add(place, *wrong)

    # Values

    def _all(self, keys: yaml_reading.Mapping, key: str, read: Callable[[Value], T | None]) -> tuple[T, ...]:
        value = keys.get(key)
        if value is None or value.is_null:
            return ()
        return tuple(found for item in value.items() if (found := read(item)) is not None)

    def _optional(self, keys: yaml_reading.Mapping, key: str, read: Callable[[Value], T | None]) -> T | None:
        value = keys.get(key)
        return None if value is None else read(value)

    def _needed(self, keys: yaml_reading.Mapping, key: str) -> str | None:
        value = keys.need(key)
        return self._text(value) if value else None

    def _headers(self, endpoint: str, value: Value) -> dict[str, str]:
        if not value.is_mapping:  # whatever it is, it may hold a secret: it is not shown
            value.problem("headers must be names with values", "for example headers: {X-Desk-Key: …}")
            return {}
        headers = value.mapping()
        found: dict[str, str] = {}
        for name, header in headers.items() if headers else []:
            self._places["endpoint", endpoint, f"headers.{name}"] = header.place
            found[name] = self._text(header) or "-"  # "-": reported already
        return found

    def _secret(self, value: Value) -> str | tuple[str, ...] | None:
        """A text is the secret; a list are those that sign, and no others."""
        if value.is_mapping:
            value.problem("secret must be a text", "write whsec_… or a list of two, the newest first")
            return None
        if not value.is_list:
            return self._text(value)
        found = [self._text(item) for item in value.items()]
        return tuple(text for text in found if text) if all(found) else None

    def _listening(self, value: Value) -> tuple[str, ...] | Literal["all"] | None:
        if not value.is_list and not value.is_mapping and value.literal() == "all":
            return "all"
        found = [self._text(item) for item in value.items("write all, or a list of names of channels")]
        return tuple(name for name in found if name)

    def _text(self, value: Value, remedy: str = "write a text") -> str | None:
        text = value.text(remedy)
        return None if text is None else self._resolved(value, text)

    def _plain(self, value: Value) -> Any:
        """An option of a channel type: whatever it is, with its placeholders filled in."""
        if value.is_list:
            return [self._plain(item) for item in value.items()]
        if value.is_mapping:
            keys = value.mapping()
            return {key: self._plain(inner) for key, inner in keys.items()} if keys else {}
        literal = value.literal()
        return self._resolved(value, literal) if isinstance(literal, str) else literal

    def _resolved(self, value: Value, text: str) -> str | None:
        """The text with its variables; None, reported, when one is missing."""
        missing = False
        for match in re.finditer(r"\{\{.*?(\}\}|$)", text, re.S):
            missing |= not self._is_known_placeholder(value, match)
        return None if missing else _PLACEHOLDER.sub(lambda match: self._environ[match[1]], text)

    def _is_known_placeholder(self, value: Value, match: re.Match[str]) -> bool:
        placeholder = _PLACEHOLDER.fullmatch(match[0])
        if placeholder is None:
            what = f"{quoted(match[0])} cannot be filled in here"
            value.problem_in_text(match.start(), what, "only {{ env.NAME }} can")
            return False
        name = placeholder[1]
        if not self._environ.get(name):
            what = f"the environment variable {name} is {'empty' if name in self._environ else 'not set'}"
            value.problem_in_text(match.start(), what, f"set it, or write the value instead of {match[0]}")
            return False
        self._used[name] = self._environ[name]
        return True


def _concealed(text: str, variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        if len(value) >= _SHORTEST_CONCEALED:
            text = _without(text, name, value)
    return text


def _without(text: str, name: str, value: str) -> str:
    """The text with a variable's value, quoted or cut short too, written as its placeholder again."""
    placeholder = f"{{{{ env.{name} }}}}"
    for shown in (value, json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]):
        text = text.replace(shown, placeholder)
        for length in range(len(shown) - 1, _SHORTEST_CONCEALED - 1, -1):
            text = text.replace(f"{shown[:length]}…", f"{placeholder}…")
    return text


def hours_in(keys: yaml_reading.Mapping, zone: str) -> Hours:
    """Hours by weekday, with holidays."""
    week = {day: _spans(keys[day]) for day in WEEKDAYS if day in keys}
    found = keys["holidays"].items() if "holidays" in keys else []
    return Hours(
        zone=zone,
        week={day: spans for day, spans in week.items() if spans},
        holidays=tuple(day for item in found if (day := _holiday(item)) is not None),
    )


def _spans(value: Value) -> tuple[Span, ...]:
    """`09:00-17:00`, a list of such, or `closed`."""
    try:
        if value.is_list:
            return hours_reading.spans_of(value.texts())
        text = value.text("write the hours, for example 09:00-17:00, or closed")
        return hours_reading.spans(text) if text else ()
    except NoHours as wrong:
        _report_hours(value, wrong)
        return ()


def _holiday(value: Value) -> Holiday | None:
    """A day alone, or with a name and hours."""
    keys = value.mapping(HOLIDAY_KEYS) if value.is_mapping else None
    day = keys.need("day", "add day: 12-25") if keys else value
    text = day.text("write a day, for example 12-25") if day else None
    name, hours = (keys.get("name"), keys.get("hours")) if keys else (None, None)
    if text is None or day is None:
        return None
    try:
        called = (name.text() or "") if name else ""
        return hours_reading.holiday(text, called, _spans(hours) if hours else ())
    except NoHours as wrong:
        _report_hours(day, wrong)
        return None


def _report_hours(value: Value, wrong: NoHours) -> None:
    what, _, remedy = str(wrong).partition("; ")
    value.problem(what, remedy)


def _duration(value: Value) -> timedelta | None:
    return value.duration()


def _limit(most: int) -> Callable[[Value], int | None]:
    return lambda value: value.integer(least=0, most=most)


def _paused_automation(value: Value) -> PausedAutomation | None:
    word = value.one_of([option.value for option in PausedAutomation])
    return PausedAutomation(word) if word else None


def _events(value: Value) -> frozenset[EventType]:
    known = [event.value for event in configuring.OPTIONAL_EVENTS]
    words: Iterable[str | None] = [item.one_of(known) for item in value.items("write a list of event types")]
    return frozenset(EventType(word) for word in words if word)
