"""What comes from the customer."""

from __future__ import annotations

import relevo.domain.flows.engine as flow_engine
from relevo.domain.conversations import FetchMedia, Whisper
from relevo.domain.deciding.case_keeping import begin
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.returning import return_control
from relevo.domain.deciding.speaking import record
from relevo.domain.deciding.subscriber import hear, meet, see
from relevo.domain.deciding.telling import tell_listeners, tell_platform
from relevo.domain.deciding.triggering import listen_for_silence
from relevo.domain.deciding.walking import converse, perform, trigger
from relevo.domain.degrading import chosen
from relevo.domain.events import ConversationOpened, MessageReceived
from relevo.domain.flows.model import Flow
from relevo.domain.handoffs import Pause, Return
from relevo.domain.messages import Content, Interactive, Media, MessageType, Reaction, Text, plain_text
from relevo.domain.workspaces import EventType


def message_received(draft: Draft, event: MessageReceived) -> None:
    first = not draft.state.started
    if first:
        begin(draft)
    meet(draft, event.profile)
    see(draft)
    hear(draft, event)
    content = _as_pressed(draft, event.content)
    seq = record(draft, MessageType.IN, content, mid=event.mid, referral=event.referral)
    if isinstance(content, Media) and not content.media_id:
        draft.effects.append(FetchMedia(seq))
    draft.last_input = plain_text(content)
    draft.referral = event.referral
    if draft.state.barred == "blocked":  # whoever writes to us has not blocked us
        draft.change(barred="")
    if draft.agent_has_control:
        _while_paused(draft, content, seq, for_bot=event.for_bot)
    else:
        _with_the_bot(draft, content, seq, first=first, for_bot=event.for_bot)


def _as_pressed(draft: Draft, content: Content) -> Content:
    """What was written in answer to numbered text, as the button that it stands for."""
    if not draft.state.numbered or not isinstance(content, Text):
        return content
    choice = chosen(draft.state.numbered, content.text)
    return Interactive(choice.title, choice.id, content.text) if choice else content


def _while_paused(draft: Draft, content: Content, seq: int, *, for_bot: bool) -> None:
    """The customer writes while an agent has control: the platform hears it, whatever else happens."""
    tell_platform(draft, seq)
    if draft.state.pause is not None:
        draft.change(pause=draft.state.pause.customer_spoke(draft.around.now))
    if for_bot and _is_leave_word(draft.state.pause, content):
        _leave(draft, content)
    elif for_bot:
        trigger(draft, content, first=False, asking=True)


def _with_the_bot(draft: Draft, content: Content, seq: int, *, first: bool, for_bot: bool) -> None:
    """The customer writes to the bot: that is nobody else's business but of those who listen."""
    tell_listeners(draft, seq)
    listen_for_silence(draft)
    if for_bot and not isinstance(content, Reaction):
        converse(draft, content, first=first)


def _leave(draft: Draft, content: Content) -> None:
    """The customer's own word ends the pause; if the flow has nothing to go on with, the word
    itself may be one that the flow listens to."""
    before = len(draft.messages)
    return_control(draft, Return("customer"))
    if len(draft.messages) == before and draft.state.run is None:
        trigger(draft, content, first=False, asking=False)


def _is_leave_word(pause: Pause | None, content: Content) -> bool:
    said = plain_text(content).strip().casefold()
    return pause is not None and said in {word.strip().casefold() for word in pause.leave_words}


def conversation_opened(draft: Draft, event: ConversationOpened) -> None:
    first = not draft.state.started
    if first:
        begin(draft)
    meet(draft, event.profile)
    see(draft)
    flow = draft.current_flow()
    if first and flow is not None and not draft.agent_has_control:
        perform(draft, flow_engine.begin(flow, _greeting(draft, flow), draft.scene()))


def _greeting(draft: Draft, flow: Flow) -> str:
    """The subflow for whoever appears without a word."""
    entry = draft.around.entry
    if draft.around.channel.type != "web" or entry is None or entry.widget_start not in flow.subflows:
        return flow.start
    return entry.widget_start


def customer_typed(draft: Draft) -> None:
    if draft.agent_has_control:
        listeners = draft.around.audience.by_type.get(EventType.TYPING, ())
        draft.effects += [Whisper(endpoint_id, EventType.TYPING) for endpoint_id in listeners]
