"""The commands about inbound webhooks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from relevo.domain.ids import InboundWebhookId
from relevo.store import inbound_webhooks
from relevo.store.database import Database
from relevo.store.inbound_webhooks import InboundCall
from relevo.testing.clock import NOON
from tests.cli.conftest import Relevo

WEBHOOK = """
inbound_webhooks:
  - {name: orders, flow: support, map: {phone: phone}, start: person}
"""


@pytest.fixture
def orders(installed: Relevo, folder: Path) -> Relevo:
    """An installation with an inbound webhook."""
    file = folder / "relevo.yaml"
    file.write_text(file.read_text() + WEBHOOK)
    applied = installed("apply", str(file))
    assert applied.exit_code == 0, applied.stderr
    return installed


def test_the_list_has_the_address_and_renewing_gives_another(orders: Relevo) -> None:
    name, flow, start, status, address = orders("inbound", "list").stdout.splitlines()[1].split()
    renewed = orders("inbound", "renew", "orders").stdout.strip()

    assert (name, flow, start, status) == ("orders", "support", "person", "active")
    assert address.startswith("https://relevo.example.com/inbound/")
    assert renewed != address
    assert orders("inbound", "list").stdout.splitlines()[1].split()[-1] == renewed


def test_the_log_says_what_became_of_each_request(orders: Relevo, swept_database_url: str) -> None:
    assert orders("inbound", "log", "orders").stderr.strip() == "There was no request yet."
    call = InboundCall(
        webhook_id=InboundWebhookId(1),
        status=422,
        code="nobody_named",
        wrongs=("phone: '12' is not a phone number",),
        size=14,
        body='{"phone":"12"}',
        at=NOON,
    )

    async def note() -> None:
        database = Database(swept_database_url)
        async with database.write() as connection:
            await inbound_webhooks.note(connection, call)
        await database.close()

    asyncio.run(note())

    line = orders("inbound", "log", "orders", "--bodies").stdout.splitlines()[1]
    assert "nobody_named" in line
    assert "'12' is not a phone number" in line
    assert line.endswith('{"phone":"12"}')


def test_a_deleted_one_is_not_there(orders: Relevo) -> None:
    assert orders("inbound", "delete", "orders").stderr.strip() == "orders is deleted."

    again = orders("inbound", "delete", "orders")
    assert again.exit_code == 1
    assert "There is no inbound webhook" in again.stderr
