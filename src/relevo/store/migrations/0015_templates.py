"""The templates of channels, as their vendors tell of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "channel_templates",
        sa.Column("channel_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(512), primary_key=True),
        sa.Column("lang", sa.String(20), primary_key=True),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("components", sa.Text, nullable=False),
        sa.Column("vendor_id", sa.String(255), nullable=False),
        sa.Column("namespace", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_channel_templates_channel_id"),
    )
