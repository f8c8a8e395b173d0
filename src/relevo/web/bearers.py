"""Which flow a bearer token of the API belongs to, without a question to the database for every request."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import msgspec

from relevo.domain.workspaces import ApiKey
from relevo.store import accounts
from relevo.store.database import Database
from relevo.store.encryption import hash_token
from relevo.system.clock import Clock

BELIEVED_FOR = 1.0
"""Seconds for which a token is believed without asking again: how long a revoked one may still work."""
_MOST = 1000


class _Known(msgspec.Struct):
    key: asyncio.Future[ApiKey | None]
    until: float


class Bearers:
    """Tokens as they were found lately. Unknown ones are never remembered."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def find(self, token: str) -> ApiKey | None:
        """The key of a token; None when there is no such token, or it was revoked."""
        hashed = hash_token(token)
        known = self._known.get(hashed)
        if known is None or known.until <= self._clock.monotonic():
            known = self._ask(hashed)
        # Shielded: one caller who goes away must not take the answer from the others.
        return known.key.result() if known.key.done() else await asyncio.shield(known.key)

    def _ask(self, hashed: str) -> _Known:
        """Ask once, however many want to know."""
        asked = asyncio.ensure_future(self._look(hashed))
        known = self._known[hashed] = _Known(asked, self._clock.monotonic() + BELIEVED_FOR)
        asked.add_done_callback(lambda _: self._forget_unless_found(hashed, known))
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return known

    async def _look(self, hashed: str) -> ApiKey | None:
        async with self._database.read() as connection:
            return await accounts.find_api_key(connection, hashed)

    def _forget_unless_found(self, hashed: str, known: _Known) -> None:
        is_found = not known.key.cancelled() and known.key.exception() is None and known.key.result()
        if not is_found and self._known.get(hashed) is known:
            del self._known[hashed]
