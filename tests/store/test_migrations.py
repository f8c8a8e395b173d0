"""The tables that migrations make are those of `tables.py`, whoever makes them and however many at once."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, text

from relevo.domain.figures import Figures
from relevo.domain.ids import FlowId, WorkspaceId
from relevo.store import day_figures, redeliveries, schema, tables, upgrading, vocabulary
from relevo.store.database import Database
from tests.architecture.sources import ROOT, parsed


@pytest.fixture
async def own(migrated_database_url: str) -> AsyncIterator[Database]:
    """A database whose tables nobody else uses."""
    database = Database(migrated_database_url)
    yield database
    await database.close()


async def test_migrations_make_what_tables_says(database: Database) -> None:
    async with database.write() as connection:
        assert await connection.run_sync(differences) == []


def differences(connection: Connection) -> list[Any]:
    found: list[Any] = compare_metadata(MigrationContext.configure(connection), tables.metadata)
    return found


async def test_the_comparison_sees_a_column_that_a_migration_forgot(own: Database) -> None:
    async with own.write() as connection:
        await connection.execute(text("ALTER TABLE problems DROP COLUMN raw"))
        assert len(await connection.run_sync(differences)) == 1


async def test_down_to_the_conditions_of_partial_indexes_and_the_names_of_constraints(
    own: Database, tmp_path: Path
) -> None:
    """What Alembic's comparison passes over: the same database made straight from `tables`."""
    async with own.write() as connection:
        migrated = await connection.run_sync(description)
        await connection.run_sync(drop_everything)
        await connection.run_sync(tables.metadata.create_all)
        straight = await connection.run_sync(description)

    assert migrated == straight
    assert any("WHERE" in line for line in migrated)


def drop_everything(connection: Connection) -> None:
    tables.metadata.drop_all(connection)
    connection.execute(text("DROP TABLE alembic_version"))


def description(connection: Connection) -> list[str]:
    """A line for each column, constraint and index."""
    inspector = inspect(connection)
    lines = [*index_definitions(connection)]
    for table in tables.metadata.tables:
        lines += [f"{table} column {column}" for column in inspector.get_columns(table)]
        lines += [f"{table} unique {unique}" for unique in inspector.get_unique_constraints(table)]
        lines += [f"{table} foreign key {key}" for key in inspector.get_foreign_keys(table)]
        lines += [f"{table} primary key {inspector.get_pk_constraint(table)}"]
    return sorted(lines)


def index_definitions(connection: Connection) -> list[str]:
    if connection.dialect.name == "sqlite":
        query = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    else:
        query = (
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        )
    wanted = {"tables": list(tables.metadata.tables)} if ":tables" in query else {}
    return list(connection.execute(text(query), wanted).scalars())


async def test_the_configuration_begins_with_version_one(database: Database) -> None:
    async with database.read() as connection:
        rows = (await connection.execute(tables.configuration.select())).all()

    assert [tuple(row) for row in rows] == [(1, 1)]


async def test_a_database_is_current_once_it_is_migrated_and_migrating_again_changes_nothing(
    database_url: str,
) -> None:
    database = Database(database_url)
    try:
        assert not await schema.is_current(database)

        await schema.migrate(database)
        await schema.migrate(database)

        assert await schema.is_current(database)
        assert await schema.current_revision(database) == schema.newest_revision()
    finally:
        await database.close()


