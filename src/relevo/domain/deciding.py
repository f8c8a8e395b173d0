"""What happens when something happens: the one decision of Relevo, pure.

`decide(conversation, event, surroundings)` gives the new state, the messages to store and the
effects to carry out. It is the only place where control changes hands, so the promise "exactly
one speaker" is kept here: the bot's `Say` passes `_say`, and nothing else of the bot does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never

import msgspec

import relevo.domain.flows.engine as flow_engine
from relevo.domain.audiences import NOBODY, Audience
from relevo.domain.conversations import (
    Barred,
    Control,
    Conversation,
    Decision,
    Effect,
    FetchMedia,
    NewMessage,
    NotifyPlatform,
    Pause,
    PauseCause,
    ReplaceContent,
    Report,
    ReturnReason,
    SendToCustomer,
    ShowRead,
    ShowTyping,
    UpdateMessage,
    Whisper,
    paused_seconds,
    window_left,
)
from relevo.domain.degrading import Limits, chosen, degrade, has_options
from relevo.domain.events import (
    AgentRead,
    AgentReplied,
    AgentTyped,
    AnyEvent,
    Assigned,
    BotPaused,
    BotResumed,
    BotTold,
    ConversationOpened,
    CustomerTyped,
    DirectAct,
    FileSettled,
    MessageEdited,
    MessageReceived,
    Moved,
    NoteWritten,
    ReachChanged,
    ReceiptCame,
    SubscriberChanged,
    TimeCame,
)
from relevo.domain.flows.model import Flow
from relevo.domain.flows.runs import (
    AddTag,
    PauseBot,
    RemoveTag,
    Run,
    Say,
    Scene,
    SetField,
    Stumble,
    Turn,
)
from relevo.domain.ids import EndpointId, FlowVersionId, MemberId, MessageId, flow_ns
from relevo.domain.messages import (
    Content,
    Interactive,
    Media,
    Message,
    MessageStatus,
    MessageType,
    Other,
    Reaction,
    Text,
    is_progress,
    plain_text,
)
from relevo.domain.subscribers import Profile
from relevo.domain.workspaces import Channel, EventType, PausedAutomation, Workspace


class StoredMessage(msgspec.Struct, frozen=True):
    """What a receipt needs to know of a message that we sent."""

    id: MessageId
    mid: str
    status: MessageStatus


_EVERYTHING = Limits(buttons=1000, quick_replies=1000, cards=True, location=True)


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything besides the conversation that a decision may depend on."""

    now: datetime
    workspace: Workspace
    channel: Channel
    audience: Audience = NOBODY
    current_version: FlowVersionId | None
    flows: Mapping[FlowVersionId, Flow]
    member_names: Mapping[MemberId, str] = {}
    messages: Sequence[StoredMessage] = ()
    """For a receipt: the messages that it names. For `AgentRead`: the customer's that nobody has read."""
    changed: Message | None = None
    """For an edit, or news of a file: the stored message that it is about, if there is one."""
    limits_of: Callable[[Channel], Limits] = lambda _: _EVERYTHING
    """What the channel can carry: tells which buttons the customer will see as numbers."""
    window: timedelta | None = None
    """How long after their last message the channel lets a person be written to; None: at any time."""


def decide(conversation: Conversation, event: AnyEvent, around: Surroundings) -> Decision:
    """Decide what an event means for a conversation.

    Deadlines that have passed are dealt with first, whether or not their timer has fired: a
    late timer must not decide who answers.
    """
    draft = _Draft(conversation, around)
    _let_time_pass(draft)
    _handle(draft, event)
    return draft.decision()


class _Draft:
    """A conversation while it is decided about."""

    def __init__(self, conversation: Conversation, around: Surroundings) -> None:
        self.state = conversation
        self.around = around
        self.messages: list[NewMessage] = []
        self.effects: list[Effect] = []
        self.last_input = ""
        self.has_spoken = False

    def change(self, **changes: Any) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)

    def decision(self) -> Decision:
        return Decision(conversation=self.state, messages=tuple(self.messages), effects=tuple(self.effects))

    @property
    def agent_has_control(self) -> bool:
        return self.state.control is Control.AGENT

    @property
    def flow_goes_on_while_paused(self) -> bool:
        return self.around.workspace.paused_automation is PausedAutomation.AGENT_TRIGGERS_AND_DELAYS

    def scene(self) -> Scene:
        state, around = self.state, self.around
        version = state.run.version_id if state.run else around.current_version
        return Scene(
            now=around.now,
            version_id=version or FlowVersionId(0),
            epoch=state.epoch,
            user_ns=state.user_ns,
            flow_ns=flow_ns(state.flow_id),
            channel_name=around.channel.name,
            channel_type=around.channel.type,
            subscriber=state.subscriber,
            last_input=self.last_input,
        )

    def flow_of_run(self) -> Flow | None:
        return self.around.flows.get(self.state.run.version_id) if self.state.run else None

    def current_flow(self) -> Flow | None:
        version = self.around.current_version
        return self.around.flows.get(version) if version is not None else None


