"""How a form is known to be ours: it carries a token that only this browser's pages have.

The token is bound to a cookie of the browser, so neither another site nor another member has it.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

FIELD = "form_token"


def token_for(key: bytes, cookie: str) -> str:
    """The token of forms that are shown to the browser with this cookie."""
    return hmac.new(key, b"console form " + cookie.encode(), sha256).hexdigest()


def is_ours(key: bytes, cookie: str, given: str) -> bool:
    """Whether a form that came with this cookie carries its token (constant time)."""
    return bool(cookie) and hmac.compare_digest(token_for(key, cookie).encode(), given.encode())
