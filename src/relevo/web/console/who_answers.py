"""Why a customer does, or does not, get an answer: in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from relevo.domain.conversations import Control, Conversation
from relevo.domain.handoffs import Pause
from relevo.domain.ids import MemberId
from relevo.domain.workspaces import Channel, Endpoint, FlowEntry, LiveChatMode
from relevo.store.database import AnyRow
from relevo.web.console.times import When
from relevo.web.console.words import BRANCHES, PAUSE_CAUSES, Tone, reason


class Fact(NamedTuple):
    tone: Tone
    text: str


def facts(
    conversation: Conversation,
    channel: Channel,
    endpoint: Endpoint | None,
    flow: FlowEntry,
    head: AnyRow | None,
    when: When,
    names: Mapping[MemberId, str] = MappingProxyType({}),
) -> list[Fact]:
    """What decides about the next answer, the most important first. `head` is what the conversation's
    lane waits for, if it waits; `names`, of members."""
    found = [_control(conversation, flow, when)]
    if conversation.pause is not None:
        found += _handoff(conversation.pause, names, when)
    if conversation.control is Control.AGENT:
        found.append(_listener(channel, endpoint))
    if channel.disabled_reason:
        found.append(Fact("bad", f"The channel is disabled: {channel.disabled_reason}."))
    if head is not None:
        found.append(_waiting(head, when))
    return found


def _control(conversation: Conversation, flow: FlowEntry, when: When) -> Fact:
    if conversation.pause is not None:
        return Fact("info", _paused(conversation.pause, when))
    if not flow.version_id:
        return Fact("bad", f"The bot has control, but the flow {flow.name} has no published version.")
    return Fact("ok", f"The bot answers, by the flow {flow.name}.")


def _paused(pause: Pause, when: When) -> str:
    by = f"Paused by {PAUSE_CAUSES[pause.cause]} at {when.short(pause.since)}"
    if pause.until is None:
        return f"{by}, until somebody resumes it."
    return f"{by}, until {when.short(pause.until)}."


def _handoff(pause: Pause, names: Mapping[MemberId, str], when: When) -> Iterator[Fact]:
    """How far it has come, and what the flow does about it when nothing happens."""
    if pause.accepted_at is None:
        yield Fact("warn", f"Nobody has accepted since {when.short(pause.since)}.")
    else:
        by = names.get(pause.accepted_by) if pause.accepted_by else None
        yield Fact("ok", f"Accepted by {by or 'an agent'} at {when.short(pause.accepted_at)}.")
    if pause.waits_since is not None and pause.accepted_at is not None:
        yield Fact("info", f"The customer waits for an answer since {when.short(pause.waits_since)}.")
    for at, branch in pause.timers:
        yield Fact("info", f"At {when.short(at)} the flow does something about it: {BRANCHES[branch]}.")
    if pause.told_down_at is not None:
        yield Fact("warn", f"At {when.short(pause.told_down_at)} your platform could not be reached.")


def _listener(channel: Channel, endpoint: Endpoint | None) -> Fact:
    """Who hears the customer while the bot is silent."""
    match channel.live_chat.mode:
        case LiveChatMode.NONE:
            return Fact("warn", "Live chat of this channel is None: nobody is told what the customer writes.")
        case LiveChatMode.INBOX:
            return Fact("info", "Members answer here: live chat of this channel is Inbox.")
        case LiveChatMode.WEBHOOK if endpoint is None:
            return Fact("bad", "Live chat of this channel is Webhook, but it is gone.")
        case LiveChatMode.WEBHOOK if endpoint.disabled_reason:
            why = f"the webhook {endpoint.name} is disabled: {reason(endpoint.disabled_reason)}"
            return Fact("bad", f"Your platform is not told: {why}.")
        case LiveChatMode.WEBHOOK:
            return Fact("info", f"What the customer writes is posted to the webhook {endpoint.name}.")


def _waiting(head: AnyRow, when: When) -> Fact:
    what = "to your platform" if head.destination_kind == "endpoint" else "to the customer"
    if head.attempts_made == head.attempts_before:
        return Fact("info", f"A delivery {what} is on its way.")
    return Fact("warn", f"A delivery {what} waits for its next attempt at {when.short(head.due_at)}.")
