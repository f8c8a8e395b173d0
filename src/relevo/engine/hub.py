"""Who wants to hear of what was committed: open pages, waiting long polls.

A listener may always miss something (its queue is bounded); it heals by sequence number, so a
notice is a hint and never the only copy of anything.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from relevo.domain.ids import ConversationId, WorkspaceId
from relevo.domain.messages import Message, MessageStatus

Topic = tuple[str, int]
_QUEUE = 256


class MessageStored(msgspec.Struct, frozen=True):
    workspace_id: WorkspaceId
    conversation_id: ConversationId
    message: Message


class StatusChanged(msgspec.Struct, frozen=True, array_like=True, tag=True):
    workspace_id: WorkspaceId
    conversation_id: ConversationId
    message_ids: tuple[int, ...]
    status: MessageStatus


class Typing(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Somebody on our side is typing to the customer."""

    workspace_id: WorkspaceId
    conversation_id: ConversationId


class ConversationChanged(msgspec.Struct, frozen=True):
    """Control, status, assignment or the subscriber's data changed."""

    workspace_id: WorkspaceId
    conversation_id: ConversationId


class LookAgain(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Something was committed that we know no more of: another process did it, or we were not listening."""

    workspace_id: WorkspaceId
    conversation_id: ConversationId


class WireSeen(msgspec.Struct, frozen=True):
    """A request crossed the border to the platform, in or out: for the wire view of the demo."""

    workspace_id: WorkspaceId
    conversation_id: ConversationId | None
    data: Any


Notice = MessageStored | StatusChanged | Typing | ConversationChanged | LookAgain | WireSeen


def conversation_topic(id_: ConversationId) -> Topic:
    return ("conversation", id_)


def workspace_topic(id_: WorkspaceId) -> Topic:
    return ("workspace", id_)


class Listener:
    """The notices of one topic, as they come. Iterating ends when the hub closes."""

    def __init__(self) -> None:
        self._queue: deque[Notice] = deque(maxlen=_QUEUE)
        self._news = asyncio.Event()
        self._closed = False

    def put(self, notice: Notice) -> None:
        self._queue.append(notice)
        self._news.set()

    def close(self) -> None:
        self._closed = True
        self._news.set()

    @property
    def closed(self) -> bool:
        return self._closed

    async def wait(self) -> list[Notice]:
        """All that has come since the last call; waits for the first. Empty: the hub has closed."""
        if not self._queue and not self._closed:
            self._news.clear()
            await self._news.wait()
        notices = list(self._queue)
        self._queue.clear()
        return notices

    async def __aiter__(self) -> AsyncIterator[Notice]:
        while notices := await self.wait():
            for notice in notices:
                yield notice


class Hub:
    """Hands notices to listeners in this process. `has_listeners` changing is told to `on_change`."""

    def __init__(self) -> None:
        self._listeners: defaultdict[Topic, set[Listener]] = defaultdict(set)
        self._closed = False
        self.on_change: Callable[[], None] = lambda: None

    @property
    def has_listeners(self) -> bool:
        return bool(self._listeners)

    @contextmanager
    def listen(self, *topics: Topic) -> Iterator[Listener]:
        """Listen for as long as the block runs."""
        listener, is_first = Listener(), not self._listeners
        for topic in topics:
            self._listeners[topic].add(listener)
        if is_first:
            self.on_change()
        if self._closed:
            listener.close()
        try:
            yield listener
        finally:
            for topic in topics:
                self._drop(topic, listener)
            if not self._listeners:
                self.on_change()

    def publish(self, notices: Iterable[Notice]) -> None:
        if not self._listeners:
            return
        for notice in notices:
            if notice.conversation_id is not None:
                self._tell(conversation_topic(notice.conversation_id), notice)
            self._tell(workspace_topic(notice.workspace_id), notice)

    def look_again(self) -> None:
        """Have every listener read the store."""
        for (kind, id_), listeners in list(self._listeners.items()):
            notice = LookAgain(
                WorkspaceId(id_ if kind == "workspace" else 0),
                ConversationId(id_ if kind == "conversation" else 0),
            )
            for listener in listeners:
                listener.put(notice)

    def close(self) -> None:
        """End every listener: the server is going down."""
        self._closed = True
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.close()

    def _tell(self, topic: Topic, notice: Notice) -> None:
        for listener in self._listeners.get(topic, ()):
            listener.put(notice)

    def _drop(self, topic: Topic, listener: Listener) -> None:
        self._listeners[topic].discard(listener)
        if not self._listeners[topic]:
            del self._listeners[topic]
