"""Who answers, who has the conversation, and whether work is left."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.admin.changing import refuse
from relevo.domain import complaints
from relevo.domain.canned import LONGEST_SUMMARY, ClosingNote, check_closing
from relevo.domain.cases import Closing
from relevo.domain.errors import InvalidInput
from relevo.domain.events import AnyEvent, Assigned, BotPaused, BotResumed, ByConversation, Moved, Once
from relevo.store import canned
from relevo.web.api.answers import Ok
from relevo.web.api.calls import Call, UserNs
from relevo.web.api.operations import USER_NS, writes

TAG = "Live chat"

LONGEST_PAUSE = 525_600
"""Minutes: a year. Whoever wants more wants a pause without end."""


class Subscriber(msgspec.Struct, frozen=True):
    """Whom it is about."""

    user_ns: UserNs


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to pause the bot for, and for how long."""

    user_ns: UserNs
    minutes: Annotated[
        int,
        Meta(
            ge=0,
            le=LONGEST_PAUSE,
            description="For how long. 0, or left out: until the bot is resumed.",
            examples=[30],
        ),
    ] = 0


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """Whose conversation it is from now on."""

    user_ns: UserNs
    agent_id: Annotated[int, Meta(description="From the list of agents.", examples=[55])]


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """The conversation's new status."""

    user_ns: UserNs
    status: Annotated[
        Literal["open", "pending", "done", "spam", "closed"],
        Meta(description="`closed` is taken for `done`.", examples=["done"]),
    ]
    closing_note_id: Annotated[
        int | None, Meta(description="With `done`: the closing note, from the list.", examples=[3])
    ] = None
    summary: Annotated[
        str, Meta(max_length=LONGEST_SUMMARY, description="With a closing note: what is to be known.")
    ] = ""
    attachment: Annotated[
        str, Meta(max_length=4096, description="With a closing note: the address of a file.")
    ] = ""


@writes(
    "/subscriber/pause-bot",
    tag=TAG,
    title="Pause the bot",
    name="pauseBot",
    example={"user_ns": USER_NS, "minutes": 30},
)
async def pause_bot(call: NamedDependency[Call], data: JSONBody[Pause]) -> Ok:
    """Give control to the agents. On a channel whose live chat is a webhook, what the customer writes from
    now on is posted there. Pausing again only moves the end of the pause."""

    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        return BotPaused(
            to=to, once=once, minutes=data.minutes or None, by="api", member_id=call.key.member_id
        )

    return await call.write(data.user_ns, event)


@writes(
    "/subscriber/resume-bot",
    tag=TAG,
    title="Resume the bot",
    name="resumeBot",
    example={"user_ns": USER_NS},
)
async def resume_bot(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Give control back to the bot, which goes on after its *Pause the Bot* step if it had one. Nothing
    happens when the bot has control already."""

    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        return BotResumed(to=to, once=once, by="api", member_id=call.key.member_id)

    return await call.write(data.user_ns, event)


@writes(
    "/subscriber/assign-agent",
    tag=TAG,
    title="Assign an agent",
    name="assignAgent",
    example={"user_ns": USER_NS, "agent_id": 55},
)
async def assign_agent(call: NamedDependency[Call], data: JSONBody[Assignment]) -> Ok:
    """Give the conversation to an agent. That does not pause the bot."""

    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        return Assigned(to=to, once=once, member_id=call.member(data.agent_id).id)

    return await call.write(data.user_ns, event)


@writes(
    "/subscriber/unassign-agent",
    tag=TAG,
    title="Unassign the agent",
    name="unassignAgent",
    example={"user_ns": USER_NS},
)
async def unassign_agent(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Take the conversation from whoever had it."""
    return await call.write(data.user_ns, lambda to, once: Assigned(to=to, once=once, member_id=None))


@writes(
    "/subscriber/move-chat-to",
    tag=TAG,
    title="Set the status",
    name="moveChatTo",
    example={"user_ns": USER_NS, "status": "done"},
)
async def move_chat_to(call: NamedDependency[Call], data: JSONBody[Move]) -> Ok:
    """Say whether work is left. That does not change who answers. What is done may be left with a closing
    note, which is a note in the conversation, too."""
    status = "done" if data.status == "closed" else data.status
    closing = await _closing(call, data) if status == "done" and data.closing_note_id is not None else None

    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        member_id = call.key.member_id
        return Moved(to=to, once=once, status=status, member_id=member_id, closing=closing)

    return await call.write(data.user_ns, event)


async def _closing(call: Call, data: Move) -> Closing:
    """Raises InvalidInput for a closing note that the flow does not have, or without what it asks for."""
    async with call.services.database.read() as connection:
        note = await canned.find(connection, ClosingNote, call.key.flow_id, data.closing_note_id or 0)
    if note is None:
        wrong = complaints.unknown(
            "closing_note_id", data.closing_note_id, "closing note in this flow with the id"
        )
        raise InvalidInput({"closing_note_id": [wrong]})
    closing = Closing(note.id, note.name, data.summary, data.attachment)
    refuse(check_closing(note, closing))
    return closing
