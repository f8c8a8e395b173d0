"""Chance as everything in Relevo sees it: jitter, tokens, and ids that nobody can have drawn before."""

from __future__ import annotations

import random
import secrets
from typing import Protocol

from relevo.system.clock import Clock

JITTER_LEAST, JITTER_MOST = 0.8, 1.2
TOKEN_BYTES = 32

_COUNTER_BITS = 48


class Chance(Protocol):
    """Where everything that must not be guessed or repeated comes from."""

    def jitter(self) -> float:
        """A factor from 0.8 to 1.2, so that what failed together does not come back together."""

    def token(self, nbytes: int = TOKEN_BYTES) -> str:
        """So many bytes that nobody can guess, in URL-safe base64 without padding."""

    def object_id(self) -> str:
        """24 hex digits, unique; each later one of this process sorts after the earlier ones."""

    def webhook_id(self) -> str:
        """`msg_` and an object id: the `webhook-id` of a delivery."""


class SystemChance:
    """The chance of this machine."""

    def __init__(self, clock: Clock) -> None:
        # Half the range is left above the start: a process would have to make 2**47 ids to run over.
        self._object_ids = ObjectIds(clock, start=secrets.randbits(_COUNTER_BITS - 1))

    def jitter(self) -> float:
        return random.uniform(JITTER_LEAST, JITTER_MOST)

    def token(self, nbytes: int = TOKEN_BYTES) -> str:
        return secrets.token_urlsafe(nbytes)

    def object_id(self) -> str:
        return self._object_ids.next()

    def webhook_id(self) -> str:
        return f"msg_{self.object_id()}"


class ObjectIds:
    """Ids of 6 bytes of milliseconds and a 6-byte counter that begins at `start`.

    They grow even when the clock is set back: the time of an id is never before its predecessor's.
    Two processes differ by their random starts.
    """

    def __init__(self, clock: Clock, *, start: int) -> None:
        self._clock = clock
        self._counter = start
        self._milliseconds = 0
        self._time = f"{0:012x}"

    def next(self) -> str:
        milliseconds = int(self._clock.now().timestamp() * 1000)
        if milliseconds > self._milliseconds:
            self._milliseconds, self._time = milliseconds, f"{milliseconds:012x}"
        self._counter += 1
        return f"{self._time}{self._counter:012x}"
