"""What a handler is given: whose token it is, what belongs to it, and the way to make things happen once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from relevo.domain import complaints
from relevo.domain.conversations import Conversation
from relevo.domain.errors import IdempotencyKeyReused, InvalidInput, NotFound, NotSent, RelevoError
from relevo.domain.events import AnyEvent, ByConversation, Once
from relevo.domain.flows.model import Flow
from relevo.domain.ids import ConversationId, FlowId, MemberId, parse_user_ns, sub_flow_ns
from relevo.domain.workspaces import ApiKey, FlowEntry, Member, Workspace
from relevo.engine.batches import Result
from relevo.store import applied, subscribers
from relevo.store.applied import Applied
from relevo.store.database import Connection, Taken
from relevo.web.api.access import key_of, mark_replayed
from relevo.web.api.answers import Ok, PageQuery, Paging
from relevo.web.api.operations import LONGEST_KEY, USER_NS
from relevo.web.api.reading import ApiRequest
from relevo.web.services import Services

UserNs = Annotated[
    str,
    Meta(pattern=r"^f[0-9]{1,12}u[0-9]{1,15}$", description="The subscriber.", examples=[USER_NS]),
]

Answer = TypeVar("Answer", bound=msgspec.Struct)
MakeEvent = Callable[[ByConversation, Once | None], AnyEvent]
Work = Callable[[Connection], Awaitable[Answer]]


class Call:
    """One call. What it speaks of belongs to the flow of its token; everything else does not exist."""

    def __init__(self, services: Services, request: ApiRequest, key: ApiKey) -> None:
        self.services, self.request, self.key = services, request, key

    @classmethod
    async def of(cls, services: Services, request: ApiRequest) -> Call:
        key, catalog = key_of(request), services.catalog
        await catalog.refresh()
        if key.flow_id not in catalog.directory.flows:  # made a moment ago, token and all
            await catalog.refresh(at_once=True)
        return cls(services, request, key)

    # What belongs to the token

    @property
    def flow(self) -> FlowEntry:
        return self.services.catalog.directory.flows[self.key.flow_id]

    @property
    def workspace(self) -> Workspace:
        return self.services.catalog.directory.workspaces[self.key.workspace_id]

    @property
    def caller(self) -> str:
        """Who does it, for the people who look at it later."""
        member = self.services.catalog.directory.members.get(self.key.member_id or MemberId(0))
        token = f"token {self.key.name}" if self.key.name else "a token"
        return f"{member.name}, with {token}" if member is not None else token

    @property
    def members(self) -> list[Member]:
        """Everybody of the workspace, the first one first."""
        everybody = self.services.catalog.directory.members.values()
        ours = (one for one in everybody if one.workspace_id == self.key.workspace_id)
        return sorted(ours, key=lambda one: one.id)

    def member(self, agent_id: int) -> Member:
        """A member by the number that is `agent_id` on the wire. Raises InvalidInput."""
        member = self.services.catalog.directory.members.get(MemberId(agent_id))
        if member is None or member.workspace_id != self.key.workspace_id:
            wrong = complaints.unknown("agent_id", agent_id, "agent in this workspace with the id")
            raise InvalidInput({"agent_id": [wrong]})
        return member

    async def subflows(self) -> dict[str, str]:
        """The subflows of the flow as it runs now: name → `sub_flow_ns`, in the order of the file."""
        numbers, running = self.flow.subflows, await self.running()
        names = running.subflows if running is not None else numbers
        return {name: sub_flow_ns(self.key.flow_id, numbers[name]) for name in names if name in numbers}

    async def running(self) -> Flow | None:
        """The flow as it runs now; None before anything is published."""
        catalog = self.services.catalog
        version = catalog.current_version(self.key.flow_id)
        if version is None:
            return None
        await catalog.load_flows([version])
        return catalog.flows.get(version)

    def paging(self, asked: PageQuery) -> Paging:
        return Paging.of(self.request, self.services.edge.public_url, asked)

    # Subscribers

    async def subscriber(self, connection: Connection, user_ns: str) -> Conversation:
        """Raises NotFound for a subscriber of another flow as for one that nobody has."""
        id_ = self._own(user_ns)
        found = await subscribers.find(connection, self.key.flow_id, id_) if id_ is not None else None
        if found is None:
            raise unknown_subscriber(user_ns)
        return found

    def _own(self, user_ns: str) -> ConversationId | None:
        flow_id, id_ = parse_user_ns(user_ns) or (FlowId(0), ConversationId(0))
        return id_ if flow_id == self.key.flow_id else None

    # Making something happen

    async def write(self, user_ns: str, event: MakeEvent) -> Ok:
        """Have an event happen to a subscriber's conversation, once for each Idempotency-Key.

        A repetition is answered as the first time, whatever has changed since: whether the subscriber is
        still there, and what `event` checks, then does not matter. Raises NotSent when the customer may not
        be told what was said.
        """
        await self.submit_to(user_ns, event)
        return Ok()

    async def submit_to(self, user_ns: str, event: MakeEvent) -> Result:
        """The same, with what the engine answered the first time."""
        try:
            return await self.submit(lambda once: event(self._to(user_ns), once))
        except NotFound:
            raise unknown_subscriber(user_ns) from None

    async def write_to(self, event: Callable[[Once | None], AnyEvent]) -> Ok:
        """The same for somebody who may be new here."""
        await self.submit(event)
        return Ok()

    async def submit(self, event: Callable[[Once | None], AnyEvent]) -> Result:
        """Have something happen, once for each Idempotency-Key."""
        once = await self._once()
        try:
            result = await self.services.engine.submit(event(once))
        except InvalidInput:
            before = await self._has_happened(once) if once is not None else None
            if before is None:
                raise
            result = msgspec.structs.replace(msgspec.json.decode(before.result, type=Result), duplicate=True)
        if result.duplicate:
            mark_replayed(self.request)
        if result.refused:
            raise NotSent(result.refused)
        return result

    async def submit_all(self, events: Sequence[Callable[[Once | None], AnyEvent]]) -> None:
        """Have several things happen together, each of them once for the Idempotency-Key."""
        once = await self._once()
        parts = [
            None if once is None else Once(f"{once.key}:{index}", once.fingerprint)
            for index in range(len(events))
        ]
        results = await asyncio.gather(
            *(self.services.engine.submit(event(part)) for event, part in zip(events, parts, strict=True))
        )
        if results and all(one.duplicate for one in results):
            mark_replayed(self.request)

    async def once_outside(self, work: Callable[[], Awaitable[object]]) -> Ok:
        """Do what takes somebody else's time, in no transaction, once for each Idempotency-Key that has been
        answered: two that come at the same moment may both do it."""
        once = await self._once()
        if once is None or not await self._has_happened(once):
            await work()
        return await self.once(_nothing_more, Ok)

    async def once(
        self, work: Work[Answer], into: type[Answer], *, locks_conversations: bool = False
    ) -> Answer:
        """Do something in a transaction of its own, once for each Idempotency-Key. A repetition is answered
        as the first time; what fails leaves its key free. A twin that comes at the same moment waits, or,
        where the work `locks_conversations`, has its own undone."""
        once = await self._once()
        if once is None:
            async with self.services.database.write() as connection:
                return await work(connection)
        while True:
            try:
                return await self._first_or_again(once, work, into, key_last=locks_conversations)
            except Taken:
                continue  # a twin has come first, and is found now
            except RelevoError:
                if not locks_conversations or await self._has_happened(once) is None:
                    raise

    async def configure(self, work: Work[Answer], into: type[Answer]) -> Answer:
        """The same for what is set up: the next call knows of it."""
        answer = await self.once(work, into)
        await self.services.catalog.refresh(at_once=True)
        return answer

    async def _first_or_again(
        self, once: Once, work: Work[Answer], into: type[Answer], *, key_last: bool
    ) -> Answer:
        """The engine locks conversations, and then takes keys. Who did it the other way round would wait for
        an event under the same key, and that for them: hence `key_last`."""
        async with self.services.database.write() as connection:
            before = await self._before(connection, once)
            if before is not None:
                mark_replayed(self.request)
                return msgspec.json.decode(before.result, type=into)
            if not key_last:
                await self._take(connection, once)
            answer = await work(connection)
            if key_last:
                await self._take(connection, once)
            await applied.answer(connection, once.key, msgspec.json.encode(answer).decode())
            return answer

    async def _take(self, connection: Connection, once: Once) -> None:
        await applied.take(connection, once.key, once.fingerprint, self.services.clock.now())

    def _to(self, user_ns: str) -> ByConversation:
        """It is the engine that looks whether there is such a conversation, and whose it is: the question
        costs nothing where everything that happens together is loaded together."""
        id_ = self._own(user_ns)
        if id_ is None:
            raise unknown_subscriber(user_ns)
        return ByConversation(id_, self.key.flow_id)

    async def _has_happened(self, once: Once) -> Applied | None:
        async with self.services.database.read() as connection:
            return await self._before(connection, once)

    async def _before(self, connection: Connection, once: Once) -> Applied | None:
        """What was done under this key. Raises IdempotencyKeyReused when that was something else."""
        before = (await applied.find(connection, [once.key])).get(once.key)
        if before is not None and before.fingerprint != once.fingerprint:
            raise IdempotencyKeyReused
        return before

    async def _once(self) -> Once | None:
        given = self.request.headers.get("idempotency-key")
        if given is None:
            return None
        if not 1 <= len(given) <= LONGEST_KEY:
            raise InvalidInput({"Idempotency-Key": [_KEY_LENGTH.format(len(given))]})
        return Once(f"api:{self.key.id}:{given}", await self._fingerprint())

    async def _fingerprint(self) -> str:
        """What was asked: two requests with the same one are one request sent twice."""
        request = self.request
        parts = (request.method.encode(), request.url.path.encode(), request.scope["query_string"])
        return sha256(b"\n".join([*parts, await request.raw_body()])).hexdigest()


_KEY_LENGTH = f"The Idempotency-Key must have 1 to {LONGEST_KEY} characters; it has {{}}."


async def _nothing_more(_: Connection) -> Ok:
    return Ok()


def unknown_subscriber(wanted: str) -> NotFound:
    """In UChat's words; and the same ones, whether nobody has such a subscriber or somebody else."""
    return NotFound(rf"No query results for model [App\Models\Chatbot\BotUser] {wanted}")
