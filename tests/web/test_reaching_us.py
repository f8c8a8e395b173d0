"""We ask ourselves by the public URL."""

from __future__ import annotations

import pytest

from relevo.store.encryption import Cipher
from relevo.testing.builders import World
from relevo.web.app import create_app
from relevo.web.services import Services
from tests.web.exchanges import client_of


@pytest.mark.parametrize(
    ("method", "place", "status"),
    [
        ("GET", "a-nonce", 200),
        ("POST", "a-nonce", 404),
        ("GET", "", 404),
        ("GET", "n" * 65, 404),
        ("GET", "a/b", 404),
    ],
)
async def test_a_nonce_is_answered_and_nothing_else(
    services: Services, method: str, place: str, status: int
) -> None:
    async with client_of(create_app(services)) as client:
        said = await client.request(method, f"/hooks/reached/{place}")

    assert said.status_code == status
    if status == 200:
        assert said.json() == {"relevo": services.cipher.proof(place)}


async def test_another_installation_has_another_answer(world: World) -> None:
    assert world.cipher.proof("a-nonce") != Cipher(b"another key of thirty-two bytes!!").proof("a-nonce")
