"""One conversation, held in memory: what happens to it, and what comes of that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, assert_never

import msgspec

from relevo.domain.calls import AiAnswer, CallResult, CallTask, HttpAnswer, HttpTask
from relevo.domain.conversations import (
    Decision,
    MakeCall,
    NewMessage,
    NotifyPlatform,
    Report,
    SendEmail,
    SendToCustomer,
    ShowTyping,
)
from relevo.domain.custom_events import CustomEvent, LogCustomEvent
from relevo.domain.deciding import decide
from relevo.domain.degrading import degrade
from relevo.domain.errors import RelevoError
from relevo.domain.events import (
    AgentReplied,
    AnyEvent,
    Assigned,
    BotResumed,
    ByConversation,
    CallAnswered,
    ConversationOpened,
    CustomEventLogged,
    HandoffAccepted,
    MessageReceived,
    Moved,
    PlatformUnreachable,
    ScheduleCame,
    SubscriberChanged,
    TimeCame,
    WebhookCalled,
)
from relevo.domain.flows.runs import Frame
from relevo.domain.flows.steps.sending import LONGEST_TYPING
from relevo.domain.flows.triggers.happenings import OnSchedule
from relevo.domain.messages import Button, Content, Interactive, MessageType, QuickReply, Text
from relevo.domain.schedules import next_after
from relevo.domain.sealing import shown, shown_in
from relevo.rehearsal.actions import (
    Accept,
    Action,
    Agent,
    Answer,
    Asked,
    Assign,
    Change,
    Counted,
    GiveBack,
    GoDown,
    Line,
    Mailed,
    Mark,
    Occur,
    Open,
    Passed,
    Post,
    Press,
    Said,
    Speaker,
    Stumbled,
    Told,
    Wait,
    Write,
)
from relevo.rehearsal.stage import AGENT, Names, Stage

MOST_IN_A_WAIT = 1000
"""Things that happen by themselves while time passes."""
MOST_DECISIONS = 100_000
MOST_SEEN = 200
"""Messages whose buttons can be pressed."""

_TELLING = ("message.sent", "message.received", "message.status")
"""Of what is said the platform hears anyhow."""
_SPEAKERS: dict[MessageType, Speaker] = {
    MessageType.IN: "customer",
    MessageType.OUT: "bot",
    MessageType.AGENT: "agent",
    MessageType.NOTE: "note",
}


class NotPossible(Exception):
    """This cannot happen now. The text says why, and what can."""


class Rehearsal:
    """Answers every action with what is seen of it. The same actions have the same lines."""

    def __init__(self, stage: Stage, *, most: int = MOST_DECISIONS) -> None:
        self.stage, self._most = stage, most
        self.taken: set[tuple[str, tuple[int | str, ...]]] = set()
        """Every place in the flow that was walked."""
        self.now = stage.begins
        self.state = stage.conversation()
        self.asked: CallTask | None = None
        """What the flow asks another server, while nobody has answered."""
        self._call = 0
        self._names = Names()
        self._around = stage.surroundings(self._names, self._watch)
        self._seen: list[Content] = []
        self._decisions = 0

    @property
    def agent(self) -> str:
        """Whose the conversation is; "": nobody's."""
        member_id = self.state.member_id
        return self._around.member_names.get(member_id, "") if member_id is not None else ""

    def perform(self, action: Action) -> list[Line]:
        """Have it happen. Raises NotPossible."""
        if isinstance(action, Wait):
            return self._pass(action.length)
        try:
            return self._happen(self._event(action))
        except RelevoError as refused:
            raise NotPossible(refused.message) from None

    def _event(self, action: Action) -> AnyEvent:
        to = ByConversation(self.state.id)
        match action:
            case Write(content=content, referral=ref):
                referral = {"ref": ref} if ref else None
                return MessageReceived(to=to, content=content, referral=referral, said_at=self.now)
            case Press(title=title):
                return MessageReceived(to=to, content=self._pressed(title), said_at=self.now)
            case Open():
                return ConversationOpened(to=to)
            case Agent(text=text):
                return AgentReplied(to=to, contents=(Text(text),), member_id=AGENT)
            case Accept():
                return HandoffAccepted(to=to, by="api", member_id=AGENT)
            case GiveBack(reason=reason, note=note, outcome=outcome):
                return BotResumed(to=to, by="api", reason=reason, note=note, outcome=outcome)
            case Answer(result=result):
                return self._answered(result)
            case Change(acts=acts):
                return SubscriberChanged(to=to, acts=acts)
            case Occur(name=name, values=values):
                return CustomEventLogged(to=to, custom_event=self._custom_event(name), values=values)
            case Post(name=name):
                return WebhookCalled(to=to, name=name)
            case Mark(status=status):
                return Moved(to=to, status=status, by="agent", member_id=AGENT)
            case Assign(agent=name):
                member = self._around.member_of(self.state.workspace_id, name) if name else None
                return Assigned(to=to, member_id=member)
            case GoDown():
                endpoint_id = self._around.channel.live_chat.endpoint_id
                assert endpoint_id is not None
                return PlatformUnreachable(to=to, endpoint_id=endpoint_id)
            case Wait():
                raise AssertionError("time passes by itself")
            case _:
                assert_never(action)

    def _answered(self, result: CallResult) -> CallAnswered:
        if self.asked is None:
            raise NotPossible("no server was asked anything")
        if isinstance(result, AiAnswer if isinstance(self.asked, HttpTask) else HttpAnswer):
            wanted = "200 {...}" if isinstance(self.asked, HttpTask) else "what the model says"
            raise NotPossible(f"that is no answer to this call; answer {wanted}, or timeout")
        self.asked = None
        return CallAnswered(to=ByConversation(self.state.id), number=self._call, result=result)

    def _custom_event(self, name: str) -> CustomEvent:
        found = self._around.custom_event_of(self.state.flow_id, name)
        assert found is not None
        return found

    def _pressed(self, title: str) -> Interactive:
        """What pressing the last button of this title says."""
        for content in reversed(self._seen):
            for one in _options(content):
                if one.title.casefold() == title.casefold():
                    return _pressed(one)
        known = dict.fromkeys(one.title for content in self._seen for one in _options(content))
        raise NotPossible(
            f"there is no button {title!r}; "
            + (f"there are {', '.join(known)}" if known else "nothing with buttons was said")
        )

    def _watch(self, frame: Frame) -> None:
        self.taken.add((frame.subflow, frame.path))

    # What comes of it

    def _happen(self, event: AnyEvent) -> list[Line]:
        if self._decisions >= self._most:
            raise NotPossible("too much has happened in this rehearsal; begin anew")
        self._decisions += 1
        around = msgspec.structs.replace(self._around, now=self.now, chance=self._decisions)
        decision = decide(self.state, event, around)
        self.state = decision.conversation
        lines = list(self._lines(decision))
        if any(isinstance(one, ShowTyping) for one in decision.effects):
            lines += self._let_type()
        return lines + self._answer_by_itself()

    def _let_type(self) -> list[Line]:
        """Nobody wants to wait for the bot to have typed."""
        run = self.state.run
        ends = run.waiting.deadline_at if run and run.waiting.for_ == "time" else None
        if ends is None or not self.now < ends <= self.now + LONGEST_TYPING:
            return []
        self.now = ends
        return self._happen(TimeCame(to=ByConversation(self.state.id)))

    def _answer_by_itself(self) -> list[Line]:
        """What the stage has an answer to need not be asked."""
        result = self.stage.answer_to(shown(self.asked.url)) if self.asked else None
        return self._happen(self._answered(result)) if result is not None else []

    def _lines(self, decision: Decision) -> Iterator[Line]:
        unsaid = list(decision.messages)
        while unsaid and unsaid[0].type is MessageType.IN:
            yield from self._said(unsaid.pop(0))
        for effect in decision.effects:
            match effect:
                case SendToCustomer(seq=seq):
                    while unsaid and unsaid[0].seq <= seq:
                        yield from self._said(unsaid.pop(0))
                case NotifyPlatform(event_type=type_, data=data) if type_.value not in _TELLING:
                    yield Told(type_.value, data or {})
                case MakeCall(number=number, task=task):
                    self._call, self.asked = number, _without_marks(task)
                    yield Asked(self.asked)
                case SendEmail(task=task):
                    yield Mailed(task)
                case LogCustomEvent(event_id=id_, values=values):
                    yield Counted(self._names.of_event(id_), values)
                case Report(code=code, detail=detail):
                    yield Stumbled(code, detail)
                case _:
                    pass
        for message in unsaid:
            yield from self._said(message)

    def _said(self, message: NewMessage) -> Iterator[Said]:
        match message.type:
            case MessageType.OUT | MessageType.AGENT:
                limits = self._around.limits_of(self._around.channel)
                for content in degrade(message.content, limits).contents:
                    self._seen = [*self._seen[-MOST_SEEN:], content]
                    yield Said(_SPEAKERS[message.type], content, message.error)
            case MessageType.SYSTEM:
                pass
            case _:
                yield Said(_SPEAKERS[message.type], message.content)

    # Time

    def _pass(self, length: timedelta) -> list[Line]:
        """Whatever happens by itself meanwhile happens at its time."""
        until, lines = self.now + length, list[Line]()
        for _ in range(MOST_IN_A_WAIT):
            event, at = self._next(until)
            if event is None:
                break
            before = self.now
            self.now = max(self.now, at)
            found = self._happen(event)
            lines += [Passed(self.now - before), *found] if found else []
        self.now = max(self.now, until)
        return lines

    def _next(self, until: datetime) -> tuple[AnyEvent | None, datetime]:
        """The next thing that happens by itself, up to a moment, and when."""
        to = ByConversation(self.state.id)
        due: list[tuple[datetime, AnyEvent]] = []
        if (wake_at := self.state.wake_at) is not None:
            due.append((wake_at, TimeCame(to=to)))
        for one in self.stage.flow.triggers:
            if isinstance(one, OnSchedule) and (
                at := next_after(one.cron, one.zone or self.stage.timezone, self.now)
            ):
                due.append((at, ScheduleCame(to=to, key=one.key)))
        due = [one for one in due if one[0] <= until]
        if not due:
            return None, until
        at, event = min(due, key=lambda one: one[0])
        return event, at


def _options(content: Content) -> Iterator[Button | QuickReply]:
    """What can be pressed in it."""
    for one in getattr(content, "cards", ()):
        yield from one.buttons
    yield from getattr(content, "buttons", ())
    yield from getattr(content, "quick_replies", ())


def _pressed(one: Button | QuickReply) -> Interactive:
    if isinstance(one, Button) and one.kind != "reply":
        raise NotPossible(f"the button {one.title!r} opens {one.target}: the flow does not hear of it")
    if isinstance(one, QuickReply) and one.asks:
        raise NotPossible(f"{one.title!r} asks for a {one.asks}: send one")
    return Interactive(one.title, one.id)


def _without_marks(task: CallTask) -> CallTask:
    """As people may see it."""
    changes: dict[str, Any] = {
        "url": shown(task.url),
        "headers": {name: shown(value) for name, value in task.headers.items()},
    }
    if isinstance(task, HttpTask):
        changes["body"] = shown_in(task.body)
    return msgspec.structs.replace(task, **changes)