# Events, one function each


def _handle(draft: _Draft, event: AnyEvent) -> None:
    match event:
        case MessageReceived():
            _message_received(draft, event)
        case MessageEdited(content=content):
            _message_edited(draft, event.mid, content)
        case FileSettled():
            _file_settled(draft, event)
        case ReachChanged(barred=barred):
            _reach_changed(draft, barred)
        case ConversationOpened():
            _conversation_opened(draft, event)
        case CustomerTyped():
            _customer_typed(draft)
        case AgentReplied():
            _agent_replied(draft, event)
        case BotTold():
            _bot_told(draft, event)
        case NoteWritten(text=text, member_id=member_id):
            _record(draft, MessageType.NOTE, Text(text), member_id=member_id)
        case BotPaused(minutes=minutes, by=by):
            _pause(draft, timedelta(minutes=minutes) if minutes else None, cause=by)
        case BotResumed(by=by):
            _return_control(draft, by)
        case Assigned(member_id=member_id):
            _assign(draft, member_id)
        case Moved(status=status):
            draft.change(status=status)
        case TimeCame():
            pass  # deadlines were dealt with before
        case ReceiptCame():
            _receipt_came(draft, event)
        case AgentTyped():
            draft.effects.append(ShowTyping())
        case AgentRead():
            _agent_read(draft)
        case SubscriberChanged(profile=profile, acts=acts):
            _tell(draft, profile)
            _apply_all(draft, acts)
        case _:
            assert_never(event)


def _message_received(draft: _Draft, event: MessageReceived) -> None:
    first = not draft.state.started
    _tell(draft, event.profile)
    _seen_now(draft)
    _heard(draft, event)
    content = _as_pressed(draft, event.content)
    seq = _record(draft, MessageType.IN, content, mid=event.mid, referral=event.referral)
    if isinstance(content, Media) and not content.media_id:
        draft.effects.append(FetchMedia(seq))
    draft.last_input = plain_text(content)
    if draft.state.barred == "blocked":  # whoever writes to us has not blocked us
        draft.change(barred="")
    if draft.agent_has_control:
        _while_paused(draft, content, seq, for_bot=event.for_bot)
    else:
        _with_the_bot(draft, content, seq, first=first, for_bot=event.for_bot)


def _as_pressed(draft: _Draft, content: Content) -> Content:
    """What was written in answer to numbered text, as the button that it stands for."""
    if not draft.state.numbered or not isinstance(content, Text):
        return content
    choice = chosen(draft.state.numbered, content.text)
    return Interactive(choice.title, choice.id, content.text) if choice else content


def _while_paused(draft: _Draft, content: Content, seq: int, *, for_bot: bool) -> None:
    """The customer writes while an agent has control: the platform hears it, whatever else happens."""
    _tell_platform(draft, seq)
    if for_bot and _is_leave_word(draft.state.pause, content):
        _leave(draft, content)
    elif for_bot and draft.flow_goes_on_while_paused:
        _trigger(draft, content, first=False, asking=True)


def _tell_platform(draft: _Draft, seq: int) -> None:
    if draft.state.status == "done":
        draft.change(status="open")
    _notify(draft, EventType.MESSAGE_RECEIVED, message_seq=seq)


def _with_the_bot(draft: _Draft, content: Content, seq: int, *, first: bool, for_bot: bool) -> None:
    """The customer writes to the bot: that is nobody else's business but of those who listen."""
    _tell_listeners(draft, seq)
    if for_bot and not isinstance(content, Reaction):
        _converse(draft, content, first=first)


def _tell_listeners(draft: _Draft, seq: int) -> None:
    for endpoint_id in draft.around.audience.with_bot:
        _notify_one(draft, endpoint_id, EventType.MESSAGE_RECEIVED, message_seq=seq)


