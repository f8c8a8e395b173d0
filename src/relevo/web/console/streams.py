"""How many event streams each member has open: a page that is forgotten in a loop must not take them all."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from relevo.domain.errors import TooManyRequests
from relevo.domain.ids import MemberId

OF_MEMBER = 30


class Streams:
    """Counts while a stream runs."""

    def __init__(self) -> None:
        self._open: dict[MemberId, int] = {}

    def check(self, member: MemberId) -> None:
        """Raises `TooManyRequests` when a member has enough of them."""
        if self._open.get(member, 0) >= OF_MEMBER:
            raise TooManyRequests(f"You have {OF_MEMBER} live pages open; close some.", retry_after=5)

    async def counted(self, member: MemberId, pieces: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
        self._open[member] = self._open.get(member, 0) + 1
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece
        finally:
            self._open[member] -= 1
            if not self._open[member]:
                del self._open[member]
