"""What every test may ask for: an empty database of each kind, and an environment without surprises."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import asyncpg
import hypothesis
import pytest

from relevo.store import schema, tables
from relevo.store.database import Database
from tests import postgres

hypothesis.settings.register_profile("relevo", deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("relevo")

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]

POSTGRES_FOLDERS = pytest.StashKey[list[Path]]()

_numbers = count(1)


def migrate(url: str) -> None:
    """Bring the empty database at `url` to the newest tables.

    Called once a run for each kind of database (on a template, then copied for each test).
    """

    async def run() -> None:
        database = Database(url)
        await schema.migrate(database)
        await database.close()

    asyncio.run(run())


# A PostgreSQL for each process of the run: the first test there that needs it starts it, and the process
# that began the run stops it. Not one for all: who is told what, and when, depends on the transactions that
# are open anywhere in a cluster, those of other databases among them.


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith("RELEVO_")]:
        del os.environ[name]
    if not hasattr(config, "workerinput"):
        config.stash[POSTGRES_FOLDERS] = [postgres.make_folder()]
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # else `timeout` leaves a server behind


def pytest_collection_finish() -> None:
    """What is loaded by now stays: looking through it again and again took a sixth of the time of a test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: pytest.Item) -> None:
    folder = postgres.make_folder()
    node.config.stash[POSTGRES_FOLDERS].append(folder)
    node.workerinput["postgres_folder"] = str(folder)  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    for folder in config.stash.get(POSTGRES_FOLDERS, []):
        postgres.stop(folder)


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> postgres.PostgresServer:
    """This process's PostgreSQL. Where there is none, its tests skip on a laptop and fail when CI=true."""
    worker = getattr(pytestconfig, "workerinput", None)
    folder = Path(worker["postgres_folder"]) if worker else pytestconfig.stash[POSTGRES_FOLDERS][0]
    try:
        return postgres.ensure_running(folder)
    except postgres.PostgresMissing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no PostgreSQL: {missing}")


@pytest.fixture(params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    """`sqlite`, then `postgresql`. A test that is about one of them parametrizes this itself."""
    return str(request.param)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL, as an operator would write it, of a new and empty database."""
    if database_kind == "sqlite":
        yield sqlite_url(tmp_path / "relevo.db")
    else:
        server = request.getfixturevalue("postgres_server")
        yield from _postgres_database(server, template="template1")


@pytest.fixture
def migrated_database_url(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """The URL of a new database with the newest tables and no rows: a copy of a template."""
    if database_kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "relevo.db")
        yield sqlite_url(tmp_path / "relevo.db")
    else:
        template = request.getfixturevalue("postgres_template")
        yield from _postgres_database(request.getfixturevalue("postgres_server"), template=template)


@pytest.fixture
def swept_database_url(database_kind: str, request: pytest.FixtureRequest) -> str:
    """Like `migrated_database_url`, but on PostgreSQL it is one that is kept and swept, a hundred times
    faster than a copy: not for a test that changes tables, or ends with a transaction open."""
    if database_kind == "sqlite":
        return str(request.getfixturevalue("migrated_database_url"))
    url = str(request.getfixturevalue("kept_postgres_database"))
    asyncio.run(_sweep(url))
    return url


@pytest.fixture
async def database(swept_database_url: str) -> AsyncIterator[Database]:
    """A new database with the newest tables and no rows, open."""
    opened = Database(swept_database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    template = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(sqlite_url(template))
    return template


@pytest.fixture(scope="session")
def postgres_template(postgres_server: postgres.PostgresServer) -> str:
    """The name of a migrated database that nobody is connected to; each xdist worker has its own."""
    name = f"template_{os.getpid()}"
    _on_postgres(postgres_server, f"CREATE DATABASE {name}")
    migrate(postgres_server.url(name))
    return name


@pytest.fixture(scope="session")
def kept_postgres_database(postgres_server: postgres.PostgresServer, postgres_template: str) -> str:
    """The URL of a migrated database that one test after the other sweeps and uses."""
    name = f"kept_{os.getpid()}"
    _on_postgres(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    return postgres_server.url(name)


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def _postgres_database(server: postgres.PostgresServer, *, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    _on_postgres(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url(name)
    _on_postgres(server, f"DROP DATABASE {name} WITH (FORCE)")


def _on_postgres(server: postgres.PostgresServer, statement: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(server.url("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(execute())


async def _sweep(url: str) -> None:
    """Make every table as empty, and every counter as low, as migrations leave them."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET lock_timeout = '10s'")  # a test that never let go of its rows
        await connection.execute(SWEEP)
    finally:
        await connection.close()


SWEEP = "; ".join(
    [
        *(f"DELETE FROM {table.name}" for table in reversed(tables.metadata.sorted_tables)),
        "INSERT INTO configuration (id, version) VALUES (1, 1)",
        "SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'",
    ]
)
