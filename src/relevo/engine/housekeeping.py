"""Once an hour: forget what is too old to be of use."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from relevo.domain.errors import Unavailable
from relevo.domain.ids import ChannelId, DeliveryId
from relevo.domain.media_storage import MediaStorage
from relevo.engine.timers import sleep_or
from relevo.store import applied, broadcasts, endpoint_health, inbound_webhooks, media, outbox, retention
from relevo.store.database import Connection, Database
from relevo.store.media import MediaFile
from relevo.system.clock import Clock

log = structlog.get_logger()

KEYS_ARE_KEPT_FOR = timedelta(hours=24)
"""How long an Idempotency-Key is remembered."""
UPLOADS_MAY_BE_SENT_FOR = timedelta(days=6)
"""How long a visitor may send a file after uploading it."""
UPLOADS_ARE_KEPT_FOR = timedelta(days=7)
"""After that, what no message names is cleared away: a day later, so that nobody sends it meanwhile."""
_UPLOADS_AT_ONCE = 100
_EVERY = 3600.0  # seconds


class Housekeeping:
    """Runs until stopped."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        retention: timedelta,
        work_retention: timedelta | None = None,
        files: MediaStorage | None = None,
    ) -> None:
        """Without `files`, uploads stay; without `work_retention`, closed cases and the activity log."""
        self._database, self._clock, self._retention, self._files = database, clock, retention, files
        self._work_retention = work_retention
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        while not self._stopped.is_set():
            try:
                await self.tidy()
            except Unavailable:
                log.warning("housekeeping.put_off")
            await sleep_or(self._clock, _EVERY, self._stopped)

    async def tidy(self) -> None:
        """Forget keys, attempts, finished deliveries and what people did with them, where it is too old."""
        now = self._clock.now()
        async with self._database.write() as connection:
            await applied.forget(connection, now - KEYS_ARE_KEPT_FOR)
            await outbox.renumber(connection)
            await retention.forget_redeliveries(connection, before=now - self._retention)
            await endpoint_health.forget_old(connection, now=now, notices_before=now - self._retention)
        await self._forget_broadcasts()
        await self._forget_inbound(now - self._retention)
        if self._work_retention is not None:
            await self._forget_work(now - self._work_retention)
        await self._clear_uploads(now)
        last: DeliveryId | None = DeliveryId(0)
        while last is not None and not self._stopped.is_set():
            async with self._database.write() as connection:
                last = await retention.forget_deliveries(
                    connection, before=now - self._retention, after_id=last
                )

    async def _forget_broadcasts(self) -> None:
        more = True
        while more and not self._stopped.is_set():
            async with self._database.write() as connection:
                more = await broadcasts.forget_deleted(connection)

    async def _forget_work(self, before: datetime) -> None:
        more = True
        while more and not self._stopped.is_set():
            async with self._database.write() as connection:
                more = await retention.forget_work(connection, before=before)

    async def _forget_inbound(self, before: datetime) -> None:
        """Requests to inbound webhooks, with what they said."""
        gone = 1
        while gone and not self._stopped.is_set():
            async with self._database.write() as connection:
                gone = await inbound_webhooks.forget_calls(connection, before=before)

    async def _clear_uploads(self, now: datetime) -> None:
        """Files that visitors uploaded and never sent. One that a message names says so from then on."""
        more = self._files is not None
        while more and not self._stopped.is_set():
            async with self._database.write() as connection:
                before = now - UPLOADS_ARE_KEPT_FOR
                found = await media.never_named(connection, before=before, limit=_UPLOADS_AT_ONCE)
                gone = [one for one in found if not await self._is_named(connection, one, now)]
            for file in gone:
                await self._clear(file)
            more = len(found) == _UPLOADS_AT_ONCE

    async def _clear(self, file: MediaFile) -> None:
        """The file first: a row without a file is found again, a file without a row never."""
        assert self._files is not None, "asked for where there are files"
        await self._files.delete(file.id)
        async with self._database.write() as connection:
            await media.forget(connection, file.id)

    async def _is_named(self, connection: Connection, file: MediaFile, now: datetime) -> bool:
        channel, _, user_id = file.source_url.removeprefix("upload:").partition("/")
        named = channel.isdigit() and await media.is_named(connection, file, ChannelId(int(channel)), user_id)
        if named:
            await media.settle(connection, file.id, used_at=now)
        return named

    def stop(self) -> None:
        self._stopped.set()
