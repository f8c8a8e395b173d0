"""What the API answers with, as values.

Everything that a server may leave out has a default, and unknown fields are ignored: a newer
or a merely compatible server is not an error. `null` counts as left out.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the token belongs to."""

    id: int = 0
    name: str = ""
    email: str = ""


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A human who may be given conversations."""

    id: int
    name: str = ""
    email: str = ""
    image: str = ""
    role: str = ""
    is_online: bool = False


class Subflow(msgspec.Struct, frozen=True, kw_only=True):
    sub_flow_ns: str
    name: str = ""


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    tag_ns: str = ""


class Label(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    id: int = 0


class UserField(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    var_ns: str = ""
    var_type: str = "text"
    description: str = ""
    value: Any = None


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A person who writes to the flow.

    Times are as on the wire: `YYYY-MM-DD HH:MM:SS` in the workspace's zone (UTC unless it was
    set). `paused_diff_seconds` is the rest of the pause in seconds, 0 when the bot has control,
    -1 for a pause without end. `agent_id` 0 is nobody.
    """

    user_ns: str
    user_id: str = ""
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    gender: str = ""
    email: str = ""
    phone: str = ""
    locale: str = ""
    language: str = ""
    timezone: str = ""
    profile_pic: str = ""
    channel: str = ""
    status: str = ""
    agent_id: int = 0
    agent_name: str = ""
    agent_email: str = ""
    subscribed: str = ""
    last_interaction: str = ""
    last_seen: str = ""
    last_message_at: str = ""
    last_message_type: str = ""
    allow_send_message: bool = True
    allow_send_seconds: int = -1
    paused_diff_seconds: int = 0
    tags: tuple[Tag, ...] = ()
    labels: tuple[Label, ...] = ()
    user_fields: tuple[UserField, ...] = ()

    @property
    def is_paused(self) -> bool:
        """Whether an agent has control."""
        return self.paused_diff_seconds != 0


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
    """One attempt at a delivery: what came of it (`outcome`), and what was decided then (`verdict`)."""

    number: int
    started_at: str = ""
    took_ms: int = 0
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


class Redelivery(msgspec.Struct, frozen=True, kw_only=True):
    """How far redelivering many has got. `state` is running, done or stopped; a number that is not known
    yet is None."""

    id: int
    state: str
    total: int | None = None
    put_back: int = 0
    remaining: int | None = None
    per_second: float = 0.0
    seconds_left: int | None = None
    asked_by: str = ""
    stopped_by: str = ""
    created_at: str = ""
    worked_at: str = ""


def told(row: Any, into: type[T]) -> T:
    """`row` as a value of `into`. Raises msgspec.ValidationError, which names the path."""
    return msgspec.convert(without_nulls(row), into, strict=False)


def without_nulls(row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    return {name: value for name, value in row.items() if value is not None}
