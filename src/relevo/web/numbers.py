"""Numbers in paths."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler

SMALLEST, GREATEST = -(2**63), 2**63 - 1
"""What a database can compare with a number of its own."""


def are_possible(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard: nothing has a number that no database can hold."""
    numbers = (value for value in connection.path_params.values() if isinstance(value, int))
    if not all(SMALLEST <= number <= GREATEST for number in numbers):
        raise NotFoundException
