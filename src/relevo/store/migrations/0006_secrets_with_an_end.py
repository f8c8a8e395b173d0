"""The time for which a replaced signing secret goes on signing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("old_secret_until", sa.BigInteger))
