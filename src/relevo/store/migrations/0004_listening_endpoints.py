"""Endpoints that listen to channels whose live chat goes elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("endpoints", sa.Column("channels", sa.Text))
