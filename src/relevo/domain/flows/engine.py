"""The interpreter: told what happened, it answers with a `Turn`. Pure, bounded, and it never raises.

It stands on a `Run`, which is plain data: a stack of frames, of which the last is walked. A
frame's path leads to the next step; while an answer is awaited, to the question. Frames with
nothing left are taken off before anything is put on, so a `call` in last place costs no depth.
"""

from __future__ import annotations

from typing import assert_never

from relevo.domain.flows.answers import STANDARD_RETRY, understood
from relevo.domain.flows.conditions import as_text, holds
from relevo.domain.flows.expressions import (
    Template,
    TemplateFailed,
    Variables,
    filled_in,
)
from relevo.domain.flows.model import (
    Ask,
    Call,
    Choice,
    End,
    Flow,
    FlowMessage,
    Go,
    Pause,
    Send,
    Set,
    Step,
    Tag,
    TextMessage,
    Untag,
    Wait,
    When,
    branch,
)
from relevo.domain.flows.runs import (
    Act,
    AddTag,
    Frame,
    PauseBot,
    RemoveTag,
    Run,
    Say,
    Scene,
    SetField,
    Stumble,
    Turn,
    Waiting,
)
from relevo.domain.flows.saying import content_of
from relevo.domain.flows.triggers import find_trigger
from relevo.domain.flows.words import words_of
from relevo.domain.messages import Content, Interactive, Text, plain_text
from relevo.domain.subscribers import PROFILE_FIELDS, FieldValue

__all__ = ["answer", "begin", "find_trigger", "returned", "time_came"]

MAX_STEPS = 100
"""Steps of one turn."""
MAX_DEPTH = 20
"""Subflows that call one another."""
SAYS_OF_A_RUNAWAY = 3
"""How many messages of a turn that was stopped for its length still reach the customer."""


def begin(flow: Flow, subflow: str, scene: Scene) -> Turn:
    """Start a subflow from its first step; nothing of an earlier run is left."""
    walk = _Walk(flow, scene)
    walk.go(subflow)
    return walk.turn()


def answer(flow: Flow, run: Run, content: Content, scene: Scene) -> Turn:
    """The customer has said something to a run that waits for an answer.

    A run that waits for something else is not disturbed: it stays as it is. Writing what stands
    on one of the question's buttons is pressing it.
    """
    if run.waiting.for_ != "answer":
        return Turn((), run)
    walk = _Walk(flow, scene, run)
    match walk.next_step():
        case Ask() as ask:
            walk.take_answer(ask, content, run.waiting.tries)
        case _:
            walk.lose()
    return walk.turn()


def time_came(flow: Flow, run: Run, scene: Scene) -> Turn:
    """The deadline has passed: a wait is over, or a question takes its time-out path. A run that
    waits for control to return has no deadline and stays as it is."""
    if run.waiting.for_ == "return":
        return Turn((), run)
    walk = _Walk(flow, scene, run)
    if run.waiting.for_ == "answer":
        walk.enter("timeout")
    return walk.turn()


def returned(flow: Flow, run: Run, scene: Scene) -> Turn:
    """Control came back: a run that waited for it goes on; any other stays as it is."""
    if run.waiting.for_ != "return":
        return Turn((), run)
    return _Walk(flow, scene, run).turn()


