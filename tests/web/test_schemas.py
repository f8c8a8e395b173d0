"""Schemas of files that people write, as a running server has them."""

from __future__ import annotations

from relevo.domain.flows.schema import flow_schema
from tests.web.exchanges import Client


async def test_editors_get_the_schema_of_flow_files_from_anywhere(client: Client) -> None:
    answer = await client.get("/flow.schema.json")

    assert answer.status_code == 200
    assert answer.json() == flow_schema()
    assert answer.headers["content-type"].startswith("application/schema+json")
    assert answer.headers["access-control-allow-origin"] == "*"
