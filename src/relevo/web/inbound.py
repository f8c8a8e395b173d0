"""What a channel has read, as events for the engine."""

from __future__ import annotations

from typing import assert_never

from relevo.channels.adapter import Inbound, InboundMessage, InboundOpened, InboundReceipt, InboundTyping
from relevo.domain.errors import ForeignPayload
from relevo.domain.events import (
    AnyEvent,
    ByConversation,
    ByUser,
    ConversationOpened,
    CustomerTyped,
    MessageReceived,
    ReceiptCame,
)
from relevo.domain.ids import ConversationId
from relevo.domain.workspaces import Channel
from relevo.store import conversations
from relevo.store.database import Database

LONGEST_USER_ID = 200


async def event_of(item: Inbound, channel: Channel, database: Database) -> AnyEvent | None:
    """The event that an item is; None for a receipt or a sign of life of somebody who has never written:
    those begin no conversation."""
    if len(item.user_id) > LONGEST_USER_ID:
        raise ForeignPayload(f"A person's id may have at most {LONGEST_USER_ID} characters")
    to = ByUser(channel.id, item.user_id)
    match item:
        case InboundMessage(content=content, mid=mid, profile=profile, referral=referral):
            return MessageReceived(to=to, content=content, mid=mid, profile=profile, referral=referral)
        case InboundOpened(profile=profile):
            return ConversationOpened(to=to, profile=profile)
        case InboundReceipt() | InboundTyping():
            id_ = await _existing(database, to)
            return _sign_of(item, id_) if id_ is not None else None
        case _:
            assert_never(item)


def _sign_of(item: InboundReceipt | InboundTyping, id_: ConversationId) -> AnyEvent:
    to = ByConversation(id_)
    if isinstance(item, InboundTyping):
        return CustomerTyped(to=to)
    return ReceiptCame(to=to, status=item.status, mids=item.mids, up_to_seq=item.up_to_seq, error=item.error)


async def _existing(database: Database, to: ByUser) -> ConversationId | None:
    async with database.read() as connection:
        found = await conversations.find_by_user(connection, to.channel_id, to.user_id)
    return found.id if found else None