def _leave(draft: _Draft, content: Content) -> None:
    """The customer's own word ends the pause; if the flow has nothing to go on with, the word
    itself may be one that the flow listens to."""
    before = len(draft.messages)
    _return_control(draft, "customer")
    if len(draft.messages) == before and draft.state.run is None:
        _trigger(draft, content, first=False, asking=False)


def _is_leave_word(pause: Pause | None, content: Content) -> bool:
    said = plain_text(content).strip().casefold()
    return pause is not None and said in {word.strip().casefold() for word in pause.leave_words}


def _message_edited(draft: _Draft, mid: str, content: Content) -> None:
    """The bot does not answer again: it answered what was said first."""
    message = draft.around.changed
    if message is None:
        _report(draft, "edit_of_unknown_message", f"the message {mid} was changed, and is not here")
        return
    if isinstance(content, Media):
        if not isinstance(message.content, Media) or content.size not in (0, message.content.size):
            _another_file(draft, content)
            return
        content = msgspec.structs.replace(message.content, caption=content.caption)
    if content != message.content:
        _replace(draft, message, content, change="edited")


def _another_file(draft: _Draft, content: Media) -> None:
    """In place of what was there: it has to be fetched, and is a message of its own here."""
    seq = _record(draft, MessageType.IN, content)
    draft.effects.append(FetchMedia(seq))
    tell = _tell_platform if draft.agent_has_control else _tell_listeners
    tell(draft, seq)


def _file_settled(draft: _Draft, event: FileSettled) -> None:
    message = draft.around.changed
    if message is None or not isinstance(message.content, Media):
        return
    known = {"mime_type": event.mime_type, "size": event.size} if not event.problem else {}
    content = msgspec.structs.replace(message.content, problem=event.problem, **known)
    _replace(draft, message, content, change="file")


def _replace(draft: _Draft, message: Message, content: Content, *, change: str) -> None:
    """Have a stored message say something else. The platform hears it as it heard the message: while an
    agent has control, or, if it listens, always."""
    draft.effects.append(ReplaceContent(msgspec.structs.replace(message, content=content)))
    told = set(draft.around.audience.by_type.get(EventType.MESSAGE_UPDATED, ()))
    if not draft.agent_has_control:
        told &= set(draft.around.audience.with_bot)
    for endpoint_id in sorted(told):
        data = {"change": change}
        _notify_one(draft, endpoint_id, EventType.MESSAGE_UPDATED, message_seq=message.seq, data=data)


def _reach_changed(draft: _Draft, barred: Barred) -> None:
    """The flow has nobody to talk to any more; what it would say to somebody who is back starts anew."""
    run = draft.state.run
    goes_on = not barred or (run is not None and run.waiting.for_ == "return")
    draft.change(barred=barred, run=run if goes_on else None)


def _conversation_opened(draft: _Draft, event: ConversationOpened) -> None:
    first = not draft.state.started
    _tell(draft, event.profile)
    _seen_now(draft)
    flow = draft.current_flow()
    if first and flow is not None and not draft.agent_has_control:
        _perform(draft, flow_engine.begin(flow, flow.start, draft.scene()))


def _customer_typed(draft: _Draft) -> None:
    if draft.agent_has_control:
        listeners = draft.around.audience.by_type.get(EventType.TYPING, ())
        draft.effects += [Whisper(endpoint_id, EventType.TYPING) for endpoint_id in listeners]


def _agent_replied(draft: _Draft, event: AgentReplied) -> None:
    _silence_the_bot_for_an_agent(draft, event.member_id)
    for content in event.contents:
        _speak(draft, MessageType.AGENT, content, member_id=event.member_id)
    _apply_all(draft, event.acts)


def _silence_the_bot_for_an_agent(draft: _Draft, member_id: MemberId | None) -> None:
    """An agent who answers keeps the bot away for a while, whoever had control before."""
    pause_for = draft.around.workspace.agent_reply_pauses_for
    if pause_for <= timedelta(0):
        return
    pause = draft.state.pause
    if pause is None:
        _pause(draft, pause_for, cause="agent_reply")
    elif pause.until is not None and pause.until < draft.around.now + pause_for:
        later = msgspec.structs.replace(pause, until=draft.around.now + pause_for)
        draft.change(pause=later)


