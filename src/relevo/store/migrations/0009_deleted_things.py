"""Endpoints and channels that are deleted: out of use, and still known by their ids."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    for table in ("endpoints", "channels"):
        op.add_column(table, sa.Column("deleted_at", sa.BigInteger))
