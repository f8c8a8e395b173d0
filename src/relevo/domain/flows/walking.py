"""One turn in the making: what steps do to it.

A `Walk` stands on a stack of frames, of which the last is walked. A frame's path leads to the next
step; while something is awaited, to the step that awaits it. Frames with nothing left are taken
off before anything is put on, so a `call` in last place costs no depth.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal, assert_never

import msgspec

from relevo.domain.flows.conditions import holds
from relevo.domain.flows.expressions import Template, TemplateFailed, Variables, filled_in
from relevo.domain.flows.messages import Choice, FlowMessage, TextMessage
from relevo.domain.flows.model import Condition, Flow, Step, Steps, Words
from relevo.domain.flows.runs import (
    Act,
    AddLabel,
    AddTag,
    Frame,
    Naming,
    PauseBot,
    RemoveLabel,
    RemoveTag,
    ResumeBot,
    Run,
    Say,
    Scene,
    SetField,
    Stumble,
    Turn,
    Waiting,
)
from relevo.domain.flows.saying import content_of, with_request
from relevo.domain.flows.variables import as_text, converted
from relevo.domain.handoffs import Branch
from relevo.domain.messages import Content, Text, plain_text
from relevo.domain.subscribers import PROFILE_FIELDS, FieldValue
from relevo.domain.vocabulary import FieldType, WrongValue, typed

MAX_STEPS = 100
"""Steps of one turn."""
MAX_DEPTH = 20
"""Subflows that call one another."""
SAYS_OF_A_RUNAWAY = 3
"""How many messages of a turn that was stopped for its length still reach the customer."""


class Walk:
    """Steps lead it on: each ends with one of `advance`, `enter`, `go`, `call`, `end` and `stand`."""

    def __init__(self, flow: Flow, scene: Scene, run: Run | None = None) -> None:
        self.flow = flow
        self.scene = scene
        self.variables = Variables(scene, scene.subscriber, flow)
        self._stack: list[Frame] = list(run.stack) if run else []
        self._waiting: Waiting | None = None
        self._held: Run | None = None
        self._has_left = False
        self._acts: list[Act] = []
        self._draws = 0
        self._watch = scene.watch

    def turn(self) -> Turn:
        """Walk until the run waits or ends."""
        for _ in range(MAX_STEPS):
            if self._waiting is not None or (step := self.next_step()) is None:
                return self._ended()
            if self._watch is not None:
                self._watch(self._stack[-1])
            step.take(self)
        if self._waiting is None and self.next_step() is not None:
            self._stop_runaway()
        return self._ended()

    def _ended(self) -> Turn:
        if self._has_left or (self._held and self._waiting is not None):
            self.do(ResumeBot())
        elif self._held is not None:
            self._waiting = self._held.waiting
        return Turn(tuple(self._acts), self._run())

    def _run(self) -> Run | None:
        if self._waiting is None:
            return None
        return Run(
            version_id=self.scene.version_id,
            defaults=self.scene.defaults,
            epoch=self.scene.epoch,
            stack=tuple(self._stack),
            waiting=self._waiting,
        )

    # Where it stands

    def next_step(self) -> Step | None:
        """The step that comes next, after leaving what is finished; None when nothing is left."""
        while self._stack and not self._is_back:
            frame = self._stack[-1]
            steps = _steps_around(self.flow, frame)
            if steps is None:
                self.lose()
            elif (index := _index(frame)) < len(steps):
                return steps[index]
            else:
                self._leave(frame)
        return None

    def _leave(self, frame: Frame) -> None:
        """Out of a finished list: to the list that comes after it, to what follows the step that holds
        it, or to the caller."""
        if len(frame.path) <= frame.floor:
            self._stack.pop()
            return
        holder = Frame(frame.subflow, frame.path[:-2], frame.floor)
        name = self._step_at(holder).after(self, str(frame.path[-2]))
        inner = (*holder.path, name or "", 0)
        self._stack[-1] = Frame(frame.subflow, inner, frame.floor) if name else _next(holder)

    def peek(self) -> Step | None:
        """The step that comes next in the same list; nothing is left for it, or decided."""
        if not self._stack:
            return None
        frame = self._stack[-1]
        steps = _steps_around(self.flow, frame) or ()
        return steps[_index(frame)] if _index(frame) < len(steps) else None

    def leave_finished(self) -> None:
        """Take off what has nothing left, but for lists that may come again: whether they do is seen when
        the walk comes back to them."""
        while self._stack and not self._is_back and self._is_finished(self._stack[-1]):
            self._leave(self._stack[-1])

    def _is_finished(self, frame: Frame) -> bool:
        steps = _steps_around(self.flow, frame)
        if steps is None or _index(frame) < len(steps):
            return False
        if len(frame.path) <= frame.floor:
            return True
        return not self._step_at(Frame(frame.subflow, frame.path[:-2])).has_rounds

    @property
    def has_more(self) -> bool:
        """Whether anything may be left to do."""
        self.leave_finished()
        return bool(self._stack) and not self._is_back

    def _step_at(self, frame: Frame) -> Step:
        """The step at a place that is known to be there."""
        steps = _steps_around(self.flow, frame)
        assert steps is not None
        return steps[_index(frame)]

    def advance(self) -> None:
        """Past this step."""
        self._stack[-1] = _next(self._stack[-1])

    def enter(self, name: str) -> None:
        """Into the steps that this step holds under a name; past it, if there are none."""
        step = self.next_step()
        if step is None or step.held(name) is None:
            self.lose()
            return
        frame = self._stack[-1]
        self._stack[-1] = Frame(frame.subflow, (*frame.path, name, 0), frame.floor)
        if self._watch is not None:
            self._watch(self._stack[-1])

    def go(self, subflow: str, at: int = 0) -> None:
        """Leave everything for another subflow."""
        self.end()
        self._push(subflow, at)

    def call(self, subflow: str) -> None:
        """Into another subflow, and then past this step."""
        self.advance()
        self.leave_finished()
        self._push(subflow)

    def end(self) -> None:
        """Leave everything."""
        self._stack.clear()
        self._has_left = self._held is not None
        self._held = None

    def stand(self, waiting: Waiting) -> None:
        """Go no further in this turn."""
        self._waiting = waiting

    # Handing over

    def hand_over(self, act: PauseBot) -> None:
        """Give control to an agent, and go on behind this step when it has come back."""
        place = self._stack[-1]
        self.advance()
        self.leave_finished()
        self.do(act)
        self._held = None
        self.stand(Waiting("return", place=place))

    def take_back(self) -> None:
        """Have control again, and go on."""
        self.do(ResumeBot())
        self.learn("control", "bot")
        self._held = None

    def react(self, run: Run, branch: Branch) -> None:
        """Into what the flow does while an agent has control. A walk that comes to its end goes on waiting
        for control to return; one that goes elsewhere, or waits for anything else, takes it back."""
        self._held = run
        self._into(run.waiting.place, branch)

    def come_back(self, run: Run) -> None:
        """Into what the flow does when control is back, and then past its `pause_bot`."""
        self._into(run.waiting.place, "returned")

    def _into(self, place: Frame | None, name: str) -> None:
        """Into the branch of the step at a place; else the subflow that says what to do without one."""
        step = self.step_at(place) if place else None
        if place and step and name in step.branches:
            self._stack.append(Frame(place.subflow, (*place.path, name, 0), len(place.path) + 2))
        elif self.flow.steps_of(standard := f"handoff_{name}") is not None:
            self._stack.append(Frame(standard))

    def step_at(self, place: Frame) -> Step | None:
        """The step to which a place leads; None when the flow has no such place."""
        steps = _steps_around(self.flow, place) or ()
        return steps[_index(place)] if _index(place) < len(steps) else None

    @property
    def _is_back(self) -> bool:
        return self._held is not None and len(self._stack) <= len(self._held.stack)

    def _push(self, subflow: str, at: int = 0) -> None:
        if self.flow.steps_of(subflow) is None:
            self._stop("unknown_subflow", f"there is no subflow {subflow!r}")
        elif len(self._stack) >= MAX_DEPTH:
            self._stop("too_deep", f"more than {MAX_DEPTH} subflows call one another, the last {subflow!r}")
        else:
            self._stack.append(Frame(subflow, (at,)))

    # How it ends before its end

    def lose(self) -> None:
        """The place is not in the flow: another version, or damaged data."""
        where = _in_words(self._stack[-1]) if self._stack else "nowhere"
        self._stop("lost_place", f"{where} is not in the flow {self.flow.name!r}")

    def _stop(self, code: str, detail: str) -> None:
        self._acts.append(Stumble(code, detail))
        self._stack = list(self._held.stack) if self._held else []

    def _stop_runaway(self) -> None:
        says = [act for act in self._acts if isinstance(act, Say)]
        unsaid = {id(say) for say in says[SAYS_OF_A_RUNAWAY:]}
        self._acts = [act for act in self._acts if id(act) not in unsaid]
        self._stop("too_many_steps", f"{MAX_STEPS} steps without waiting, the last before {self._where()}")

    def stumble(self, code: str, detail: str) -> None:
        """This step cannot be done as written; the flow goes on."""
        self._acts.append(Stumble(code, f"{self._where()}: {detail}"))

    def _where(self) -> str:
        return _in_words(self._stack[-1])

    # What steps do

    def draw(self, below: int) -> int:
        """A number from 0 up to `below`, by the chance of this decision: another at each place and time."""
        self._draws += 1
        seed = f"{self.scene.chance}:{self._draws}:{self._where()}".encode()
        return int.from_bytes(blake2b(seed, digest_size=8).digest()) % below

    def do(self, act: Act) -> None:
        self._acts.append(act)

    def say(
        self,
        message: FlowMessage,
        choices: tuple[Choice, ...] = (),
        *,
        asks: Literal["", "location", "contact"] = "",
    ) -> bool:
        """Say it, if something comes out of it; whether it did. `asks`: with a button to send that."""
        content = self._content(message, choices)
        if asks and isinstance(content, Text):
            content = with_request(content, asks, self.variables)
        if content is not None:
            self.do(Say(content))
        return content is not None

    def _content(self, message: FlowMessage, choices: tuple[Choice, ...]) -> Content | None:
        try:
            content = content_of(message, self.variables, choices)
        except TemplateFailed as failure:
            self.stumble("template_failed", str(failure))
            return None
        if content is None and not _may_be_empty(message):
            self.stumble("empty_message", "nothing came out to be sent")
        return content

    def learn(self, name: str, value: object) -> None:
        """Something of the conversation (`conversation.NAME`) is another for all that follows."""
        facts = {**self.scene.conversation, name: value}
        self.scene = msgspec.structs.replace(self.scene, conversation=facts)
        self.variables = Variables(self.scene, self.variables.subscriber, self.flow)

    def preview(self, message: FlowMessage) -> str:
        """The words of a message, as far as they can be told now."""
        try:
            content = content_of(message, self.variables)
        except TemplateFailed:
            return ""
        return plain_text(content) if content is not None else ""

    def holds(self, condition: Condition) -> bool:
        """Whether it holds; one that cannot be told does not."""
        try:
            return holds(condition, self.variables)
        except TemplateFailed as failure:
            self.stumble("template_failed", str(failure))
            return False

    def filled_in(self, text: Words) -> str | None:
        """The text, filled in; None when that cannot be done."""
        try:
            return filled_in(text, self.variables)
        except TemplateFailed as failure:
            self.stumble("template_failed", str(failure))
            return None

    def set_field(self, name: str, value: FieldValue | Template) -> None:
        """Set a field of the subscriber, seen by all that follows; None clears it."""
        if isinstance(value, Template) and (value := self.filled_in(value)) is None:
            return
        if value is not None and (value := self._fitting(name, value)) is None:
            return
        self.do(SetField(name, value))
        self.variables = self.variables.of(self.variables.subscriber.with_field(name, value))

    def _fitting(self, name: str, value: FieldValue) -> FieldValue:
        """The value as the field has it; None when it cannot hold it."""
        if name in PROFILE_FIELDS:
            return as_text(value)
        variable, type_ = self.flow.variables.get(name), self.scene.types.get(name)
        fitting = converted(value, variable.type) if variable else value
        wanted: str = variable.type if variable else ""
        if type_ is not None and fitting is not None:
            fitting, wanted = _as_kept(type_, fitting), type_
        if fitting is None:
            self.stumble("wrong_type", f"what came out for {name} is no {wanted}")
        return fitting

    def apply(self, act: SetField | Naming) -> None:
        """Do something to the subscriber, seen by all that follows."""
        before = self.variables.subscriber
        match act:
            case SetField(name=name, value=value):
                self.set_field(name, value)
                return
            case AddTag(name=name):
                after = before.with_tag(name)
            case RemoveTag(name=name):
                after = before.without_tag(name)
            case AddLabel(name=name):
                after = before.with_label(name)
            case RemoveLabel(name=name):
                after = before.without_label(name)
            case _:
                assert_never(act)
        self.do(act)
        self.variables = self.variables.of(after)


def _as_kept(type_: FieldType, value: FieldValue) -> FieldValue:
    """As a field of the workspace keeps it; None when it cannot."""
    try:
        return typed(type_, value)
    except WrongValue:
        return None


def _may_be_empty(message: FlowMessage) -> bool:
    """A text that comes out empty says nothing, on purpose: `{% if vip %}Thank you!{% endif %}`."""
    return isinstance(message, TextMessage) and not (message.buttons or message.quick_replies)


# Places


def _steps_around(flow: Flow, frame: Frame) -> Steps | None:
    """The list of steps that a frame's path ends in; None when there is no such place."""
    steps = flow.steps_of(frame.subflow)
    path = frame.path
    for at in range(0, len(path) - 1, 2):
        steps = _held(steps, path[at], path[at + 1])
    if steps is None or len(path) % 2 == 0 or not _is_place(path[-1], len(steps) + 1):
        return None
    return steps


def _held(steps: Steps | None, index: int | str, name: int | str) -> Steps | None:
    if steps is None or not _is_place(index, len(steps)) or not isinstance(name, str):
        return None
    return steps[int(index)].held(name)


def _is_place(index: int | str, bound: int) -> bool:
    return type(index) is int and 0 <= index < bound


def _index(frame: Frame) -> int:
    return int(frame.path[-1])


def _next(frame: Frame) -> Frame:
    return Frame(frame.subflow, (*frame.path[:-1], _index(frame) + 1), frame.floor)


def _in_words(frame: Frame) -> str:
    """`welcome: step 2, then, step 1`."""
    parts = (f"step {part + 1}" if isinstance(part, int) else part for part in frame.path)
    return f"{frame.subflow}: {', '.join(parts)}"
