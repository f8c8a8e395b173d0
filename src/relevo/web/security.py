"""What every answer says to browsers, by the area that it comes from: everything is forbidden, but for
what an area's pages need. A header that a page sets itself stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Area = Literal["api", "web", "hooks", "inbound", "media", "chat", "console", "health", "metrics", "other"]
"""A part of the address space; also how requests are counted."""

Headers = tuple[tuple[bytes, bytes], ...]

AREAS: Mapping[str, Area] = {
    "api": "api",
    "web": "web",
    "widget.js": "web",
    "hooks": "hooks",
    "inbound": "inbound",
    "media": "media",
    "chat": "chat",
    "console": "console",
    "healthz": "health",
    "readyz": "health",
    "metrics": "metrics",
}
"""By the first part of the path."""

WITHOUT_API: frozenset[str] = frozenset(
    {
        *("announcements", "facebook-utility-message-template", "flow", "flow-agent-summary", "flow-summary"),
        *("handoff", "installed-mini-app", "integration", "me", "media-library", "notifications"),
        *("openai-embeddings", "shop", "subscriber", "subscribers", "team", "team-bot-users", "team-flows"),
        *("team-info", "team-members", "template", "templates", "user", "wa-call-logs", "whatsapp-template"),
        "workspace-settings",
    }
)
"""First parts of the API's paths: some clients have `/api` in their base URL, and some have not."""

OPEN_TO_SITES: frozenset[Area] = frozenset({"web"})
"""Called by scripts on customers' own sites. Tokens are bearer tokens and cookies are never read there,
so any origin may."""

_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_CHAT = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors *; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; img-src 'self' data: blob: http: https:; "
    "media-src 'self' blob: http: https:; font-src 'self'"
)
_CONSOLE = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; img-src 'self' data: blob: http: https:; "
    "media-src 'self' http: https:; font-src 'self'; frame-src 'self'"
)
_FILE = "default-src 'none'; sandbox; frame-ancestors *"

_EVERYWHERE = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_FROM_ANYWHERE = (b"cross-origin-resource-policy", b"cross-origin")
_FROM_HERE = (b"cross-origin-resource-policy", b"same-origin")
_UNFRAMED = (b"x-frame-options", b"DENY")

ALLOWED_ORIGIN = (b"access-control-allow-origin", b"*")
PREFLIGHT: Headers = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"86400"),
)


def area_of(path: str) -> Area:
    """The area of a path."""
    return AREAS.get(path[1:].partition("/")[0], "other")


def as_meant(path: str) -> str:
    """The path that a client of the API means when its base URL has `/api` not at all, or twice."""
    if path.startswith("/api/api/"):
        return path.removeprefix("/api")
    return f"/api{path}" if path[1:].partition("/")[0] in WITHOUT_API else path


def headers_of(area: Area) -> Headers:
    """The headers of every answer from an area."""
    return _BY_AREA.get(area, _CLOSED)


def _policy(text: str) -> tuple[bytes, bytes]:
    return (b"content-security-policy", text.encode())


_CLOSED: Headers = (*_EVERYWHERE, _policy(_NOTHING), _FROM_HERE, _UNFRAMED)
_BY_AREA: Mapping[Area, Headers] = {
    "hooks": _EVERYWHERE[:1],  # JSON for machines, a thousand times a second: no page to protect
    "web": (
        *_EVERYWHERE,
        _policy(_NOTHING),
        _FROM_ANYWHERE,
        ALLOWED_ORIGIN,
        (b"access-control-expose-headers", b"retry-after, x-request-id"),
    ),
    "chat": (*_EVERYWHERE, _policy(_CHAT), _FROM_ANYWHERE),
    "media": (*_EVERYWHERE, _policy(_FILE), _FROM_ANYWHERE),
    "console": (
        *_EVERYWHERE,
        _policy(_CONSOLE),
        _FROM_HERE,
        _UNFRAMED,
        (b"cross-origin-opener-policy", b"same-origin"),
    ),
}
