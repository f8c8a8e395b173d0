"""The command line writes to the database directly, also while a server runs on it."""

from __future__ import annotations

import asyncio

import pytest

from relevo.bootstrap import running
from relevo.domain.events import ByUser, MessageReceived
from relevo.domain.ids import ConversationId
from relevo.domain.messages import Text
from relevo.engine.catalog import Catalog
from relevo.engine.hub import LookAgain, Notice, workspace_topic
from relevo.settings import load
from relevo.store.database import Database
from relevo.store.encryption import Cipher
from relevo.system.clock import SystemClock
from relevo.testing.clock import FakeClock
from tests.cli.conftest import Relevo

KEY = "00112233445566778899aabbccddeeff" * 2


async def test_a_server_notices_what_was_applied(
    database: Database, swept_database_url: str, environ: dict[str, str], relevo: Relevo
) -> None:
    environ |= {"RELEVO_DATABASE_URL": swept_database_url, "RELEVO_SECRET_KEY": KEY}
    catalog = Catalog(database, Cipher(bytes.fromhex(KEY)), FakeClock())
    await catalog.refresh(at_once=True)
    assert catalog.directory.channels == {}

    done = await asyncio.to_thread(relevo, "apply", "relevo.yaml")
    await catalog.refresh(at_once=True)

    assert done.exit_code == 0, done.output
    assert [channel.name for channel in catalog.directory.channels.values()] == ["site", "other"]
    assert catalog.directory.endpoints[next(iter(catalog.directory.endpoints))].headers == {
        "X-Desk-Key": "k-123456"
    }


TWO = [pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.mark.parametrize("database_kind", TWO)
async def test_two_servers_on_one_postgresql_tell_each_other(
    swept_database_url: str, environ: dict[str, str], relevo: Relevo
) -> None:
    """What one hears from a customer, pages of the other hear at once; both notice the configuration."""
    environ |= {"RELEVO_DATABASE_URL": swept_database_url, "RELEVO_SECRET_KEY": KEY}
    settings = load({name: value for name, value in environ.items() if name.startswith("RELEVO_")})
    async with running(settings) as here, running(settings) as there:
        await asyncio.to_thread(relevo, "apply", "relevo.yaml")
        catalogs = [here.services.catalog, there.services.catalog]
        while not all(catalog.directory.channels for catalog in catalogs):
            await SystemClock().sleep(0.01)
        channel = next(one for one in catalogs[0].directory.channels.values() if one.type == "web")
        with there.services.hub.listen(workspace_topic(channel.workspace_id)) as listener:
            said = MessageReceived(to=ByUser(channel.id, "visitor-1"), content=Text("Hello"))
            heard: list[Notice] = []
            async with asyncio.timeout(10):
                while LookAgain(channel.workspace_id, ConversationId(1)) not in heard:
                    await here.services.engine.submit(said)
                    heard += await listener.wait()
