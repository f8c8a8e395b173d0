"""From a vendor to our own store: customers' files, before their links die."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

import msgspec

from relevo.channels.adapter import FileSearch, VendorCall, secrets_of
from relevo.channels.registry import adapter_for
from relevo.couriers.attempts import Tried, read_answer
from relevo.couriers.dialogues import Vendors, shown
from relevo.domain.deliveries import Accepted, Delivery
from relevo.domain.events import ByConversation, FileSettled
from relevo.domain.ids import ChannelId
from relevo.domain.retries import CHANNEL_SCHEDULE
from relevo.engine.catalog import Catalog
from relevo.engine.materials import FetchTask
from relevo.http_client.client import Answer, HttpClient, Trace
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
        catalog: Catalog,
        http: HttpClient,
        database: Database,
        keeper: FileKeeper,
        clock: Clock,
        limit: int,
        timeout: timedelta = timedelta(seconds=60),
    ) -> None:
        self._http, self._database, self._keeper, self._clock = http, database, keeper, clock
        self._catalog, self._limit, self._timeout = catalog, limit, timeout
        self._vendors = Vendors(http=http, clock=clock, timeout=timeout)

    async def attempt(self, delivery: Delivery) -> Tried:
        task = _decode(delivery.body)
        await self._catalog.refresh()
        channel = self._catalog.directory.channels.get(ChannelId(task.channel_id))
        if channel is None:
            return await self._fetch(VendorCall(method="GET", url=task.url), task, delivery, ())
        adapter = adapter_for(channel.type)
        hidden = secrets_of(adapter, channel)
        search: FileSearch = adapter.fetch(task.url, channel)
        found, seen = await self._vendors.hold(search, hidden=hidden)
        if not isinstance(found, VendorCall):
            return Tried(found, seen)
        return await self._fetch(found, task, delivery, hidden)

    async def _fetch(
        self, call: VendorCall, task: FetchTask, delivery: Delivery, hidden: tuple[str, ...]
    ) -> Tried:
        trace = Trace()
        result = await self._http.fetch(call.url, self._limit, self._timeout, call.headers, trace=trace)
        if not isinstance(result, Answer):
            return Tried(result, shown(call, call.headers, result, hidden, trace))
        outcome = read_answer(result, self._clock)
        news = None
        if isinstance(outcome, Accepted):
            news = await self._keep(task.media_id, result, delivery)
        seen = shown(call, call.headers, msgspec.structs.replace(result, body=b""), hidden, trace)
        return Tried(outcome, seen, news=news)

    async def _keep(self, media_id: str, answer: Answer, delivery: Delivery) -> FileSettled | None:
        sniffed = await self._keeper.keep(media_id, answer.body)
        given = answer.headers.get("content-type", "").split(";")[0].strip()
        mime_type, size = sniffed or given or "application/octet-stream", len(answer.body)
        async with self._database.write() as connection:
            await media.settle(
                connection, media_id, state="stored", mime_type=mime_type, size=size, reason=""
            )
        if delivery.message_id is None:
            return None
        to = ByConversation(delivery.conversation_id)
        return FileSettled(to=to, message_id=delivery.message_id, mime_type=mime_type, size=size)
