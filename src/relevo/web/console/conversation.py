"""One conversation: what was said, who answers, and what a member can do about it."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin.changing import refuse
from relevo.domain.agent_groups import GroupId
from relevo.domain.canned import LONGEST_SUMMARY, ClosingNote, Shortcut, check_closing
from relevo.domain.cases import Closing
from relevo.domain.conversations import Conversation, Status
from relevo.domain.deliveries import Destination, Lane
from relevo.domain.errors import HandoffTaken, InvalidInput, NoHandoff, NotFound
from relevo.domain.events import (
    AgentReplied,
    Assigned,
    AssignedToGroup,
    BotPaused,
    BotResumed,
    ByConversation,
    HandoffAccepted,
    Moved,
    NoteWritten,
    Once,
    SubscriberChanged,
)
from relevo.domain.ids import MemberId, parse_user_ns
from relevo.domain.messages import Message, MessageType, Text
from relevo.domain.redeliveries import Selection
from relevo.domain.workspaces import Channel, Endpoint
from relevo.store import canned, conversations, deliveries, messages, problems
from relevo.store.database import AnyRow
from relevo.store.encryption import hash_token
from relevo.web.console import describing, words
from relevo.web.console.agent_groups import groups_of
from relevo.web.console.conversations import may_see, members_of
from relevo.web.console.destinations import Destinations
from relevo.web.console.forms import Form
from relevo.web.console.guarding import FOR_EVERYBODY
from relevo.web.console.notices import Notice
from relevo.web.console.speaking import bubbles
from relevo.web.console.visits import Page, TheVisit, Visit
from relevo.web.console.who_answers import Fact, facts
from relevo.web.console.words import STATUSES

SHOWN = 50
SHOWN_ASIDE = 6
LONGEST_REPLY = 10_000
LONGEST_NONCE = 64
PAUSE_MINUTES = 30
LONGEST_NOTE, LONGEST_OUTCOME = 2000, 100


# Looking


@get("/conversations/{user_ns:str}", opt=FOR_EVERYBODY)
async def show(visit: TheVisit, user_ns: FromPath[str]) -> Page:
    return await _page(visit, await find(visit, user_ns))


async def find(visit: Visit, user_ns: str) -> Conversation:
    """A conversation of this workspace. Raises `NotFound` for any other."""
    named = parse_user_ns(user_ns)
    if named is not None:
        async with visit.services.database.read() as connection:
            found = await conversations.find(connection, named[1])
        here = (named[0], visit.workspace_id)
        if found is not None and (found.flow_id, found.workspace_id) == here and may_see(visit, found):
            return found
    raise NotFound("There is no such conversation in this workspace.")


def address(conversation: Conversation) -> str:
    return f"/console/conversations/{conversation.user_ns}"


async def _page(
    visit: Visit, conversation: Conversation, form: Form | None = None, status: int = 200
) -> Page:
    before = visit.query.number("before")
    found = await said(visit, conversation, before, SHOWN + 1)
    shown = found[-SHOWN:]
    return visit.page(
        "conversation.html",
        title=conversation.subscriber.display_name,
        status=status,
        form=form or Form(),
        shortcuts=await _shortcuts(visit, conversation),
        nonce=visit.means.chance.token(12),
        bubbles=bubbles(shown, visit.when),
        is_earlier=before is not None,
        earlier=f"{address(conversation)}?before={shown[0].seq}" if len(found) > SHOWN else "",
        **await surroundings(visit, conversation),
    )


async def _shortcuts(visit: Visit, conversation: Conversation) -> list[Shortcut]:
    async with visit.services.database.read() as connection:
        found = await canned.listing(connection, Shortcut, conversation.flow_id)
    return sorted(found, key=lambda one: one.name.casefold())


async def said(visit: Visit, conversation: Conversation, before: int | None, limit: int) -> list[Message]:
    """The latest messages of all types, in order."""
    async with visit.services.database.read() as connection:
        page = await messages.page(
            connection, conversation.id, types=list(MessageType), before_seq=before, limit=limit
        )
    return page[::-1]


async def surroundings(visit: Visit, conversation: Conversation) -> dict[str, Any]:
    """Everything beside the messages that the page shows."""
    channel = _channel_of(visit, conversation)
    endpoint = endpoint_of(visit, channel)
    async with visit.services.database.read() as connection:
        log = await deliveries.listing(
            connection, visit.workspace_id, Selection(conversation_id=conversation.id), limit=SHOWN_ASIDE
        )
        troubles = await problems.listing(
            connection, visit.workspace_id, conversation_id=conversation.id, limit=SHOWN_ASIDE
        )
        head = await deliveries.head_of(connection, _lane(conversation, channel, endpoint))
        notes = await canned.listing(connection, ClosingNote, conversation.flow_id)
    return {
        "conversation": conversation,
        "address": address(conversation),
        "channel": channel,
        "flow": visit.directory.flows[conversation.flow_id],
        "members": members_of(visit),
        "groups": groups_of(visit),
        "closing_notes": notes,
        "deliveries": log,
        "problems": troubles,
        "destinations": Destinations(visit),
        "known": describing.known(visit, conversation),
        "facts": _facts(visit, conversation, channel, endpoint, head),
        "pause_minutes": PAUSE_MINUTES,
    }


def _channel_of(visit: Visit, conversation: Conversation) -> Channel:
    """Its channel, deleted or not."""
    found = visit.directory.any_channel(conversation.channel_id)
    if found is None:
        raise NotFound("There is no such conversation in this workspace.")
    return found


def endpoint_of(visit: Visit, channel: Channel) -> Endpoint | None:
    id_ = channel.live_chat.endpoint_id
    return visit.directory.endpoints.get(id_) if id_ is not None else None


def _lane(conversation: Conversation, channel: Channel, endpoint: Endpoint | None) -> Lane:
    """Where the customer's words go if they go anywhere, else where the answers go."""
    if endpoint is not None:
        return Lane(conversation.id, Destination("endpoint", endpoint.id))
    return Lane(conversation.id, Destination("channel", channel.id))


