"""Broadcasts with what became of each person, and segments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _broadcasts()
    _recipients()
    _segments()
    op.create_index("ix_conversations_in_flow", "conversations", ["flow_id", "id"])


def _broadcasts() -> None:
    op.create_table(
        "broadcasts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("flow_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("recipients", sa.Text(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("scheduled_at", sa.BigInteger()),
        sa.Column("total", sa.BigInteger()),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("stopped_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("worked_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_broadcasts"),
    )
    due = sa.text("due_at IS NOT NULL")
    op.create_index("ix_broadcasts_due", "broadcasts", ["due_at"], sqlite_where=due, postgresql_where=due)
    op.create_index("ix_broadcasts_flow", "broadcasts", ["flow_id", "id"])
    op.create_index("ix_broadcasts_workspace", "broadcasts", ["workspace_id", "id"])


def _recipients() -> None:
    op.create_table(
        "broadcast_recipients",
        sa.Column("broadcast_id", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("message_seq", sa.Integer()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("broadcast_id", "conversation_id", name="pk_broadcast_recipients"),
    )
    op.create_index(
        "ix_broadcast_recipients_outcome",
        "broadcast_recipients",
        ["broadcast_id", "outcome", "conversation_id"],
    )


def _segments() -> None:
    op.create_table(
        "segments",
        sa.Column("id", _ID, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("flow_id", _ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_segments_workspace_id"),
        sa.ForeignKeyConstraint(["flow_id"], ["flows.id"], name="fk_segments_flow_id"),
        sa.PrimaryKeyConstraint("id", name="pk_segments"),
        sa.UniqueConstraint("flow_id", "name", name="uq_segments_flow_id_name"),
    )
