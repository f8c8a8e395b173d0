"""People whom a vendor knows by a second id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "other_ids",
        sa.Column("channel_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("other_id", sa.String(200), primary_key=True),
        sa.Column("user_id", sa.String(200), nullable=False),
    )
