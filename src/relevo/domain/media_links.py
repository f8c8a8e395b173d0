"""Links to customers' files: they carry a signature, so that knowing an id is not enough."""

from __future__ import annotations

import hmac
from hashlib import sha256


def media_url(public_url: str, media_id: str, key: bytes) -> str:
    """The link to a stored file, for the platform and the customer."""
    return f"{public_url}/media/{media_id}?s={signature(media_id, key)}"


def signature(media_id: str, key: bytes) -> str:
    return hmac.new(key, b"media " + media_id.encode(), sha256).hexdigest()[:32]


def is_signed(media_id: str, given: str, key: bytes) -> bool:
    """Whether a link is one of ours (constant time)."""
    return hmac.compare_digest(signature(media_id, key).encode(), given.encode())
