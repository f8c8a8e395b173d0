"""From a vendor to our own store: customers' files, before their links die."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

import msgspec

from relevo.couriers.attempts import Tried, exchange, read_answer
from relevo.domain.deliveries import Accepted, Delivery
from relevo.domain.retries import CHANNEL_SCHEDULE
from relevo.engine.materials import FetchTask
from relevo.http_client.client import Answer, HttpClient
from relevo.store import media
from relevo.store.database import Database
from relevo.system.clock import Clock

_decode = msgspec.json.Decoder(FetchTask).decode


class FileKeeper(Protocol):
    """Where fetched files go."""

    async def keep(self, media_id: str, body: bytes) -> str:
        """Store a file durably; its type as sniffed, "" when unknown."""
        ...


class MediaCourier:
    """Fetches files and keeps them."""

    schedule = CHANNEL_SCHEDULE

    def __init__(
        self,
        *,
        http: HttpClient,
        database: Database,
        keeper: FileKeeper,
        clock: Clock,
        limit: int,
        timeout: timedelta = timedelta(seconds=60),
    ) -> None:
        self._http, self._database, self._keeper, self._clock = http, database, keeper, clock
        self._limit, self._timeout = limit, timeout

    async def attempt(self, delivery: Delivery) -> Tried:
        task = _decode(delivery.body)
        result = await self._http.fetch(task.url, self._limit, self._timeout)
        if not isinstance(result, Answer):
            return Tried(result, exchange("GET", task.url, {}, result))
        outcome = read_answer(result, self._clock)
        if isinstance(outcome, Accepted):
            await self._keep(task.media_id, result)
        seen = exchange("GET", task.url, {}, msgspec.structs.replace(result, body=b""))
        return Tried(outcome, seen)

    async def _keep(self, media_id: str, answer: Answer) -> None:
        mime_type = await self._keeper.keep(media_id, answer.body)
        given = answer.headers.get("content-type", "").split(";")[0].strip()
        async with self._database.write() as connection:
            await media.settle(
                connection,
                media_id,
                state="stored",
                mime_type=mime_type or given or "application/octet-stream",
                size=len(answer.body),
            )
