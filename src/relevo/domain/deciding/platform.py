"""What comes from the platform and its agents."""

from __future__ import annotations

from datetime import timedelta

import msgspec

import relevo.domain.flows.engine as flow_engine
from relevo.domain.conversations import ShowRead, UpdateMessage
from relevo.domain.deciding.control import pause_bot
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.speaking import speak
from relevo.domain.deciding.subscriber import apply_all
from relevo.domain.deciding.telling import notify, report
from relevo.domain.deciding.walking import perform
from relevo.domain.events import AgentReplied, BotTold
from relevo.domain.ids import MemberId
from relevo.domain.messages import MessageStatus, MessageType
from relevo.domain.workspaces import EventType


def agent_replied(draft: Draft, event: AgentReplied) -> None:
    _silence_the_bot_for_an_agent(draft, event.member_id)
    for content in event.contents:
        speak(draft, MessageType.AGENT, content, member_id=event.member_id)
    apply_all(draft, event.acts)


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


def bot_told(draft: Draft, event: BotTold) -> None:
    for content in event.contents:
        speak(draft, MessageType.OUT, content)
    apply_all(draft, event.acts)
    flow = draft.current_flow()
    if event.go_to and flow is not None:
        if draft.agent_has_control and not draft.flow_goes_on_while_paused:
            report(draft, "bot_is_paused", f"goto {event.go_to} was not followed: an agent has control")
        else:
            draft.change(run=None)
            perform(draft, flow_engine.begin(flow, event.go_to, draft.scene()))


def assigned(draft: Draft, member_id: MemberId | None) -> None:
    if member_id == draft.state.member_id:
        return
    draft.change(member_id=member_id)
    name = draft.around.member_names.get(member_id, "") if member_id else ""
    notify(draft, EventType.CONVERSATION_ASSIGNED, data={"agent_id": member_id or 0, "agent_name": name})


def agent_read(draft: Draft) -> None:
    if draft.around.messages:
        draft.effects.append(ShowRead())
    for message in draft.around.messages:
        draft.effects.append(UpdateMessage(message_id=message.id, status=MessageStatus.READ))
