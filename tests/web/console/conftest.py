"""What the tests of the console ask for: a browser, with the owner signed in unless they say otherwise."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
from argon2 import PasswordHasher
from litestar import Litestar

from relevo.admin.changing import Means
from relevo.admin.trying import Shown, Trial
from relevo.domain.deliveries import Accepted, Delivery
from relevo.domain.workspaces import Endpoint
from relevo.http_client.egress_guard import EgressGuard
from relevo.testing.builders import World
from relevo.testing.clock import NOON
from relevo.web.console import create_console, visits
from relevo.web.front_door import FrontDoor
from relevo.web.services import Services
from tests.admin.conftest import resolve
from tests.web.console.browsing import Browser
from tests.web.exchanges import Client


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that take a thousandth of the time."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(visits, "Means", partial(Means, passwords=cheap))


@pytest.fixture
def services(world: World, tmp_path: Path) -> Services:
    """Names lead where the test says; endpoints accept whatever is tried on them."""
    given = world.services(media_folder=tmp_path / "media")
    return msgspec.structs.replace(given, guard=EgressGuard([], resolve), try_endpoint=accept)


@pytest.fixture
def app(services: Services) -> FrontDoor:
    """The console behind the front door, and nothing else: making the whole application takes longest."""
    alone = Litestar([create_console(services)], openapi_config=None, logging_config=None)
    return FrontDoor(alone, alone, clock=services.clock, chance=services.chance, trusted_proxies=())


async def accept(endpoint: Endpoint, delivery: Delivery) -> Trial:
    return Trial(
        url=endpoint.url,
        line="POST /uchat HTTP/1.1",
        headers={
            "X-Desk-Key": "••••",
            "webhook-id": delivery.webhook_id,
            "webhook-signature": "v1,abc v1,def",
            "host": "desk.example.com",
        },
        body=delivery.body,
        outcome=Accepted(200),
        answer=Shown(
            line="HTTP/1.1 200",
            headers={"content-type": "application/json"},
            body='{"taken":true}',
            address="93.184.215.14",
            after=timedelta(milliseconds=12),
            is_whole=True,
        ),
        started_at=NOON,
        took=timedelta(milliseconds=15),
    )


@pytest.fixture
def stranger(client: Client, services: Services) -> Browser:
    """A browser in which nobody is signed in."""
    return Browser(client, services)


@pytest.fixture
async def browser(stranger: Browser, world: World) -> Browser:
    """The owner's browser."""
    await stranger.sign_in(world.company.owner)
    return stranger
