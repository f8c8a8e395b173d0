"""Finding subscribers by name, phone and email, and counting them by status, without reading them all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("ix_conversations_name", "conversations", ["flow_id", "name"])
    for name, column, where in (
        ("ix_conversations_phone", "phone", "phone <> ''"),
        ("ix_conversations_email", "email", "email <> ''"),
        ("ix_conversations_not_open", "status", "status <> 'open'"),
    ):
        condition = sa.text(where)
        op.create_index(
            name,
            "conversations",
            ["flow_id", column],
            sqlite_where=condition,
            postgresql_where=condition,
        )
