"""How far each schedule of a flow has come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "flow_schedules",
        sa.Column("flow_id", _ID, primary_key=True),
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("slot_at", sa.BigInteger, nullable=False),
        sa.Column("looked_at", sa.BigInteger),
        sa.Column("claimed_until", sa.BigInteger),
        sa.ForeignKeyConstraint(["flow_id"], ["flows.id"], name="fk_flow_schedules_flow_id"),
    )
