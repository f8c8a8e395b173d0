"""Deliveries know the order of commits, so that a platform can read what it missed.

On PostgreSQL a new row notes its transaction's number by itself, whichever version inserts it. Rows from
before have 0: they come first, in the order of their ids. No table is written anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    number = sa.Column("commit_order", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    op.add_column("deliveries", number)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE deliveries ALTER COLUMN commit_order SET DEFAULT pg_current_xact_id()::text::bigint"
        )
    op.create_index(
        "ix_deliveries_commit_order",
        "deliveries",
        ["commit_order"],
        sqlite_where=sa.text("commit_order > 0"),
        postgresql_where=sa.text("destination_kind = 'endpoint'"),
    )
