"""How endpoints stand, what their attempts came to, and what their workspaces are told of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "endpoint_health",
        sa.Column("endpoint_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("since", sa.BigInteger),
        sa.Column("ill_since", sa.BigInteger),
        sa.Column("succeeded_at", sa.BigInteger),
        sa.Column("failed_at", sa.BigInteger),
        sa.Column("failure", sa.Text, nullable=False),
        sa.Column("views", sa.Text, nullable=False),
    )
    op.create_table(
        "endpoint_tallies",
        sa.Column("endpoint_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("slot_at", sa.BigInteger, primary_key=True),
        sa.Column("node", sa.String(40), primary_key=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("took", sa.Text, nullable=False),
    )
    op.create_table(
        "endpoint_notices",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("workspace_id", sa.BigInteger, nullable=False),
        sa.Column("endpoint_id", sa.BigInteger, nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("webhook_id", sa.String(40), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("attempts_made", sa.Integer, nullable=False),
    )
    op.create_index("ix_endpoint_notices_endpoint", "endpoint_notices", ["endpoint_id", "id"])
    to_be_posted = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_endpoint_notices_due",
        "endpoint_notices",
        ["due_at"],
        sqlite_where=to_be_posted,
        postgresql_where=to_be_posted,
    )
    op.add_column("workspaces", sa.Column("operations_url", sa.Text))
