"""How a visitor is known again: a token that only we can have made, for one visitor of one channel.

`v1.<visitor id>.<unix seconds of issue>.<HMAC-SHA256 in base64url>`
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import msgspec

from relevo.channels.toolkit import is_same, mac
from relevo.domain.errors import BadSignature

LIFETIME = timedelta(days=365)
"""A visitor who comes back within a year finds the conversation again; each visit renews the token."""

_SKEW = timedelta(minutes=5)
"""How far the clocks of two of our processes may differ."""

_FORM = re.compile(r"v1\.(?P<visitor>[A-Za-z0-9_-]{8,64})\.(?P<issued>[0-9]{1,11})\.[A-Za-z0-9_-]{43}")


class Visitor(msgspec.Struct, frozen=True):
    """Whom a token is for, and since when. `id` is the `user_id` of the subscriber."""

    id: str
    issued_at: datetime


def make_token(key: bytes, *, channel_key: str, visitor_id: str, now: datetime) -> str:
    """A token for a visitor id of 8 to 64 letters, digits, `-` and `_` (draw it with `Chance.token`)."""
    return _token(key, channel_key, visitor_id, str(int(now.timestamp())))


def read_token(key: bytes, token: str, *, channel_key: str, now: datetime) -> Visitor:
    """Whom a token is for. Raises `BadSignature` unless we made it, for this channel, within `LIFETIME`."""
    form = _FORM.fullmatch(token)
    if form is None:
        raise BadSignature(reason="not the form of a visitor token")
    if not is_same(token, _token(key, channel_key, form["visitor"], form["issued"])):
        raise BadSignature(reason="another channel's visitor token, or nobody's")
    age = timedelta(seconds=now.timestamp() - int(form["issued"]))
    if not -_SKEW <= age <= LIFETIME:
        raise BadSignature(reason="the visitor token is too old, or from the future")
    return Visitor(form["visitor"], datetime.fromtimestamp(int(form["issued"]), UTC))


def _token(key: bytes, channel_key: str, visitor_id: str, issued: str) -> str:
    said = f"v1.{visitor_id}.{issued}"
    # The channel's key is last and may hold anything; nothing before it can hold a line break.
    digest = mac(key, f"relevo visitor token\n{said}\n{channel_key}".encode())
    return f"{said}.{urlsafe_b64encode(digest).decode().rstrip('=')}"
