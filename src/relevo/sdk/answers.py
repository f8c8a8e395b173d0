"""An HTTP answer, read: its JSON, or the error that it stands for."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from relevo.sdk.errors import (
    ApiError,
    Invalid,
    NotFound,
    RateLimited,
    Refused,
    ScopeRequired,
    ServerError,
    Unauthenticated,
    Unavailable,
)

_TOO_MANY = "Too Many Attempts."


def read(status: int, retry_after: str | None, body: bytes) -> dict[str, Any]:
    """The object in the body. Raises an ApiError for everything that is not a success.

    A body that says `"status": "error"`, or that too many calls were made, is an error even under 200.
    """
    answer = _object(body)
    message = _message(answer)
    if 200 <= status < 300 and answer is not None:
        if message == _TOO_MANY:
            raise RateLimited(message, status=status, retry_after=seconds(retry_after))
        if answer.get("status") == "error":
            raise Refused(message or "the server said no more than: error", status=status)
        return answer
    raise _error(status, message, answer or {}, seconds(retry_after))


def _error(status: int, message: str, answer: dict[str, Any], retry_after: float | None) -> ApiError:
    match status:
        case 401:
            return Unauthenticated(message or "the token is not known", status=status)
        case 403:
            return ScopeRequired(message or "the token may not do this", status=status)
        case 404:
            return NotFound(message or "not found: is the base URL right?", status=status)
        case 422:
            return Invalid(message or "the values were refused", status=status, errors=_errors(answer))
        case 429:
            return RateLimited(message or _TOO_MANY, status=status, retry_after=retry_after)
        case 503:
            return Unavailable(
                message or "the server is not available", status=status, retry_after=retry_after
            )
        case _ if status >= 500:
            return ServerError(message or f"the server failed with {status}", status=status)
        case _ if status < 300:
            text = f"the answer ({status}) is not a JSON object: is the base URL the one of the API?"
            return ServerError(text, status=status)
        case _:
            return Refused(message or f"the server answered with {status}", status=status)


def seconds(retry_after: str | None) -> float | None:
    """`Retry-After` as seconds from now, whether it is a number or a date; None when it is neither."""
    if not retry_after:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        answer = msgspec.json.decode(body or b"{}")
    except msgspec.DecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _message(answer: dict[str, Any] | None) -> str:
    """What went wrong in the server's words, wherever it put them."""
    words = ((answer or {}).get(name) for name in ("message", "error", "detail"))
    return next((word for word in words if isinstance(word, str) and word), "")


def _errors(answer: dict[str, Any]) -> dict[str, list[str]]:
    errors = answer.get("errors")
    if not isinstance(errors, dict):
        return {}
    return {str(name): texts if isinstance(texts, list) else [str(texts)] for name, texts in errors.items()}
