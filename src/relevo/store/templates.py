"""The templates of channels, as their vendors told of them last."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select

from relevo.domain.approved_templates import Template, Templates
from relevo.domain.ids import ChannelId
from relevo.store.database import AnyRow, Connection
from relevo.store.tables import channel_templates

_rows = channel_templates.c


async def load_all(connection: Connection) -> dict[ChannelId, Templates]:
    """Of every channel."""
    found: dict[ChannelId, dict[tuple[str, str], Template]] = {}
    query = select(channel_templates).order_by(_rows.channel_id, _rows.name, _rows.lang)
    for row in await connection.execute(query):
        one = _template(row)
        found.setdefault(ChannelId(row.channel_id), {})[one.name, one.lang] = one
    return dict(found)


async def replace(connection: Connection, channel_id: ChannelId, templates: Sequence[Template]) -> None:
    """Have these be all templates of a channel."""
    await connection.execute(delete(channel_templates).where(_rows.channel_id == channel_id))
    rows = {(one.name, one.lang): _row(channel_id, one) for one in templates}
    if rows:
        await connection.execute(insert(channel_templates), [*rows.values()])


def _row(channel_id: ChannelId, one: Template) -> dict[str, Any]:
    fields = msgspec.structs.asdict(one)
    return {**fields, "channel_id": channel_id, "components": _encode(one.components).decode()}


def _template(row: AnyRow) -> Template:
    return Template(
        name=row.name,
        lang=row.lang,
        category=row.category,
        status=row.status,
        components=_components(row.components),
        vendor_id=row.vendor_id,
        namespace=row.namespace,
        reason=row.reason,
        quality=row.quality,
    )


_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=10_000)
def _components(text: str) -> tuple[dict[str, Any], ...]:
    """All of them are read whenever anything of the configuration changes."""
    return msgspec.json.decode(text, type=tuple[dict[str, Any], ...])
