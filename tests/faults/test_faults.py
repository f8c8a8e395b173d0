"""The short form of `make faults`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from faults import scenarios
from faults.receivers import TROUBLES
from faults.scene import Run, begun
from tests import postgres

SEED = 7
RECEIVERS = [*TROUBLES]
ONE_BY_ONE = [[name] for name in scenarios.SHORT if name not in RECEIVERS]
ON_SQLITE = [RECEIVERS, *(names for names in ONE_BY_ONE if names[0] not in scenarios.ON_POSTGRESQL)]


@pytest.fixture
def run() -> Iterator[Run]:
    with begun(is_short=True, seed=SEED) as run:
        yield run


@pytest.mark.parametrize("names", ON_SQLITE, ids=lambda names: names[0])
def test_nothing_is_lost_or_reordered_on_sqlite(run: Run, names: list[str]) -> None:
    play(run, names)


@pytest.mark.postgresql
@pytest.mark.parametrize("name", scenarios.ON_POSTGRESQL)
def test_nothing_is_lost_or_reordered_on_postgresql(
    run: Run, name: str, postgres_server: postgres.PostgresServer
) -> None:
    play(run, [name])


def play(run: Run, names: list[str]) -> None:
    lines = asyncio.run(scenarios.play(run, names, print))

    assert [str(one) for one in lines if not one.is_good] == []
    assert {one.name for one in lines} == set(names)


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
