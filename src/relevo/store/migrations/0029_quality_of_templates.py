"""What a vendor thinks of how people take a template."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.add_column("channel_templates", sa.Column("quality", sa.String(40), nullable=False, server_default=""))
