"""How old what is known of the configuration may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from relevo.engine.catalog import Catalog
from relevo.store.database import Database
from relevo.testing.builders import World, make_engine


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with make_engine(database) as world:
        yield world


class Gate:
    """Holds looks up until it is opened."""

    def __init__(self, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks, self.opened = 0, asyncio.Event()
        really = catalog._look

        async def look() -> None:
            self.looks += 1
            await self.opened.wait()
            await really()

        monkeypatch.setattr(catalog, "_look", look)


async def _soon(world: World) -> None:
    for _ in range(5):
        await world.clock.sleep(0)


async def test_while_one_looks_the_others_go_on_with_what_was_true_a_moment_ago(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.catalog.refresh(at_once=True)
    gate = Gate(world.catalog, monkeypatch)
    world.clock.advance(timedelta(seconds=0.5))
    first = asyncio.ensure_future(world.catalog.refresh())
    await _soon(world)

    await world.catalog.refresh()

    assert not first.done()
    gate.opened.set()
    await first
    assert gate.looks == 1


async def test_nobody_goes_on_with_what_was_true_an_hour_ago(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.catalog.refresh(at_once=True)
    gate = Gate(world.catalog, monkeypatch)
    world.clock.advance(timedelta(seconds=3600))

    all_of_them = [asyncio.ensure_future(world.catalog.refresh()) for _ in range(3)]
    await _soon(world)

    assert not any(one.done() for one in all_of_them)
    all_of_them[0].cancel()  # and that one goes away changes nothing for the others
    gate.opened.set()
    await asyncio.gather(*all_of_them[1:])
    assert gate.looks == 1
