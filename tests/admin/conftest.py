"""An empty installation in which things are set up."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest
from argon2 import PasswordHasher

from relevo.admin import workspaces
from relevo.admin.changing import Means
from relevo.domain.configuring import WorkspaceWish
from relevo.domain.workspaces import Workspace
from relevo.http_client.egress_guard import EgressGuard
from relevo.store.database import Database
from relevo.store.encryption import Cipher
from relevo.testing.chance import FakeChance
from relevo.testing.clock import FakeClock

ADDRESSES = {
    "desk.example.com": "93.184.215.14",
    "other.example.com": "93.184.215.15",
    "inside.example.com": "10.0.0.5",
}


async def resolve(host: str, port: int) -> Sequence[IPv4Address | IPv6Address]:
    if host not in ADDRESSES:
        raise OSError("Name or service not known")
    return [ip_address(ADDRESSES[host])]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def means(database: Database, clock: FakeClock) -> Means:
    return Means(
        database=database,
        cipher=Cipher(b"a secret key that only tests use"),
        clock=clock,
        chance=FakeChance(clock=clock),
        guard=EgressGuard([IPv4Network("127.0.0.0/8")], resolve),
        passwords=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1),
    )


@pytest.fixture
async def acme(means: Means) -> Workspace:
    return (await workspaces.save(means, WorkspaceWish(name="Acme"))).thing
