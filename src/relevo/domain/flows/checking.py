"""What is most likely not meant in a flow that can be run: advice, each piece with its place.

A file with mistakes cannot be published (`parsing.py` finds those); one with advice can. That keeps
flows of earlier versions going.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise

import msgspec

from relevo.domain.degrading import Limits, degrade
from relevo.domain.flows.expressions import Template, TemplateFailed, Variables
from relevo.domain.flows.messages import Choice, FlowButton, FlowMessage, MediaMessage, TextMessage
from relevo.domain.flows.model import Flow, Step, Steps
from relevo.domain.flows.parsing import ParsedFlow
from relevo.domain.flows.runs import Scene
from relevo.domain.flows.saying import content_of
from relevo.domain.flows.steps.paths import Call, Go, Repeat
from relevo.domain.flows.steps.people import Set
from relevo.domain.flows.steps.questions import Ask
from relevo.domain.flows.steps.sending import Send
from relevo.domain.flows.steps.standard import STANDARD
from relevo.domain.flows.triggers.finding import find_trigger
from relevo.domain.flows.variables import EXAMPLES, VariableType, as_text, converted
from relevo.domain.flows.walking import MAX_STEPS
from relevo.domain.ids import FlowVersionId
from relevo.domain.messages import Text
from relevo.domain.subscribers import Profile, Subscriber
from relevo.domain.vocabulary import VARIABLE_TYPES, FieldType
from relevo.domain.yaml_reading import Place, Problem, quoted

_NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
_SAMPLE = Scene(
    now=_NOON,
    version_id=FlowVersionId(1),
    epoch=0,
    user_ns="f1001u1",
    flow_ns="f1001",
    channel_name="site",
    channel_type="web",
    subscriber=Subscriber(
        user_id="1",
        profile=Profile(name="Ana Diaz", phone="+61400000000", email="ana@example.com"),
        created_at=_NOON,
    ),
    last_input="Hello",
)


def check(
    parsed: ParsedFlow,
    limits: Mapping[str, Limits] | None = None,
    types: Mapping[str, FieldType] | None = None,
) -> tuple[Problem, ...]:
    """Advice about a flow that was parsed without problems, in the order of the file. `limits` are those
    of the channels that it is for, by what they are to be called; `types` those of the workspace's fields."""
    if parsed.flow is None:
        return ()
    found = [
        *_unreachable_subflows(parsed),
        *_unreachable_steps(parsed),
        *_rounds_without_a_wait(parsed),
        *_too_many_at_once(parsed),
        *_dead_ends(parsed),
        *_values_of_another_type(parsed, types or {}),
        *_missing_texts(parsed),
        *_what_channels_cannot_show(parsed, limits or {}),
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda advice: (advice.line, advice.column)))


def _advice(parsed: ParsedFlow, place: Place, what: str, remedy: str) -> Problem:
    return Problem(parsed.file, place.line, place.column, what, remedy)


def _at(parsed: ParsedFlow, step: Step, what: str, remedy: str) -> Problem:
    """About a step. One that a reader makes of another's words (`do: menu`) has no place of its own."""
    return _advice(parsed, parsed.places.get(id(step), Place(1, 1)), what, remedy)


# What is never reached


def _unreachable_subflows(parsed: ParsedFlow) -> Iterator[Problem]:
    assert parsed.flow is not None
    reached: set[str] = set()
    left = ["", "handoff_returned", *STANDARD]  # those that take the place of standard ones need not be named
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += parsed.links.get(name, ())
    for name, place in parsed.subflow_places.items():
        if name not in reached:
            what = f"nothing leads to the subflow {quoted(name)}"
            yield _advice(parsed, place, what, "lead to it with do, go, call or a trigger, or take it out")


def _unreachable_steps(parsed: ParsedFlow) -> Iterator[Problem]:
    for steps in _lists(parsed.flow):
        for before, step in pairwise(steps):
            if before.leaves:
                what = f"this step is never reached: {before.word} above it does not come back"
                yield _at(parsed, step, what, f"move it above {before.word}, or take it out")
                break


def _lists(flow: Flow | None) -> Iterator[Steps]:
    """Every list of steps."""
    left = list(flow.subflows.values()) if flow else []
    while left:
        steps = left.pop()
        yield steps
        left += [inner for step in steps for inner in step.branches.values()]


# Loops


class _Way(msgspec.Struct, frozen=True):
    """Where steps lead at once: `jumps` without waiting before; `passes`: to what follows them."""

    jumps: tuple[tuple[str, Step], ...]
    passes: bool


