"""The way to one destination: how many lanes are carried there, and how many attempts are let through."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from relevo.couriers.counting import Counted
from relevo.domain import health
from relevo.domain.deliveries import Outcome
from relevo.domain.health import WELL, Closed, Open, Recovering
from relevo.domain.ids import ConversationId
from relevo.system.chance import Chance
from relevo.system.clock import Clock

IN_FLIGHT = 200
"""Attempts at one destination at the same time."""
DOWN_AFTER = 5.0
"""Seconds that a circuit has to be open for its endpoint to be down in the eyes of a customer."""
PLACES = 1024
"""Lanes to one destination that a process carries at the same time."""
_SHORTEST_SLEEP = 0.001
"""Seconds: what is left by rounding must not make a loop of nothing."""
LANES_AN_ATTEMPT = 4
"""While an endpoint is let go again: lanes that are carried for each attempt allowed at a time."""

_Turn = asyncio.Future[int | None]


class Limits(msgspec.Struct, frozen=True):
    """What this process may do at one destination."""

    in_flight: int = IN_FLIGHT
    a_second: float = 0.0
    """Attempts that may be begun in a second; 0: no limit."""
    is_judged: bool = False
    """Whether failures open its circuit."""


class Gate:
    """Lets attempts through in the order in which they come, those that are patient after the others, as its
    limits and health allow.

    `look` is called when there is room for lanes that found none before, `tell` when its state is another.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Clock,
        chance: Chance,
        look: Callable[[], None],
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        self.limits, self.health = limits, WELL
        self.is_open = False
        """Whether the circuit is: nothing is attempted but probes."""
        self.lanes = 0
        self.counted = Counted()
        self._clock, self._chance, self._look, self._tell_state = clock, chance, look, tell
        self._most_lanes = self._allowed = 0
        self._was_full = self._has_prober = False
        self.was_let_go = False
        """Whether it was since somebody last looked: lanes wait for retries that need not wait any longer."""
        self._in_flight = self._begun_before = 0
        self._waiting: deque[_Turn] = deque()
        self._patient: deque[_Turn] = deque()
        self._next_at = float("-inf")
        self._pacing: asyncio.Task[None] | None = None
        self._adjust()

    def limit(self, limits: Limits) -> None:
        """Have these limits from now on."""
        if limits != self.limits:
            self.limits = limits
            if not limits.is_judged:
                self.health, self.is_open = WELL, False
            self._adjust()

    # Lanes

    @property
    def room(self) -> int:
        """For how many more lanes there is a place now."""
        if self.is_open:
            return 1 if not self._has_prober and self._may_probe() else 0
        return max(self._most_lanes - self.lanes, 0)

    def reserve(self) -> bool:
        """Take a place for a lane; False when there is none."""
        if self.lanes >= self._most_lanes and not self.room:
            self._was_full = True
            return False
        self.lanes += 1
        self._has_prober = self.is_open
        return True

    def unreserve(self) -> None:
        """Give a place back."""
        self.lanes -= 1
        self._has_prober = False
        self._tell()

    def note_more(self) -> None:
        """There may be more lanes than places."""
        self._was_full = True

    # Probes

    @property
    def is_down(self) -> bool:
        """Whether it has been open for so long that people are to know: not when somebody restarts."""
        return self.is_open and self.down_in <= 0

    @property
    def down_in(self) -> float:
        """Seconds until the open circuit has been so for that long."""
        return self.health.changed_at + DOWN_AFTER - self._clock.monotonic()

    @property
    def wants_probe(self) -> bool:
        return self.is_open and self.room > 0

    @property
    def wants_newest(self) -> bool:
        """Which lane to probe with: in turn one that became due just now, and may never have failed, and
        the one that waits longest."""
        circuit = self.health.circuit
        return isinstance(circuit, Open) and circuit.probes % 2 == 0

    @property
    def next_probe_at(self) -> float:
        """When a probe may be made: seconds of the clock; never when none is waited for."""
        circuit = self.health.circuit
        return circuit.probe_at if isinstance(circuit, Open) and not circuit.is_probing else float("inf")

    def _tell(self) -> None:
        """Not for each place: looking for lanes costs a transaction."""
        if self._was_full and self.lanes <= self._most_lanes * 3 // 4 and self._most_lanes:
            self._was_full = False
            self._look()

    # Attempts

    async def enter(self, *, is_patient: bool = False) -> int | None:
        """Wait for a turn. None: nothing is to be attempted now. Else a number for `leave`."""
        if self.is_open and not self._may_probe():
            return None
        if self._waiting or self._patient or not self._has_turn():
            turn: _Turn = asyncio.get_running_loop().create_future()
            (self._patient if is_patient else self._waiting).append(turn)
            self._let_in()
            return await self._granted(turn)
        return self._begin()

    def charge(self, more: int) -> None:
        """An attempt counted as so many more: those behind it wait for that."""
        if self.limits.a_second:
            self._next_at += more / self.limits.a_second

    def leave(self, begun_in: int) -> None:
        """The attempt is over."""
        self._in_flight -= 1
        if begun_in < self.health.changes:
            self._begun_before -= 1
        self._let_in()

    def note(self, outcome: Outcome, conversation: ConversationId, begun_in: int) -> bool:
        """What it came to. True: it was a probe, and failed."""
        before = self.health
        if not self.limits.is_judged or health.is_no_news(before, outcome):
            return False
        self.health = health.after(
            before,
            outcome,
            conversation,
            begun_in=begun_in,
            now=self._clock.monotonic(),
            most=self.limits.in_flight,
            jitter=self._chance.jitter() if health.is_success(outcome) is False else 1.0,
        )
        self.is_open = isinstance(self.health.circuit, Open)
        if self.health.state is not before.state:
            self._tell_state()
        if self.health.changes != before.changes:
            self._begun_before = self._in_flight
            self.was_let_go = not self.is_open
        if self.health.circuit is not before.circuit:
            self._adjust()
            return self.is_open and begun_in == before.changes == self.health.changes
        return False

    def close(self) -> None:
        """Turn away whoever waits."""
        self._turn_away()
        if self._pacing is not None:
            self._pacing.cancel()

    def _may_probe(self) -> bool:
        return bool(self.limits.in_flight) and health.may_attempt(self.health, self._clock.monotonic())

    def _has_turn(self) -> bool:
        """Attempts that were begun before the circuit opened may hang: they count for the limit of the
        endpoint, and not for what is allowed while it is let go again."""
        if self._in_flight >= self.limits.in_flight:
            return False
        if self._in_flight - self._begun_before >= self._allowed:
            return False
        if self.is_open and not self._may_probe():
            return False
        return not self.limits.a_second or self._clock.monotonic() >= self._next_at

    def _begin(self) -> int:
        self._in_flight += 1
        self._has_prober = False
        if self.is_open:
            self.health = health.begun(self.health)
        if self.limits.a_second:
            self._next_at = max(self._clock.monotonic(), self._next_at) + 1 / self.limits.a_second
        return self.health.changes

    async def _granted(self, turn: _Turn) -> int | None:
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and (begun_in := turn.result()) is not None:
                self.leave(begun_in)
            raise

    def _let_in(self) -> None:
        """Grant turns to those who wait."""
        while (queue := self._waiting or self._patient) and (queue[0].done() or self._has_turn()):
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(self._begin())
        is_too_early = self.limits.a_second and self._clock.monotonic() < self._next_at
        if queue and is_too_early and self._pacing is None:
            self._pacing = asyncio.get_running_loop().create_task(self._pace())

    async def _pace(self) -> None:
        """Let the next in when it is time."""
        while (self._waiting or self._patient) and (wait := self._next_at - self._clock.monotonic()) > 0:
            await self._clock.sleep(max(wait, _SHORTEST_SLEEP))
        self._pacing = None
        self._let_in()

    def _turn_away(self) -> None:
        while queue := self._waiting or self._patient:
            if not (turn := queue.popleft()).done():
                turn.set_result(None)

    def _adjust(self) -> None:
        """After a change of the limits or of the circuit."""
        self._allowed = health.allowed(self.health, self.limits.in_flight)
        match self.health.circuit:
            case Open():
                self._most_lanes = 0
                self._turn_away()
            case Closed():
                self._most_lanes = PLACES if self.limits.in_flight else 0
            case Recovering():
                self._most_lanes = min(PLACES, self._allowed * LANES_AN_ATTEMPT)
        if not self._allowed:
            self._turn_away()
        self._let_in()
        self._tell()
        if self.was_let_go:
            self._look()