async def test_a_failed_migration_leaves_the_database_as_it_was(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_way(connection: Connection, _folder: Path) -> None:
        upgrading_as_ever(connection, schema.MIGRATIONS)
        raise ZeroDivisionError

    upgrading_as_ever = upgrading.upgrade
    monkeypatch.setattr(upgrading, "upgrade", half_way)
    database = Database(database_url)
    try:
        with pytest.raises(ZeroDivisionError):
            await schema.migrate(database)

        async with database.read() as connection:
            assert await connection.run_sync(lambda sync: inspect(sync).get_table_names()) == []
    finally:
        await database.close()


async def test_the_database_of_a_newer_relevo_is_refused(own: Database) -> None:
    async with own.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(schema.TooNew, match="newer Relevo"):
        await schema.migrate(own)
    assert not await schema.is_current(own)


MIGRATE = """
import asyncio, sys
from relevo.store import schema
from relevo.store.database import Database

async def main():
    database = Database(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    await schema.migrate(database)
    assert await schema.is_current(database)
    await database.close()

asyncio.run(main())
"""


async def test_several_processes_may_start_on_an_empty_database_at_once(database_url: str) -> None:
    processes = [await started(database_url) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
    ends = await asyncio.gather(*(process.communicate() for process in processes))

    assert [error.decode() for _, error in ends] == ["", "", ""]


async def started(url: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        MIGRATE,
        url,
        env={"PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def test_the_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/not/there/relevo.db")
    await schema.migrate(database)
    await database.close()

    assert (tmp_path / "not/there/relevo.db").exists()


def test_a_migration_file_is_named_by_its_revision_and_imports_nothing_of_ours() -> None:
    for file in schema.MIGRATIONS.glob("[0-9]*.py"):
        assert f'revision = "{file.name[:4]}"' in file.read_text()
        assert "relevo" not in imported(file)
    assert upgrading.revisions(schema.MIGRATIONS)[0] == schema.newest_revision()


def imported(file: Path) -> set[str]:
    nodes = list(ast.walk(parsed(file)))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {
        name.split(".")[0]
        for name in plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    }


@pytest.fixture
async def empty(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


WORKSPACE = {"id": 1, "name": "Acme", "timezone": "UTC", "agent_reply_pauses_for_seconds": 1,
             "paused_automation": "", "created_at": 0}  # fmt: skip
FLOW = {"workspace_id": 1, "created_at": 0}


async def test_what_subscribers_had_before_tags_and_fields_were_numbered_is_numbered(
    empty: Database,
) -> None:
    old = {"workspace_id": 1, "channel_id": 1, "name": "", "phone": "", "email": "", "profile": "{}",
           "control": "bot", "epoch": 0, "status": "open", "state": "{}", "created_at": 0}  # fmt: skip
    people = [
        {"id": 1, "flow_id": 1, "tags": '["lead", "vip"]', "fields": '{"size": 42, "many": ["a", 1]}'},
        {"id": 2, "flow_id": 1, "tags": '["vip"]', "fields": "{}"},
        {"id": 3, "flow_id": 2, "tags": "[]", "fields": '{"size": "big", "is": true}'},
        {"id": 4, "flow_id": 2, "tags": "[]", "fields": "{}"},
    ]
    async with empty.write() as connection:
        await connection.run_sync(lambda inner: upgraded(inner, "0023"))
        await connection.execute(text("INSERT INTO workspaces " + _columns(WORKSPACE)), WORKSPACE)
        for id_ in (1, 2):
            flow = FLOW | {"id": id_, "name": f"flow {id_}"}
            await connection.execute(text("INSERT INTO flows " + _columns(flow)), flow)
        for one in people:
            row = {**old, **one, "user_id": f"u{one['id']}"}
            await connection.execute(text("INSERT INTO conversations " + _columns(row)), row)

    await schema.migrate(empty)

    async with empty.read() as connection:
        found = await vocabulary.vocabularies(connection)
        traits = (await connection.execute(select(tables.traits))).all()
    numbered = {id_: {one.name: one.number for one in words.tags.values()} for id_, words in found.items()}
    assert numbered == {1: {"lead": 1, "vip": 2}, 2: {}}
    types = {id_: {one.name: one.type for one in words.fields.values()} for id_, words in found.items()}
    assert types == {1: {"size": "number", "many": "array"}, 2: {"size": "text", "is": "boolean"}}
    assert {(row.conversation_id, row.kind, row.name, row.value) for row in traits} == {
        (1, "tag", "lead", ""), (1, "tag", "vip", ""), (1, "field", "size", "42"),
        (1, "field", "many", "a, 1"), (2, "tag", "vip", ""),
        (3, "field", "size", "big"), (3, "field", "is", "true"),
    }  # fmt: skip


OLD_CONVERSATION = {"workspace_id": 1, "channel_id": 1, "name": "", "phone": "", "email": "",
                    "profile": "{}", "control": "bot", "epoch": 0, "status": "open", "state": "{}",
                    "created_at": 0, "tags": "[]", "fields": "{}"}  # fmt: skip
COUNTED = dict.fromkeys(Figures.__struct_fields__, 0) | {"member_id": 0, "node": "a"}


async def test_subscribers_who_were_deleted_are_taken_off_what_was_counted(empty: Database) -> None:
    async with empty.write() as connection:
        await connection.run_sync(lambda inner: upgraded(inner, "0026"))
        for id_, flow_id in ((1, 1), (2, 1), (3, 2), (4, 3)):
            row = {**OLD_CONVERSATION, "id": id_, "flow_id": flow_id, "user_id": f"u{id_}"}
            await connection.execute(text("INSERT INTO conversations " + _columns(row)), row)
        for flow_id, day, arrived in ((1, 700, 3), (1, 701, 2), (2, 700, 1)):
            row = {**COUNTED, "flow_id": flow_id, "day": day, "arrived": arrived}
            await connection.execute(text("INSERT INTO day_figures " + _columns(row)), row)

    await schema.migrate(empty)

    async with empty.read() as connection:
        there = [await day_figures.there_are(connection, FlowId(id_)) for id_ in (1, 2, 3)]
        by_day = await day_figures.of_flows(connection, [FlowId(1)], 700, 701)
    assert there == [2, 1, 1]
    assert [one.arrived for one in by_day.values()] == [3, 2]


async def test_a_redelivery_that_was_begun_before_is_listed_with_its_flow(empty: Database) -> None:
    selections = ['{"states":["parked"],"flow_id":7}', '{"states":["parked"],"flow_id":null}', "{}"]
    async with empty.write() as connection:
        await connection.run_sync(lambda inner: upgraded(inner, "0030"))
        for id_, selection in enumerate(selections, start=1):
            row = {**REDELIVERY, "id": id_, "selection": selection}
            await connection.execute(text("INSERT INTO redeliveries " + _columns(row)), row)

    await schema.migrate(empty)

    async with empty.read() as connection:
        of_flow = await redeliveries.listing(connection, WorkspaceId(1), flow_id=FlowId(7))
        everything = await redeliveries.listing(connection, WorkspaceId(1))
    assert [one.id for one in of_flow] == [1]
    assert [one.id for one in everything] == [3, 2, 1]


REDELIVERY = {
    "workspace_id": 1,
    "asked_by": "Olga",
    "state": "running",
    "put_back": 0,
    "looked_at": 0,
    "stopped_by": "",
    "created_at": 1,
    "worked_at": 1,
}


def upgraded(connection: Connection, revision: str) -> None:
    """As far as this migration, as an older Relevo left it."""
    scripts = upgrading._scripts(schema.MIGRATIONS)
    with EnvironmentContext(
        Config(), scripts, fn=lambda before, _: scripts._upgrade_revs(revision, before)
    ) as environment:
        environment.configure(connection=connection, target_metadata=tables.metadata)
        environment.run_migrations()


def _columns(row: dict[str, Any]) -> str:
    return f"({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"
