"""Fields whose type somebody has said: flows are held to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("fields", sa.Column("declared", sa.Boolean))
