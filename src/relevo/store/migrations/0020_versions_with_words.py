"""A version of a flow has a message, an author, and a hash by which a change of its text would be noticed."""

from __future__ import annotations

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("flow_versions", sa.Column("message", sa.Text, nullable=False, server_default=""))
    op.add_column("flow_versions", sa.Column("author", sa.Text, nullable=False, server_default=""))
    op.add_column("flow_versions", sa.Column("hash", sa.String(64)))
    table = sa.table("flow_versions", sa.column("id"), sa.column("source"), sa.column("hash"))
    connection = op.get_bind()
    for id_, source in connection.execute(sa.select(table.c.id, table.c.source)).all():
        values = {"hash": sha256(source.encode()).hexdigest()}
        connection.execute(sa.update(table).where(table.c.id == id_).values(values))
