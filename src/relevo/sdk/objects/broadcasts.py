"""One thing said to many, and how people are chosen for it."""

from __future__ import annotations

import msgspec


class Broadcast(msgspec.Struct, frozen=True, kw_only=True):
    """How far one has got. `total` None: nobody has counted yet. `counts` has the numbers by what came of
    it; whoever is in `skipped` was passed over."""

    broadcast_ns: str
    name: str = ""
    type: str = ""
    status: str = ""
    scheduled_time: int | None = None
    max_per_minute: int = 0
    total: int | None = None
    sent: int = 0
    skipped: int = 0
    counts: dict[str, int] = {}
    created_at: str = ""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A condition with a name."""

    segment_ns: str
    name: str = ""


class SegmentCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many a segment has; not `is_all` means that there are more, and counting stopped."""

    num: int
    is_all: bool = True