def _bot_told(draft: _Draft, event: BotTold) -> None:
    for content in event.contents:
        _speak(draft, MessageType.OUT, content)
    _apply_all(draft, event.acts)
    flow = draft.current_flow()
    if event.go_to and flow is not None:
        if draft.agent_has_control and not draft.flow_goes_on_while_paused:
            _report(draft, "bot_is_paused", f"goto {event.go_to} was not followed: an agent has control")
        else:
            draft.change(run=None)
            _perform(draft, flow_engine.begin(flow, event.go_to, draft.scene()))


def _assign(draft: _Draft, member_id: MemberId | None) -> None:
    if member_id == draft.state.member_id:
        return
    draft.change(member_id=member_id)
    name = draft.around.member_names.get(member_id, "") if member_id else ""
    _notify(draft, EventType.CONVERSATION_ASSIGNED, data={"agent_id": member_id or 0, "agent_name": name})


def _agent_read(draft: _Draft) -> None:
    if draft.around.messages:
        draft.effects.append(ShowRead())
    for message in draft.around.messages:
        draft.effects.append(UpdateMessage(message_id=message.id, status=MessageStatus.READ))


def _receipt_came(draft: _Draft, event: ReceiptCame) -> None:
    if event.status is MessageStatus.FAILED:
        _learn_from_failure(draft, event)
    for message in draft.around.messages:
        if not (is_progress(message.status, event.status) or _was_redelivered(message, event)):
            continue
        mid = event.new_mid or message.mid
        draft.effects.append(
            UpdateMessage(message_id=message.id, status=event.status, mid=event.new_mid, error=event.error)
        )
        data = {"id": message.id, "mid": mid, "status": event.status.value, "error": event.error}
        _notify(draft, EventType.MESSAGE_STATUS, data=data)


def _was_redelivered(message: StoredMessage, event: ReceiptCame) -> bool:
    """Our own couriers know: what had failed was sent all the same, because somebody asked for it."""
    failed = message.status is MessageStatus.FAILED
    return failed and event.status is MessageStatus.SENT and message.id in event.message_ids


def _learn_from_failure(draft: _Draft, event: ReceiptCame) -> None:
    match event.error.partition(":")[0]:
        case "opted_out":
            _reach_changed(draft, "opted_out")
        case "blocked":
            _reach_changed(draft, "blocked")
        case _:
            pass
    if event.mids and not draft.around.messages:
        _report(draft, "receipt_of_unknown_message", f"{', '.join(event.mids)} failed: {event.error}")


# Time


def _let_time_pass(draft: _Draft) -> None:
    """Deal with deadlines that have passed: a pause's end first, then what the flow waited for."""
    now = draft.around.now
    pause = draft.state.pause
    if pause is not None and pause.until is not None and pause.until <= now:
        _return_control(draft, "time")
    run = draft.state.run
    if run is None or run.waiting.deadline_at is None or run.waiting.deadline_at > now:
        return
    flow = draft.flow_of_run()
    if flow is None:
        _lose_run(draft, run)
    elif _may_go_on(draft, run):
        _perform(draft, flow_engine.time_came(flow, run, draft.scene()))
    else:
        draft.change(run=None)
        _report(draft, "stale_timer", f"a step planned under epoch {run.epoch} was dropped")


def _may_go_on(draft: _Draft, run: Run) -> bool:
    if draft.agent_has_control:
        return draft.flow_goes_on_while_paused
    return run.epoch == draft.state.epoch


def _lose_run(draft: _Draft, run: Run) -> None:
    draft.change(run=None)
    _report(draft, "flow_version_missing", f"version {run.version_id} of the flow is gone")


# Control


def _pause(
    draft: _Draft,
    pause_for: timedelta | None,
    *,
    cause: PauseCause,
    leave_words: tuple[str, ...] = (),
    run: Run | None = None,
) -> None:
    """Control goes to the agent. Pausing twice only moves the end of the pause.

    `run` is what the flow goes on with afterwards. Any other run is dropped, unless the
    workspace lets flows go on while paused.
    """
    now, state = draft.around.now, draft.state
    until = now + pause_for if pause_for is not None else None
    handed_over = not draft.agent_has_control
    since = state.pause.since if state.pause else now
    words = leave_words or (state.pause.leave_words if state.pause else ())
    epoch = state.epoch + 1 if handed_over else state.epoch
    draft.change(
        control=Control.AGENT,
        epoch=epoch,
        pause=Pause(since=since, until=until, cause=cause, leave_words=words),
        run=_run_through_pause(draft, run, epoch),
    )
    if handed_over:
        if state.status == "done":
            draft.change(status="open")
        data = {"reason": cause, "until": until.isoformat() if until else None, "epoch": epoch}
        _notify(draft, EventType.HANDOFF_REQUESTED, data=data)


