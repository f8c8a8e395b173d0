"""Where files come from, who put them into the library, and which uploads a message names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("media", sa.Column("origin", sa.String(10)))
    op.add_column("media", sa.Column("member_id", sa.BigInteger))
    op.add_column("media", sa.Column("used_at", sa.BigInteger))
    op.create_index("ix_media_workspace", "media", ["workspace_id", "created_at"])
    never_named = sa.text("origin = 'upload' AND used_at IS NULL")
    op.create_index(
        "ix_media_unused",
        "media",
        ["created_at"],
        sqlite_where=never_named,
        postgresql_where=never_named,
    )
