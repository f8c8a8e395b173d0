"""How much may be asked of an endpoint."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("max_in_flight", sa.Integer))
    op.add_column("endpoints", sa.Column("max_per_second", sa.Integer))
