"""Making a workspace as its file says. Twice is once: what is so already is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any, Literal, TypeVar

import msgspec

from relevo.admin import channels, endpoints, flows, inbound_webhooks, mailboxes, members, secrets, workspaces
from relevo.admin.addresses import Finding, look_up
from relevo.admin.changing import Action, Changing, Means, Saved, changing
from relevo.domain.configuring import EndpointWish, wrong_of
from relevo.domain.errors import InvalidInput, RelevoError
from relevo.domain.ids import WorkspaceId
from relevo.domain.inbound_webhooks import InboundWebhook
from relevo.domain.workspace_file import FlowPlan, WorkspacePlan
from relevo.domain.workspaces import Channel, Endpoint, FlowEntry, Member, Role
from relevo.domain.yaml_reading import Problem
from relevo.http_client.egress_guard import EgressGuard

T = TypeVar("T")

Kind = Literal[
    "workspace", "endpoint", "agent", "flow", "channel", "inbound webhook", "secret", "mail server"
]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one object. `kept`: it is not in the file and stays as it is. `secret` was made
    for it and is not shown again."""

    kind: Kind
    name: str
    action: Literal["created", "updated", "unchanged", "kept"]
    detail: str = ""
    secret: str = ""

    def __repr__(self) -> str:
        return f"Change({self.kind}, {self.name!r}, {self.action}, {self.detail!r})"


class Refused(RelevoError):
    """The workspace file asks for something that cannot be. Nothing was changed."""

    code = "invalid_input"
    status = 422

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class _DryRun(Exception):
    """Takes everything back that was done."""


async def apply(means: Means, plan: WorkspacePlan, *, dry_run: bool = False) -> tuple[Change, ...]:
    """Make the workspace as the plan says, all of it or nothing, and say what became of each object.

    Raises `Refused` with every problem. A dry run does the same and then takes it back: what it
    says is what would happen.
    """
    work = _Applying(plan)
    notes = await work.look_up_addresses(means)
    try:
        async with changing(means) as change:
            await work.everything(change)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return tuple(_noted(one, notes, dry_run=dry_run) for one in work.changes)


