"""Where people stand in a flow: read from their states, of those who were last heard of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import select

from relevo.domain.flows.runs import Run
from relevo.domain.ids import FlowId
from relevo.store.database import Connection
from relevo.store.tables import conversations

_rows = conversations.c


class Standing(msgspec.Struct, frozen=True):
    """Somebody who is in the middle of a flow."""

    run: Run
    last_message_at: datetime | None


class _State(msgspec.Struct, frozen=True):
    run: Run | None = None


_decode = msgspec.json.Decoder(_State).decode


async def people_in(connection: Connection, flow_id: FlowId, *, most: int) -> tuple[int, Sequence[Standing]]:
    """How many people were looked at, `most` of the latest messages, and who of them is in the flow."""
    query = (
        select(_rows.state, _rows.last_message_at)
        .where(_rows.flow_id == flow_id, _rows.last_message_at.is_not(None))
        .order_by(_rows.last_message_at.desc())
        .limit(most)
    )
    found = (await connection.execute(query)).all()
    runs = ((_decode(row.state).run, row.last_message_at) for row in found)
    return len(found), [Standing(run, at) for run, at in runs if run is not None]
