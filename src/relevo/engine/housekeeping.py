"""Once an hour: forget what is too old to be of use."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from relevo.domain.errors import Unavailable
from relevo.domain.ids import DeliveryId
from relevo.engine.timers import sleep_or
from relevo.store import applied, broadcasts, endpoint_health, inbound_webhooks, outbox, retention
from relevo.store.database import Database
from relevo.system.clock import Clock

log = structlog.get_logger()

KEYS_ARE_KEPT_FOR = timedelta(hours=24)
"""How long an Idempotency-Key is remembered."""
_EVERY = 3600.0  # seconds


class Housekeeping:
    """Runs until stopped."""

    def __init__(self, *, database: Database, clock: Clock, retention: timedelta) -> None:
        self._database, self._clock, self._retention = database, clock, retention
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

    async def _forget_inbound(self, before: datetime) -> None:
        """Requests to inbound webhooks, with what they said."""
        gone = 1
        while gone and not self._stopped.is_set():
            async with self._database.write() as connection:
                gone = await inbound_webhooks.forget_calls(connection, before=before)

    def stop(self) -> None:
        self._stopped.set()
