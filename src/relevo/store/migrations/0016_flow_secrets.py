"""Secrets that flows send to other servers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "flow_secrets",
        sa.Column("workspace_id", _ID, primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value_encrypted", sa.LargeBinary, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_flow_secrets_workspace_id"),
    )
