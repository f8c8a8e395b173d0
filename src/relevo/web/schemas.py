"""The schemas of files that people write, for their editors."""

from __future__ import annotations

from functools import cache

import msgspec
from litestar import Response, get

from relevo.domain.flows.schema import flow_schema

FLOW_SCHEMA_PATH = "/flow.schema.json"
_A_DAY = "public, max-age=86400"


@get(FLOW_SCHEMA_PATH, include_in_schema=False)
async def flow_file_schema() -> Response[bytes]:
    """Of flow files. It holds nothing of anybody: no signing in, from any site."""
    headers = {"cache-control": _A_DAY, "access-control-allow-origin": "*"}
    return Response(_encoded(), media_type="application/schema+json", headers=headers)


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(flow_schema())
