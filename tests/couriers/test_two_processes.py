"""Two processes on one PostgreSQL, in the same conversation at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text

from relevo.couriers.couriers import LEASE
from relevo.domain.errors import Unavailable
from relevo.domain.events import ByUser, MessageReceived
from relevo.domain.messages import Text
from relevo.store import pooled_postgresql
from relevo.store.database import Connection, Database, Transient
from relevo.testing.builders import World
from relevo.testing.fake_http import Asked, Reply, reply
from tests.couriers.carrying import Process, carrying, process_on


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def other(database: Database, swept_database_url: str) -> AsyncIterator[Database]:
    """The connections of another process."""
    opened = Database(swept_database_url)
    yield opened
    await opened.close()


def content(asked: Asked) -> str:
    return str(msgspec.json.decode(asked.body)["message"]["content"])


async def says(process: Process, world: World, what: str, user_id: str = "visitor-1") -> None:
    """A customer writes to the other process."""
    to = ByUser(world.company.web.id, user_id)
    await process.engine.submit(MessageReceived(to=to, content=Text(what)))


class Gate:
    """Holds the next commit up: `reached` is set when all is written, and `open` lets it go."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()


@contextmanager
def gate(database: Database) -> Iterator[Gate]:
    write, held = database.write, Gate()

    @asynccontextmanager
    async def slow() -> AsyncIterator[Connection]:
        async with write() as connection:
            yield connection
            held.reached.set()
            await held.open.wait()

    database.write = slow  # type: ignore[method-assign]
    try:
        yield held
    finally:
        held.open.set()
        database.write = write  # type: ignore[method-assign]


async def until_one_waits(database: Database) -> None:
    """Until a connection waits for what another has locked."""
    async with asyncio.timeout(5):
        while not await number(database, "SELECT count(*) FROM pg_locks WHERE NOT granted"):
            pass


async def number(database: Database, query: str) -> int:
    async with database.read() as connection:
        return int((await connection.execute(text(query))).scalar_one())


HEADS = """SELECT count(*) FROM deliveries
    WHERE destination_kind = 'endpoint' AND state = 'waiting' AND due_at IS NOT NULL"""


async def test_a_message_that_comes_while_a_lane_moves_on_waits_behind_it(
    database: Database, other: Database
) -> None:
    """The head that the other process makes in this moment is seen: two heads would overtake each other."""
    asked: asyncio.Queue[asyncio.Future[Reply]] = asyncio.Queue()

    async def hang(_: Asked) -> Reply:
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        asked.put_nowait(answer)
        return await answer

    async with carrying(database) as here, process_on(other, here.world, hang) as there:
        await here.world.says("agent")
        await says(there, here.world, "one")
        await says(there, here.world, "two")
        with gate(other) as held:
            (await asked.get()).set_result(reply())
            await held.reached.wait()  # `one` is done and `two` the head, and none of it is committed
            coming = asyncio.create_task(here.world.says("three"))
            await until_one_waits(database)
        await coming
        assert await number(database, HEADS) == 1
        assert here.posted() == []

        (await asked.get()).set_result(reply())
        (await asked.get()).set_result(reply())
        await there.couriers.until_idle()
        assert [content(one) for one in there.http.requests] == ["one", "two", "three"]


async def test_two_processes_may_hear_the_same_new_customer_at_once(
    database: Database, other: Database
) -> None:
    async with carrying(database) as here, process_on(other, here.world) as there:
        await here.world.says("Hi", user_id="somebody else")  # so that there are ids
        with gate(database) as held:
            first = asyncio.create_task(here.world.says("Hello", mid="m1"))
            await held.reached.wait()
            second = asyncio.create_task(says(there, here.world, "Hello again"))
            await until_one_waits(database)
        result = await first
        await second

        said = [one.content for one in await here.world.messages(result.conversation_id) if one.type == "in"]
        assert said == [Text("Hello"), Text("Hello again")]


