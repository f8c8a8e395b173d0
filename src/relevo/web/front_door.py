"""Where every request comes in: it gets an id, its answer the headers of its area, and both one line in
the log when they are done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from relevo.metrics import HTTP_REQUESTS, counter
from relevo.system.chance import Chance
from relevo.system.clock import Clock
from relevo.system.current_request import CURRENT_REQUEST
from relevo.system.verbosity import shows_debug
from relevo.web.addresses import Networks, client_address
from relevo.web.asgi import RawHeaders, answer, header
from relevo.web.compressing import compressing
from relevo.web.security import OPEN_TO_SITES, PREFLIGHT, Area, area_of, as_meant, headers_of

log = structlog.get_logger()

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ROUTINE: frozenset[Area] = frozenset({"hooks", "inbound", "health", "metrics", "media"})
"""Asked by machines, often: their successes are logged at `debug` only (a line costs as much as a tenth
of bringing a message from a hook to its webhook; `relevo_http_requests` counts them all the same)."""
_SECRET_PATHS: Mapping[Area, int] = {"hooks": 2, "inbound": 1, "media": 1}
"""How many parts of a path are logged: what follows opens something."""


def note(scope: Mapping[str, Any], **facts: object) -> None:
    """Add facts (ids first, nobody's words) to the line of the request of this scope."""
    scope["state"].setdefault(_FACTS, {}).update(facts)


_FACTS = "relevo_facts"


class FrontDoor:
    """Passes requests on: vendors' hooks to `hooks`, everything else to `inside`."""

    def __init__(
        self, inside: Litestar, hooks: ASGIApp, *, clock: Clock, chance: Chance, trusted_proxies: Networks
    ) -> None:
        self.inside, self.hooks = inside, hooks
        self.clock, self.chance, self.trusted_proxies = clock, chance, trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.inside(scope, receive, send)
            return
        passage = _Passage(self, scope, send)
        CURRENT_REQUEST.set(passage.id)
        try:
            if passage.area == "hooks":
                await self.hooks(scope, receive, passage.send)
            else:
                await self._pass_on(passage, receive)
        finally:
            passage.record()

    async def _pass_on(self, passage: _Passage, receive: Receive) -> None:
        scope = passage.scope
        if scope["method"] == "OPTIONS" and passage.area in OPEN_TO_SITES:
            await answer(passage.send, 204, b"", b"text/plain", PREFLIGHT)
        else:
            await self.inside(scope, receive, compressing(scope, passage.send))


class _Passage:
    """One request on its way through."""

    __slots__ = ("_door", "_send", "_started", "_status", "address", "area", "id", "path", "scope")

    def __init__(self, door: FrontDoor, scope: HTTPScope, send: Send) -> None:
        self._door, self._send, self.scope = door, send, scope
        self.path = scope["path"]  # a router may change the scope's
        self.area = area_of(self.path)
        if self.area in ("other", "api"):
            self.path = scope["path"] = as_meant(self.path)
            self.area = area_of(self.path)
        self.id = _given_id(scope) or door.chance.object_id()
        self.address = client_address(scope, door.trusted_proxies)
        scope.setdefault("state", {})["address"] = self.address
        self._started = door.clock.monotonic()
        self._status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._count()  # first: whoever has read the answer finds it counted
            message["headers"] = _completed(message["headers"], self.area, self.id)
        await self._send(message)

    def _count(self) -> None:
        counter(HTTP_REQUESTS, self.area, str(self._status)).inc()

    def record(self) -> None:
        if not self._status:
            self._count()  # nothing was answered
        is_routine = self._status < 400 and self.area in _ROUTINE
        if is_routine and not shows_debug():
            return
        write = log.debug if is_routine else log.info
        write(
            "http.answered",
            **self.scope["state"].get(_FACTS, {}),
            method=self.scope["method"],
            path=_shown(self.path, self.area),
            status=self._status,
            took_ms=round((self._door.clock.monotonic() - self._started) * 1000, 1),
            client=self.address,
        )


def _given_id(scope: HTTPScope) -> str:
    given = header(scope, b"x-request-id")
    return given if given and _REQUEST_ID.fullmatch(given) else ""


def _completed(headers: Any, area: Area, id_: str) -> list[tuple[bytes, bytes]]:
    """The answer's own headers, and those of its area that it does not have."""
    all_ = [*headers, (b"x-request-id", id_.encode())]
    names = {name.lower() for name, _ in headers}
    added: RawHeaders = headers_of(area)
    all_ += [one for one in added if one[0] not in names]
    return all_


def _shown(path: str, area: Area) -> str:
    """The path without its secret parts."""
    parts = path.split("/")
    shown = _SECRET_PATHS.get(area, len(parts))
    return "/".join([*parts[: shown + 1], *("…" for _ in parts[shown + 1 :])])[:200]