def _run_through_pause(draft: _Draft, run: Run | None, epoch: int) -> Run | None:
    if run is None:
        run = draft.state.run
        waits_for_return = run is not None and run.waiting.for_ == "return"
        if not (waits_for_return or draft.flow_goes_on_while_paused):
            return None
    return msgspec.structs.replace(run, epoch=epoch) if run else None


def _return_control(draft: _Draft, reason: ReturnReason) -> None:
    """Control comes back to the bot, which goes on after its *Pause the Bot* step if it had one."""
    if not draft.agent_has_control:
        return
    run, flow = draft.state.run, draft.flow_of_run()
    epoch = draft.state.epoch + 1
    draft.change(control=Control.BOT, epoch=epoch, pause=None)
    _notify(draft, EventType.HANDOFF_RETURNED, data={"reason": reason, "epoch": epoch})
    if run is None:
        return
    run = msgspec.structs.replace(run, epoch=epoch)
    draft.change(run=run)
    if run.waiting.for_ != "return":
        return
    if flow is None:
        _lose_run(draft, run)
    else:
        _perform(draft, flow_engine.returned(flow, run, draft.scene()))


# The flow


def _converse(draft: _Draft, content: Content, *, first: bool) -> None:
    """The bot has control: a trigger, or the answer to its question."""
    run = draft.state.run
    asking = run is not None and run.waiting.for_ == "answer"
    if _trigger(draft, content, first=first, asking=asking) or not asking or run is None:
        return
    flow = draft.flow_of_run()
    if flow is None:
        _lose_run(draft, run)
    else:
        _perform(draft, flow_engine.answer(flow, run, content, draft.scene()))


def _trigger(draft: _Draft, content: Content, *, first: bool, asking: bool) -> bool:
    """Start the subflow that this message triggers; False when there is none."""
    flow = draft.current_flow()
    if flow is None:
        return False
    run = draft.state.run
    waiting = run is not None and run.waiting.for_ == "time"
    subflow = flow_engine.find_trigger(flow, content, is_first_message=first, asking=asking, waiting=waiting)
    if subflow is None:
        return False
    draft.change(run=None)
    _perform(draft, flow_engine.begin(flow, subflow, draft.scene()))
    return True


def _perform(draft: _Draft, turn: Turn) -> None:
    """Do what the flow wants, in order, and remember where it stands."""
    draft.change(run=turn.run)
    for act in turn.acts:
        match act:
            case Say(content=content):
                _say(draft, content)
            case PauseBot(pause_for=pause_for, leave_words=words):
                _pause(draft, pause_for, cause="flow", leave_words=words, run=turn.run)
            case Stumble(code=code, detail=detail):
                _report(draft, code, detail)
            case SetField() | AddTag() | RemoveTag():
                _apply(draft, act)
            case _:
                assert_never(act)


def _say(draft: _Draft, content: Content) -> None:
    """The bot speaks: only with control, or where the workspace lets flows go on while paused."""
    if draft.agent_has_control and not draft.flow_goes_on_while_paused:
        _report(draft, "bot_is_paused", "the flow wanted to speak while an agent has control")
        return
    _speak(draft, MessageType.OUT, content)


# Words and data


def _hindrance(draft: _Draft, content: Content) -> str:
    """Why the customer may not be told this now, in the words that vendors' refusals have; "": they may."""
    window = draft.around.window
    if draft.state.barred or window is None or window_left(draft.state.heard_at, window, draft.around.now):
        return draft.state.barred
    if isinstance(content, Other) and content.type == "template":
        return ""
    hours = int(window.total_seconds()) // 3600
    return f"window_closed: the person has not written for {hours} hours"