async def test_processes_that_share_conversations_keep_their_order_and_do_not_lock_each_other_up(
    database: Database, other: Database
) -> None:
    users, posted = [f"u{number}" for number in range(20)], list[list[str]]()

    def answer(asked: Asked) -> Reply:
        posted.append(content(asked).split())
        return reply()

    async with carrying(database, answer) as here, process_on(other, here.world, answer) as there:
        await asyncio.gather(*(here.world.says("agent", user_id=user) for user in users))

        async def write(user: str) -> None:
            for count in range(10):
                if (count + len(user)) % 2:
                    await here.world.says(f"{user} {count}", user_id=user)
                else:
                    await says(there, here.world, f"{user} {count}", user)

        with broken_off(database) as first, broken_off(other) as second:
            await asyncio.gather(*(write(user) for user in users))
            while here.couriers.lanes or there.couriers.lanes:
                await here.settle_down()
                await there.couriers.until_idle()

        assert {row.state for row in await here.rows()} == {"done"}
        for user in users:
            assert [int(count) for name, count in posted if name == user] == list(range(10))
        assert first + second == []


@contextmanager
def broken_off(database: Database) -> Iterator[list[str]]:
    """Why transactions were broken off."""
    write, causes = database.write, []

    @asynccontextmanager
    async def noting() -> AsyncIterator[Connection]:
        try:
            async with write() as connection:
                yield connection
        except Transient as fault:
            causes.append(str(fault.facts["cause"]))
            raise

    database.write = noting  # type: ignore[method-assign]
    try:
        yield causes
    finally:
        database.write = write  # type: ignore[method-assign]


@contextmanager
def lost_answer(database: Database, then: Exception | None = None) -> Iterator[None]:
    """The answer to the next commit is lost; what comes after it fails if a fault is given."""
    write, is_first = database.write, True

    @asynccontextmanager
    async def failing() -> AsyncIterator[Connection]:
        nonlocal is_first
        if not is_first and then is not None:
            raise then
        async with write() as connection:
            yield connection
        if is_first:
            is_first = False
            raise Transient(cause="the answer to COMMIT was lost")

    database.write = failing  # type: ignore[method-assign]
    try:
        yield
    finally:
        database.write = write  # type: ignore[method-assign]


async def test_what_a_commit_without_an_answer_has_claimed_is_carried(database: Database) -> None:
    async with carrying(database) as here:
        await here.world.says("agent")
        with lost_answer(database):
            await here.world.says("one")
        await here.couriers.until_idle()

        assert [content(asked) for asked in here.posted()] == ["one"]
        assert [row.state for row in await here.rows()] == ["done"]


async def test_when_nobody_can_tell_whether_it_was_committed_its_claims_are_given_up(
    database: Database, other: Database
) -> None:
    async with carrying(database) as here:
        await here.world.says("agent")
        with lost_answer(database, Unavailable(cause="down")), pytest.raises(Unavailable):
            await here.world.says("one")
        await here.settle_down()
        assert here.posted() == []

        await here.later(timedelta(seconds=3))  # the next renewal, long before the lease ends

        assert timedelta(seconds=3) < LEASE
        assert [content(asked) for asked in here.posted()] == ["one"]


async def test_a_process_that_falls_silent_in_a_transaction_holds_nobody_up(
    swept_database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a host that was cut off: PostgreSQL ends its transaction, and what it does later is refused."""
    settings = {**pooled_postgresql._SERVER_SETTINGS, "idle_in_transaction_session_timeout": "100"}
    monkeypatch.setattr(pooled_postgresql, "_SERVER_SETTINGS", settings)
    silent = Database(swept_database_url)
    lock = text("SELECT version FROM configuration FOR UPDATE")

    async def falls_silent() -> None:
        async with silent.write() as connection:
            await connection.execute(lock)
            async with asyncio.timeout(10), database.write() as other:
                await other.execute(lock)
            await connection.execute(lock)

    with pytest.raises(Transient):
        await falls_silent()
    await silent.close()
