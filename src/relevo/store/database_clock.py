"""The clock that leases and claims go by."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, BindParameter, ColumnElement, bindparam, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from relevo.store.tables import Instant


class TheTime(FunctionElement[datetime]):
    """What time it is, for leases and claims: by PostgreSQL's own clock, since the hosts' clocks may differ;
    on SQLite, where there is one process, as that one says (`now`)."""

    type, inherit_cache = Instant(), True

    def __init__(self, now: datetime | BindParameter[Any]) -> None:
        super().__init__(
            now if isinstance(now, BindParameter) else bindparam("now", now, Instant, unique=True)
        )


BY_ITS_CLOCK = "CAST(extract(epoch FROM now()) * 1000000 AS BIGINT)"
"""PostgreSQL's, when the transaction began: a lease ends rather too early, and a claim is freed too late."""


@compiles(TheTime, "sqlite")
def _as_told(element: TheTime, compiler: Any, **kw: Any) -> str:
    return str(compiler.process(element.clauses, **kw))


@compiles(TheTime, "postgresql")
def _by_its_clock(element: TheTime, compiler: Any, **kw: Any) -> str:
    return BY_ITS_CLOCK


def later(now: datetime, by: timedelta) -> ColumnElement[int]:
    """So much later than now, by that clock: when a claim ends that is made now."""
    return type_coerce(TheTime(now), BigInteger) + by // timedelta(microseconds=1)
