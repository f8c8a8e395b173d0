"""The network, and who answers at its other end: the platform, and the vendor of a channel.

What has arrived there stays there, whatever becomes of the process that sent it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from relevo.domain import signing
from relevo.domain.deliveries import Unreachable
from relevo.http_client.client import Answer
from relevo.testing.builders import SIGNING_SECRET
from relevo.testing.fake_http import Asked, Reply, reply
from simulation.world import World

MOST_UNDER_WAY = 8.0
"""Seconds that a request may take to arrive: less than a lease, so that what was given up does not arrive
after what went on without it."""


class Arrival(msgspec.Struct, frozen=True):
    """A webhook that the platform has taken."""

    webhook_id: str
    user_ns: str
    seq: int
    epoch: int
    type: str
    body: bytes


class Said(msgspec.Struct, frozen=True):
    """A message that the vendor has taken for a customer. `mid` is our name for it."""

    conversation: int
    mid: str
    text: str


class Network:
    """Carries requests to where they go."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.arrivals: list[Arrival] = []
        self.said: list[Said] = []
        self.called: set[str] = set()
        """The ids of the calls that the shop has taken, each of which it answers with its id."""
        self.on_arrival: Callable[[Arrival], None] = lambda _: None

    async def request(self, asked: Asked) -> Reply:
        """Make a request, as a process's HTTP client does."""
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._send(asked, answer)
        try:
            async with asyncio.timeout(asked.timeout.total_seconds()):
                return await answer
        except TimeoutError:
            return Unreachable("timeout")

    def _send(self, asked: Asked, answer: asyncio.Future[Reply]) -> None:
        world, rates = self._world, self._world.plan.rates
        who = "platform" if "desk" in asked.url else "vendor"
        if world.is_down(who) or world.strikes(rates.unreachable):
            reason = world.chance.choice(("connect", "broken", "timeout"))
            if reason != "timeout":
                world.later(self._way(), _answer, answer, Unreachable(reason))
            return
        world.later(self._way(), self._arrive, who, asked, answer)

    def _way(self) -> float:
        if self._world.strikes(self._world.plan.rates.tardy):
            return self._world.chance.uniform(0, MOST_UNDER_WAY)
        return self._world.chance.uniform(0, 0.05)

    def _arrive(self, who: str, asked: Asked, answer: asyncio.Future[Reply]) -> None:
        refusal = self._refusal(who)
        if refusal is None:
            self._take(who, asked)
        if self._world.strikes(self._world.plan.rates.unheard):
            if self._world.chance.random() < 0.5:
                _answer(answer, Unreachable("broken"))
            return
        self._world.later(self._way(), _answer, answer, refusal or _reply(asked))

    def _refusal(self, who: str) -> Answer | None:
        rates = self._world.plan.rates
        if who == "platform" and self._world.strikes(rates.gone):
            return reply(410)
        if self._world.strikes(rates.failing):
            later = reply(503, headers={"retry-after": "3"})
            return self._world.chance.choice((reply(500), later, reply(429)))
        return None

    def _take(self, who: str, asked: Asked) -> None:
        if "shop" in asked.url:
            self.called.add(asked.headers["webhook-id"])
        elif asked.method == "GET":
            return
        elif who == "vendor":
            self._take_message(asked)
        elif "webhook-id" in asked.headers:
            self._take_webhook(asked)

    def _take_message(self, asked: Asked) -> None:
        body = msgspec.json.decode(asked.body)
        said = Said(body["conversation_id"], body["mid"], body["content"])
        self._world.tell("vendor.took", conversation=said.conversation, text=said.text)
        self.said.append(said)

    def _take_webhook(self, asked: Asked) -> None:
        signing.verify([SIGNING_SECRET], asked.headers, asked.body, now=self._world.now())
        if "relevo-seq" not in asked.headers:
            return  # whispered
        arrival = Arrival(
            webhook_id=asked.headers["webhook-id"],
            user_ns=msgspec.json.decode(asked.body)["meta"]["user_ns"],
            seq=int(asked.headers["relevo-seq"]),
            epoch=int(asked.headers["relevo-epoch"]),
            type=asked.headers["relevo-event"],
            body=asked.body,
        )
        self._world.tell("platform.took", user=arrival.user_ns, seq=arrival.seq, event=arrival.type)
        self.arrivals.append(arrival)
        self.on_arrival(arrival)


def _reply(asked: Asked) -> Answer:
    """The shop says which call it answers."""
    is_call = "shop" in asked.url
    return reply(200, msgspec.json.encode({"id": asked.headers["webhook-id"]})) if is_call else reply()


def _answer(answer: asyncio.Future[Reply], reply: Reply) -> None:
    if not answer.done():
        answer.set_result(reply)
