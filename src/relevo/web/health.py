"""`/healthz`: this process is alive. `/readyz`: it can do its work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog
from litestar import Request, Response, get

from relevo.domain.errors import Unavailable
from relevo.store import schema
from relevo.web.services import Services

log = structlog.get_logger()

Check = Callable[[], Awaitable[str]]
"""Answers "ok", or in a word or two what is wrong: nothing that strangers may not read."""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """`ready` only when every check says "ok"."""

    status: str
    checks: dict[str, str]


@get("/healthz", include_in_schema=False)
async def alive() -> Response[bytes]:
    return _answer(200, {"status": "ok"})


@get("/readyz", include_in_schema=False)
async def ready(request: Request[Any, Any, Any]) -> Response[bytes]:
    checks: Mapping[str, Check] = request.app.state.checks
    found = {name: await check() for name, check in checks.items()}
    is_ready = all(word == "ok" for word in found.values())
    return _answer(
        200 if is_ready else 503, Readiness(status="ready" if is_ready else "not ready", checks=found)
    )


def checks_of(services: Services, is_well: Callable[[], bool]) -> dict[str, Check]:
    """What this process needs: its database, the tables of this version, and its loops (`is_well`)."""

    async def database() -> str:
        return await _tables(services)

    async def loops() -> str:
        return "ok" if is_well() else "stopped"

    return {"database": database, "engine": loops}


async def _tables(services: Services) -> str:
    try:
        is_served = await schema.is_served(services.database)
    except Unavailable as fault:
        log.warning("database.unreachable", cause=fault.facts.get("cause"))
        return "unreachable"
    return "ok" if is_served else "not migrated"


def _answer(status: int, value: object) -> Response[bytes]:
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        media_type="application/json",
        headers={"cache-control": "no-store"},
    )
