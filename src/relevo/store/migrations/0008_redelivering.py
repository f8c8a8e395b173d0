"""What people do with deliveries, one or many at once: who, when and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _interventions()
    _redeliveries()


def _interventions() -> None:
    op.create_table(
        "interventions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("did", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("redelivery_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_interventions"),
    )
    op.create_index("ix_interventions_delivery", "interventions", ["delivery_id", "redelivery_id"])


def _redeliveries() -> None:
    op.create_table(
        "redeliveries",
        sa.Column("id", _ID, nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("total", sa.BigInteger()),
        sa.Column("put_back", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("stopped_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("worked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_redeliveries"),
    )
    running = sa.text("state = 'running'")
    op.create_index(
        "ix_redeliveries_running",
        "redeliveries",
        ["worked_at"],
        sqlite_where=running,
        postgresql_where=running,
    )
    op.create_index("ix_redeliveries_workspace", "redeliveries", ["workspace_id", "id"])
