"""Tags, fields and labels with numbers; what subscribers are selected by; deleting subscribers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_AT_ONCE = 1000  # conversations


def upgrade() -> None:
    _make_vocabulary()
    _make_traits()
    op.add_column("conversations", sa.Column("bot_spoke_at", sa.BigInteger))
    op.create_table(
        "erasures",
        sa.Column("conversation_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_media_conversation", "media", ["conversation_id"])
    op.create_index("ix_custom_event_log_conversation", "custom_event_log", ["conversation_id"])
    _fill(op.get_bind())


def _make_vocabulary() -> None:
    op.create_table(
        "tags",
        sa.Column("flow_id", _ID, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.ForeignKeyConstraint(["flow_id"], ["flows.id"], name="fk_tags_flow_id"),
        sa.UniqueConstraint("flow_id", "name", name="uq_tags_flow_id_name"),
    )
    op.create_table(
        "fields",
        sa.Column("flow_id", _ID, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(4), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("type", sa.String(10), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("display", sa.String(10), nullable=False),
        sa.Column("value", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("moves_to", sa.String(200)),
        sa.ForeignKeyConstraint(["flow_id"], ["flows.id"], name="fk_fields_flow_id"),
        sa.UniqueConstraint("flow_id", "kind", "name", name="uq_fields_flow_id_kind_name"),
    )
    op.create_table(
        "labels",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_labels_workspace_id"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_labels_workspace_id_name"),
    )


def _make_traits() -> None:
    op.create_table(
        "traits",
        sa.Column("conversation_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("flow_id", sa.BigInteger, nullable=False),
        sa.Column("value", sa.String(200), nullable=False),
    )
    op.create_index("ix_traits_found", "traits", ["flow_id", "kind", "name", "value", "conversation_id"])


# What subscribers have already


def _fill(connection: sa.Connection) -> None:
    tags: dict[tuple[int, str], None] = {}
    fields: dict[tuple[int, str], str] = {}
    for rows in _conversations(connection):
        traits: list[dict[str, Any]] = []
        for id_, flow_id, own_tags, own_fields in rows:
            for name in json.loads(own_tags):
                tags[flow_id, name] = None
                traits.append(_trait(id_, flow_id, "tag", name, ""))
            for name, value in json.loads(own_fields).items():
                fields.setdefault((flow_id, name), _type(value))
                traits.append(_trait(id_, flow_id, "field", name, _text(value)))
        unique = {(one["conversation_id"], one["kind"], one["name"]): one for one in traits}
        if unique:
            connection.execute(_INSERT_TRAIT, list(unique.values()))
    connection.execute(_BOT_SPOKE)
    _insert_all(connection, "tags", _INSERT_TAG, [{"flow_id": f, "name": n} for f, n in tags])
    new = [{"flow_id": f, "name": n, "type": type_} for (f, n), type_ in fields.items()]
    _insert_all(connection, "fields", _INSERT_FIELD, new)


def _conversations(connection: sa.Connection) -> Iterator[list[Any]]:
    """All that have tags or fields, some at a time."""
    last = 0
    while rows := connection.execute(_SELECT, {"last": last, "most": _AT_ONCE}).all():
        last = rows[-1].id
        yield list(rows)


def _insert_all(
    connection: sa.Connection, what: str, statement: sa.TextClause, rows: list[dict[str, Any]]
) -> None:
    """Each with the next number of its flow; numbers that are given are in `counters`."""
    numbers: dict[int, int] = {}
    for row in rows:
        if _can_be_kept(row["name"]):
            row["number"] = numbers[row["flow_id"]] = numbers.get(row["flow_id"], 0) + 1
    kept = [row for row in rows if "number" in row]
    if kept:
        connection.execute(statement, kept)
    for flow_id, number in numbers.items():
        connection.execute(_INSERT_COUNTER, {"name": f"{what} of {flow_id}", "next": number + 1})


def _can_be_kept(name: str) -> bool:
    return 0 < len(name) <= 200 and "\0" not in name


def _trait(id_: int, flow_id: int, kind: str, name: str, value: str) -> dict[str, Any]:
    short = name[:200].replace("\0", "")
    return {"conversation_id": id_, "flow_id": flow_id, "kind": kind, "name": short, "value": value}


def _type(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case list():
            return "array"
        case _:
            return "text"


def _text(value: Any) -> str:
    match value:
        case None:
            text = ""
        case bool():
            text = "true" if value else "false"
        case float() if value.is_integer():
            text = str(int(value))
        case list():
            text = ", ".join(_text(item) for item in value)
        case _:
            text = str(value)
    return text[:200].replace("\0", "")


_SELECT = sa.text(
    "SELECT id, flow_id, tags, fields FROM conversations "
    "WHERE id > :last AND (tags <> '[]' OR fields <> '{}') ORDER BY id LIMIT :most"
)
_INSERT_TRAIT = sa.text(
    "INSERT INTO traits (conversation_id, kind, name, flow_id, value) "
    "VALUES (:conversation_id, :kind, :name, :flow_id, :value)"
)
_BOT_SPOKE = sa.text(
    "UPDATE conversations SET bot_spoke_at = last_message_at WHERE last_message_type = 'out'"
)
_INSERT_TAG = sa.text(
    "INSERT INTO tags (flow_id, number, name, created_at) VALUES (:flow_id, :number, :name, 0)"
)
_INSERT_FIELD = sa.text(
    "INSERT INTO fields (flow_id, number, kind, name, type, description, display, created_at) "
    "VALUES (:flow_id, :number, 'user', :name, :type, '', 'default', 0)"
)
_INSERT_COUNTER = sa.text("INSERT INTO counters (name, next) VALUES (:name, :next)")
