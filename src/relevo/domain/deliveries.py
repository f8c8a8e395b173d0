"""Deliveries: the duty to bring one thing to one destination, and what becomes of it.

A delivery belongs to a *lane*: all deliveries of one conversation to one destination,
in order of id. The first unfinished delivery of a lane holds the rest.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple

import msgspec

from relevo.domain.ids import ConversationId, DeliveryId, MessageId, WorkspaceId

BROADCAST = "broadcast"
"""The `event_type` of a message that was said to many; of any other to a channel it is `message`."""


class Destination(NamedTuple):
    """Where a delivery goes: `endpoint` 3 (a webhook of the platform), `channel` 2 (a vendor's
    API), `media` 0 (our own store: a customer's file that must be fetched), `call` 12 (a server that a
    flow asks, by `calls.place_of`), `email` 1 (the mail server of workspace 1)."""

    kind: Literal["endpoint", "channel", "media", "call", "email"]
    id: int


class Lane(NamedTuple):
    """The key of a lane."""

    conversation_id: ConversationId
    destination: Destination


class DeliveryState(StrEnum):
    WAITING = "waiting"  # unfinished: in flight, due, due later, or behind another one
    DONE = "done"
    PARKED = "parked"  # its retries are used up; a person may redeliver it
    GIVEN_UP = "given_up"  # can never succeed as it is (410, a rejected message, …)
    SKIPPED = "skipped"  # a person decided so


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One duty. `webhook_id` is the same on every attempt; `body` is what is sent, fixed at commit.

    `seq` is `relevo-seq`: 1, 2, 3 … within the lane, no gaps (0 on lanes that have none).
    `epoch` is the control epoch of the conversation when it was committed.
    `due_at` is None while another delivery of the lane is ahead of it, and once it is finished.
    """

    id: DeliveryId
    workspace_id: WorkspaceId
    conversation_id: ConversationId
    destination: Destination
    event_type: str
    webhook_id: str
    seq: int
    epoch: int
    body: bytes
    created_at: datetime
    message_id: MessageId | None = None
    state: DeliveryState = DeliveryState.WAITING
    attempts_made: int = 0
    attempts_before: int = 0
    """How many of the attempts were made before a person had it redelivered: retries start anew."""
    due_at: datetime | None = None

    @property
    def is_patient(self) -> bool:
        """Whether others go first: it is one of many, and nobody waits for it."""
        return self.event_type == BROADCAST

    @property
    def lane(self) -> Lane:
        return Lane(self.conversation_id, self.destination)


# What an attempt came to. A closed union: a decision must look at every case.


class Accepted(msgspec.Struct, frozen=True, tag=True):
    """2xx. `mid` is the vendor's id for a message, where there is one; `note` is for people: what
    the message lost on the way, or what it cost."""

    status_code: int
    mid: str = ""
    note: str = ""


class Refused(msgspec.Struct, frozen=True, tag=True):
    """An answer that is not 2xx; `retry_after` as the other side asked for it."""

    status_code: int
    retry_after: timedelta | None = None
    reason: str = ""


class Unreachable(msgspec.Struct, frozen=True, tag=True):
    """No answer. `reason` is one of: dns; refused, connect_timeout, connect (no connection came about, so
    nothing was sent); tls, timeout, broken, too_large."""

    reason: str


class Forbidden(msgspec.Struct, frozen=True, tag=True):
    """The egress guard refused the address: no connection was made."""

    address: str
    reason: str


class Rejected(msgspec.Struct, frozen=True, tag=True):
    """The other side, or the channel, says that this can never be accepted as it is."""

    reason: str


Outcome = Accepted | Refused | Unreachable | Forbidden | Rejected


class Done(msgspec.Struct, frozen=True, tag=True):
    pass


class RetryAt(msgspec.Struct, frozen=True, tag=True):
    when: datetime


class Park(msgspec.Struct, frozen=True, tag=True):
    """The retries are used up: keep it for a person, let the lane go on."""

    reason: str


class GiveUp(msgspec.Struct, frozen=True, tag=True):
    """It can never succeed: say so, let the lane go on. `disable` stops the endpoint as well."""

    reason: str
    disable: bool = False


Verdict = Done | RetryAt | Park | GiveUp


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it was made, and its answer: what a person sees of an attempt.

    Header values of the endpoint's own (custom) headers are masked before this is made.
    `request_body` is None where it is the delivery's body, which is not stored twice. It and `answer_body`
    are cut at 16 KB. `address` is the one connected to, "" if none. `looked_up` and `answered`: when the
    host's address was known, and when the first of the answer was there, since the request began.
    """

    method: str
    url: str
    request_headers: dict[str, str]
    status_code: int | None = None
    answer_headers: dict[str, str] = {}
    answer_body: str = ""
    address: str = ""
    answer_is_whole: bool = True
    request_body: str | None = None
    looked_up: timedelta | None = None
    answered: timedelta | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One request made for a delivery."""

    delivery_id: DeliveryId
    number: int
    started_at: datetime
    took: timedelta
    outcome: Outcome
    verdict: Verdict
    exchange: Exchange | None = None
