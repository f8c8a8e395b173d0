"""The other processes on the same PostgreSQL: who is there, and what they want to be told.

Each says every few seconds that it is there, and whether pages hang on it. So a process without
neighbours tells nothing, and nobody tells of messages unless a page is open elsewhere: telling costs
each commit a lock that the whole server shares. What is missed is found by looking, only later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress

import msgspec
import structlog

from relevo.domain.errors import Unavailable
from relevo.engine.hub import Hub, LookAgain, Notice, StatusChanged, Typing, WireSeen
from relevo.engine.timers import sleep_or
from relevo.store.database import Database
from relevo.store.notices import CONFIGURED, LONGEST, WORK
from relevo.store.pooled_postgresql import Line
from relevo.system.clock import Clock

log = structlog.get_logger()

SAYS_SO_EVERY = 3.0
"""Seconds between two signs of life."""
BELIEVED_FOR = 10.0
"""Seconds after its last sign of life for which a process is taken to be there."""
KNOWN_TO_ALL_AFTER = 0.5
"""Seconds after which everybody has heard that pages hang on this process."""
WORK_AT_MOST_EVERY = 0.1
CONNECTS_AGAIN_AFTER = 1.0
_STATUSES = 400  # message ids in one entry

Entry = LookAgain | Typing | StatusChanged


class Here(msgspec.Struct, frozen=True, tag="here"):
    """`node` is there. `pages`: somebody looks at live pages of it."""

    node: str
    pages: bool


class Gone(msgspec.Struct, frozen=True, tag="gone"):
    """`node` has ended: what it carried is free."""

    node: str


class Work(msgspec.Struct, frozen=True, tag=WORK):
    """Something is due that `node` has no room for, or that a person has put back (and `node` is "")."""

    node: str


class News(msgspec.Struct, frozen=True, tag="news"):
    """What a commit of `node` has changed, for open pages elsewhere."""

    node: str
    entries: tuple[Entry, ...]


class Configured(msgspec.Struct, frozen=True, tag=CONFIGURED):
    """Somebody, maybe a command, has changed the configuration."""


Notification = Here | Gone | Work | News | Configured

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Notification).decode


class Neighbours:
    """Tells and hears. `told` is asked within each transaction, and must cost nothing then."""

    def __init__(
        self,
        *,
        node: str,
        database: Database,
        hub: Hub,
        clock: Clock,
        look_for_work: Callable[[], None],
        reload: Callable[[], Awaitable[None]],
    ) -> None:
        self._node, self._database, self._hub, self._clock = node, database, hub, clock
        self._look_for_work, self._reload = look_for_work, reload
        self._there: dict[str, float] = {}
        self._with_pages: dict[str, float] = {}
        self._told_of_work = float("-inf")
        self._say_so, self._stopped = asyncio.Event(), asyncio.Event()
        self._has_to_reload = asyncio.Event()
        hub.on_change = self._say_so.set

    # Telling

    def told(self, notices: Iterable[Notice], *, leaves_work: bool) -> list[str]:
        """What a commit has to tell the others: nothing, nearly always."""
        if not self._there:
            return []
        now, told = self._clock.monotonic(), []
        if _any_is_there(self._with_pages, now):
            told = [_encode(one).decode() for one in _news(self._node, notices)]
        if leaves_work and now - self._told_of_work > WORK_AT_MOST_EVERY and _any_is_there(self._there, now):
            self._told_of_work = now
            told.append(_encode(Work(self._node)).decode())
        return told

    # Hearing

    async def run(self) -> None:
        """Listen until stopped, over one connection after the other."""
        reloading = asyncio.create_task(self._reload_when_told())
        try:
            while not self._stopped.is_set():
                await self._listen()
        finally:
            reloading.cancel()

    def stop(self) -> None:
        self._stopped.set()
        self._say_so.set()

    async def _listen(self) -> None:
        try:
            async with self._database.listen(self._hear, self._say_so.set) as line:
                self._look_at_everything()
                while not self._stopped.is_set() and line.is_open:
                    await self._show_up(line)
                await line.tell(_encode(Gone(self._node)).decode())
        except Unavailable as fault:
            log.warning("notices.unheard", cause=fault.facts.get("cause"))
            await sleep_or(self._clock, CONNECTS_AGAIN_AFTER, self._stopped)

    async def _show_up(self, line: Line) -> None:
        """Say that we are there, and rest until it is time to say so again."""
        self._say_so.clear()
        pages = self._hub.has_listeners
        await line.tell(_encode(Here(self._node, pages)).decode())
        await sleep_or(self._clock, SAYS_SO_EVERY, self._say_so)
        if self._hub.has_listeners and not pages:
            await self._open_up(line)

    async def _open_up(self, line: Line) -> None:
        """The first page has come: what is committed before everybody knows of it is looked for."""
        await line.tell(_encode(Here(self._node, pages=True)).decode())
        await sleep_or(self._clock, KNOWN_TO_ALL_AFTER, self._stopped)
        self._hub.look_again()

    def _look_at_everything(self) -> None:
        """Nobody knows what was said while nothing was heard."""
        self._has_to_reload.set()
        self._look_for_work()
        self._hub.look_again()

    def _hear(self, notice: str) -> None:
        try:
            said: Notification = _decode(notice)
        except msgspec.MsgspecError:
            return  # a newer Relevo says something that this one does not know
        match said:
            case Configured():
                self._has_to_reload.set()
            case Here() | Gone() | Work() | News() if said.node == self._node:
                return  # our own voice
            case Here(node=node):
                self._meet(node, pages=said.pages)
            case Gone(node=node):
                self._there.pop(node, None)
                self._with_pages.pop(node, None)
                self._look_for_work()
            case Work():
                self._look_for_work()
            case News(entries=entries):
                self._hub.publish(entries)

    def _meet(self, node: str, *, pages: bool) -> None:
        if node not in self._there:
            self._say_so.set()  # it does not know us yet
        until = self._clock.monotonic() + BELIEVED_FOR
        self._there[node] = until
        self._with_pages.pop(node, None)
        if pages:
            self._with_pages[node] = until

    async def _reload_when_told(self) -> None:
        while True:
            await self._has_to_reload.wait()
            self._has_to_reload.clear()
            with suppress(Unavailable):  # whoever needs the configuration asks for it again
                await self._reload()


def _any_is_there(until_by_node: dict[str, float], now: float) -> bool:
    """Whether anybody's last sign of life still counts; forgets those who died without a word."""
    for node in [node for node, until in until_by_node.items() if until < now]:
        del until_by_node[node]
    return bool(until_by_node)


def _news(node: str, notices: Iterable[Notice]) -> Iterator[News]:
    """As few as possible, each short enough for PostgreSQL."""
    entries: list[Entry] = []
    room = LONGEST - len(_encode(News(node, ())))
    left = room
    for entry in dict.fromkeys(_entries(notices)):
        size = len(_encode(entry)) + 1
        if size > left:
            yield News(node, tuple(entries))
            entries, left = [], room
        entries.append(entry)
        left -= size
    if entries:
        yield News(node, tuple(entries))


def _entries(notices: Iterable[Notice]) -> Iterator[Entry]:
    """What others need to know: where to look, and what is written nowhere."""
    for one in notices:
        match one:
            case Typing():
                yield one
            case StatusChanged(message_ids=ids):
                for at in range(0, len(ids), _STATUSES):
                    yield msgspec.structs.replace(one, message_ids=ids[at : at + _STATUSES])
            case WireSeen():
                pass  # of the demo, which is one process
            case _:
                yield LookAgain(one.workspace_id, one.conversation_id)
