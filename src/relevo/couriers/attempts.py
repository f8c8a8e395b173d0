"""What a courier for one kind of destination has to be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import msgspec

from relevo.domain.deliveries import Accepted, Delivery, Exchange, GiveUp, Outcome, Park, Refused, Unreachable
from relevo.domain.events import CallAnswered, FileSettled
from relevo.domain.retries import parse_retry_after
from relevo.http_client.client import ANSWER_LIMIT, Answer, Trace
from relevo.system.clock import Clock

MASK = "••••"


class Tried(msgspec.Struct, frozen=True):
    """What one attempt came to. `verdict` is there where the schedule has nothing to decide, `schedule` where
    it is not the courier's; `patience` is how long a wait may be asked for; `body` is what is left to send;
    `news` of a file that was fetched, or of a call that is over with this attempt, if it is."""

    outcome: Outcome
    exchange: Exchange | None = None
    verdict: Park | GiveUp | None = None
    patience: timedelta = timedelta()
    body: bytes | None = None
    news: FileSettled | CallAnswered | None = None
    schedule: Sequence[timedelta] | None = None
    cost: int = 1
    """As how many attempts it counts for what the destination takes in a second."""


class Courier(Protocol):
    """Makes attempts at one kind of destination."""

    @property
    def schedule(self) -> Sequence[timedelta]:
        """The waits between its attempts."""
        ...

    async def attempt(self, delivery: Delivery) -> Tried:
        """Make one request, or say why none was made. Never raises for what others do wrong."""
        ...


def read_answer(answer: Answer, clock: Clock) -> Accepted | Refused:
    """An answer as an outcome: 2xx is success, everything else, redirects too, is not."""
    if 200 <= answer.status_code < 300:
        return Accepted(answer.status_code)
    asked = answer.headers.get("retry-after")
    retry_after = parse_retry_after(asked, clock.now()) if asked else None
    return Refused(answer.status_code, retry_after)


def exchange(
    method: str, url: str, headers: dict[str, str], result: Answer | object, trace: Trace, body: bytes = b""
) -> Exchange:
    """The request and its answer as a person sees them. `body`: if it is not that of the delivery."""
    request_body = body[:ANSWER_LIMIT].decode("utf-8", "replace") if body else None
    if not isinstance(result, Answer):
        return Exchange(
            method=method,
            url=url,
            request_headers=headers,
            request_body=request_body,
            address=trace.address,
            looked_up=trace.looked_up,
            answered=trace.answered,
        )
    return Exchange(
        method=method,
        url=url,
        request_headers=headers,
        request_body=request_body,
        status_code=result.status_code,
        answer_headers=result.headers,
        answer_body=result.body.decode("utf-8", "replace"),
        answer_is_whole=result.is_whole,
        address=result.address,
        looked_up=trace.looked_up,
        answered=trace.answered,
    )


def outcome_name(outcome: Outcome) -> str:
    """One word for logs and metrics."""
    return type(outcome).__name__.lower()


def status_of(outcome: Outcome) -> int | str | None:
    """What to show beside it: a status, or why there is none."""
    match outcome:
        case Accepted(status_code=status) | Refused(status_code=status):
            return status
        case Unreachable(reason=reason):
            return reason
        case _:
            return outcome.reason
