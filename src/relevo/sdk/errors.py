"""What can go wrong between the client and Relevo.

ClientError
  Unreachable          no answer: not connected, cut off or too slow
  ApiError             an answer that is not the one asked for
    Unauthenticated    401
    ScopeRequired      403
    NotFound           404
    Invalid            422, with `errors` by field
    RateLimited        429, with `retry_after`
    Refused            any other refusal: 400, 409, 413, a redirect …
    ServerError        5xx, or an answer that is not Relevo's
      Unavailable      503, with `retry_after`: nothing was accepted
"""

from __future__ import annotations

from collections.abc import Mapping


class ClientError(Exception):
    """A call that did not do what it should."""


class Unreachable(ClientError):
    """Relevo gave no answer. A write may have happened: repeat it under the same idempotency key."""


class ApiError(ClientError):
    """Relevo answered with an error."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class Unauthenticated(ApiError):
    """The token is unknown or was withdrawn."""


class ScopeRequired(ApiError):
    """The token lacks a scope that the call needs; the message names it."""


class NotFound(ApiError):
    """There is no such subscriber, agent … in the flow of this token."""


class Invalid(ApiError):
    """The server refused the values given; `errors` has the texts by field."""

    def __init__(self, message: str, *, status: int, errors: Mapping[str, list[str]]) -> None:
        super().__init__(message, status=status)
        self.errors = errors


class RateLimited(ApiError):
    """Too many calls. `retry_after` is in seconds, None when the server did not say."""

    def __init__(self, message: str, *, status: int, retry_after: float | None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class Refused(ApiError):
    """The server will not do it, and asking again changes nothing."""


class ServerError(ApiError):
    """The server failed, or something in front of it did. A write may have happened."""


class Unavailable(ServerError):
    """The server takes nothing at the moment. `retry_after` is in seconds, None when it did not say."""

    def __init__(self, message: str, *, status: int, retry_after: float | None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after
