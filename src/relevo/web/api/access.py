"""Who calls: a bearer token, which belongs to one flow, its scope, and how often it may."""

from __future__ import annotations

from typing import Any

import structlog
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from relevo.domain.errors import ScopeRequired, Unauthenticated, Unavailable
from relevo.domain.ids import ApiKeyId
from relevo.domain.workspaces import ApiKey
from relevo.domain.workspaces import Scope as TokenScope
from relevo.store import accounts
from relevo.store.database import Database
from relevo.system.clock import Clock
from relevo.web.api.reading import ApiRequest, ours
from relevo.web.bearers import Bearers
from relevo.web.errors import not_allowed
from relevo.web.front_door import note
from relevo.web.limits import HourlyLimit
from relevo.web.services import Services

log = structlog.get_logger()

AnyConnection = ASGIConnection[Any, Any, Any, Any]

SCOPE, METHOD = "token_scope", "method"
"""In a handler's `opt`: the scope that a token needs (None: any), and the method that a call must mean."""

NOTED_EVERY = 60.0
"""Seconds between two notes that a token was used."""

_KEY, _REPLAYED = "relevo_api_key", "relevo_replayed"


class Gate:
    """Lets calls in, and completes their answers."""

    def __init__(self, services: Services, bearers: Bearers) -> None:
        self._bearers = bearers
        self._limit = HourlyLimit(services.edge.rate_limit, services)
        self._uses = _Uses(services.database, services.clock)

    async def admit(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        """A guard. Raises Unauthenticated, TooManyRequests, ScopeRequired, or that the method is another.
        What methods a path has (OPTIONS, which the framework answers) is no secret."""
        if SCOPE not in handler.opt:
            return
        request = ours(connection)
        key = await self._bearers.find(_bearer(request.headers.get("authorization", "")))
        if key is None:
            raise Unauthenticated
        request.state[_KEY] = key
        note(request.scope, api_key=key.id, flow=key.flow_id)
        self._limit.take(key.id)
        needed: TokenScope | None = handler.opt[SCOPE]
        if needed is not None and needed not in key.scopes:
            raise ScopeRequired(f"Scope required: {needed.value}")
        await _check_method(request, handler.opt[METHOD])

    def complete(self, app: ASGIApp) -> ASGIApp:
        """A middleware: what is left of the allowance, and whether this was a repetition, go into the
        headers; afterwards the use of the token is noted."""

        async def completed(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_completed(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], *self._headers(scope)]
                await send(message)

            await app(scope, receive, send_completed)
            if scope["type"] == ScopeType.HTTP and (key := scope["state"].get(_KEY)):
                await self._uses.note(key.id)

        return completed

    def _headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        key, headers = scope["state"].get(_KEY), []
        if key is not None and (allowance := self._limit.allowance(key.id)) is not None:
            headers += [
                (b"x-ratelimit-limit", str(allowance.limit).encode()),
                (b"x-ratelimit-remaining", str(allowance.remaining).encode()),
            ]
        if scope["state"].get(_REPLAYED):
            headers.append((b"idempotent-replayed", b"true"))
        return headers


def key_of(request: ApiRequest) -> ApiKey:
    """The token that the gate has let in."""
    key = request.state[_KEY]
    assert isinstance(key, ApiKey)
    return key


def mark_replayed(request: ApiRequest) -> None:
    """Say in the answer that this is a repetition, and that nothing was done."""
    request.state[_REPLAYED] = True


def _bearer(header: str) -> str:
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()


async def _check_method(request: ApiRequest, meant: str) -> None:
    """Laravel lets a POST stand for another method, named in a header or in `_method`: some clients
    cannot send bodies otherwise. A POST that means something else here must not be carried out as one."""
    if request.method != "POST":
        return
    header = request.headers.get("x-http-method-override", "")
    named = str(header or (await request.parameters()).get("_method") or "POST").upper()
    if named != meant:
        raise not_allowed(request, named)


class _Uses:
    """When tokens were used last, as far as the list of tokens wants to know."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._noted: dict[ApiKeyId, float] = {}

    async def note(self, key: ApiKeyId) -> None:
        """Store it, at most once in `NOTED_EVERY`. Worth no error: the next call tries again."""
        now = self._clock.monotonic()
        if now - self._noted.get(key, float("-inf")) < NOTED_EVERY:
            return
        self._noted[key] = now
        try:
            async with self._database.write() as connection:
                await accounts.note_use(connection, key, self._clock.now())
        except Unavailable:
            del self._noted[key]
            log.info("token.use_not_noted", api_key=key)
