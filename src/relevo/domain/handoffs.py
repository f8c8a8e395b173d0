"""A handoff: a pause seen as a state machine, and its timers.

    requested ──► accepted ──► active ──► returned(reason)

*Requested*: control has gone to the agents, and nobody has come yet. *Accepted*: somebody said that they
will. *Active*: an agent has said something, which is acceptance, too. *Returned*: the bot has control.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Self

import msgspec

from relevo.domain.ids import MemberId

PauseCause = Literal["flow", "api", "member", "agent_reply"]
Branch = Literal["not_accepted", "no_reply", "customer_silent", "platform_down"]
"""What a flow may do something about while an agent has control."""
BRANCHES: tuple[Branch, ...] = ("not_accepted", "no_reply", "customer_silent", "platform_down")
RETURN_REASONS = ("api", "member", "customer", "time", "flow", *BRANCHES)
"""Why control came back. A platform may give another reason, in its own words."""
DOWN_TOLD_AGAIN_AFTER = timedelta(minutes=30)
"""A customer who goes on writing to a platform that is down is told once in so long."""


class Phase(StrEnum):
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    ACTIVE = "active"


class Pause(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why and until when the bot is silent, and how far the handoff has come. `until` None: until somebody
    resumes it."""

    since: datetime
    until: datetime | None
    cause: PauseCause
    leave_words: tuple[str, ...] = ()
    accepted_at: datetime | None = None
    accepted_by: MemberId | None = None
    is_active: bool = False
    """Whether an agent has said something."""
    waits_since: datetime | None = None
    """Since when the customer waits for an agent's word; None: they do not."""
    silent_since: datetime | None = None
    """When an agent spoke last, if the customer has not answered since."""
    told_down_at: datetime | None = None
    """When the customer was told that the platform is down."""
    accept_by: datetime | None = None
    """When the flow does something because nobody has accepted."""
    reply_within: timedelta | None = None
    """After how long it does something because nobody replies."""
    silent_for: timedelta | None = None
    """After how long it does something because the customer says nothing."""

    @property
    def phase(self) -> Phase:
        if self.is_active:
            return Phase.ACTIVE
        return Phase.REQUESTED if self.accepted_at is None else Phase.ACCEPTED

    @property
    def wake_at(self) -> datetime | None:
        """When something happens by itself."""
        soonest = self.until
        for at, _ in self._timers():
            soonest = at if soonest is None else min(soonest, at)
        return soonest

    @property
    def timers(self) -> tuple[tuple[datetime, Branch], ...]:
        """When the flow takes which branch, the soonest first, if nothing happens until then."""
        return tuple(sorted(self._timers()))

    def _timers(self) -> Iterator[tuple[datetime, Branch]]:
        if self.accept_by is not None and self.accepted_at is None:
            yield self.accept_by, "not_accepted"
        if self.reply_within is not None and self.waits_since is not None:
            yield self.waits_since + self.reply_within, "no_reply"
        if self.silent_for is not None and self.silent_since is not None:
            yield self.silent_since + self.silent_for, "customer_silent"

    def accepted(self, now: datetime, by: MemberId | None) -> Self:
        return msgspec.structs.replace(self, accepted_at=now, accepted_by=by)

    def agent_spoke(self, now: datetime) -> Self:
        return msgspec.structs.replace(self, is_active=True, waits_since=None, silent_since=now)

    def customer_spoke(self, now: datetime) -> Self:
        """They wait since the first thing that nobody has answered."""
        since = self.waits_since or now
        if (since, None) == (self.waits_since, self.silent_since):
            return self
        return msgspec.structs.replace(self, waits_since=since, silent_since=None)

    def without(self, branch: Branch, now: datetime) -> Self:
        """After a branch was taken: once, until its reason comes up anew."""
        match branch:
            case "not_accepted":
                return msgspec.structs.replace(self, accept_by=None)
            case "no_reply":
                return msgspec.structs.replace(self, waits_since=None)
            case "customer_silent":
                return msgspec.structs.replace(self, silent_since=None)
            case "platform_down":
                return msgspec.structs.replace(self, told_down_at=now)

    def may_be_told_down(self, now: datetime) -> bool:
        return self.told_down_at is None or self.told_down_at + DOWN_TOLD_AGAIN_AFTER <= now


class Return(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a handoff ended: one of `RETURN_REASONS`, or what the platform says, and in its words besides."""

    reason: str
    note: str = ""
    outcome: str = ""