class _Applying:
    """Collects, on the way through a plan, what was done and what cannot be."""

    def __init__(self, plan: WorkspacePlan) -> None:
        self._plan = plan
        self._problems: list[Problem] = []
        self.changes: list[Change] = []

    async def look_up_addresses(self, means: Means) -> dict[tuple[str, str], str]:
        """What is to be said about the addresses of endpoints and channels, by kind and name."""
        called = list(_called(self._plan, means.guard))
        findings = await asyncio.gather(*(looking for _, _, _, looking in called))
        notes: dict[tuple[str, str], str] = {}
        for (kind, name, field, _), finding in zip(called, findings, strict=True):
            if finding.wrong is not None:
                self._problems.append(self._problem(kind, name, field, str(finding.wrong)))
            elif not finding.has_address:
                notes[kind, name] = "its host has no address now"
        self._refuse()
        return notes

    async def everything(self, change: Changing) -> None:
        plan = self._plan
        workspace = await self._save("workspace", plan.workspace.name, workspaces.put(change, plan.workspace))
        if workspace is not None:
            await self._contents(change, workspace.thing.id)
        self._refuse()

    async def _contents(self, change: Changing, id_: WorkspaceId) -> None:
        for endpoint in self._plan.endpoints:
            await self._save("endpoint", endpoint.name, endpoints.put(change, id_, endpoint))
        for agent in self._plan.agents:
            await self._save("agent", agent.email, members.put(change, id_, agent))
        for flow in self._plan.flows:
            await self._save("flow", flow.name, _put_flow(change, id_, flow))
        for channel in self._plan.channels:
            await self._save("channel", channel.name, channels.put(change, id_, channel))
        for inbound in self._plan.inbound_webhooks:
            await self._save("inbound webhook", inbound.name, inbound_webhooks.put(change, id_, inbound))
        for name, value in self._plan.secrets.items():
            await self._set("secret", name, secrets.put(change, id_, name, value))
        if box := self._plan.mailbox:
            await self._set("mail server", box.host, mailboxes.put(change, id_, box))
        for endpoint in self._plan.endpoints:
            await self._listen(change, id_, endpoint)
        self._kept(change, id_)

    async def _save(self, kind: Kind, name: str, saving: Awaitable[Saved[Any]]) -> Saved[Any] | None:
        result = await self._try(kind, name, saving)
        if result is not None:
            detail = ", ".join(filter(None, (*result.changed, result.note, _disabled(result.thing))))
            self.changes.append(
                Change(kind=kind, name=name, action=result.action, detail=detail, secret=result.secret)
            )
        return result

    async def _set(self, kind: Kind, name: str, setting: Awaitable[Action]) -> None:
        """What is one with its value."""
        if action := await self._try(kind, name, setting):
            self.changes.append(Change(kind=kind, name=name, action=action))

    async def _listen(self, change: Changing, id_: WorkspaceId, wish: EndpointWish) -> None:
        """What an endpoint listens to comes last: the channels may be new as well."""
        index = next(
            (at for at, one in enumerate(self.changes) if (one.kind, one.name) == ("endpoint", wish.name)),
            None,
        )
        if index is None or wish.channels is None:
            return
        done = self.changes[index]
        result = await self._try("endpoint", wish.name, endpoints.put_channels(change, id_, wish))
        if result is not None and result.changed and done.action != "created":
            detail = ", ".join(filter(None, (*result.changed, done.detail)))
            self.changes[index] = msgspec.structs.replace(done, action="updated", detail=detail)

    async def _try(self, kind: Kind, name: str, doing: Awaitable[T]) -> T | None:
        """What it answers; None when it refuses, which is a problem of the file."""
        try:
            return await doing
        except InvalidInput as error:
            for field, texts in error.errors.items():
                self._problems += [self._problem(kind, name, field, text) for text in texts]
        return None

    def _problem(self, kind: Kind, name: str, field: str, text: str) -> Problem:
        place = self._plan.place(kind, name, field)
        wrong = wrong_of(self._plan.conceal(text))
        return Problem(self._plan.file, place.line, place.column, wrong.what, wrong.remedy)

    def _refuse(self) -> None:
        if self._problems:
            raise Refused(dict.fromkeys(self._problems))

    def _kept(self, change: Changing, id_: WorkspaceId) -> None:
        """Say what the workspace has that the file does not name."""
        agents = [one.email for one in change.of(Member, id_) if one.role == Role.AGENT]
        self._keep("endpoint", [one.name for one in change.of(Endpoint, id_)])
        self._keep("agent", agents)
        self._keep("flow", [one.name for one in change.of(FlowEntry, id_)])
        self._keep("channel", [one.name for one in change.of(Channel, id_)])
        self._keep("inbound webhook", [one.name for one in change.of(InboundWebhook, id_)])
        self._keep("secret", sorted(change.directory.secrets.get(id_, {})))
        if (box := change.directory.mailboxes.get(id_)) and self._plan.mailbox is None:
            self._keep("mail server", [box.host])

    def _keep(self, kind: Kind, names: Iterable[str]) -> None:
        told = {change.name for change in self.changes if change.kind == kind}
        kept = [Change(kind=kind, name=name, action="kept") for name in names if name not in told]
        self.changes += kept


async def _put_flow(change: Changing, id_: WorkspaceId, flow: FlowPlan) -> Saved[FlowEntry]:
    return await flows.put(change, id_, flow.source, file=flow.file)


def _called(
    plan: WorkspacePlan, guard: EgressGuard
) -> Iterable[tuple[Kind, str, str, Coroutine[Any, Any, Finding]]]:
    """Every server that Relevo is to call: kind, name and field, and the look-up."""
    if url := plan.workspace.operations_url:
        yield "workspace", plan.workspace.name, "operations_url", look_up(guard, url)
    for endpoint in plan.endpoints:
        yield "endpoint", endpoint.name, "url", look_up(guard, endpoint.url or "")
    for channel in plan.channels:
        for option in channels.CALLED:
            if isinstance(url := channel.config.get(option), str):
                yield "channel", channel.name, option, look_up(guard, url)
    if box := plan.mailbox:
        yield "mail server", box.host, "host", mailboxes.look_up(guard, box)


def _disabled(thing: Any) -> str:
    reason = getattr(thing, "disabled_reason", "")
    return f"disabled: {reason}" if reason else ""


def _noted(change: Change, notes: dict[tuple[str, str], str], *, dry_run: bool) -> Change:
    secret = "a secret would be made" if change.secret and dry_run else ""
    details = (change.detail, notes.get((change.kind, change.name), ""), secret)
    return msgspec.structs.replace(
        change, detail=", ".join(filter(None, details)), secret="" if dry_run else change.secret
    )
