"""What comes from the platform and its agents."""

from __future__ import annotations

from datetime import timedelta

import msgspec

import relevo.domain.flows.engine as flow_engine
from relevo.domain.cases import replied
from relevo.domain.conversations import ShowRead, UpdateMessage
from relevo.domain.deciding.accepting import accept
from relevo.domain.deciding.case_keeping import current, happened, move, reopen
from relevo.domain.deciding.control import pause_bot
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.speaking import record, speak
from relevo.domain.deciding.subscriber import apply_all, learn
from relevo.domain.deciding.telling import report
from relevo.domain.deciding.walking import perform
from relevo.domain.events import AgentReplied, BotTold, Moved, NoteWritten, WebhookCalled
from relevo.domain.ids import MemberId
from relevo.domain.messages import MessageStatus, MessageType, Text


def agent_replied(draft: Draft, event: AgentReplied) -> None:
    reopen(draft, "agent", "agent")
    _silence_the_bot_for_an_agent(draft, event.member_id)
    _take_up(draft, event.member_id)
    for content in event.contents:
        speak(draft, MessageType.AGENT, content, member_id=event.member_id)
    _keep_reply(draft, event.member_id)
    apply_all(draft, event.acts)


def _keep_reply(draft: Draft, member_id: MemberId | None) -> None:
    case = current(draft.state)
    if case is None:
        return
    before = case.agents.get(member_id) if member_id is not None else None
    after = replied(case, member_id, draft.around.now)
    draft.change(case=after)
    is_first = before is None or before < draft.around.midnight
    waited = after.first_waited if after.responses and not case.responses else None
    happened(draft, "reply", "agent", member_id, is_first=is_first, first_waited=waited)


def _silence_the_bot_for_an_agent(draft: Draft, member_id: MemberId | None) -> None:
    """An agent who answers keeps the bot away for a while, whoever had control before."""
    pause_for = draft.around.workspace.agent_reply_pauses_for
    if pause_for <= timedelta(0):
        return
    pause = draft.state.pause
    if pause is None:
        pause_bot(draft, pause_for, cause="agent_reply")
    elif pause.until is not None and pause.until < draft.around.now + pause_for:
        later = msgspec.structs.replace(pause, until=draft.around.now + pause_for)
        draft.change(pause=later)


def _take_up(draft: Draft, member_id: MemberId | None) -> None:
    """A reply is acceptance: a platform need not know of any other."""
    if draft.state.pause is not None and draft.state.pause.accepted_at is None:
        accept(draft, member_id, "reply")
    if draft.state.pause is not None:
        draft.change(pause=draft.state.pause.agent_spoke(draft.around.now))


def bot_told(draft: Draft, event: BotTold) -> None:
    learn(draft, event.profile)
    for content in event.contents:
        speak(draft, MessageType.OUT, content)
    apply_all(draft, event.acts)
    _go_to(draft, event.go_to, event.at_step)


def webhook_called(draft: Draft, event: WebhookCalled) -> None:
    learn(draft, event.profile)
    apply_all(draft, event.acts)
    _go_to(draft, event.go_to)
    draft.note("inbound_webhook", event.name)


def _go_to(draft: Draft, subflow: str, at: int = 0) -> None:
    flow = draft.current_flow()
    if subflow and flow is not None:
        if draft.agent_has_control and not draft.flow_goes_on_while_paused:
            report(draft, "bot_is_paused", f"goto {subflow} was not followed: an agent has control")
        else:
            draft.change(run=None)
            perform(draft, flow_engine.begin(flow, subflow, draft.scene(), at=at))


def moved(draft: Draft, event: Moved) -> None:
    """Set the status. What an agent leaves when it is done is a note, too, for whoever reads it later."""
    closing = event.closing if event.status == "done" and draft.state.status != "done" else None
    if closing is not None:
        record(draft, MessageType.NOTE, Text(closing.text), member_id=event.member_id)
    move(draft, event.status, by=event.by, member_id=event.member_id, closing=closing)


def note_written(draft: Draft, event: NoteWritten) -> None:
    record(draft, MessageType.NOTE, Text(event.text), member_id=event.member_id)
    happened(draft, "note", "agent", event.member_id)


def agent_read(draft: Draft) -> None:
    if draft.around.messages:
        draft.effects.append(ShowRead())
    for message in draft.around.messages:
        draft.effects.append(UpdateMessage(message_id=message.id, status=MessageStatus.READ))
