"""What a channel has read, as events for the engine."""

from __future__ import annotations

from typing import assert_never

from relevo.channels.adapter import (
    Inbound,
    InboundEdit,
    InboundMessage,
    InboundOpened,
    InboundReach,
    InboundReceipt,
    InboundTyping,
)
from relevo.domain.errors import ForeignPayload
from relevo.domain.events import (
    AnyEvent,
    ByConversation,
    ByUser,
    ConversationOpened,
    CustomerTyped,
    MessageEdited,
    MessageReceived,
    ReachChanged,
    ReceiptCame,
)
from relevo.domain.ids import ConversationId
from relevo.domain.workspaces import Channel
from relevo.store import conversations
from relevo.store.database import Database

LONGEST_USER_ID = 200


async def event_of(item: Inbound, channel: Channel, database: Database) -> AnyEvent | None:
    """The event that an item is; None for a receipt, an edit or a sign of life of somebody who has never
    written: those begin no conversation."""
    if len(item.user_id) > LONGEST_USER_ID:
        raise ForeignPayload(f"A person's id may have at most {LONGEST_USER_ID} characters")
    to = ByUser(channel.id, item.user_id)
    match item:
        case InboundMessage():
            return _received(item, to)
        case InboundReach(barred=barred):
            return ReachChanged(to=to, barred=barred)
        case InboundOpened(profile=profile):
            return ConversationOpened(to=to, profile=profile)
        case InboundEdit() | InboundReceipt() | InboundTyping():
            id_ = await _existing(database, to)
            return _sign_of(item, id_) if id_ is not None else None
        case _:
            assert_never(item)


def _received(item: InboundMessage, to: ByUser) -> MessageReceived:
    return MessageReceived(
        to=to,
        content=item.content,
        mid=item.mid,
        profile=item.profile,
        referral=item.referral,
        for_bot=item.for_bot,
        said_at=item.said_at,
    )


def _sign_of(item: InboundEdit | InboundReceipt | InboundTyping, id_: ConversationId) -> AnyEvent:
    to = ByConversation(id_)
    if isinstance(item, InboundEdit):
        return MessageEdited(to=to, mid=item.mid, content=item.content)
    if isinstance(item, InboundTyping):
        return CustomerTyped(to=to)
    return ReceiptCame(
        to=to,
        status=item.status,
        mids=item.mids,
        up_to_seq=item.up_to_seq,
        up_to=item.up_to,
        error=item.error,
    )


async def _existing(database: Database, to: ByUser) -> ConversationId | None:
    async with database.read() as connection:
        found = await conversations.find_by_user(connection, to.channel_id, to.user_id)
    return found.id if found else None
