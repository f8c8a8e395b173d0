"""What a visitor sees of the conversation, in order and without gaps, live or asked for.

Whoever listens does so before reading the store, and drops what the store had already: between the
two nothing can be lost. What a listener misses (its queue is bounded; another process committed it)
shows as a gap in the sequence numbers, or at the latest at the next ping, when the store is read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Any

import msgspec

from relevo.channels.web.wire import MessagesAnswer, StatusEvent, WebMessage, web_message
from relevo.domain.errors import TooManyRequests, Unavailable
from relevo.domain.ids import MessageId
from relevo.engine.hub import (
    Listener,
    LookAgain,
    MessageStored,
    Notice,
    StatusChanged,
    Topic,
    Typing,
    conversation_topic,
)
from relevo.store import conversations, messages
from relevo.system.clock import Clock
from relevo.web.widget.visits import Visit

PING_EVERY = 15.0  # seconds; also how long a message may take of which nobody told us
LOOK_AGAIN_AFTER = 1.0  # seconds, while there is no conversation yet to listen to
LONGEST_WAIT = 30.0  # seconds of a long poll
PAGE = 100
STREAMS_OF_VISITOR = 10

_encode = msgspec.json.Encoder().encode

OPENING = b"retry: 2000\n\n"
PING = b": ping\n\n"


class Feed:
    """The visible messages after `seq`, which grows as they are handed out."""

    def __init__(self, visit: Visit, after: int) -> None:
        self._visit = visit
        self.seq = after

    async def page(self) -> list[WebMessage]:
        """The next messages, at most a page; `seq` also passes what the visitor does not see (notes)."""
        visit = self._visit
        async with visit.services.database.read() as connection:
            found = await conversations.find_by_user(connection, visit.channel.id, visit.visitor_id)
            if found is None or found.message_seq <= self.seq:
                return []
            page = await messages.after(connection, found.id, self.seq, PAGE)
        ends = found.message_seq if len(page) < PAGE else 0
        self.seq = max([self.seq, ends, *(message.seq for message in page[-1:])])
        return [web_message(message) for message in page]

    async def missed(self) -> AsyncIterator[bytes]:
        """All that there is now, as events."""
        while page := await self.page():
            for message in page:
                yield message_event(message)

    async def events(self, notices: Sequence[Notice]) -> AsyncIterator[bytes]:
        """What notices mean for the visitor, as server-sent events."""
        for notice in notices:
            match notice:
                case MessageStored(message=message) if message.seq == self.seq + 1:
                    self.seq = message.seq
                    if message.type.is_seen_by_customer:
                        yield message_event(web_message(message))
                case MessageStored(message=message) if message.seq > self.seq:
                    async for piece in self.missed():
                        yield piece
                case LookAgain():
                    async for piece in self.missed():
                        yield piece
                case StatusChanged():
                    yield await self._status_event(notice)
                case Typing():
                    yield event("typing", {})
                case _:
                    pass  # it was handed out, or is not for the visitor

    async def _status_event(self, changed: StatusChanged) -> bytes:
        async with self._visit.services.database.read() as connection:
            found = await messages.get_many(connection, [MessageId(id_) for id_ in changed.message_ids])
        seqs = tuple(sorted(message.seq for message in found.values()))
        return event("status", StatusEvent(seqs=seqs, status=changed.status))


# Asked for


async def poll(visit: Visit, after: int, wait: float) -> MessagesAnswer:
    """The messages after a seq; when there are none, the first that come within `wait` seconds."""
    clock, hub = visit.services.clock, visit.services.hub
    until = clock.monotonic() + min(wait, LONGEST_WAIT)
    feed = Feed(visit, after)
    conversation = await visit.conversation()
    topic = conversation_topic(conversation.id) if conversation else _lobby(visit)
    look_again_after = PING_EVERY if conversation else LOOK_AGAIN_AFTER
    with hub.listen(topic) as listener:
        page = await feed.page()
        while not page and not listener.closed and (left := until - clock.monotonic()) > 0:
            await heard_within(listener, min(left, look_again_after), clock)
            page = await feed.page()
    return MessagesAnswer(messages=tuple(page), next=feed.seq)


# Live


class Streams:
    """How many event streams each visitor has open."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, str], int] = {}

    def check(self, visit: Visit) -> None:
        """Raises `TooManyRequests` when the visitor has enough of them."""
        if self._open.get((visit.channel.id, visit.visitor_id), 0) >= STREAMS_OF_VISITOR:
            raise TooManyRequests(
                f"A visitor may have {STREAMS_OF_VISITOR} event streams open; close some.", retry_after=5
            )

    async def stream(self, visit: Visit, after: int) -> AsyncIterator[bytes]:
        """The events after a seq until the visitor goes, or the server."""
        visitor = (visit.channel.id, visit.visitor_id)
        self._open[visitor] = self._open.get(visitor, 0) + 1
        try:
            async with aclosing(_stream(visit, after)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._open[visitor] -= 1
            if not self._open[visitor]:
                del self._open[visitor]


async def _stream(visit: Visit, after: int) -> AsyncGenerator[bytes, None]:
    yield OPENING
    clock, hub = visit.services.clock, visit.services.hub
    with hub.listen(_lobby(visit)) as listener:
        while (conversation := await visit.conversation()) is None and not listener.closed:
            await heard_within(listener, LOOK_AGAIN_AFTER, clock)
            yield PING
    if conversation is None:
        return
    feed = Feed(visit, after)
    with hub.listen(conversation_topic(conversation.id)) as listener:
        notices: Sequence[Notice] = ()
        while not listener.closed:
            # A database that is gone for a while does not end the stream: the next ping reads again.
            with suppress(Unavailable):
                async for piece in feed.events(notices) if notices else feed.missed():
                    yield piece
            notices = await heard_within(listener, PING_EVERY, clock)
            if not notices:
                yield PING


def _lobby(visit: Visit) -> Topic:
    """What to listen to while there is no conversation: nothing is said there, but the hub closes it."""
    return ("lobby", visit.channel.id)


async def heard_within(listener: Listener, seconds: float, clock: Clock) -> list[Notice]:
    """What a listener hears first; nothing when it hears nothing for so long."""
    hearing = asyncio.ensure_future(listener.wait())
    waiting = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((hearing, waiting), return_when=asyncio.FIRST_COMPLETED)
        return hearing.result() if hearing.done() else []
    finally:
        hearing.cancel()
        waiting.cancel()


def message_event(message: WebMessage) -> bytes:
    return b"id: %d\n" % message.seq + event("message", message)


def event(type_: str, data: Any) -> bytes:
    """A server-sent event; JSON has no line breaks, so it is one line."""
    return b"event: %s\ndata: %s\n\n" % (type_.encode(), _encode(data))
