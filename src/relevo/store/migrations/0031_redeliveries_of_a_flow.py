"""Redeliveries of one flow are listed by an index: a token sees those of its flow and no others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

_SELECTED = {
    "sqlite": "json_extract(selection, '$.flow_id')",
    "postgresql": "CAST(CAST(selection AS JSON) ->> 'flow_id' AS BIGINT)",
}


def upgrade() -> None:
    op.add_column("redeliveries", sa.Column("flow_id", sa.BigInteger))
    op.execute(f"UPDATE redeliveries SET flow_id = {_SELECTED[op.get_bind().dialect.name]}")
    op.create_index("ix_redeliveries_flow", "redeliveries", ["flow_id", "id"])
