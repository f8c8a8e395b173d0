"""Which subflow starts, if it is not the text's own; and whose flow a problem is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("flows", sa.Column("start", sa.String(200)))
    op.add_column("flows", sa.Column("widget_start", sa.String(200)))
    op.add_column("problems", sa.Column("flow_id", sa.BigInteger))
    for owner in ("conversation", "channel"):
        op.execute(
            f"UPDATE problems SET flow_id = (SELECT flow_id FROM {owner}s "
            f"WHERE {owner}s.id = problems.{owner}_id) WHERE flow_id IS NULL AND {owner}_id IS NOT NULL"
        )
    op.create_index("ix_problems_flow", "problems", ["flow_id", "id"])
