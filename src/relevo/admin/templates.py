"""Templates of channels: asking the vendor for all of them, for a new one, and to forget one.

What the vendor said last is stored, so that a message is checked before it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from relevo.admin.changing import Changing, Means, changing
from relevo.admin.connecting import AskVendor, why_unanswered
from relevo.channels.adapter import Findings, secrets_of
from relevo.channels.registry import adapter_for
from relevo.domain.approved_templates import (
    Template,
    TemplateNews,
    Templates,
    after,
    by_key,
    must_be_asked_for,
)
from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.domain.errors import InvalidInput
from relevo.domain.workspaces import Channel
from relevo.store import directory, templates

CATEGORIES = ("AUTHENTICATION", "MARKETING", "UTILITY")


def with_templates(channels: Iterable[Channel]) -> list[Channel]:
    """Those whose vendor has templates, the first one first."""
    able = (one for one in channels if adapter_for(one.type).capabilities.templates)
    return sorted(able, key=lambda one: one.id)


async def sync(means: Means, ask: AskVendor, channel: Channel) -> Sequence[Template]:
    """Ask the vendor for all templates, and keep what it says. Raises `InvalidInput` with its refusal."""
    adapter = adapter_for(channel.type)
    said = await ask(adapter.list_templates(channel), secrets_of(adapter, channel))
    found = _answered(said, "sync")
    assert isinstance(found, tuple)
    await _keep(means, channel, by_key(found))
    return found


async def make(means: Means, ask: AskVendor, channel: Channel, wanted: Template) -> Template:
    """Ask the vendor for a new one; it is kept with the state that the vendor gives it."""
    refuse_odd(wanted)
    adapter = adapter_for(channel.type)
    said = await ask(adapter.make_template(channel, wanted), secrets_of(adapter, channel))
    made = _answered(said, "components")
    assert isinstance(made, Template)
    await _keep(means, channel, {(made.name, made.lang): made}, with_others=True)
    return made


async def drop(means: Means, ask: AskVendor, channel: Channel, name: str) -> None:
    """Have the vendor forget one, in all its languages."""
    adapter = adapter_for(channel.type)
    _answered(await ask(adapter.drop_template(channel, name), secrets_of(adapter, channel)), "name")
    await _keep(means, channel, {}, with_others=True, but=name)


async def hear(
    means: Means, ask: AskVendor | None, channel: Channel, news: Sequence[TemplateNews]
) -> Sequence[str]:
    """Keep what the vendor tells of templates, for every channel of the workspace that shares them; what is
    not known well enough has all of them synced. Ends with what went wrong with that. A list that nobody has
    asked for stays empty: one of a single template would have all others refused."""
    problems: list[str] = []
    async with changing(means) as change:
        channels = _sharing(channel, change.of(Channel, channel.workspace_id))
        before = {one.id: change.directory.templates.get(one.id, {}) for one in channels}
        for one in channels:
            await _write(change, one, after(before[one.id], news))
    for one in channels:
        if ask is not None and must_be_asked_for(before[one.id], news):
            try:
                await sync(means, ask, one)
            except InvalidInput as error:
                problems.append(f"The templates of {one.name} could not be listed: {error}")
    return problems


def _sharing(channel: Channel, channels: Iterable[Channel]) -> list[Channel]:
    account = adapter_for(channel.type).account_of
    return [one for one in channels if one.type == channel.type and account(one) == account(channel)]


async def synced_besides(means: Means, ask: AskVendor, channel: Channel, found: Findings) -> Findings:
    """The findings of a channel that was just connected, with what its vendor says of templates."""
    if found.problems or not adapter_for(channel.type).capabilities.templates:
        return found
    try:
        told = await sync(means, ask, channel)
    except InvalidInput as error:
        return msgspec.structs.replace(found, problems=(f"The templates could not be listed: {error}",))
    usable = sum(one.is_usable for one in told)
    return msgspec.structs.replace(found, facts=(*found.facts, ("Templates", f"{usable} of {len(told)}")))


def refuse_odd(wanted: Template) -> None:
    """Raise `InvalidInput` for what no vendor would look at."""
    wrongs: dict[str, list[str]] = {}
    if wanted.category not in CATEGORIES:
        wrongs["category"] = [f"{wanted.category!r} is no category; use one of: {', '.join(CATEGORIES)}."]
    if not any(str(one.get("type", "")).upper() == "BODY" for one in wanted.components):
        wrongs["components"] = ['There is no body: a component like {"type": "BODY", "text": "Hi {{1}}"}.']
    if wrongs:
        raise InvalidInput(wrongs)


def _answered(said: Any, field: str) -> Any:
    match said:
        case str():
            raise InvalidInput({field: [said]})
        case Unreachable() | Forbidden():
            raise InvalidInput({field: [why_unanswered(said)]})
        case _:
            return said


async def _keep(
    means: Means, channel: Channel, new: Templates, *, with_others: bool = False, but: str = ""
) -> None:
    async with changing(means) as change:
        before = change.directory.templates.get(channel.id, {}) if with_others else {}
        kept = {key: one for key, one in before.items() if one.name != but} | dict(new)
        await _write(change, channel, kept)


async def _write(change: Changing, channel: Channel, now: Templates) -> None:
    if now != change.directory.templates.get(channel.id, {}):
        await templates.replace(change.connection, channel.id, [*now.values()])
        await directory.touch(change.connection)