def _way(steps: Steps, passing: Mapping[str, bool]) -> _Way:
    jumps: list[tuple[str, Step]] = []
    for step in steps:
        way = _way_of(step, passing)
        jumps += way.jumps
        if not way.passes:
            return _Way(tuple(jumps), False)
    return _Way(tuple(jumps), True)


def _way_of(step: Step, passing: Mapping[str, bool]) -> _Way:
    if step.waits:
        return _Way((), False)
    if isinstance(step, Go):
        return _Way(((step.subflow, step),), False)
    if isinstance(step, Call):
        return _Way(((step.subflow, step),), passing.get(step.subflow, True))
    ways = [_way(inner, passing) for inner in step.branches.values()]
    jumps = tuple(jump for way in ways for jump in way.jumps)
    return _Way(jumps, not step.leaves and (not ways or any(way.passes for way in ways)))


def _rounds_without_a_wait(parsed: ParsedFlow) -> Iterator[Problem]:
    """Subflows that lead to themselves before anything has been waited for."""
    ways = _ways(parsed.flow)
    ring = _rings(ways)
    for name, way in ways.items():
        for target, step in way.jumps:
            if name == target or (target in ring and ring[name] == ring[target]):
                rounds = f"{name} goes round" if name == target else f"{name} and {target} go round"
                what = f"{rounds} without waiting for the customer: a turn is stopped after {MAX_STEPS} steps"
                yield _at(parsed, step, what, "put an ask or a wait before it, or use repeat")


def _ways(flow: Flow | None) -> dict[str, _Way]:
    """Of each subflow. Whether one is passed through depends on those that it calls: until that settles."""
    subflows = flow.subflows if flow else {}
    passing = dict.fromkeys(subflows, True)
    while True:
        before = dict(passing)
        ways = {}
        for name in reversed(subflows):
            ways[name] = _way(subflows[name], passing)
            passing[name] = ways[name].passes
        if passing == before:
            return {name: ways[name] for name in subflows}


def _rings(ways: Mapping[str, _Way]) -> dict[str, int]:
    """The same number for subflows that lead to one another at once (Kosaraju's algorithm)."""
    there = {name: [target for target, _ in way.jumps if target in ways] for name, way in ways.items()}
    back: dict[str, list[str]] = {name: [] for name in ways}
    for name, targets in there.items():
        for target in targets:
            back[target].append(name)
    ring: dict[str, int] = {}
    for number, name in enumerate(reversed(_finished(there))):
        left = [name]
        while left:
            one = left.pop()
            if one not in ring:
                ring[one] = number
                left += back[one]
    return ring


def _finished(there: Mapping[str, list[str]]) -> list[str]:
    """In the order in which nothing new is left to reach from them."""
    finished: dict[str, None] = {}
    seen: set[str] = set()
    for start in there:
        left = [(start, False)]
        while left:
            name, is_done = left.pop()
            if is_done:
                finished[name] = None
            elif name not in seen:
                seen.add(name)
                left.append((name, True))
                left += [(target, False) for target in there[name]]
    return list(finished)


def _too_many_at_once(parsed: ParsedFlow) -> Iterator[Problem]:
    passing = {name: way.passes for name, way in _ways(parsed.flow).items()}
    for steps in _lists(parsed.flow):
        for step in steps:
            if not isinstance(step, Repeat) or not _way(step.do, passing).passes:
                continue
            total = step.times * len(step.do)
            if total > MAX_STEPS and step.until is None:
                what = f"{step.times} rounds of {len(step.do)} steps without waiting"
                yield _at(
                    parsed,
                    step,
                    f"{what}: a turn is stopped after {MAX_STEPS} steps",
                    "repeat it less, or wait in it",
                )


# Dead ends


def _dead_ends(parsed: ParsedFlow) -> Iterator[Problem]:
    """Questions after whose answer nothing comes, and buttons that nothing listens to."""
    flow = parsed.flow
    assert flow is not None
    called = {step.subflow for steps in _lists(flow) for step in steps if isinstance(step, Call)}
    for name, steps in flow.subflows.items():
        if name not in called:
            yield from _unanswered(parsed, steps)
    for steps in _lists(flow):
        for step in steps:
            if isinstance(step, Send):
                yield from _unheard(parsed, flow, step)


def _unanswered(parsed: ParsedFlow, steps: Steps) -> Iterator[Problem]:
    """What the last step of a path asks: after the answer, the flow is silent."""
    last = steps[-1] if steps else None
    if isinstance(last, Ask) and not _leads_on(last):
        what = "nothing comes after the answer to this question"
        yield _at(parsed, last, what, "add a step behind it: send a word of thanks, for example")
    elif last is not None and not isinstance(last, Ask | Repeat):
        for inner in last.branches.values():
            yield from _unanswered(parsed, inner)


