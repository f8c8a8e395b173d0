from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address

import pytest
from pyreqwest.client import Client

from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.http_client.egress_guard import Address, EgressGuard, Origin, Place, read_url
from relevo.http_client.routes import Build, Route, Routes
from relevo.testing.clock import FakeClock

DESK = read_url("https://desk.example/uchat")


class World:
    """Routes over a name service that a test can change, and what was built for them."""

    def __init__(self, addresses: Sequence[str] = ("8.8.8.1", "8.8.8.2", "8.8.8.3")) -> None:
        self.addresses = addresses
        self.built: list[str] = []
        self.clock = FakeClock()
        self.routes = Routes(
            EgressGuard([], self._resolve),
            self._build,
            self.clock.monotonic,
            kept_for=timedelta(seconds=30),
            most=2,
        )

    async def _resolve(self, host: str, port: int) -> Sequence[Address]:
        if not self.addresses:
            raise OSError
        return [ip_address(text) for text in self.addresses]

    def _build(self, origin: Origin, address: str) -> Client:
        self.built.append(address)
        return Build(timedelta(seconds=5))(origin, address)

    async def find(self, place: Place = DESK) -> Route:
        found = self.routes.known(place) or await self.routes.look_up(place)
        assert isinstance(found, Route), found
        return found

    def order(self) -> list[str]:
        route = self.routes.known(DESK)
        assert isinstance(route, Route)
        return [line.address for line in route.lines]


@pytest.fixture
def world() -> World:
    return World()


async def test_only_the_line_in_front_is_built_beforehand(world: World) -> None:
    await world.find()

    assert world.order() == ["8.8.8.1", "8.8.8.2", "8.8.8.3"]
    assert world.built == ["8.8.8.1"]


async def test_a_line_is_built_once_however_often_it_fails(world: World) -> None:
    world.addresses = ["8.8.8.1"]
    for _ in range(50):
        line = (await world.find()).lines[0]
        line.client()
        world.routes.demote(DESK, line)
        world.clock.advance(timedelta(seconds=20))

    assert world.built == ["8.8.8.1"]


async def test_a_demoted_line_comes_last_also_after_the_next_look_up(world: World) -> None:
    world.routes.demote(DESK, (await world.find()).lines[0])
    assert world.order() == ["8.8.8.2", "8.8.8.3", "8.8.8.1"]

    (await world.find()).lines[0].client()
    world.clock.advance(timedelta(seconds=30))
    await world.find()

    assert world.order() == ["8.8.8.2", "8.8.8.1", "8.8.8.3"]


async def test_what_was_found_is_known_for_its_time_and_failures_for_less(world: World) -> None:
    await world.find()
    world.clock.advance(timedelta(seconds=29.9))
    assert world.routes.known(DESK)
    world.clock.advance(timedelta(seconds=0.1))
    assert world.routes.known(DESK) is None

    world.addresses = []
    assert await world.routes.look_up(DESK) == world.routes.known(DESK) == Unreachable("dns")
    world.addresses = ["10.0.0.1"]
    world.clock.advance(timedelta(seconds=5))
    assert world.routes.known(DESK) is None
    assert await world.routes.look_up(DESK) == Forbidden("10.0.0.1", "private")


async def test_no_more_origins_are_kept_than_allowed(world: World) -> None:
    for letter in "abc":
        await world.find(read_url(f"https://{letter}.example/"))

    assert world.routes.known(read_url("https://a.example/")) is None
    assert world.routes.known(read_url("https://b.example/"))


async def test_origins_differ_by_scheme_host_and_port(world: World) -> None:
    await world.find()

    assert world.routes.known(read_url("https://desk.example:443/other"))
    for other in ("http://desk.example:443/", "https://desk.example:444/", "https://dask.example/"):
        assert world.routes.known(read_url(other)) is None


async def test_demoting_what_was_forgotten_changes_nothing(world: World) -> None:
    line = (await world.find()).lines[0]
    await world.routes.close()

    world.routes.demote(DESK, line)

    assert world.routes.known(DESK) is None
