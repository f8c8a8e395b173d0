"""A memory of webhooks that survives a restart, in a SQLite file of its own."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

_TABLES = """
    CREATE TABLE IF NOT EXISTS webhooks (
        id TEXT PRIMARY KEY, user_ns TEXT NOT NULL, seq INTEGER NOT NULL, seq_before INTEGER NOT NULL,
        at REAL NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS webhooks_at ON webhooks (at);
    CREATE TABLE IF NOT EXISTS conversations (
        user_ns TEXT PRIMARY KEY, highest INTEGER NOT NULL) WITHOUT ROWID;
"""
_FORGETS_EVERY = 1000
"""Webhooks between two looks for what is old."""


class SQLiteSeen:
    """Remembers webhooks for `kept_for`, and how far every conversation has come for ever.

    Several threads, and several processes on one machine, may share the file. Relevo repeats a webhook for
    a day at most, unless a person redelivers it.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        kept_for: timedelta = timedelta(days=30),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._kept_for, self._now = kept_for.total_seconds(), now
        self._lock = threading.Lock()
        self._until_forgetting = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA busy_timeout = 5000")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.executescript(_TABLES)

    def remember(self, webhook_id: str, user_ns: str, seq: int) -> int | None:
        with self._lock, _Transaction(self._connection):
            self._forget_old_ones()
            before = self._highest(user_ns)
            known = self._connection.execute(
                "INSERT INTO webhooks VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (webhook_id, user_ns, seq, before, self._now()),
            )
            if not known.rowcount:
                return None
            self._advance(user_ns, max(seq, before))
            return before

    def forget(self, webhook_id: str) -> None:
        with self._lock, _Transaction(self._connection):
            row = self._connection.execute(
                "DELETE FROM webhooks WHERE id = ? RETURNING user_ns, seq, seq_before", (webhook_id,)
            ).fetchone()
            if row is not None and self._highest(row[0]) == row[1]:
                self._advance(row[0], row[2])

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _highest(self, user_ns: str) -> int:
        query = "SELECT highest FROM conversations WHERE user_ns = ?"
        row = self._connection.execute(query, (user_ns,)).fetchone()
        return int(row[0]) if row is not None else 0

    def _advance(self, user_ns: str, seq: int) -> None:
        self._connection.execute(
            "INSERT INTO conversations VALUES (?, ?) ON CONFLICT DO UPDATE SET highest = excluded.highest",
            (user_ns, seq),
        )

    def _forget_old_ones(self) -> None:
        self._until_forgetting -= 1
        if self._until_forgetting < 0:
            self._until_forgetting = _FORGETS_EVERY
            self._connection.execute("DELETE FROM webhooks WHERE at < ?", (self._now() - self._kept_for,))


class _Transaction:
    """IMMEDIATE: one that turns from reading to writing cannot wait for another process, it fails."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._connection.execute("COMMIT" if kind is None else "ROLLBACK")
