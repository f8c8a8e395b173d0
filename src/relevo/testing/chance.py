"""Chance that gives the same in every run."""

from __future__ import annotations

import base64
import random  # noqa: TID251 – seeded

from relevo.system.chance import JITTER_LEAST, JITTER_MOST, TOKEN_BYTES, ObjectIds
from relevo.system.clock import Clock
from relevo.testing.clock import FakeClock


class FakeChance:
    """A `relevo.system.chance.Chance` drawn from a seed; its object ids carry the time of `clock`."""

    def __init__(self, seed: int = 0, *, clock: Clock | None = None) -> None:
        self._random = random.Random(seed)
        self._object_ids = ObjectIds(clock or FakeClock(), start=self._random.getrandbits(40))

    def jitter(self) -> float:
        return self._random.uniform(JITTER_LEAST, JITTER_MOST)

    def token(self, nbytes: int = TOKEN_BYTES) -> str:
        return base64.urlsafe_b64encode(self._random.randbytes(nbytes)).rstrip(b"=").decode()

    def object_id(self) -> str:
        return self._object_ids.next()

    def webhook_id(self) -> str:
        return f"msg_{self.object_id()}"
