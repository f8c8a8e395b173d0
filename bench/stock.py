"""A SQLite file with a long life behind it: millions of rows, made by SQL from one of each kind.

A row that the server itself wrote is multiplied, so that these are exactly what it would have written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

MESSAGES_EACH = 10
"""Messages of a subscriber."""
LANE = 100
"""Waiting deliveries of a subscriber."""

_YEAR = 365 * 24 * 3600 * 1_000_000
"""Microseconds."""

_SCRAMBLED = "printf('%08x', ({number} * 2654435761) % 4294967296)"
"""Vendors' ids come in no order, and an index feels it."""


def age(file: Path, *, subscribers: int, messages: int) -> None:
    """Add subscribers, their messages, and a finished delivery and its attempt for a tenth of these."""
    with _opened(file) as database:
        first = _take_ids(database, "conversations", subscribers)
        person = f"{first} + n.number"
        _multiply(
            database,
            "conversations",
            subscribers,
            {
                "id": person,
                "user_id": "'aged-' || n.number",
                "name": "'Aged ' || n.number",
                "control": "CASE WHEN n.number % 20 = 0 THEN 'agent' ELSE 'bot' END",
                "last_message_at": "t.last_message_at - n.number * 1000000",
            },
        )
        database.execute("UPDATE day_figures SET arrived = arrived + ? WHERE arrived > 0", (subscribers,))
        _add_messages(database, first, messages)
        _add_finished(database, first, messages // 10)
        database.execute("ANALYZE")


def occupy(file: Path, *, each: int) -> None:
    """Add so many rows of each log that the API reads: custom events, closed conversations, what was done,
    problems. They spread over the subscribers, and over a year up to now."""
    with _opened(file) as database:
        (people,) = database.execute("SELECT max(id) FROM conversations").fetchone()
        spread = {"conversation_id": f"n.number * 7919 % {people} + 1"}
        ago = f"({each} - n.number) * {_YEAR} / {each}"
        for table, instants in (
            ("custom_event_log", ("created_at",)),
            ("cases", ("opened_at", "closed_at")),
            ("activities", ("created_at",)),
            ("problems", ("created_at",)),
        ):
            (last,) = database.execute(f"SELECT max(id) FROM {table}").fetchone()
            spread |= {"id": f"{last} + 1 + n.number"}
            _multiply(database, table, each, spread | {name: f"t.{name} - {ago}" for name in instants})
        database.execute(
            "INSERT OR IGNORE INTO custom_event_subscribers "
            "SELECT DISTINCT event_id, conversation_id FROM custom_event_log"
        )
        database.execute("ANALYZE")


def pile_up(file: Path, deliveries: int) -> None:
    """Add deliveries that wait, `LANE` for each of new subscribers, as an outage leaves them."""
    with _opened(file) as database:
        people = deliveries // LANE
        first = _take_ids(database, "conversations", people)
        _multiply(
            database,
            "conversations",
            people,
            {"id": f"{first} + n.number", "user_id": "'piled-' || n.number"},
        )
        _add_waiting(database, first, people, deliveries)


def _add_messages(database: sqlite3.Connection, first_person: int, count: int) -> None:
    first = _take_ids(database, "messages", count)
    _multiply(
        database,
        "messages",
        count,
        {
            "id": f"{first} + n.number",
            "object_id": "printf('%024x', n.number)",
            "conversation_id": f"{first_person} + n.number / {MESSAGES_EACH}",
            "seq": f"n.number % {MESSAGES_EACH} + 1",
            "mid": f"'aged-' || {_SCRAMBLED.format(number='n.number')} || n.number",
        },
    )


def _add_finished(database: sqlite3.Connection, first_person: int, count: int) -> None:
    first = _take_ids(database, "deliveries", count)
    number = {"id": f"{first} + n.number", "conversation_id": f"{first_person} + n.number"}
    webhook_id = {"webhook_id": "printf('msg_%024x', n.number)"}
    _multiply(database, "deliveries", count, {**number, **webhook_id})
    _multiply(database, "attempts", count, {"delivery_id": f"{first} + n.number"})


def _add_waiting(database: sqlite3.Connection, first_person: int, people: int, count: int) -> None:
    """In the order in which they came: everybody wrote once, then everybody again."""
    user_ns, mid = database.execute(
        "SELECT 'f' || c.flow_id || 'u' || c.id, m.mid FROM deliveries d "
        "JOIN conversations c ON c.id = d.conversation_id JOIN messages m ON m.id = d.message_id "
        "ORDER BY d.rowid LIMIT 1"
    ).fetchone()
    prefix = user_ns.partition("u")[0] + "u"
    person, turn = f"({first_person} + n.number % {people})", f"(n.number / {people})"
    body = (
        f"CAST(replace(replace(CAST(t.body AS TEXT), '\"{user_ns}\"', '\"{prefix}' || {person} || '\"'), "
        f"'\"{mid}\"', '\"piled-' || n.number || '\"') AS BLOB)"
    )
    _multiply(
        database,
        "deliveries",
        count,
        {
            "id": f"{_take_ids(database, 'deliveries', count)} + n.number",
            "conversation_id": person,
            "seq": f"{turn} + 1",
            "webhook_id": "printf('msg_%024x', n.number)",
            "body": body,
            "state": "'waiting'",
            "attempts_made": "0",
            "finished_at": "NULL",
            "due_at": f"CASE WHEN {turn} = 0 THEN t.created_at END",
        },
    )


def _take_ids(database: sqlite3.Connection, kind: str, count: int) -> int:
    """The first of so many numbers that the server will not give to anything else."""
    (first,) = database.execute("SELECT next FROM counters WHERE name = ?", (kind,)).fetchone()
    database.execute("UPDATE counters SET next = next + ? WHERE name = ?", (count, kind))
    return int(first)


def _multiply(database: sqlite3.Connection, table: str, count: int, changed: Mapping[str, str]) -> None:
    """Insert copies of the table's first row, numbered from 0; `changed` are SQL expressions over
    `n.number` and that row `t`. Indexes are made anew afterwards: by sorting, not by searching."""
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    indexes = database.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        (table,),
    ).fetchall()
    for name, _ in indexes:
        database.execute(f"DROP INDEX {name}")
    database.execute(
        f"WITH RECURSIVE n(number) AS (VALUES(0) UNION ALL SELECT number + 1 FROM n "
        f"WHERE number < {count - 1}) "
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"SELECT {', '.join(changed.get(name, f't.{name}') for name in columns)} "
        f"FROM n, (SELECT * FROM {table} ORDER BY rowid LIMIT 1) AS t"
    )
    for _, sql in indexes:
        database.execute(sql)


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on a file that no server has open."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for pragma in ("synchronous = OFF", "cache_size = -1000000", "temp_store = MEMORY"):
            database.execute(f"PRAGMA {pragma}")
        database.execute("BEGIN")
        yield database
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