class _Walk:
    """One turn in the making."""

    def __init__(self, flow: Flow, scene: Scene, run: Run | None = None) -> None:
        self._flow = flow
        self._scene = scene
        self._variables = Variables(scene, scene.subscriber)
        self._stack: list[Frame] = list(run.stack) if run else []
        self._waiting: Waiting | None = None
        self._acts: list[Act] = []

    def turn(self) -> Turn:
        """Walk until the run waits or ends."""
        for _ in range(MAX_STEPS):
            if self._waiting is not None or (step := self.next_step()) is None:
                return Turn(tuple(self._acts), self._run())
            self._take(step)
        if self._waiting is None and self.next_step() is not None:
            self._stop_runaway()
        return Turn(tuple(self._acts), self._run())

    def _run(self) -> Run | None:
        if self._waiting is None:
            return None
        return Run(
            version_id=self._scene.version_id,
            epoch=self._scene.epoch,
            stack=tuple(self._stack),
            waiting=self._waiting,
        )

    # Where it stands

    def next_step(self) -> Step | None:
        """The step that comes next, after leaving what is finished; None when nothing is left."""
        while self._stack:
            frame = self._stack[-1]
            steps = _steps_around(self._flow, frame)
            if steps is None:
                self.lose()
            elif (index := _index(frame)) < len(steps):
                return steps[index]
            else:
                self._leave(frame)
        return None

    def _leave(self, frame: Frame) -> None:
        """Out of a finished list: to what follows the step that holds it, or to the caller."""
        if len(frame.path) == 1:
            self._stack.pop()
        else:
            self._stack[-1] = _next(Frame(frame.subflow, frame.path[:-2]))

    def advance(self) -> None:
        self._stack[-1] = _next(self._stack[-1])

    def enter(self, name: str) -> None:
        """Into the steps that the next step holds under a name; past it, if there are none."""
        step = self.next_step()
        if step is None or branch(step, name) is None:
            self.lose()
            return
        frame = self._stack[-1]
        self._stack[-1] = Frame(frame.subflow, (*frame.path, name, 0))

    def go(self, subflow: str) -> None:
        """Leave everything for another subflow."""
        self._stack.clear()
        self._push(subflow)

    def _push(self, subflow: str) -> None:
        if subflow not in self._flow.subflows:
            self._stop("unknown_subflow", f"there is no subflow {subflow!r}")
        elif len(self._stack) >= MAX_DEPTH:
            self._stop("too_deep", f"more than {MAX_DEPTH} subflows call one another, the last {subflow!r}")
        else:
            self._stack.append(Frame(subflow))

    # How it ends

    def lose(self) -> None:
        """The place is not in the flow: another version, or damaged data."""
        where = _in_words(self._stack[-1]) if self._stack else "nowhere"
        self._stop("lost_place", f"{where} is not in the flow {self._flow.name!r}")

    def _stop(self, code: str, detail: str) -> None:
        self._acts.append(Stumble(code, detail))
        self._stack.clear()

    def _stop_runaway(self) -> None:
        says = [act for act in self._acts if isinstance(act, Say)]
        unsaid = {id(say) for say in says[SAYS_OF_A_RUNAWAY:]}
        self._acts = [act for act in self._acts if id(act) not in unsaid]
        self._stop("too_many_steps", f"{MAX_STEPS} steps without waiting, the last before {self._where()}")

    def _stumble(self, code: str, detail: str) -> None:
        self._acts.append(Stumble(code, f"{self._where()}: {detail}"))

    def _where(self) -> str:
        return _in_words(self._stack[-1])

    # Steps

    def _take(self, step: Step) -> None:
        match step:
            case Ask():
                self._ask(step)
            case When():
                self.enter("then" if self._holds(step) else "else")
            case _:
                self._do(step)

    def _do(self, step: Send | Set | Tag | Untag | Go | Call | Wait | Pause | End) -> None:
        """A step that is done with once it is taken."""
        match step:
            case Send(message=message):
                self._send(message)
            case Set(values=values):
                for name, value in values:
                    self._set(name, value)
            case Tag(names=names):
                self._tag(names)
            case Untag(names=names):
                self._untag(names)
            case Go() | Call() | Wait() | Pause() | End():
                self.advance()
                self._turn_aside(step)
                return
            case _:
                assert_never(step)
        self.advance()

    def _turn_aside(self, step: Go | Call | Wait | Pause | End) -> None:
        """A step that changes where the run stands; what follows it is next already."""
        match step:
            case Go(subflow=subflow):
                self.go(subflow)
            case Call(subflow=subflow):
                self.next_step()  # leaves what is finished
                self._push(subflow)
            case Wait(wait_for=wait_for):
                if self.next_step() is not None:
                    self._waiting = Waiting("time", deadline_at=self._scene.now + wait_for)
            case Pause(pause_for=pause_for, leave_words=leave_words):
                self.next_step()
                self._acts.append(PauseBot(pause_for, leave_words))
                self._waiting = Waiting("return")
            case End():
                self._stack.clear()
            case _:
                assert_never(step)

    def _send(self, message: FlowMessage) -> None:
        content = self._content(message)
        if content is not None:
            self._acts.append(Say(content))

    def _content(self, message: FlowMessage, choices: tuple[Choice, ...] = ()) -> Content | None:
        try:
            content = content_of(message, self._variables, choices)
        except TemplateFailed as failure:
            self._stumble("template_failed", str(failure))
            return None
        if content is None and not _may_be_empty(message):
            self._stumble("empty_message", "nothing came out to be sent")
        return content

    def _holds(self, step: When) -> bool:
        try:
            return holds(step.condition, self._variables)
        except TemplateFailed as failure:
            self._stumble("template_failed", str(failure))
            return False

    def _set(self, name: str, value: FieldValue | Template) -> None:
        try:
            filled = value.filled_in(self._variables) if isinstance(value, Template) else value
        except TemplateFailed as failure:
            self._stumble("template_failed", str(failure))
            return
        if name in PROFILE_FIELDS and filled is not None:
            filled = as_text(filled)
        self._acts.append(SetField(name, filled))
        self._variables = self._variables.with_field(name, filled)

    def _tag(self, names: tuple[str, ...]) -> None:
        for name in names:
            self._acts.append(AddTag(name))
            self._variables = self._variables.with_tag(name)

    def _untag(self, names: tuple[str, ...]) -> None:
        for name in names:
            self._acts.append(RemoveTag(name))
            self._variables = self._variables.without_tag(name)

    # Questions

    def _ask(self, ask: Ask) -> None:
        """Ask, and stay at the question; one that cannot be asked is passed over."""
        content = self._content(ask.message, ask.choices)
        if content is None:
            self.advance()
        else:
            self._acts.append(Say(content))
            self._await_answer(ask, tries=0)

    def _await_answer(self, ask: Ask, tries: int) -> None:
        deadline = self._scene.now + ask.timeout.after if ask.timeout else None
        self._waiting = Waiting("answer", deadline_at=deadline, tries=tries)

    def take_answer(self, ask: Ask, content: Content, tries: int) -> None:
        """`tries` answers were refused before this one."""
        if subflow := self._written_button(ask, content):
            self.go(subflow)
        elif (value := understood(ask, content, self._flow.region)) is not None:
            if ask.save:
                self._set(ask.save, value)
            self.advance()
        elif tries + 1 >= ask.give_up.after:
            self.enter("give_up")
        else:
            self._ask_again(ask, tries + 1)

    def _written_button(self, ask: Ask, content: Content) -> str:
        """The subflow of the button whose title was written rather than pressed; "" for none."""
        said = words_of(plain_text(content)) if isinstance(content, Text | Interactive) else ""
        for button in (*ask.message.buttons, *ask.message.quick_replies):
            if said and button.do and words_of(self._title(button.title)) == said:
                return button.do
        return ""

    def _title(self, title: str | Template) -> str:
        try:
            return filled_in(title, self._variables)
        except TemplateFailed:
            return ""

    def _ask_again(self, ask: Ask, tries: int) -> None:
        retry = ask.retry or STANDARD_RETRY[ask.kind]
        message = TextMessage(retry, quick_replies=ask.message.quick_replies)
        content = self._content(message, ask.choices)
        if content is not None:
            self._acts.append(Say(content))
        self._await_answer(ask, tries)


