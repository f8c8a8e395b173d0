"""What every channel reads untrusted data with: JSON as types, errors that name the path, constant-time
checks."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from relevo.channels.adapter import HookAnswer, HookRequest, VendorAnswer
from relevo.domain.deliveries import Refused, Rejected
from relevo.domain.errors import BadSignature, ForeignPayload
from relevo.domain.retries import parse_retry_after

T = TypeVar("T")

ID_LIMIT = 255
"""Characters of an id that is kept. Longer ones come from nobody we know."""

SHORTEST_SECRET = 32
"""Characters of a secret that we made, or that somebody gives instead."""

DEEPEST = 64
"""Levels of lists and objects in a body."""

Id = (
    Annotated[str, msgspec.Meta(min_length=1, max_length=ID_LIMIT)]
    | Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
)
"""An id as others write it: a text or a number."""

_URL_PATTERN = r"^https?://[^\s]+$"
WebUrl = Annotated[str, msgspec.Meta(pattern=_URL_PATTERN, max_length=4096)]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]


# Reading


def read_json(body: bytes, type_: type[T]) -> T:
    """A body as `type_`. Raises `ForeignPayload`, which names the path and what would be right.

    NUL characters are dropped from every text: PostgreSQL cannot keep them. What is nested deeper than
    `DEEPEST` is refused: somebody else's JSON would break on it later.
    """
    try:
        if _is_harmless(body):
            return msgspec.json.decode(body, type=type_)
        return msgspec.convert(_harmless(msgspec.json.decode(body), DEEPEST), type_)
    except msgspec.ValidationError as error:
        raise ForeignPayload(_readable(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ForeignPayload(f"The body is not JSON: {error}") from error


def read_value(value: Any, type_: type[T], path: str) -> T:
    """A part of decoded JSON as `type_`; `path` is where it stood, for the error."""
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise ForeignPayload(_readable(str(error), path)) from error


def id_text(value: str | int | None) -> str:
    """An id as we keep it; "" for none."""
    return "" if value is None else str(value)


def short(text: str) -> str:
    """As much of a text as is kept where nobody writes long ones."""
    return text[:ID_LIMIT]


def _is_harmless(body: bytes) -> bool:
    return b"\\u0000" not in body and body.count(b"[") + body.count(b"{") <= DEEPEST


_PLACE = re.compile(r" - at `\$?\.?(?P<path>.*)`$")


def _harmless(value: Any, depth: int) -> Any:
    match value:
        case str():
            return value.replace("\0", "")
        case list() | dict() if depth == 0:
            raise ForeignPayload(f"The body is nested more than {DEEPEST} deep")
        case list():
            return [_harmless(item, depth - 1) for item in value]
        case dict():
            return {key.replace("\0", ""): _harmless(item, depth - 1) for key, item in value.items()}
        case _:
            return value


def _readable(complaint: str, path: str = "") -> str:
    """msgspec's "Expected `str`, got `int` - at `$.sender.name`" with the path first."""
    place = _PLACE.search(complaint)
    inner = place["path"] if place else ""
    where = ".".join(filter(None, (path, inner))).replace(".[", "[") or "the body"
    what = complaint[: place.start()] if place else complaint
    what = what.replace(f"`str` matching regex {_URL_PATTERN!r}", "a URL like https://example.com/file")
    return f"{where}: {what[:1].lower()}{what[1:]}"


# Checking


