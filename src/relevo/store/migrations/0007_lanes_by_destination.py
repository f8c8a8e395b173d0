"""Finding the lanes of one destination that are due, without passing by those of one that is dead."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    condition = sa.text("state = 'waiting' AND due_at IS NOT NULL")
    op.create_index(
        "ix_deliveries_due_by_destination",
        "deliveries",
        ["destination_kind", "destination_id", "due_at"],
        sqlite_where=condition,
        postgresql_where=condition,
    )
