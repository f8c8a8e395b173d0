"""Listing and counting the conversations that agents have, without reading all the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    condition = sa.text("control = 'agent'")
    op.create_index(
        "ix_conversations_with_agents",
        "conversations",
        ["workspace_id", "last_message_at"],
        sqlite_where=condition,
        postgresql_where=condition,
    )
