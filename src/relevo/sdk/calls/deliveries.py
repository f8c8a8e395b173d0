"""What was posted to your endpoint, and what became of everything that was to be brought somewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, TypedDict, TypeVar, Unpack

from relevo.sdk.calling import Calls, Key, QueryValue, one, read, rows
from relevo.sdk.errors import ServerError
from relevo.sdk.objects import Delivery, PostedEvent, Redelivery

T = TypeVar("T")


class Filters(TypedDict, total=False):
    """Which deliveries. Times are in Unix seconds."""

    user_ns: str
    endpoint: str
    state: str
    event: str
    start_time: int
    end_time: int


class Selection(Filters, total=False):
    """Which to redeliver. `from_delivery_id`: that one and those behind it."""

    from_delivery_id: int


class Deliveries(Calls):
    """What was posted to your endpoint, and what became of everything that was to be brought somewhere."""

    # What was posted

    def events(
        self, user_ns: str, after_seq: int = 0, *, endpoint: str = "", limit: int = 100
    ) -> AsyncIterator[PostedEvent]:
        """The webhooks of a conversation after a `seq`, in order. `Receiver.heal` does it for a gap.

        `endpoint` is the name of one, if it is not the one of the conversation's channel.
        """
        return self._events({"user_ns": user_ns}, "after_seq", after_seq, endpoint, limit)

    def all_events(
        self, after_id: int = 0, *, endpoint: str = "", limit: int = 100
    ) -> AsyncIterator[PostedEvent]:
        """The webhooks of the whole flow in order of commit, behind the `id` of one (0: all that are
        kept), until there are no more now. One may come twice: `Receiver.take` tells."""
        return self._events({}, "after_id", after_id, endpoint, limit)

    async def _events(
        self, whom: Mapping[str, QueryValue], place: str, after: int, endpoint: str, limit: int
    ) -> AsyncIterator[PostedEvent]:
        more = True
        while more:
            named = {"endpoint": endpoint} if endpoint else {}
            answer = await self._get("/handoff/events", {**whom, **named, place: after, "limit": limit})
            for row in rows(answer):
                yield read(row, PostedEvent)
            after, more = _place(answer)

    # What became of it

    async def deliveries(self, /, *, limit: int = 100, **filters: Unpack[Filters]) -> AsyncIterator[Delivery]:
        """What was to be brought where, the newest first, page by page."""
        async for found in self._backwards("/handoff/deliveries", {**filters, "limit": limit}, Delivery):
            yield found

    async def _backwards(self, path: str, query: Mapping[str, Any], into: type[T]) -> AsyncIterator[T]:
        """From the newest on, page by page."""
        place: dict[str, QueryValue] = {}
        while True:
            answer = await self._get(path, {**query, **place})
            for row in rows(answer):
                yield read(row, into)
            before = answer["meta"].get("next") if isinstance(answer.get("meta"), dict) else None
            if before is None:
                return
            place = {"before_id": before}

    async def delivery(self, delivery_id: int) -> Delivery:
        """One with its body, its attempts, and what people did with it."""
        return one(await self._get("/handoff/delivery", {"delivery_id": delivery_id}), Delivery)

    async def redeliver(self, delivery_id: int, *, idempotency_key: Key = None) -> None:
        """Have a delivery that is over made once more, in its place."""
        await self._post("/handoff/redeliver", {"delivery_id": delivery_id}, idempotency_key)

    async def skip(self, delivery_id: int, reason: str, *, idempotency_key: Key = None) -> None:
        """Have a delivery never made; what waits behind it goes on."""
        body = {"delivery_id": delivery_id, "reason": reason}
        await self._post("/handoff/skip", body, idempotency_key)

    async def count_redeliverable(self, /, **filters: Unpack[Selection]) -> int:
        """How many `redeliver_many` would be about, 100,000 at most."""
        return await self._number("count", {**filters, "dry_run": 1}, None)

    async def redeliver_many(self, /, *, idempotency_key: Key = None, **filters: Unpack[Selection]) -> int:
        """Have all that are selected made once more, in order; the number of the redelivery. Without `state`:
        what is parked or given up."""
        return await self._number("redelivery_id", filters, idempotency_key)

    async def _number(self, name: str, body: Mapping[str, Any], key: Key) -> int:
        answer = await self._post("/handoff/redeliver-many", body, key)
        data = answer.get("data")
        number = data.get(name) if isinstance(data, dict) else None
        if not isinstance(number, int):
            raise ServerError(f"the answer has no {name} under data", status=200)
        return number

    async def redeliveries(
        self, /, *, state: str | None = None, limit: int = 100
    ) -> AsyncIterator[Redelivery]:
        """Those of the flow that run or are over, the newest first, with what each is about. `state` is
        running, done or stopped."""
        wanted = {"limit": limit} if state is None else {"limit": limit, "state": state}
        async for found in self._backwards("/handoff/redeliveries", wanted, Redelivery):
            yield found

    async def redelivery(self, redelivery_id: int) -> Redelivery:
        """How far one has got."""
        return one(await self._get("/handoff/redelivery", {"redelivery_id": redelivery_id}), Redelivery)

    async def stop_redelivery(self, redelivery_id: int, *, idempotency_key: Key = None) -> None:
        """Put no more of it back."""
        await self._post("/handoff/stop-redelivery", {"redelivery_id": redelivery_id}, idempotency_key)


def _place(answer: dict[str, Any]) -> tuple[int, bool]:
    """What to ask after next, and whether there is any more."""
    meta = answer.get("meta")
    if not isinstance(meta, dict) or not isinstance(meta.get("next"), int):
        raise ServerError("the answer does not say under meta what comes next", status=200)
    return meta["next"], meta.get("more") is True
