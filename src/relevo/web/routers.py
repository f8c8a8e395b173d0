"""Routers that belong to one application."""

from __future__ import annotations

from typing import Any, Self

from litestar import Router


class OwnRouter(Router):
    """A router that is made for one application and registered there, once.

    The framework makes a deep copy of every router, so that it can be registered in several places. For the
    API and the console that is a quarter of what making the application takes.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self
