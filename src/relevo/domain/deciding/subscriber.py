"""What is known of the customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import msgspec

from relevo.domain.conversations import Barred, CameToday
from relevo.domain.deciding.draft import Draft
from relevo.domain.events import DirectAct, MessageReceived
from relevo.domain.flows.runs import (
    AddLabel,
    AddTag,
    OptsIn,
    OptsOut,
    RemoveLabel,
    RemoveTag,
    RenameField,
    SetField,
    WantsBroadcasts,
)
from relevo.domain.subscribers import OptIn, Profile, Subscriber


def learn(draft: Draft, profile: Profile) -> None:
    """Take over what a flow, the platform or a member says of the person."""
    _change(draft, draft.state.subscriber.told(profile))


def meet(draft: Draft, profile: Profile) -> None:
    """Take over what the channel says of the person."""
    _change(draft, draft.state.subscriber.met(profile))


def _change(draft: Draft, after: Subscriber) -> None:
    if after is not draft.state.subscriber:
        draft.change(subscriber=after)


def hear(draft: Draft, event: MessageReceived) -> None:
    """Vendors bring messages late and out of order: the latest counts, and none is of the future."""
    if event.said_at is None:
        return
    before = draft.state.heard_at
    said_at = min(event.said_at, draft.around.now)
    if before is None or said_at >= before:
        draft.change(heard_at=said_at, heard_mid=event.mid)


def see(draft: Draft) -> None:
    seen_before = draft.state.subscriber.last_seen_at
    if seen_before is None or seen_before < draft.around.midnight:
        draft.effects.append(CameToday())
    subscriber = msgspec.structs.replace(draft.state.subscriber, last_seen_at=draft.around.now)
    draft.change(subscriber=subscriber, started=True)


def reach_changed(draft: Draft, barred: Barred) -> None:
    """The flow has nobody to talk to any more; what it would say to somebody who is back starts anew."""
    run = draft.state.run
    goes_on = not barred or (run is not None and run.waiting.for_ == "return")
    draft.change(barred=barred, run=run if goes_on else None)


def apply_all(draft: Draft, acts: Sequence[DirectAct]) -> None:
    for act in acts:
        apply_act(draft, act)


def apply_act(draft: Draft, act: DirectAct) -> None:
    before = draft.state.subscriber
    match act:
        case SetField(name=name, value=value):
            after, word = before.with_field(name, value), "field_changed"
        case AddTag(name=name):
            after, word = before.with_tag(name), "tag_added"
        case RemoveTag(name=name):
            after, word = before.without_tag(name), "tag_removed"
        case RenameField(name=name, to=to):
            after, word = _moved(before, name, to), "field_changed"
        case AddLabel(name=name):
            after, word = before.with_label(name), ""
        case RemoveLabel(name=name):
            after, word = before.without_label(name), ""
        case OptsIn(by=by, through=through):
            name, word = by, ""
            after = before.opted_in(by, OptIn(draft.around.now, through))
        case OptsOut(by=by):
            name, word = by, ""
            after = before.opted_out(by)
        case WantsBroadcasts(wanted=wanted):
            name, word = "", ""
            after = msgspec.structs.replace(before, no_broadcasts=not wanted)
        case _:
            assert_never(act)
    if isinstance(act, OptsIn | OptsOut) and act.by == "email":
        draft.change(refuses_email=isinstance(act, OptsOut))
    if after != before:
        draft.change(subscriber=after)
        if word:
            draft.note(word, name)


def _moved(subscriber: Subscriber, name: str, to: str) -> Subscriber:
    value = subscriber.fields.get(name)
    kept = subscriber.with_field(name, None)
    return kept if value is None or to in kept.fields else kept.with_field(to, value)
