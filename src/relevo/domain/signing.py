"""Standard Webhooks 1.0.0, symmetric (`v1`): how the receiver of a request knows who sent it.

What is signed is `{webhook-id}.{webhook-timestamp}.{body}`, with HMAC-SHA256.
"""

from __future__ import annotations

import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from relevo.domain.errors import BadSignature, InvalidInput

SECRET_PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64  # bytes
TOLERANCE = timedelta(minutes=5)

_VERSION = "v1,"
_UNIX_SECONDS = re.compile(r"[0-9]{1,11}")


def headers(secrets: Sequence[str], webhook_id: str, timestamp: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one attempt; `timestamp` is the time of the attempt, not of the event."""
    seconds = str(int(timestamp.timestamp()))
    content = _signed_content(webhook_id, seconds, body)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": seconds,
        "webhook-signature": _signatures(secrets, content),
    }


def sign(secrets: Sequence[str], webhook_id: str, timestamp: datetime, body: bytes) -> str:
    """The value of `webhook-signature`: a signature by each secret, so that a secret can be replaced
    without a moment in which the receiver cannot verify. A malformed secret raises `InvalidInput`."""
    return _signatures(secrets, _signed_content(webhook_id, str(int(timestamp.timestamp())), body))


def verify(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> str:
    """The `webhook-id` of a request that one of `secrets` signed; anything else raises `BadSignature`.

    The error's message says nothing to the caller; its `facts["reason"]` is for the log. A caller
    that drops ids which it has seen is safe from replays: older ones are out of tolerance.
    """
    given = {name.lower(): value for name, value in headers.items()}
    webhook_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    signatures = given.get("webhook-signature", "")
    if not (webhook_id and timestamp and signatures):
        raise BadSignature(reason="a webhook-… header is missing")
    if not (webhook_id.isascii() and signatures.isascii()):
        raise BadSignature(reason="a webhook-… header is not ASCII")
    if "." in webhook_id:  # the specification's advice: "a" + "1.5." and "a.1" + "5." would sign alike
        raise BadSignature(reason="webhook-id has a full stop")
    _check_timestamp(timestamp, now, tolerance)
    _check_signatures(secrets, signatures, _signed_content(webhook_id, timestamp, body))
    return webhook_id


def check_secret(text: str) -> str | None:
    """What is wrong with a signing secret, or None. The text of it never shows the secret."""
    if not text.startswith(SECRET_PREFIX):
        return f"A signing secret starts with {SECRET_PREFIX}"
    key = _decode(text.removeprefix(SECRET_PREFIX))
    if key is None:
        return f"What follows {SECRET_PREFIX} must be base64 (A–Z a–z 0–9 + / and = at the end)"
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        return f"A signing secret holds {SHORTEST_KEY} to {LONGEST_KEY} bytes as base64; here are {len(key)}"
    return None


def format_secret(raw: bytes) -> str:
    """The `whsec_…` form of a new key of 24 to 64 random bytes."""
    secret = SECRET_PREFIX + binascii.b2a_base64(raw, newline=False).decode("ascii")
    if problem := check_secret(secret):
        raise InvalidInput({"secret": [problem]})
    return secret


def derived_secret(key: bytes, purpose: str) -> str:
    """A secret that need not be stored: the same for the same purpose, and of no use for another."""
    return format_secret(hmac.digest(key, purpose.encode(), "sha256"))


def _signed_content(webhook_id: str, timestamp: str, body: bytes) -> bytes:
    return b"%b.%b.%b" % (webhook_id.encode(), timestamp.encode(), body)


def _signatures(secrets: Sequence[str], content: bytes) -> str:
    return " ".join([_signature(secret, content) for secret in secrets])


def _signature(secret: str, content: bytes) -> str:
    mac = hmac.digest(_key(secret), content, "sha256")
    return _VERSION + binascii.b2a_base64(mac, newline=False).decode("ascii")


@lru_cache(maxsize=4096)
def _key(secret: str) -> bytes:
    """Decoding costs as much as signing, and a secret signs for months."""
    if problem := check_secret(secret):
        raise InvalidInput({"secret": [problem]})
    return _decode(secret.removeprefix(SECRET_PREFIX)) or b""


def _decode(text: str) -> bytes | None:
    """Base64 with or without its padding: both are in use."""
    try:
        return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        return None


def _check_timestamp(text: str, now: datetime, tolerance: timedelta) -> None:
    if _UNIX_SECONDS.fullmatch(text) is None:
        raise BadSignature(reason="webhook-timestamp is not a number of seconds")
    if abs(now.timestamp() - int(text)) > tolerance.total_seconds():
        raise BadSignature(reason="webhook-timestamp is too old or too new")


def _check_signatures(secrets: Sequence[str], signatures: str, content: bytes) -> None:
    expected = [_signature(secret, content) for secret in secrets]
    if not any(hmac.compare_digest(one, other) for one in expected for other in signatures.split(" ")):
        raise BadSignature(reason="no signature matches")
