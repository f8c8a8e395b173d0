"""Custom events that are deleted: out of use at once, what was logged goes a piece at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("custom_events", sa.Column("deleted_at", sa.BigInteger))
