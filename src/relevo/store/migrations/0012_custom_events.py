"""Custom events: their kinds, each time that one happened, and to whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "custom_events",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("workspace_id", sa.BigInteger, nullable=False),
        sa.Column("flow_id", _ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("text_label", sa.Text, nullable=False),
        sa.Column("price_label", sa.Text, nullable=False),
        sa.Column("number_label", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["flow_id"], ["flows.id"], name="fk_custom_events_flow_id"),
        sa.UniqueConstraint("flow_id", "name", name="uq_custom_events_flow_id_name"),
    )
    op.create_table(
        "custom_event_log",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        sa.Column("conversation_id", sa.BigInteger, nullable=False),
        sa.Column("text_value", sa.Text),
        sa.Column("price_value", sa.Double),
        sa.Column("number_value", sa.Double),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index(
        "ix_custom_event_log_count",
        "custom_event_log",
        ["event_id", "created_at", "id", "conversation_id"],
    )
    op.create_index("ix_custom_event_log_event", "custom_event_log", ["event_id", "id"])
    op.create_table(
        "custom_event_subscribers",
        sa.Column("event_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("conversation_id", sa.BigInteger, primary_key=True, autoincrement=False),
    )
