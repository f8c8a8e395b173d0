"""Applying migrations with Alembic, inside a transaction that somebody else began."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from relevo.store import tables


def revisions(folder: Path) -> list[str]:
    """The migrations that there are, newest first."""
    return [script.revision for script in _scripts(folder).walk_revisions()]


def upgrade(connection: Connection, folder: Path) -> None:
    """Apply the migrations that the database does not have."""
    scripts = _scripts(folder)

    def missing(revision: str, _context: MigrationContext) -> list[RevisionStep]:
        return scripts._upgrade_revs("head", revision)  # as alembic.command.upgrade does

    with EnvironmentContext(Config(), scripts, fn=missing) as environment:
        environment.configure(connection=connection, target_metadata=tables.metadata)
        environment.run_migrations()


def _scripts(folder: Path) -> ScriptDirectory:
    return ScriptDirectory(str(folder), version_locations=[str(folder)])
