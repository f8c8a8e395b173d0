"""Inbound webhooks, and the requests to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "inbound_webhooks",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("workspace_id", sa.BigInteger, nullable=False),
        sa.Column("flow_id", _ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("channel_id", sa.BigInteger),
        sa.Column("mappings", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("start", sa.String(200), nullable=False),
        sa.Column("key_path", sa.Text, nullable=False),
        sa.Column("disabled_reason", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["flow_id"], ["flows.id"], name="fk_inbound_webhooks_flow_id"),
        sa.UniqueConstraint("key", name="uq_inbound_webhooks_key"),
        sa.UniqueConstraint("workspace_id", "name", name="uq_inbound_webhooks_workspace_id_name"),
    )
    op.create_table(
        "inbound_calls",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("webhook_id", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("wrongs", sa.Text, nullable=False),
        sa.Column("mapped", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.BigInteger),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_inbound_calls_webhook", "inbound_calls", ["webhook_id", "id"])
