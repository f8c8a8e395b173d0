"""What a database may do instead of what it was asked, in three kinds."""

from __future__ import annotations

import sqlite3
from typing import Any

from asyncpg import InterfaceError as ClientError
from asyncpg import InternalClientError, PostgresError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from relevo.domain.errors import Unavailable


class Transient(Unavailable):
    """The database broke this transaction off; the same one may well succeed at once."""

    code = Unavailable.code


class StoreFault(Exception):
    """A statement that the database refused: a constraint, an oversized value, a mistake of ours."""


class Taken(StoreFault):
    """A row with this key was there already. Another process may have made it a moment ago: then the same
    work, begun anew, finds it."""


_AGAIN = ("40", "57P", "08", "25P03", "55P03", "0A000")
"""SQLSTATEs: rolled back to resolve a conflict; the server stops; the connection broke; we were silent for
too long; a lock was not to be had; a plan from before a migration.
https://www.postgresql.org/docs/current/errcodes-appendix.html"""
_TAKEN = "23505"
_REFUSED = ("22", "23", "42", "21", "54")
"""Data, integrity, syntax and access, cardinality, program limits: the same statement fails again."""


class faults_as_ours:  # noqa: N801  (reads as a statement)
    """Turns whatever drivers and SQLAlchemy raise into `Transient`, `Unavailable` or `StoreFault`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, _FOREIGN):
            raise _ours(error) from error


_FOREIGN = (SQLAlchemyError, sqlite3.Error, PostgresError, ClientError, InternalClientError, OSError)


def _ours(error: BaseException) -> Exception:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return Transient(cause=_first_line(cause))
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause)
    if isinstance(cause, (OSError, PoolTimeout)):
        return Unavailable(cause=_first_line(cause))
    return _of_postgresql(cause)


def _of_sqlite(error: sqlite3.Error) -> Exception:
    if "locked" in str(error):
        return Transient(cause=_first_line(error))
    if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
        return Unavailable(cause=_first_line(error))  # the disk is full, the file is damaged
    return StoreFault(_first_line(error))


def _of_postgresql(error: BaseException) -> Exception:
    if isinstance(error, InternalClientError):  # the server has said its last word, and will hang up
        return Transient(cause=_first_line(error))
    state = str(getattr(error, "sqlstate", "") or "")
    if state.startswith(_AGAIN) or (isinstance(error, ClientError) and "clos" in str(error)):
        return Transient(cause=_first_line(error))
    if state == _TAKEN:
        return Taken(_first_line(error))
    if state and not state.startswith(_REFUSED):
        return Unavailable(cause=_first_line(error))
    return StoreFault(_first_line(error))


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).split("\n")[0]