def _may_be_empty(message: FlowMessage) -> bool:
    """A text that comes out empty says nothing, on purpose: `{% if vip %}Thank you!{% endif %}`."""
    return isinstance(message, TextMessage) and not (message.buttons or message.quick_replies)


# Places


def _steps_around(flow: Flow, frame: Frame) -> tuple[Step, ...] | None:
    """The list of steps that a frame's path ends in; None when there is no such place."""
    steps = flow.subflows.get(frame.subflow)
    path = frame.path
    for at in range(0, len(path) - 1, 2):
        steps = _held(steps, path[at], path[at + 1])
    if steps is None or len(path) % 2 == 0 or not _is_place(path[-1], len(steps) + 1):
        return None
    return steps


def _held(steps: tuple[Step, ...] | None, index: int | str, name: int | str) -> tuple[Step, ...] | None:
    if steps is None or not _is_place(index, len(steps)) or not isinstance(name, str):
        return None
    return branch(steps[int(index)], name)


def _is_place(index: int | str, bound: int) -> bool:
    return type(index) is int and 0 <= index < bound


def _index(frame: Frame) -> int:
    return int(frame.path[-1])


def _next(frame: Frame) -> Frame:
    return Frame(frame.subflow, (*frame.path[:-1], _index(frame) + 1))


def _in_words(frame: Frame) -> str:
    """`welcome: step 2, then, step 1`."""
    parts = (f"step {part + 1}" if isinstance(part, int) else part for part in frame.path)
    return f"{frame.subflow}: {', '.join(parts)}"
