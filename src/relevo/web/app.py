"""The HTTP edge, put together: what is served where, and what becomes of what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from litestar import Litestar, MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect
from litestar.template import TemplateConfig
from litestar.types import ASGIApp, ControllerRouterHandler, Receive, Scope, Send

from relevo.web import health, inbound_webhooks, media, metrics, schemas, unsubscribing
from relevo.web.api import create_api
from relevo.web.asgi import ClientGone, answer
from relevo.web.bearers import Bearers
from relevo.web.console import create_console
from relevo.web.errors import answer_error
from relevo.web.front_door import FrontDoor, note
from relevo.web.hooks import Hooks
from relevo.web.refusals import INTERNAL_ERROR, PAGE_POLICY, Refusal, as_json, refusal_of, small_page
from relevo.web.security import Area, area_of
from relevo.web.services import Services
from relevo.web.widget import pages as widget_pages
from relevo.web.widget import routes as widget_routes

log = structlog.get_logger()

_SPEAKING_JSON: frozenset[Area] = frozenset({"web", "hooks", "inbound", "health", "metrics"})


def create_app(
    services: Services,
    *,
    is_well: Callable[[], bool] = lambda: True,
    extra_routes: Sequence[ControllerRouterHandler] = (),
) -> FrontDoor:
    """The server's application. `is_well` says whether the loops beside it still run."""
    bearers = Bearers(services.database, services.clock)
    framework = Litestar(
        route_handlers=[*_routes(services), *create_api(services, bearers), *extra_routes],
        exception_handlers={Exception: _refuse},
        request_max_body_size=services.edge.max_body,
        template_config=TemplateConfig(directory=[widget_pages.TEMPLATES], engine=JinjaTemplateEngine),
        state=_state(services, is_well),
        openapi_config=None,
        logging_config=None,
    )
    return FrontDoor(
        framework,
        _Guarded(Hooks(services, bearers)),
        clock=services.clock,
        chance=services.chance,
        trusted_proxies=services.edge.trusted_proxies,
    )


def create_watch(services: Services, *, is_well: Callable[[], bool] = lambda: True) -> FrontDoor:
    """The application of a process that only carries: whether it is well, and what it counts."""
    framework = Litestar(
        route_handlers=[health.alive, health.ready, metrics.metrics],
        exception_handlers={Exception: _refuse},
        state=State({"backlog": metrics.Backlog(services), "checks": health.checks_of(services, is_well)}),
        openapi_config=None,
        logging_config=None,
    )
    return FrontDoor(
        framework,
        framework,
        clock=services.clock,
        chance=services.chance,
        trusted_proxies=services.edge.trusted_proxies,
    )


def _routes(services: Services) -> list[ControllerRouterHandler]:
    return [
        home,
        health.alive,
        health.ready,
        metrics.metrics,
        media.file,
        unsubscribing.ask,
        unsubscribing.unsubscribe,
        schemas.flow_file_schema,
        inbound_webhooks.create_inbound(services),
        widget_routes.ROUTER,
        widget_pages.widget_script,
        widget_pages.chat_page,
        create_console(services),
    ]


def _state(services: Services, is_well: Callable[[], bool]) -> State:
    return State(
        {
            "services": services,
            "widget": widget_routes.create_widget(services),
            "backlog": metrics.Backlog(services),
            "checks": health.checks_of(services, is_well),
        }
    )


@get("/", include_in_schema=False)
async def home() -> Redirect:
    return Redirect("/console")


# What goes wrong


class _Guarded:
    """An application without a framework, and an answer for whatever it raises."""

    def __init__(self, inside: ASGIApp) -> None:
        self._inside = inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._inside(scope, receive, send)
        except ClientGone:
            return
        except Exception as error:
            refusal = _noted(scope, error)
            await answer(send, refusal.status, as_json(refusal), headers=refusal.headers)


def _refuse(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    if area_of(request.url.path) == "api":
        return answer_error(request, error)
    refusal = _noted(request.scope, error)
    headers = {name.decode(): value.decode() for name, value in refusal.headers}
    if area_of(request.url.path) in _SPEAKING_JSON:
        return Response(
            as_json(refusal), status_code=refusal.status, headers=headers, media_type=MediaType.JSON
        )
    page = _page(refusal.status, _TITLES.get(refusal.status, "That did not work"), refusal.message)
    page.headers.update(headers)
    return page


_TITLES = {404: "There is nothing here", 429: "Too many requests", 500: "Our mistake", 503: "One moment"}


def _noted(scope: Any, error: Exception) -> Refusal:
    """The refusal that an error is; of faults of ours, the log has the traceback."""
    refusal = refusal_of(error)
    note(scope, refused=refusal.code, **_reason(error))
    if refusal.code == INTERNAL_ERROR:
        log.error("http.failed", exc_info=error)
    return refusal


def _reason(error: Exception) -> dict[str, object]:
    facts = getattr(error, "facts", {})
    return {name: facts[name] for name in ("reason", "cause") if name in facts}


def _page(status: int, title: str, words: str) -> Response[str]:
    return Response(
        small_page(title, words),
        status_code=status,
        media_type=MediaType.HTML,
        headers={"content-security-policy": PAGE_POLICY, "cache-control": "no-store"},
    )
