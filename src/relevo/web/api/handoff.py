"""What UChat has no call for: Relevo's own part of the API, for a live-chat platform."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.domain.events import (
    AgentRead,
    AgentTyped,
    AnyEvent,
    BotResumed,
    ByConversation,
    HandoffAccepted,
    Once,
)
from relevo.domain.ids import MemberId
from relevo.store import presence as stored
from relevo.store.database import Connection
from relevo.web.api.answers import Ok
from relevo.web.api.calls import Call, UserNs
from relevo.web.api.control import Subscriber
from relevo.web.api.operations import USER_NS, writes

TAG = "Handoff"

Epoch = Annotated[
    Annotated[int, Meta(ge=0, le=2**31 - 1)] | None,
    Meta(
        description="`relevo-epoch` of what you answer to: refused when control has changed hands since.",
        examples=[1],
    ),
]
AgentId = Annotated[
    int | None, Meta(description="Who does it. Left out: whose the token is, if anybody's.", examples=[55])
]


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """Whose handoff is accepted, and by whom."""

    user_ns: UserNs
    agent_id: AgentId = None
    epoch: Epoch = None


class Giving(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the bot answers again, and how it went."""

    user_ns: UserNs
    reason: Annotated[
        str,
        Meta(
            pattern="^[a-z][a-z0-9_]{0,39}$|^$",
            description="Why, in a word of yours of small letters: the flow and other endpoints see it. "
            "Left out: `api`.",
            examples=["solved"],
        ),
    ] = ""
    note: Annotated[
        str,
        Meta(max_length=2000, description="For colleagues: a note in the chat.", examples=["A refund."]),
    ] = ""
    outcome: Annotated[
        str, Meta(max_length=100, description="What came of it, for the flow.", examples=["refunded"])
    ] = ""
    agent_id: AgentId = None
    epoch: Epoch = None


def _who(call: Call, agent_id: int | None) -> MemberId | None:
    return call.member(agent_id).id if agent_id else call.key.member_id


@writes(
    "/handoff/accept",
    tag=TAG,
    title="Accept a handoff",
    name="acceptHandoff",
    example={"user_ns": USER_NS, "agent_id": 55, "epoch": 1},
    may_conflict=True,
)
async def accept(call: NamedDependency[Call], data: JSONBody[Acceptance]) -> Ok:
    """Say that somebody will answer: the flow's `not_accepted` is not taken then, and the conversation is
    that agent's. A reply accepts, too. Refused with 409 when the bot has control (`no_handoff`), another
    agent has accepted (`handoff_taken`), or the epoch is another (`control_changed`)."""

    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        member_id = _who(call, data.agent_id)
        return HandoffAccepted(to=to, once=once, by="api", member_id=member_id, epoch=data.epoch)

    return await call.write(data.user_ns, event)


@writes(
    "/handoff/return",
    tag=TAG,
    title="Return a conversation to the bot",
    name="returnHandoff",
    example={"user_ns": USER_NS, "reason": "solved", "note": "A refund.", "outcome": "refunded"},
    may_conflict=True,
)
async def return_(call: NamedDependency[Call], data: JSONBody[Giving]) -> Ok:
    """Give control back to the bot, as *Resume the bot* does, and say how it went. The flow goes on behind
    its `pause_bot`, and has `handoff_reason`, `handoff_note` and `handoff_outcome`. Nothing happens when the
    bot has control already; with an `epoch` that is over, 409 (`control_changed`)."""

    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        return BotResumed(
            to=to,
            once=once,
            by="api",
            member_id=_who(call, data.agent_id),
            reason=data.reason,
            note=data.note,
            outcome=data.outcome,
            epoch=data.epoch,
        )

    return await call.write(data.user_ns, event)


LONGEST_PRESENCE = 24 * 60
"""Minutes."""


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an agent is online."""

    agent_id: Annotated[int, Meta(description="From the list of agents.", examples=[55])]
    online: Annotated[Literal[0, 1], Meta(description="1: they are; 0: they are gone.")] = 1
    minutes: Annotated[
        int,
        Meta(ge=1, le=LONGEST_PRESENCE, description="For how long, unless it is said again.", examples=[10]),
    ] = 10


@writes(
    "/handoff/typing",
    tag=TAG,
    title="Show that an agent is typing",
    name="showTyping",
    example={"user_ns": USER_NS},
)
async def typing(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Show the customer that an agent is typing, where the channel can. It fades after a few seconds: send it
    again while the agent goes on."""
    return await call.write(data.user_ns, lambda to, once: AgentTyped(to=to, once=once))


@writes(
    "/handoff/seen",
    tag=TAG,
    title="Mark as read",
    name="markSeen",
    example={"user_ns": USER_NS},
)
async def seen(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Tell that an agent has read what the customer wrote so far, and show it to the customer where the
    channel can."""
    return await call.write(data.user_ns, lambda to, once: AgentRead(to=to, once=once))


@writes(
    "/handoff/presence",
    tag=TAG,
    title="Say who is online",
    name="setPresence",
    example={"agent_id": 55, "online": 1, "minutes": 10},
    about=None,
)
async def presence(call: NamedDependency[Call], data: JSONBody[Presence]) -> Ok:
    """Say that an agent is online on the platform: groups that ask for it give them conversations. It ends by
    itself, so say it again while it is so. A member with the console open is online without it."""
    member, now = call.member(data.agent_id), call.services.clock.now()
    until = now + timedelta(minutes=data.minutes) if data.online else now

    async def work(connection: Connection) -> Ok:
        await stored.say_until(connection, member.id, until)
        return Ok()

    return await call.once(work, Ok)