def _facts(
    visit: Visit, conversation: Conversation, channel: Channel, endpoint: Endpoint | None, head: AnyRow | None
) -> list[Fact]:
    flow = visit.directory.flows[conversation.flow_id]
    names = {id_: one.name for id_, one in members_of(visit).items()}
    return facts(conversation, channel, endpoint, flow, head, visit.when, names)


# Doing


class Refused(msgspec.Struct, frozen=True):
    """The answer to the script when a reply cannot be sent."""

    problem: str


@post("/conversations/{user_ns:str}/say", opt=FOR_EVERYBODY)
async def say(visit: TheVisit, user_ns: FromPath[str]) -> Response[Any]:
    """Reply to the customer, or write a note for colleagues. The script asks for JSON."""
    conversation, form = await find(visit, user_ns), await visit.form()
    by_script = visit.request.headers.get("accept", "") == "application/json"
    try:
        await _say(visit, conversation, form)
    except InvalidInput as error:
        if by_script:
            return Response(Refused(error.message), status_code=422)
        return await _page(visit, conversation, form.refused(error), status=422)
    if by_script:
        return Response(b"", status_code=204)
    return visit.go(f"{address(conversation)}#latest")


async def _say(visit: Visit, conversation: Conversation, form: Form) -> None:
    text = _text(form)
    to, once = ByConversation(conversation.id), _once(visit, form)
    if form.get("kind") == "note":
        await visit.services.engine.submit(
            NoteWritten(to=to, once=once, text=text, member_id=visit.member.id)
        )
    else:
        said = (Text(text),)
        done = await visit.services.engine.submit(
            AgentReplied(to=to, once=once, contents=said, member_id=visit.member.id)
        )
        if done.refused:
            raise InvalidInput({"text": [f"This was not sent: {words.reason(done.refused)}."]})


def _text(form: Form) -> str:
    text = form.raw("text").strip()
    if not text:
        raise InvalidInput({"text": ["There is nothing to send yet; write something."]})
    if len(text) > LONGEST_REPLY:
        raise InvalidInput({"text": [f"This has {len(text):,} characters; write at most {LONGEST_REPLY:,}."]})
    return text


def _once(visit: Visit, form: Form) -> Once | None:
    """A form that is sent twice says it once."""
    nonce = form.get("nonce")[:LONGEST_NONCE]
    if not nonce:
        return None
    return Once(f"console {visit.member.id} {nonce}", hash_token(form.get("kind") + form.raw("text")))


@post("/conversations/{user_ns:str}/pause", opt=FOR_EVERYBODY)
async def pause(visit: TheVisit, user_ns: FromPath[str]) -> Response[Any]:
    conversation = await find(visit, user_ns)
    minutes = PAUSE_MINUTES if (await visit.form()).get("minutes") else None
    to = ByConversation(conversation.id)
    await visit.services.engine.submit(
        BotPaused(to=to, minutes=minutes, by="member", member_id=visit.member.id)
    )
    return visit.go(address(conversation))


@post("/conversations/{user_ns:str}/resume", opt=FOR_EVERYBODY)
async def resume(visit: TheVisit, user_ns: FromPath[str]) -> Response[Any]:
    conversation = await find(visit, user_ns)
    to = ByConversation(conversation.id)
    await visit.services.engine.submit(BotResumed(to=to, by="member", member_id=visit.member.id))
    return visit.go(address(conversation))