def _leads_on(ask: Ask) -> bool:
    """Whether everything that is offered leads somewhere."""
    options = (*ask.message.buttons, *ask.message.quick_replies)
    return bool(options) and not ask.choices and all(map(_goes_somewhere, options))


def _goes_somewhere(button: FlowButton) -> bool:
    return bool(button.do or button.url or button.call)


def _unheard(parsed: ParsedFlow, flow: Flow, step: Send) -> Iterator[Problem]:
    message = step.message
    if not isinstance(message, TextMessage | MediaMessage):
        return
    for button in (*message.buttons, *message.quick_replies):
        if _goes_somewhere(button) or not isinstance(button.title, str):
            continue
        if find_trigger(flow, Text(button.title), is_first_message=False, asking=False) is None:
            what = f"pressing {quoted(button.title)} does nothing: no keyword and no default takes it"
            yield _at(parsed, step, what, "give it do, add a trigger, or use ask")


# Fields


def _values_of_another_type(parsed: ParsedFlow, types: Mapping[str, FieldType]) -> Iterator[Problem]:
    """What is set, or asked for, and cannot be kept in its field."""
    assert parsed.flow is not None
    fields = {name: VARIABLE_TYPES[type_] for name, type_ in types.items()}
    fields |= {name: variable.type for name, variable in parsed.flow.variables.items()}
    for steps in _lists(parsed.flow):
        for step in steps:
            if isinstance(step, Set):
                yield from _set_wrong(parsed, step, fields)
            elif isinstance(step, Ask) and step.save in fields:
                yield from _asked_wrong(parsed, step, fields[step.save])


def _set_wrong(parsed: ParsedFlow, step: Set, fields: Mapping[str, VariableType]) -> Iterator[Problem]:
    for name, value in step.values:
        type_ = fields.get(name)
        if type_ is None or value is None or isinstance(value, Template):
            continue
        if converted(value, type_) is None:
            what = f"{name} is a field of type {type_} and cannot be {quoted(as_text(value))}"
            yield _at(parsed, step, what, EXAMPLES[type_])


def _asked_wrong(parsed: ParsedFlow, step: Ask, type_: VariableType) -> Iterator[Problem]:
    for choice in step.choices:
        if converted(choice.value, type_) is None:
            what = f"{step.save} is of type {type_} and cannot be {quoted(choice.value)}"
            yield _at(parsed, step, what, f"give the choice a value: {EXAMPLES[type_]}")
    if not step.choices and (remedy := _MEANT.get(type_)) and step.kind != type_:
        what = f"{step.save} is of type {type_}, and the answer to this may be anything else"
        yield _at(parsed, step, what, remedy)


_MEANT: dict[VariableType, str] = {
    "number": "add kind: number",
    "boolean": "add choices: [{title: Yes, value: true}, {title: No, value: false}]",
}
"""How to ask for what is kept as something else than text."""


# Languages


def _missing_texts(parsed: ParsedFlow) -> Iterator[Problem]:
    assert parsed.flow is not None
    languages = parsed.flow.languages
    for text in parsed.texts if languages[1:] else ():
        missing = [language for language in languages if language not in text.texts]
        if missing and any(_has_words(one) for one in text.texts.values()):
            what = f"{text.value.name} has no words in {', '.join(missing)}"
            remedy = f"write {{{', '.join(f'{language}: …' for language in languages)}}}"
            yield _advice(parsed, text.value.place, what, remedy)


def _has_words(text: str) -> bool:
    """Whether there is anything to translate, besides what is filled in."""
    outside = [part.split("}}")[-1].split("%}")[-1] for part in text.replace("{%", "{{").split("{{")]
    return any(char.isalpha() for part in outside for char in part)


# Channels


def _what_channels_cannot_show(parsed: ParsedFlow, limits: Mapping[str, Limits]) -> Iterator[Problem]:
    variables = Variables(_SAMPLE, _SAMPLE.subscriber, parsed.flow)
    for steps in _lists(parsed.flow):
        for step in steps:
            for message, choices in step.messages:
                for what in _lost(message, choices, variables, limits):
                    remedy = "there it is plainer: look whether that will do"
                    yield _at(parsed, step, what, remedy)


def _lost(
    message: FlowMessage, choices: tuple[Choice, ...], variables: Variables, limits: Mapping[str, Limits]
) -> Iterator[str]:
    try:
        content = content_of(message, variables, choices)
    except TemplateFailed:
        return
    if content is None:
        return
    by_loss: dict[str, list[str]] = {}
    for channel, its_limits in limits.items():
        for lost in degrade(content, its_limits).lost:
            by_loss.setdefault(lost, []).append(channel)
    for lost, channels in by_loss.items():
        yield f"{', '.join(channels)} cannot show this as it is: {lost}"
