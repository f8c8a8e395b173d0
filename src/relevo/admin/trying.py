"""Trying an endpoint: one request that is made at once, shown as it was, and never stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from relevo.admin.changing import refuse
from relevo.domain import samples
from relevo.domain.configuring import Wrong
from relevo.domain.deliveries import Delivery, Destination, Outcome
from relevo.domain.ids import DeliveryId, FlowId
from relevo.domain.workspaces import Endpoint, EventType, FlowEntry
from relevo.domain.yaml_reading import did_you_mean, quoted
from relevo.store.directory import Directory
from relevo.system.chance import Chance


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, as it came. `body` is cut where `is_whole` is not. `after`: until the first byte of it."""

    line: str
    headers: dict[str, str]
    body: str
    address: str
    after: timedelta
    is_whole: bool


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it went out, the values of custom headers masked, and what came of it.

    `took` is all of it, from looking up the name on. `answer` is None when there was none.
    """

    url: str
    line: str
    headers: dict[str, str]
    body: bytes
    outcome: Outcome
    answer: Shown | None
    started_at: datetime
    took: timedelta


def sample_delivery(
    directory: Directory, endpoint: Endpoint, event_type: EventType, *, now: datetime, chance: Chance, by: str
) -> Delivery:
    """A delivery of a sample, of no conversation: `relevo-seq` is 0."""
    flow_id = _flow_of(directory.flows.values(), endpoint)
    workspace = directory.workspaces[endpoint.workspace_id]
    object_id = chance.object_id()
    body = samples.sample_body(event_type, workspace, flow_id, now=now, object_id=object_id, by=by)
    return Delivery(
        id=DeliveryId(0),
        workspace_id=endpoint.workspace_id,
        conversation_id=samples.NOBODY,
        destination=Destination("endpoint", endpoint.id),
        event_type=event_type.value,
        webhook_id=chance.webhook_id(),
        seq=0,
        epoch=0,
        body=body,
        created_at=now,
    )


def event_type_of(text: str) -> EventType:
    """The type of event that somebody wants a sample of; `test` when they say none."""
    known = [event.value for event in EventType]
    if text and text not in known:
        refuse({"event": Wrong(f"there is no event {quoted(text)}", did_you_mean(text, known))})
    return EventType(text or EventType.TEST)


def _flow_of(flows: Iterable[FlowEntry], endpoint: Endpoint) -> FlowId:
    return next((one.id for one in flows if one.workspace_id == endpoint.workspace_id), FlowId(0))