@post("/conversations/{user_ns:str}/accept", opt=FOR_EVERYBODY)
async def accept(visit: TheVisit, user_ns: FromPath[str]) -> Response[Any]:
    """Take a handoff. Whoever comes second is told who was first."""
    conversation = await find(visit, user_ns)
    event = HandoffAccepted(to=ByConversation(conversation.id), by="member", member_id=visit.member.id)
    try:
        await visit.services.engine.submit(event)
    except (NoHandoff, HandoffTaken) as error:
        return visit.go(address(conversation), Notice(error.message, "bad"))
    return visit.go(address(conversation))


@post("/conversations/{user_ns:str}/return", opt=FOR_EVERYBODY)
async def give_back(visit: TheVisit, user_ns: FromPath[str]) -> Response[Any]:
    """To the bot, with what came of it."""
    conversation, form = await find(visit, user_ns), await visit.form()
    event = BotResumed(
        to=ByConversation(conversation.id),
        by="member",
        member_id=visit.member.id,
        note=form.get("note")[:LONGEST_NOTE],
        outcome=form.get("outcome")[:LONGEST_OUTCOME],
    )
    await visit.services.engine.submit(event)
    return visit.go(address(conversation))


@post("/conversations/{user_ns:str}/assign", opt=FOR_EVERYBODY)
async def assign(visit: TheVisit, user_ns: FromPath[str]) -> Response[Any]:
    conversation = await find(visit, user_ns)
    chosen = (await visit.form()).get("member")
    await visit.services.engine.submit(_assignment(visit, conversation, chosen))
    return visit.go(address(conversation))


def _assignment(visit: Visit, conversation: Conversation, chosen: str) -> Assigned | AssignedToGroup:
    """`12` is a member, `group-3` a group, 0 nobody."""
    kind, _, number = chosen.rpartition("-")
    id_, to = int(number) if number.isdecimal() else 0, ByConversation(conversation.id)
    if kind == "group":
        if id_ not in groups_of(visit):
            raise NotFound("There is no such agent group in this workspace.")
        return AssignedToGroup(to=to, group_id=GroupId(id_), by="agent")
    if id_ and id_ not in members_of(visit):
        raise NotFound("There is no such member in this workspace.")
    return Assigned(to=to, member_id=MemberId(id_) if id_ else None, by="agent")


@post("/conversations/{user_ns:str}/describe", opt=FOR_EVERYBODY)
async def describe(visit: TheVisit, user_ns: FromPath[str]) -> Response[Any]:
    """Put a tag or a label on or take it off, or set a field."""
    conversation, form = await find(visit, user_ns), await visit.form()
    try:
        act = await describing.act_of(visit, conversation, form)
    except InvalidInput as error:
        return visit.go(address(conversation), Notice(error.message, "bad"))
    await visit.services.engine.submit(SubscriberChanged(to=ByConversation(conversation.id), acts=(act,)))
    return visit.go(address(conversation))


@post("/conversations/{user_ns:str}/status", opt=FOR_EVERYBODY)
async def move(visit: TheVisit, user_ns: FromPath[str]) -> Response[Any]:
    conversation = await find(visit, user_ns)
    status = (await visit.form()).get("status")
    if status not in STATUSES:
        raise InvalidInput({"status": [f"There is no status {status!r}; use {', '.join(STATUSES)}."]})
    await visit.services.engine.submit(_moved(visit, conversation, cast(Status, status)))
    return visit.go(address(conversation))


def _moved(visit: Visit, conversation: Conversation, status: Status, closing: Closing | None = None) -> Moved:
    to, who = ByConversation(conversation.id), visit.member.id
    return Moved(to=to, status=status, by="agent", member_id=who, closing=closing)


@post("/conversations/{user_ns:str}/close", opt=FOR_EVERYBODY)
async def close(visit: TheVisit, user_ns: FromPath[str]) -> Response[Any]:
    """Have it done, with a closing note."""
    conversation, form = await find(visit, user_ns), await visit.form()
    async with visit.services.database.read() as connection:
        note = await canned.find(connection, ClosingNote, conversation.flow_id, form.number("note") or 0)
    if note is None:
        raise NotFound("There is no such closing note in this flow.")
    closing = Closing(note.id, note.name, form.raw("summary").strip(), form.get("attachment"))
    try:
        _check(note, closing)
    except InvalidInput as error:
        return await _page(visit, conversation, form.refused(error), status=422)
    await visit.services.engine.submit(_moved(visit, conversation, "done", closing))
    return visit.go(address(conversation), f"Closed: {note.name}.")


def _check(note: ClosingNote, closing: Closing) -> None:
    refuse(check_closing(note, closing))
    if len(closing.summary) > LONGEST_SUMMARY:
        told = f"this has {len(closing.summary):,} characters; write at most {LONGEST_SUMMARY:,}"
        raise InvalidInput({"summary": [told]})
