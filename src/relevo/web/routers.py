"""Routers that belong to one application, and are quickly made.

The framework reads the signature of a handler anew wherever it is registered, for each application, and
gives each route a handler for OPTIONS, whose signature it reads as well. That, and copying the routers,
was more than half of what making the application took.
"""

from __future__ import annotations

from typing import Any, Self

from litestar import Router
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ControllerRouterHandler


class OwnRouter(Router):
    """A router that is made for one application and registered there, once."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The framework copies every router deeply, so that it can be registered in several places."""
        return self

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        """Register a handler. Its signature is read here: what is registered is a copy, and knows it then."""
        if isinstance(value, HTTPRouteHandler):
            _ = value.parsed_fn_signature
        routes = super().register(value)
        for route in routes:
            if isinstance(route, HTTPRoute):
                _share_what_is_read(route.route_handlers[-1])
        return routes


def share_signature(handler: HTTPRouteHandler, of: HTTPRouteHandler) -> None:
    """Have a handler of the same function take what was read of another."""
    handler._parsed_fn_signature = of.parsed_fn_signature


_OPTIONS = f"{HTTPRoute.create_options_handler.__qualname__}.<locals>.options_handler"
_read: list[tuple[Any, Any]] = []
"""What was read of the first of the framework's handlers for OPTIONS: all of them have one signature."""


def _share_what_is_read(handler: HTTPRouteHandler) -> None:
    if handler.fn.__qualname__ == _OPTIONS:
        if not _read:
            _read.append((handler.parsed_fn_signature, handler.signature_model))
        handler._parsed_fn_signature, handler._signature_model = _read[0]