def _speak(draft: _Draft, type_: MessageType, content: Content, *, member_id: MemberId | None = None) -> None:
    """Say something to the customer; to one who may not be written to, it is kept as not said."""
    barred = _hindrance(draft, content)
    status = MessageStatus.FAILED if barred else MessageStatus.QUEUED
    seq = _record(draft, type_, content, member_id=member_id, status=status, error=barred)
    if not barred:
        draft.effects.append(SendToCustomer(seq))
        _remember_numbers(draft, content)
    _notify(draft, EventType.MESSAGE_SENT, message_seq=seq, data={"error": barred} if barred else None)


def _remember_numbers(draft: _Draft, content: Content) -> None:
    """The numbers that the customer sees hold until something else is said in a later decision."""
    limits = draft.around.limits_of(draft.around.channel) if has_options(content) else None
    numbered = degrade(content, limits).numbered if limits else ()
    if numbered != draft.state.numbered and (numbered or not draft.has_spoken):
        draft.change(numbered=numbered)
    draft.has_spoken = True


def _record(
    draft: _Draft,
    type_: MessageType,
    content: Content,
    *,
    mid: str = "",
    member_id: MemberId | None = None,
    status: MessageStatus = MessageStatus.SENT,
    error: str = "",
    referral: dict[str, Any] | None = None,
) -> int:
    """Add a message to the conversation; its seq."""
    seq = draft.state.message_seq + 1
    draft.messages.append(
        NewMessage(
            seq=seq,
            type=type_,
            content=content,
            username=_speaker(draft, type_, member_id),
            mid=mid,
            member_id=member_id,
            status=status,
            error=error,
            referral=referral,
        )
    )
    draft.change(message_seq=seq, last_message_at=draft.around.now, last_message_type=type_)
    return seq


def _speaker(draft: _Draft, type_: MessageType, member_id: MemberId | None) -> str:
    match type_:
        case MessageType.IN:
            return draft.state.subscriber.display_name
        case MessageType.OUT:
            return "Bot"
        case MessageType.AGENT | MessageType.NOTE:
            return draft.around.member_names.get(member_id, "Agent") if member_id else "Agent"
        case MessageType.SYSTEM:
            return ""


def _tell(draft: _Draft, profile: Profile) -> None:
    draft.change(subscriber=draft.state.subscriber.told(profile))


def _heard(draft: _Draft, event: MessageReceived) -> None:
    """Vendors bring messages late and out of order: the latest counts, and none is of the future."""
    if event.said_at is None:
        return
    before = draft.state.heard_at
    said_at = min(event.said_at, draft.around.now)
    if before is None or said_at >= before:
        draft.change(heard_at=said_at, heard_mid=event.mid)


def _seen_now(draft: _Draft) -> None:
    subscriber = msgspec.structs.replace(draft.state.subscriber, last_seen_at=draft.around.now)
    draft.change(subscriber=subscriber, started=True)


def _apply_all(draft: _Draft, acts: Sequence[DirectAct]) -> None:
    for act in acts:
        _apply(draft, act)


def _apply(draft: _Draft, act: DirectAct) -> None:
    subscriber = draft.state.subscriber
    match act:
        case SetField(name=name, value=value):
            subscriber = subscriber.with_field(name, value)
        case AddTag(name=name):
            subscriber = subscriber.with_tag(name)
        case RemoveTag(name=name):
            subscriber = subscriber.without_tag(name)
        case _:
            assert_never(act)
    draft.change(subscriber=subscriber)


# The platform


def _notify(
    draft: _Draft,
    event_type: EventType,
    *,
    message_seq: int | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Tell every endpoint that is told of such events on this channel."""
    for endpoint_id in draft.around.audience.by_type.get(event_type, ()):
        _notify_one(draft, endpoint_id, event_type, message_seq=message_seq, data=data)


def _notify_one(
    draft: _Draft,
    endpoint_id: EndpointId,
    event_type: EventType,
    *,
    message_seq: int | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Tell one endpoint, as the next number of its lane."""
    seq = draft.state.webhook_seqs.get(endpoint_id, 0) + 1
    draft.change(webhook_seqs={**draft.state.webhook_seqs, endpoint_id: seq})
    draft.effects.append(
        NotifyPlatform(
            endpoint_id=endpoint_id,
            event_type=event_type,
            seq=seq,
            epoch=draft.state.epoch,
            member_id=draft.state.member_id,
            paused_seconds=paused_seconds(draft.state.pause, draft.around.now),
            message_seq=message_seq,
            data=data,
        )
    )


def _report(draft: _Draft, code: str, detail: str) -> None:
    draft.effects.append(Report(code, detail))
