"""Finding what belongs to a subscriber, where somebody has it deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    about_somebody = sa.text("conversation_id IS NOT NULL")
    op.create_index("ix_other_ids_user", "other_ids", ["channel_id", "user_id"])
    op.create_index(
        "ix_inbound_calls_conversation",
        "inbound_calls",
        ["conversation_id"],
        sqlite_where=about_somebody,
        postgresql_where=about_somebody,
    )
