"""The console's cookies: nobody's script reads them, and no other site's form sends them."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from litestar.datastructures import Cookie

from relevo.web.services import Services

Purpose = Literal["session", "form", "notice"]
"""Who is signed in; what forms of somebody who is not are bound to; what the next page has to say."""


def is_secure(services: Services) -> bool:
    return services.edge.public_url.startswith("https:")


def name_of(purpose: Purpose, services: Services) -> str:
    """With the prefix by which browsers let no other host set it, where they allow that prefix."""
    prefix = "__Host-" if is_secure(services) else ""
    return f"{prefix}relevo-{purpose}"


def read(given: dict[str, str], purpose: Purpose, services: Services) -> str:
    """The cookie of a request; "" when there is none."""
    return given.get(name_of(purpose, services), "")


def cookie(purpose: Purpose, value: str, services: Services, keep_for: timedelta | None) -> Cookie:
    """Without `keep_for` it lasts as long as the browser is open."""
    return Cookie(
        key=name_of(purpose, services),
        value=value,
        path="/",
        max_age=None if keep_for is None else int(keep_for.total_seconds()),
        secure=is_secure(services),
        httponly=True,
        samesite="lax",
    )


def gone(purpose: Purpose, services: Services) -> Cookie:
    """A cookie that takes the one of before away."""
    return cookie(purpose, "", services, timedelta())
