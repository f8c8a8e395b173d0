"""The list of conversations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import get

from relevo.domain.agent_groups import AgentGroup, GroupId
from relevo.domain.conversations import Control, Conversation
from relevo.domain.ids import ChannelId, ConversationId, MemberId
from relevo.domain.sidebar import hidden_filters, hidden_types
from relevo.domain.workspaces import Channel, Member, Role
from relevo.store import inbox
from relevo.store.inbox import Mark, Wanted
from relevo.web.console.forms import Form
from relevo.web.console.guarding import FOR_EVERYBODY
from relevo.web.console.speaking import preview
from relevo.web.console.visits import Page, TheVisit, Visit
from relevo.web.console.words import STATUSES

SHOWN = 50
FILTERS = ("q", "status", "control", "channel", "assigned", "group")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@get("/conversations", opt=FOR_EVERYBODY)
async def listing(visit: TheVisit) -> Page:
    query = visit.query
    async with visit.services.database.read() as connection:
        behind = _mark(query.get("behind"))
        found = await inbox.page(connection, _wanted(visit, query), behind=behind, limit=SHOWN + 1)
        found, more = found[:SHOWN], found[SHOWN:]
        last = await inbox.last_messages(connection, found)
    return visit.page(
        "conversations.html",
        title="Conversations",
        form=query,
        is_filtered=any(query.get(name) for name in FILTERS),
        is_later_page=behind is not None,
        conversations=found,
        previews={id_: preview(message) for id_, message in last.items()},
        next_page=_address(query, found[-1]) if more else "",
        first_page=_address(query, None),
        channels=channels_of(visit),
        members=members_of(visit),
        groups=_groups(visit),
        hidden=hidden_filters(visit.workspace.sidebar) | ({"assigned"} if sees_only_own(visit) else set()),
    )


def _groups(visit: Visit) -> list[AgentGroup]:
    everybodys = visit.directory.agent_groups.values()
    return [one for one in everybodys if one.workspace_id == visit.workspace_id]


def channels_of(visit: Visit) -> dict[ChannelId, Channel]:
    everybodys = visit.directory.channels
    return {id_: one for id_, one in everybodys.items() if one.workspace_id == visit.workspace_id}


def members_of(visit: Visit) -> dict[MemberId, Member]:
    everybodys = visit.directory.members
    return {id_: one for id_, one in everybodys.items() if one.workspace_id == visit.workspace_id}


def _wanted(visit: Visit, query: Form) -> Wanted:
    """What the filters ask for; one that makes no sense is left out."""
    status, control, channel = query.get("status"), query.get("control"), query.number("channel")
    return Wanted(
        workspace_id=visit.workspace_id,
        search=query.get("q"),
        status=status if status in STATUSES else None,  # type: ignore[arg-type]  # just checked
        control=Control(control) if control in list(Control) else None,
        channel_id=None if channel is None else ChannelId(channel),
        assigned_to=visit.member.id if sees_only_own(visit) else _assigned(visit, query),
        group_id=_group(visit, query),
        without_channels=_unlisted(visit),
        without_spam="hide_spam" in visit.workspace.sidebar and status != "spam",
    )


def sees_only_own(visit: Visit) -> bool:
    """Whether this member is an agent of a group whose agents see nothing but their own conversations."""
    id_ = visit.member.id
    return visit.member.role is Role.AGENT and any(
        group.only_own and any(one.member_id == id_ for one in group.members)
        for group in visit.directory.agent_groups.values()
    )


def may_see(visit: Visit, conversation: Conversation) -> bool:
    return conversation.member_id == visit.member.id or not sees_only_own(visit)


def _group(visit: Visit, query: Form) -> GroupId | None:
    number = query.number("group")
    ours = (one for one in visit.directory.agent_groups.values() if one.workspace_id == visit.workspace_id)
    return next((one.id for one in ours if one.id == number), None)


def _unlisted(visit: Visit) -> tuple[ChannelId, ...]:
    """Channels whose conversations the workspace does not list."""
    types = hidden_types(visit.workspace.sidebar)
    return tuple(id_ for id_, one in channels_of(visit).items() if one.type in types)


def _assigned(visit: Visit, query: Form) -> MemberId | None:
    match query.get("assigned"):
        case "me":
            return visit.member.id
        case "nobody":
            return MemberId(0)
        case _:
            number = query.number("assigned")
            return MemberId(number) if number else None


# The mark of a page's end, in its address


def _address(query: Form, last: Conversation | None) -> str:
    fields: dict[str, Any] = {name: query.get(name) for name in FILTERS if query.get(name)}
    if last is not None:
        fields["behind"] = _written(inbox.mark_of(last))
    return f"/console/conversations?{urlencode(fields)}" if fields else "/console/conversations"


def _written(mark: Mark) -> str:
    at = mark.last_message_at
    return f"{'' if at is None else (at - _EPOCH) // _MICROSECOND}-{mark.id}"


def _mark(text: str) -> Mark | None:
    at, dash, id_ = text.partition("-")
    if not dash or not id_.isdecimal() or (at and not at.isdecimal()) or len(text) > 40:
        return None
    try:
        return Mark(_EPOCH + int(at) * _MICROSECOND if at else None, ConversationId(int(id_)))
    except OverflowError:
        return None