def is_same(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell how much of them is."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def mac(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA256."""
    return hmac.digest(key, data, hashlib.sha256)


def bearer_token(headers: dict[str, str]) -> str:
    """What follows `Authorization: Bearer`; "" when there is no such header."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def url_problem(value: Any) -> str | None:
    """What is wrong with a URL that we shall call, or None."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return f"{value!r} is not a URL; write one like https://example.com/hook"
    if parts.username or parts.password:
        return "A URL must not hold a name or password"
    return None


def unknown_options(given: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """The options that nobody knows, each with the nearest that somebody does."""
    known = sorted(known)
    return {
        option: f"Unknown option; did you mean {near[0]}?"
        if (near := get_close_matches(option, known, 1))
        else f"Unknown option; known are: {', '.join(known)}"
        for option in sorted(set(given) - set(known))
    }


# Meta's webhooks (https://developers.facebook.com/docs/graph-api/webhooks/getting-started)


def meta_signature(app_secret: str, body: bytes) -> str:
    """What `X-Hub-Signature-256` says of a body, byte for byte as it came."""
    return "sha256=" + mac(app_secret.encode(), body).hex()


def check_meta(request: HookRequest, *, app_secret: str, verify_token: str) -> None:
    """Raise `BadSignature` unless Meta sent it: a GET with the verify token, or a POST that is signed with
    the app's secret. An empty secret or token fits nothing."""
    if request.method == "GET":
        given, expected = request.query.get("hub.verify_token", ""), verify_token
        is_whole = bool(verify_token) and request.query.get("hub.mode") == "subscribe"
    else:
        given = request.headers.get("x-hub-signature-256", "")
        expected, is_whole = meta_signature(app_secret, request.body), bool(app_secret)
    if not is_whole or not is_same(given, expected):
        what = "verify token is not this channel's" if request.method == "GET" else "signature is wrong"
        raise BadSignature(reason=f"the {what}")


def meta_challenge(request: HookRequest) -> HookAnswer | None:
    """What Meta wants to hear when it tries a hook (a GET that `check_meta` has passed); None of a POST."""
    if request.method != "GET":
        return None
    return HookAnswer(body=request.query.get("hub.challenge", "").encode()[:ID_LIMIT])


# Rates

MOST_A_SECOND = 10_000.0


def granted(config: Mapping[str, Any]) -> float:
    """How many messages a second the vendor has granted to a channel (`per_second`); 0: nobody has said."""
    return float(config.get("per_second") or 0)


def per_second_problem(value: Any) -> str | None:
    """What is wrong with the option `per_second`, which may be a number or a text."""
    if value in (None, ""):
        return None
    try:
        number = float(value) if isinstance(value, str | int | float) and value is not True else 0.0
    except ValueError:
        number = 0.0
    is_fine = 0 < number <= MOST_A_SECOND
    return None if is_fine else f"{value!r} is no number of messages a second; write one like 10"


# Answers of vendors


LONGEST_DETAIL = 300
"""Characters of a vendor's words that are kept."""


class Fault(StrEnum):
    """Why a vendor did not take a message: all that anybody need tell apart. What is said besides, after
    a colon, is the vendor's own."""

    WINDOW_CLOSED = "window_closed"  # the customer has been silent for too long
    OPTED_OUT = "opted_out"  # they said STOP
    BLOCKED = "blocked"  # they blocked us
    INVALID_RECIPIENT = "invalid_recipient"  # there is nobody there, or nobody who can be reached so
    RATE_LIMITED = "rate_limited"  # too much at once: tried again
    AUTH = "auth"  # the token is wrong, or lacks a permission
    VENDOR_DOWN = "vendor_down"  # a fault of theirs: tried again
    REJECTED = "rejected"  # everything else that they will never take


def failed(
    fault: Fault, answer: VendorAnswer, detail: str = "", retry_after: timedelta | None = None
) -> Refused | Rejected:
    """A refusal as an outcome. Only what may succeed later is tried again."""
    reason = f"{fault.value}: {detail[:LONGEST_DETAIL]}" if detail else fault.value
    match fault:
        case Fault.RATE_LIMITED:
            return Refused(429, retry_after or _retry_after(answer.headers), reason)
        case Fault.VENDOR_DOWN:
            return Refused(answer.status, _retry_after(answer.headers), reason)
        case _:
            return Rejected(reason)


def refused(answer: VendorAnswer, reason: str = "") -> Refused:
    """A non-2xx answer as an outcome."""
    return Refused(answer.status, _retry_after(answer.headers), reason)


def is_success(answer: VendorAnswer) -> bool:
    return 200 <= answer.status < 300


def _retry_after(headers: dict[str, str]) -> timedelta | None:
    """A date in `Retry-After` counts from the vendor's own clock, its `Date`."""
    asked = headers.get("retry-after", "")
    return parse_retry_after(asked, _date(headers.get("date", ""))) if asked else None


def _date(text: str) -> datetime:
    """Without a date it is the end of time, so that nothing is waited for."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC)
    return date if date.tzinfo else date.replace(tzinfo=UTC)
