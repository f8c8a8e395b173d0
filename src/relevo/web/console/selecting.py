"""Which deliveries the filters of a page mean, and how that is said in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from relevo.domain.configuring import Wrong
from relevo.domain.deliveries import DeliveryState
from relevo.domain.ids import ConversationId, parse_user_ns
from relevo.domain.redeliveries import Selection
from relevo.web.console.destinations import Destinations
from relevo.web.console.forms import Form
from relevo.web.console.visits import Visit
from relevo.web.console.words import DELIVERY_STATES, event

FILTERS = ("state", "to", "conversation", "event", "since", "until", "from")
NOBODY = ConversationId(-1)


def read(visit: Visit, query: Form) -> tuple[Selection, dict[str, Wrong]]:
    """The selection, and what of the filters could not be understood and so was left out."""
    wrong: dict[str, Wrong] = {}
    state, named, first = query.get("state"), query.get("conversation"), query.number("from")
    if state and state not in DELIVERY_STATES:
        wrong["state"] = Wrong(f"there is no state {state!r}", f"use {', '.join(DELIVERY_STATES)}")
    destination = Destinations(visit).read(query.get("to"))
    if query.get("to") and destination is None:
        wrong["to"] = Wrong(f"{query.get('to')!r} is no destination", "use one like endpoint-1")
    conversation = parse_user_ns(named)
    if named and conversation is None:
        wrong["conversation"] = Wrong(f"{named!r} is not a user_ns", "use one like f1001u34")
    if query.get("from") and first is None:
        wrong["from"] = Wrong(f"{query.get('from')!r} is no relevo-seq", "use a whole number")
    selection = Selection(
        states=(DeliveryState(state),) if state in DELIVERY_STATES else (),
        destination=destination,
        conversation_id=(conversation[1] if conversation else NOBODY) if named else None,
        event_type=query.get("event"),
        from_seq=first or 0,
        since=_instant(visit, query, "since", wrong),
        until=_instant(visit, query, "until", wrong),
    )
    return selection, wrong


def _instant(visit: Visit, query: Form, name: str, wrong: dict[str, Wrong]) -> datetime | None:
    """A local time as browsers send it, in the workspace's time zone."""
    text = query.get(name)
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text)
        return (local if local.tzinfo else local.replace(tzinfo=_zone(visit))).astimezone(UTC)
    except (ValueError, OverflowError):
        wrong[name] = Wrong(f"{text!r} is no time", "use one like 2026-11-22T10:30")
        return None


def _zone(visit: Visit) -> ZoneInfo:
    return ZoneInfo(visit.workspace.timezone)


def chosen(query: Form) -> dict[str, str]:
    """The filters that are set, as they go into an address or a form."""
    return {name: query.get(name) for name in FILTERS if query.get(name)}


def told(visit: Visit, one: Selection, person: Callable[[ConversationId], str]) -> list[tuple[str, str]]:
    """A selection, part by part."""
    parts = [("State", ", ".join(DELIVERY_STATES[state].label for state in one.states) or "Every state")]
    if one.destination is not None:
        parts.append(("To", Destinations(visit).name(one.destination.kind, one.destination.id)))
    if one.conversation_id is not None:
        parts.append(("Conversation", person(one.conversation_id)))
    if one.flow_id is not None:
        flow = visit.directory.flows.get(one.flow_id)
        parts.append(("Flow", flow.name if flow else str(one.flow_id)))
    if one.event_type:
        parts.append(("Event", event(one.event_type)))
    if one.from_seq:
        parts.append(("From relevo-seq", str(one.from_seq)))
    if one.since is not None:
        parts.append(("Made since", visit.when.exact(one.since)))
    if one.until is not None:
        parts.append(("Made before", visit.when.exact(one.until)))
    return parts
