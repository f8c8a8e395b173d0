"""A broadcast comes to one person: it is said, or passed over with a reason, and that is kept."""

from __future__ import annotations

import relevo.domain.flows.engine as flow_engine
from relevo.domain.broadcasts import CHANNELS_OF, OPTED_IN_BY, Outcome
from relevo.domain.conversations import Reached
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.speaking import hindrance, speak
from relevo.domain.deciding.subscriber import apply_act
from relevo.domain.deciding.walking import perform
from relevo.domain.events import BroadcastCame
from relevo.domain.flows.runs import Say, SetField, Turn
from relevo.domain.messages import Content, MessageType


def broadcast_came(draft: Draft, event: BroadcastCame) -> None:
    draft.is_patient = True
    before = len(draft.messages)
    outcome = _passed_over(draft, event) or _told(draft, event)
    seq = draft.messages[before].seq if len(draft.messages) > before else None
    draft.effects.append(
        Reached(
            broadcast_id=event.broadcast_id, conversation_id=draft.state.id, outcome=outcome, message_seq=seq
        )
    )


def _passed_over(draft: Draft, event: BroadcastCame) -> Outcome | None:
    """Why this person is not told, whatever it is that would be said."""
    wanted = CHANNELS_OF.get(event.kind)
    if wanted is not None and draft.around.channel.type != wanted:
        return "another_channel"
    if draft.around.channel.disabled_reason:
        return "channel_disabled"
    if draft.agent_has_control:
        return "agent_has_control"
    if draft.state.barred:
        return draft.state.barred
    if draft.state.subscriber.no_broadcasts:
        return "opted_out"
    if event.kind == "EMAIL" and not draft.state.subscriber.profile.email:
        return "no_email"
    if event.kind in OPTED_IN_BY and OPTED_IN_BY[event.kind] not in draft.state.subscriber.opt_ins:
        return "not_opted_in"
    return None


def _told(draft: Draft, event: BroadcastCame) -> Outcome:
    """Say it; nothing at all is done where the first word could not be said."""
    before = draft.state
    for name, value in event.says.fields.items():
        apply_act(draft, SetField(name, value))
    outcome = _say_all(draft, event.says.contents) if event.says.contents else _begin(draft, event)
    if outcome != "sent":
        draft.state = before
    return outcome


def _say_all(draft: Draft, contents: tuple[Content, ...]) -> Outcome:
    if hindrance(draft, contents[0]):
        return "window_closed"
    for content in contents:
        speak(draft, MessageType.OUT, content)
    return "sent"


def _begin(draft: Draft, event: BroadcastCame) -> Outcome:
    flow, subflow = draft.current_flow(), event.says.subflow
    if flow is None or subflow not in flow.subflows:
        return "no_such_subflow"
    draft.change(run=None)
    turn = flow_engine.begin(flow, subflow, draft.scene())
    first = _first_words(turn)
    if first is not None and hindrance(draft, first):
        return "window_closed"
    perform(draft, turn)
    return "sent"


def _first_words(turn: Turn) -> Content | None:
    return next((act.content for act in turn.acts if isinstance(act, Say)), None)
