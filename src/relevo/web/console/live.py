"""What is live: server-sent events with pieces of pages.

A notice of the hub only says that something is new; what is new is read from the store, by sequence
number. So whatever is missed is there at the next notice or ping.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

from litestar import get
from litestar.params import FromPath
from litestar.response import Stream

from relevo.domain.conversations import Conversation
from relevo.domain.errors import NotFound, Unavailable
from relevo.domain.ids import MessageId
from relevo.engine.hub import Notice, StatusChanged, Typing, conversation_topic, workspace_topic
from relevo.store import messages
from relevo.web.console import conversation as conversation_pages
from relevo.web.console.forms import LONGEST_ID
from relevo.web.console.guarding import FOR_EVERYBODY, again
from relevo.web.console.speaking import Bubble, bubbles
from relevo.web.console.visits import TheVisit, Visit
from relevo.web.console.words import MESSAGE_STATUSES
from relevo.web.widget.feed import OPENING, PING, event, heard_within

PING_EVERY = 15.0  # seconds
LIST_REFRESHES_EVERY = 30.0  # seconds without news: what nobody told us of shows by then
LIST_RESTS_FOR = 2  # seconds between two refreshes of a list, however much happens
LONGEST_REST = 60
PAGE = 100
PARTS = ("control", "hint", "panel")


@get("/events", opt=FOR_EVERYBODY)
async def workspace_events(visit: TheVisit) -> Stream:
    """`changed` when a list of this workspace may look different now. `rest` is how many seconds lie between
    two of these, for a page that takes long to make."""
    rest = min(max(visit.query.number("rest") or 0, LIST_RESTS_FOR), LONGEST_REST)
    return _stream(visit, _changes(visit, rest))


@get("/conversations/{user_ns:str}/events", opt=FOR_EVERYBODY)
async def conversation_events(visit: TheVisit, user_ns: FromPath[str]) -> Stream:
    """`message`, `status` and `parts`, with the HTML of what is new after a sequence number."""
    conversation = await conversation_pages.find(visit, user_ns)
    return _stream(visit, _conversation(visit, conversation, _seen(visit)))


def _seen(visit: Visit) -> int:
    """The last message that the page has: a browser that comes back by itself says so in a header."""
    told = visit.request.headers.get("last-event-id", "")
    seen = int(told) if told.isascii() and told.isdigit() and len(told) <= LONGEST_ID else 0
    return max(seen, visit.query.number("after") or 0)


def _stream(visit: Visit, pieces: AsyncGenerator[bytes, None]) -> Stream:
    streams = visit.console.streams
    streams.check(visit.member.id)
    return Stream(
        streams.counted(visit.member.id, pieces),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _changes(visit: Visit, rest: float) -> AsyncGenerator[bytes, None]:
    yield OPENING
    clock, hub = visit.services.clock, visit.services.hub
    with hub.listen(workspace_topic(visit.workspace_id)) as listener:
        while not listener.closed:
            await heard_within(listener, LIST_REFRESHES_EVERY, clock)
            if listener.closed:
                return
            if not await _is_signed_in(visit):
                yield SIGNED_OUT
                return
            yield event("changed", {})
            await clock.sleep(rest)


async def _is_signed_in(visit: Visit) -> bool:
    """Also while nobody can tell: the page asks the server again anyway."""
    with suppress(Unavailable):
        return await again(visit) is not None
    return True


async def _conversation(visit: Visit, conversation: Conversation, after: int) -> AsyncGenerator[bytes, None]:
    yield OPENING
    clock, hub = visit.services.clock, visit.services.hub
    feed = _Feed(conversation, after)
    with hub.listen(conversation_topic(conversation.id)) as listener:
        notices: Sequence[Notice] = ()
        while not listener.closed:
            for piece in await feed.news(visit, notices):
                yield piece
            if feed.is_over:
                return
            notices = await heard_within(listener, PING_EVERY, clock)
            if not notices:
                yield PING


SIGNED_OUT = event("signed-out", {})


class _Feed:
    """What one open page has not shown yet."""

    def __init__(self, conversation: Conversation, after: int) -> None:
        self._conversation, self._seq = conversation, after
        self._parts: dict[str, str] = {}
        self.is_over = False

    async def news(self, visit: Visit, notices: Sequence[Notice]) -> list[bytes]:
        """What is new, as events. Nothing while the database is gone: the next ping asks again."""
        if notices and all(isinstance(notice, Typing) for notice in notices):
            return []
        with suppress(Unavailable):
            renewed = await again(visit)
            if renewed is not None:
                return await self._news(renewed, notices)
            self.is_over = True
            return [SIGNED_OUT]
        return []

    async def _news(self, visit: Visit, notices: Sequence[Notice]) -> list[bytes]:
        with suppress(NotFound):
            self._conversation = await conversation_pages.find(visit, self._conversation.user_ns)
        return [
            *await self._messages(visit),
            *[await _statuses(visit, one) for one in notices if isinstance(one, StatusChanged)],
            *await self._surroundings(visit),
        ]

    async def _messages(self, visit: Visit) -> list[bytes]:
        """New messages; `reload` when there are more than a page of them."""
        if self._conversation.message_seq <= self._seq:
            return []
        found = await conversation_pages.said(visit, self._conversation, None, PAGE)
        new = [message for message in found if message.seq > self._seq]
        if len(new) == PAGE:
            return [event("reload", {})]
        before = next((message for message in found if message.seq == self._seq), None)
        self._seq = new[-1].seq if new else self._seq
        return [_message_event(visit, bubble) for bubble in bubbles(new, visit.when, before)]

    async def _surroundings(self, visit: Visit) -> list[bytes]:
        around = await conversation_pages.surroundings(visit, self._conversation)
        parts = {name: visit.part(f"_{name}.html", **around) for name in PARTS}
        if parts == self._parts:
            return []
        self._parts = parts
        return [event("parts", parts)]


def _message_event(visit: Visit, bubble: Bubble) -> bytes:
    seq = bubble.message.seq
    html = visit.part("_bubble_alone.html", bubble=bubble)
    return b"id: %d\n" % seq + event("message", {"seq": seq, "html": html})


async def _statuses(visit: Visit, changed: StatusChanged) -> bytes:
    async with visit.services.database.read() as connection:
        found = await messages.get_many(connection, [MessageId(id_) for id_ in changed.message_ids])
    seqs = sorted(message.seq for message in found.values())
    label = MESSAGE_STATUSES[changed.status]
    return event("status", {"seqs": seqs, "status": changed.status, "label": label})
