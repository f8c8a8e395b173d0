"""People whom a vendor knows by two ids: which of them we go by, and making one person of two.

A conversation goes by the first id (a phone number); the second (a business-scoped id) leads to it from here.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import and_, delete, func, insert, or_, select, update

from relevo.domain.conversations import Control, Conversation
from relevo.domain.ids import ChannelId, ConversationId
from relevo.store import conversations
from relevo.store.database import Connection
from relevo.store.tables import (
    activities,
    cases,
    custom_event_log,
    custom_event_subscribers,
    deliveries,
    inbound_calls,
    media,
    messages,
    other_ids,
    problems,
)
from relevo.store.tables import conversations as conversation_rows

_OUT_OF_THE_WAY = 1 << 29
"""Less than any number of a message, while they are counted anew."""


class Merged(msgspec.Struct, frozen=True):
    """One conversation is what two were: `kept` has all messages; `left` has none, and whatever is still said
    there reaches the person as well. Both as they were before."""

    kept: Conversation
    left: Conversation


async def first_id(connection: Connection, channel_id: ChannelId, other_id: str) -> str | None:
    """The id that we go by, of somebody who is known by another; None where there is none."""
    rows = other_ids.c
    query = select(rows.user_id).where(rows.channel_id == channel_id, rows.other_id == other_id)
    return (await connection.execute(query)).scalar_one_or_none()


async def join(connection: Connection, channel_id: ChannelId, user_id: str, other_id: str) -> Merged | bool:
    """Note that both are one person. Whoever was known by the second only goes by the first from now on; who
    was known by each is merged, once one of the two conversations is at rest: False until then.

    At rest: the bot has control, no flow waits there, and nothing is on its way to anybody.
    """
    by_first, by_other = await _both(connection, channel_id, user_id, other_id)
    merged: Merged | bool = True
    if by_first is not None and by_other is not None:
        pair = await _pair(connection, by_first, by_other)
        if pair is None:
            return False
        merged = pair
        await _merge(connection, pair, user_id, other_id)
    elif by_other is not None:
        await _rename(connection, by_other.id, user_id)
    await _note(connection, channel_id, user_id, other_id)
    return merged


async def _both(
    connection: Connection, channel_id: ChannelId, user_id: str, other_id: str
) -> tuple[Conversation | None, Conversation | None]:
    """Locked, both at once and in the order of id, as everybody locks them."""
    users = [(channel_id, user_id), (channel_id, other_id)]
    found = await conversations.load_and_lock(connection, [], users)
    by_id = {one.subscriber.user_id: one for one in found}
    return by_id.get(user_id), by_id.get(other_id)


async def _pair(connection: Connection, by_first: Conversation, by_other: Conversation) -> Merged | None:
    if await _is_at_rest(connection, by_other):
        return Merged(by_first, by_other)
    return Merged(by_other, by_first) if await _is_at_rest(connection, by_first) else None


async def _is_at_rest(connection: Connection, one: Conversation) -> bool:
    if one.control is not Control.BOT or one.run is not None:
        return False
    waiting = select(deliveries.c.id).where(
        deliveries.c.conversation_id == one.id, deliveries.c.state == "waiting"
    )
    return (await connection.execute(waiting.limit(1))).first() is None


async def _merge(connection: Connection, pair: Merged, user_id: str, other_id: str) -> None:
    """The messages of both in the order in which they were said; the ids change places where the one that
    stays went by the second."""
    kept, left = pair.kept, pair.left
    last = await _move_messages(connection, kept.id, left.id)
    await _move_history(connection, kept.id, left.id)
    latest = kept if _heard(kept) >= _heard(left) else left
    whole = msgspec.structs.replace(
        kept,
        message_seq=last,
        heard_at=latest.heard_at,
        heard_mid=latest.heard_mid,
        started=kept.started or left.started,
    )
    before = {kept.id: kept, left.id: left}
    await conversations.save(connection, [whole, msgspec.structs.replace(left, status="done")], before)
    if kept.subscriber.user_id != user_id:
        await _rename(connection, left.id, f"{other_id} of {left.id}")
        await _rename(connection, kept.id, user_id)
        await _rename(connection, left.id, other_id)


_HISTORY = (media, problems, inbound_calls, custom_event_log, cases, activities)
"""What happened with a person, row by row."""


async def _move_history(connection: Connection, kept: ConversationId, left: ConversationId) -> None:
    """Whoever looks at a person sees all that was done, tried and noted. What endpoints were told stays where
    it was told: it has numbers without gaps, and names the other."""
    for table in _HISTORY:
        theirs = table.c.conversation_id == left
        await connection.execute(update(table).where(theirs).values(conversation_id=kept))
    rows = deliveries.c
    to_others = and_(rows.conversation_id == left, rows.destination_kind != "endpoint")
    await connection.execute(update(deliveries).where(to_others).values(conversation_id=kept))
    await _move_events(connection, kept, left)


async def _move_events(connection: Connection, kept: ConversationId, left: ConversationId) -> None:
    """To whom a custom event happened, once each."""
    rows = custom_event_subscribers.c
    known = select(rows.event_id).where(rows.conversation_id == kept)
    new = update(custom_event_subscribers).where(rows.conversation_id == left, rows.event_id.not_in(known))
    await connection.execute(new.values(conversation_id=kept))
    await connection.execute(delete(custom_event_subscribers).where(rows.conversation_id == left))


def _heard(one: Conversation) -> float:
    return one.heard_at.timestamp() if one.heard_at else 0.0


async def _move_messages(connection: Connection, kept: ConversationId, left: ConversationId) -> int:
    """The number of the last one. A message that both have, by the vendor's id, stays where it is."""
    rows = messages.c
    known = select(rows.mid).where(rows.conversation_id == kept, rows.mid != "")
    await connection.execute(
        update(messages)
        .where(rows.conversation_id == left, or_(rows.mid == "", rows.mid.not_in(known)))
        .values(conversation_id=kept, seq=rows.seq - 2 * _OUT_OF_THE_WAY + 1)
    )
    order = func.row_number().over(order_by=(rows.created_at, rows.id))
    ranked = select(rows.id, order.label("rank")).where(rows.conversation_id == kept).subquery()
    away = update(messages).where(rows.id == ranked.c.id).values(seq=ranked.c.rank - _OUT_OF_THE_WAY)
    await connection.execute(away)
    back = update(messages).where(rows.conversation_id == kept).values(seq=rows.seq + _OUT_OF_THE_WAY)
    await connection.execute(back)
    last = select(func.max(rows.seq)).where(rows.conversation_id == kept)
    return (await connection.execute(last)).scalar_one() or 0


async def _rename(connection: Connection, id_: ConversationId, user_id: str) -> None:
    query = update(conversation_rows).where(conversation_rows.c.id == id_).values(user_id=user_id)
    await connection.execute(query)


async def _note(connection: Connection, channel_id: ChannelId, user_id: str, other_id: str) -> None:
    rows = other_ids.c
    here = and_(rows.channel_id == channel_id, rows.other_id == other_id)
    changed = await connection.execute(update(other_ids).where(here).values(user_id=user_id))
    if not changed.rowcount:
        row = {"channel_id": channel_id, "other_id": other_id, "user_id": user_id}
        await connection.execute(insert(other_ids).values(row))
