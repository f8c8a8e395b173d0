"""Whatever fails and whenever a process dies: nothing accepted is lost, reordered or doubled."""

from __future__ import annotations

import asyncio
import shutil
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from relevo.domain.deliveries import Unreachable
from relevo.domain.events import ByUser, MessageReceived
from relevo.domain.messages import Text
from relevo.engine.engine import Engine
from relevo.engine.materials import Workshop
from relevo.store.database import Database
from relevo.store.ids import IdBlocks
from relevo.testing.builders import World, make_engine
from relevo.testing.clock import let_others_run
from relevo.testing.fake_http import Asked, FakeHttp, Reply, reply
from tests.couriers.carrying import Keeper, Passed, make_couriers, want_messages_only

USERS = ("a", "b", "c")

steps = st.one_of(
    st.sampled_from(USERS).map(lambda user: ("say", user)),
    st.sampled_from(USERS).map(lambda user: ("say", user)),
    st.sampled_from([500, 503, 429, 302, 0]).map(lambda status: ("fail", status)),
    st.sampled_from([1, 6, 40, 200]).map(lambda seconds: ("wait", seconds)),
    st.just(("crash", 0)),
    st.integers(0, 40).map(lambda passes: ("crash_while_accepting", passes)),
    st.just(("repeat", 0)),
)
stories = st.lists(steps, max_size=25)


class Platform:
    """Fails as it is told, and remembers what it acknowledged, by conversation."""

    def __init__(self) -> None:
        self.failures: list[int] = []
        self.acknowledged: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)

    def __call__(self, asked: Asked) -> Reply:
        if self.failures:
            status = self.failures.pop()
            return reply(status) if status else Unreachable("timeout")
        body = msgspec.json.decode(asked.body)
        seen = (int(asked.headers["relevo-seq"]), asked.headers["webhook-id"], body["message"]["content"])
        self.acknowledged[body["meta"]["user_ns"]].append(seen)
        return reply()


class Process:
    """An engine and couriers that can die at once."""

    def __init__(self, world: World, platform: Platform) -> None:
        self.couriers = make_couriers(world, FakeHttp(platform), Keeper())
        ids = IdBlocks(world.database)
        workshop = Workshop(ids=ids, chance=world.chance, public_url=lambda: "", media_key=b"")
        self.engine = Engine(
            database=world.database,
            catalog=world.catalog,
            workshop=workshop,
            ids=ids,
            carriers=self.couriers,
            hub=world.hub,
            clock=world.clock,
            chance=world.chance,
        )
        self.couriers.recorder = self.engine
        self._running = asyncio.create_task(self.engine.run())

    async def start(self) -> None:
        await self.couriers.start()

    async def crash(self) -> None:
        """Nothing is finished, nothing is recorded any more."""
        self._running.cancel()
        ending = [self._running, *self.couriers._crew.cancel()]
        await asyncio.gather(*ending, return_exceptions=True)

    async def settle_down(self) -> None:
        while await self.couriers.claim_due() or self.couriers.lanes:
            await self.couriers.until_idle()


class Story:
    """What happens, and what the customers were told was accepted."""

    def __init__(self, world: World) -> None:
        self.world, self.platform = world, Platform()
        self.process = Process(world, self.platform)
        self.said: defaultdict[str, list[str]] = defaultdict(list)
        self.count = 0

    async def tell(self, story: list[tuple[str, Any]]) -> None:
        await self.process.start()
        for user in USERS:
            await self._submit("agent", user)
        for what, how in story:
            await getattr(self, f"_{what}")(how)
        self.platform.failures.clear()
        for _ in range(4):
            await self._wait(20_000)

    async def _say(self, user: str) -> None:
        text = f"message {self.count}"
        result = await self._submit(text, user)
        self.said[f"f{result.flow_id}u{result.conversation_id}"].append(text)

    async def _submit(self, text: str, user: str) -> Any:
        return await self.process.engine.submit(self._message(text, user))

    def _message(self, text: str, user: str) -> MessageReceived:
        self.count += 1
        to = ByUser(self.world.company.web.id, user)
        self.last = MessageReceived(to=to, content=Text(text), mid=f"mid-{self.count}")
        return self.last

    async def _crash_while_accepting(self, passes: int) -> None:
        """The process dies somewhere in a commit; the vendor sends again what was not acknowledged."""
        texts = [f"message {self.count + number}" for number in range(4)]
        sent = [self._message(text, "a") for text in texts]
        first = [asyncio.create_task(self.process.engine.submit(one)) for one in sent]
        await let_others_run(passes)
        await self._crash(0)
        for text, one, task in zip(texts, sent, first, strict=True):
            accepted = task.done() and not task.cancelled() and task.exception() is None
            task.cancel()
            result = task.result() if accepted else await self.process.engine.submit(one)
            self.said[f"f{result.flow_id}u{result.conversation_id}"].append(text)

    async def _repeat(self, _: object) -> None:
        """The vendor did not hear our 200."""
        assert (await self.process.engine.submit(self.last)).duplicate

    async def _fail(self, status: int) -> None:
        self.platform.failures.append(status)

    async def _wait(self, seconds: int) -> None:
        self.world.clock.advance(timedelta(seconds=seconds))
        await self.process.couriers._renew()
        await self.process.settle_down()

    async def _crash(self, _: object) -> None:
        """The process dies wherever it is; another one starts when its lease is over."""
        await self.process.crash()
        self.world.clock.advance(timedelta(seconds=11))
        self.process = Process(self.world, self.platform)
        await self.process.start()


async def told(template: Path, story: list[tuple[str, Any]]) -> Story:
    with TemporaryDirectory() as folder:
        shutil.copy(template, Path(folder) / "relevo.db")
        database = Database(f"sqlite:///{folder}/relevo.db")
        async with make_engine(database, flow=FOREVER, carriers=Passed()) as world:
            await want_messages_only(world)
            telling = Story(world)
            await telling.tell(story)
            await telling.process.crash()
        await database.close()
    return telling


FOREVER = """\
version: 1
flow: support
start: welcome
subflows:
  welcome:
    - pause_bot
"""


@settings(max_examples=40)
@given(story=stories)
def test_what_was_accepted_is_delivered_once_by_id_and_in_order(
    sqlite_template: Path, story: list[tuple[str, Any]]
) -> None:
    end = asyncio.run(told(sqlite_template, story))

    for user_ns, texts in end.said.items():
        acknowledged = end.platform.acknowledged[user_ns]
        first_seen = list(dict.fromkeys(acknowledged))  # a receiver that drops ids it has seen
        assert [text for _, _, text in first_seen] == texts
        assert [seq for seq, _, _ in first_seen] == list(range(1, len(texts) + 1))
        assert len({webhook_id for _, webhook_id, _ in first_seen}) == len(texts)
