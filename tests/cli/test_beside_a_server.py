"""The command line writes to the database directly, also while a server runs on it."""

from __future__ import annotations

import asyncio

from relevo.engine.catalog import Catalog
from relevo.store.database import Database
from relevo.store.encryption import Cipher
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
