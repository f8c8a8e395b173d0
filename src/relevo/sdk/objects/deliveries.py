"""What was posted, and what became of it."""

from __future__ import annotations

import msgspec


class PostedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as it was posted, or still will be, read again over the API.

    `id` is its place among all of the flow (0 when one conversation was asked for), `event` its type,
    and `body` the very text that is posted.
    """

    id: int = 0
    user_ns: str
    webhook_id: str
    event: str
    seq: int
    epoch: int = 0
    body: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request of an attempt; `body` None is the delivery's."""

    method: str = ""
    url: str = ""
    address: str = ""
    headers: dict[str, str] = {}
    body: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered to an attempt."""

    status_code: int
    headers: dict[str, str] = {}
    body: str = ""
    is_whole: bool = True


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at a delivery: what came of it (`outcome`), and what was decided then (`verdict`).

    `looked_up_ms` and `answered_ms`: when the host's address was known, and when the answer began, since the
    request did.
    """

    number: int
    started_at: str = ""
    took_ms: int = 0
    looked_up_ms: int | None = None
    answered_ms: int | None = None
    outcome: str = ""
    reason: str = ""
    verdict: str = ""
    retry_at: str | None = None
    request: Request | None = None
    answer: Answer | None = None


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did with a delivery."""

    at: str = ""
    by: str = ""
    did: str = ""
    reason: str = ""
    redelivery_id: int | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The duty to bring one thing to one place. `body`, `attempts` and `deeds` only of one that was asked
    for by its id. `state` is waiting, parked, given_up, skipped or done."""

    id: int
    user_ns: str
    kind: str = ""
    to: str = ""
    event: str = ""
    webhook_id: str = ""
    seq: int = 0
    epoch: int = 0
    state: str = ""
    reason: str = ""
    attempts_made: int = 0
    created_at: str = ""
    due_at: str | None = None
    finished_at: str | None = None
    body: str = ""
    attempts: tuple[Attempt, ...] = ()
    deeds: tuple[Deed, ...] = ()


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """What a redelivery is about; what does not matter is empty or None. Times are in Unix seconds."""

    states: tuple[str, ...] = ()
    user_ns: str = ""
    to: str = ""
    event: str = ""
    from_seq: int | None = None
    start_time: int | None = None
    end_time: int | None = None


class Redelivery(msgspec.Struct, frozen=True, kw_only=True):
    """How far redelivering many has got. `state` is running, done or stopped; a number that is not known
    yet is None."""

    id: int
    state: str
    selected: Selected = Selected()
    total: int | None = None
    put_back: int = 0
    remaining: int | None = None
    per_second: float = 0.0
    seconds_left: int | None = None
    asked_by: str = ""
    stopped_by: str = ""
    created_at: str = ""
    worked_at: str = ""
