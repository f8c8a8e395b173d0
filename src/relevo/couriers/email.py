"""To customers by e-mail, over the workspace's own server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec

from relevo.couriers.attempts import Tried
from relevo.domain.deliveries import Delivery, Exchange, Forbidden, GiveUp, Park, Rejected
from relevo.domain.emails import EmailTask, unsubscribe_url, written
from relevo.engine.catalog import Catalog
from relevo.http_client.mail import Mail
from relevo.store import conversations
from relevo.store.database import Database
from relevo.system.clock import Clock

SCHEDULE: tuple[timedelta, ...] = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360))
"""The waits between the attempts: a server that says *later* (greylisting) means minutes, or hours."""
TIMEOUT = timedelta(seconds=30)

_decode = msgspec.json.Decoder(EmailTask).decode


class EmailCourier:
    """Sends e-mails."""

    schedule: Sequence[timedelta] = SCHEDULE

    def __init__(
        self,
        *,
        catalog: Catalog,
        mail: Mail,
        database: Database,
        clock: Clock,
        public_url: Callable[[], str],
        key: bytes,
    ) -> None:
        self._catalog, self._mail, self._database, self._clock = catalog, mail, database, clock
        self._public_url, self._key = public_url, key

    async def attempt(self, delivery: Delivery) -> Tried:
        await self._catalog.refresh()
        box = self._catalog.directory.mailboxes.get(delivery.workspace_id)
        if box is None:
            return Tried(Rejected("no_mailbox"), verdict=Park("no_mailbox"))
        if await self._is_refused(delivery):
            return Tried(Rejected("opted_out"))
        task = _decode(delivery.body)
        message = written(
            task,
            box,
            message_id=delivery.webhook_id,
            now=delivery.created_at,
            unsubscribe=unsubscribe_url(self._public_url(), delivery.conversation_id, self._key),
        )
        posted = await self._mail.send(box, task.to, message, TIMEOUT)
        seen = Exchange(method="SMTP", url=f"smtp://{box.host}:{box.port}", request_headers={"To": task.to})
        verdict: Park | GiveUp | None = Park("auth") if posted.is_locked_out else None
        if isinstance(posted.outcome, Forbidden):
            verdict = Park("forbidden")
        return Tried(posted.outcome, seen, verdict=verdict)

    async def _is_refused(self, delivery: Delivery) -> bool:
        """Whether the person has said meanwhile that they want no e-mails."""
        async with self._database.read() as connection:
            found = await conversations.find(connection, delivery.conversation_id)
        return found is None or found.refuses_email
