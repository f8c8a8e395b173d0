"""What the tests of the edge ask for: a company with a running engine, and its application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relevo.store.database import Database
from relevo.testing.builders import World, make_engine
from relevo.web.app import create_app
from relevo.web.front_door import FrontDoor
from relevo.web.services import Services
from tests.web.exchanges import Client, client_of


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with make_engine(database) as world:
        yield world


@pytest.fixture
def services(world: World, tmp_path: Path) -> Services:
    return world.services(media_folder=tmp_path / "media")


@pytest.fixture
def app(services: Services) -> FrontDoor:
    return create_app(services)


@pytest.fixture
async def client(app: FrontDoor) -> AsyncIterator[Client]:
    async with client_of(app) as client:
        yield client
