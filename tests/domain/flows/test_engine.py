"""The interpreter as a whole: bounds, damaged runs, and what holds for every flow."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.flows import engine, walking
from relevo.domain.flows.model import Flow
from relevo.domain.flows.parsing import parse
from relevo.domain.flows.runs import Frame, PauseBot, Run, Say, Stumble, Turn, Waiting
from relevo.domain.messages import Content, Interactive, Media, Text
from tests.domain.flows.walking import ANA, NOON, SCENE, Customer, flow_of, others, stored, texts, walked


def example(name: str) -> Flow:
    text = (Path(__file__).parents[3] / "examples" / f"{name}.flow.yaml").read_text()
    flow = parse(text, file=name).flow
    assert flow is not None
    return flow


def test_the_smallest_flow_works_as_it_stands() -> None:
    flow = example("support")

    welcome = engine.begin(flow, flow.start, SCENE)
    subflow = engine.find_trigger(flow, Text("a human, please"), is_first_message=False, asking=False)
    person = engine.begin(flow, subflow or "", SCENE)

    assert welcome == Turn((Say(Text("Hello Ana. Write *agent* to talk to a person.")),), None)
    assert person.acts == (Say(Text("I am getting somebody for you.")), PauseBot(timedelta(minutes=30)))
    assert engine.returned(flow, stored(person.run), SCENE) == Turn()


def test_the_lead_example_leads_somebody_to_a_person() -> None:
    ana = Customer(
        example("lead"), msgspec.structs.replace(SCENE, subscriber=msgspec.structs.replace(ANA, tags=()))
    )

    assert texts(ana.turn) == ["Welcome back, Ana!", "What can I do for you?"]
    assert ana.writes("prices") == ["All our plans at a glance", "From 9 dollars a month."]
    assert ana.writes("thanks") == []
    assert ana.waits() == ["How many people are you?"]
    assert ana.writes("twelve") == ["Just the number, please, for example 12."]
    assert ana.writes("12") == ["Where can we write to you?"]
    ana.scene = msgspec.structs.replace(
        ana.scene, subscriber=msgspec.structs.replace(ANA, fields={"people": 12, "topic": "Prices"}, tags=())
    )
    assert ana.writes("ana@example.com") == ["And by phone?"]
    assert ana.writes("0400 123 456") == ["I am getting somebody for you. Write *bot* to come back to me."]
    assert others(ana.turn)[-1] == PauseBot(timedelta(minutes=60), ("bot",))
    assert ana.gets_the_bot_back() == ["I am back. Was it helpful?"]
    assert ana.turn.run is None


# Bounds


def test_a_flow_that_never_waits_is_stopped_and_the_customer_is_not_flooded() -> None:
    turn = walked("- send: again\n- tag: x\n- go: a")

    assert texts(turn) == ["again"] * 3
    assert len(others(turn)) == 34
    assert turn.acts[-1] == Stumble("too_many_steps", "100 steps without waiting, the last before a: step 2")
    assert turn.run is None


def test_a_hundred_steps_are_not_too_many() -> None:
    turn = walked("\n".join(["- send: one of many"] * 100))

    assert len(texts(turn)) == 100
    assert others(turn) == []


def test_a_hundred_steps_and_then_a_wait_are_not_too_many() -> None:
    turn = walked("\n".join(["- tag: x"] * 99) + "\n- ask: What?")

    assert turn.run is not None
    assert texts(turn) == ["What?"]


def test_an_unknown_subflow_is_a_stumble() -> None:
    assert engine.begin(flow_of("- end"), "b", SCENE) == Turn(
        (Stumble("unknown_subflow", "there is no subflow 'b'"),)
    )


# Damaged runs

STEPS = """
- when: {tag: vip}
  then:
    - ask: {text: What?, timeout: {after: 1m, do: [{send: late}]}}
- send: after
"""
FLOW = flow_of(STEPS)


def run_at(*path: int | str, waiting: Waiting | None = None, subflow: str = "a") -> Run:
    frame = Frame(subflow, path)
    return Run(version_id=SCENE.version_id, epoch=3, stack=(frame,), waiting=waiting or Waiting("time"))


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("then",),
        (2, "then", 0),
        (0, "then"),
        (0, "else", 1),
        (0, "timeout", 0),
        (1, "then", 0),
        (0, 0, 0),
        ("then", 0, 0),
        (-1,),
        (3,),
        (10**30,),
        (0, "then", 0, "give_up", 5),
        (0, "then", 0, "what", 0),
        ("0",),
    ],
)
def test_a_place_that_is_not_there_ends_the_run(path: tuple[int | str, ...]) -> None:
    turn = engine.time_came(FLOW, run_at(*path), SCENE)

    assert [act.code for act in turn.acts if isinstance(act, Stumble)] == ["lost_place"]
    assert turn.run is None


def test_a_place_in_a_subflow_that_is_gone_ends_the_run() -> None:
    turn = engine.time_came(FLOW, run_at(0, "then", 1, subflow="gone"), SCENE)

    assert turn == Turn((Stumble("lost_place", "gone: step 1, then, step 2 is not in the flow 'test'"),))


def test_a_place_behind_the_last_step_is_where_callers_go_on() -> None:
    frames = (Frame("a", (1,)), Frame("a", (2,)))
    run = Run(version_id=SCENE.version_id, epoch=3, stack=frames, waiting=Waiting("time"))

    assert texts(engine.time_came(FLOW, run, SCENE)) == ["after"]


@pytest.mark.parametrize(
    "run",
    [
        run_at(1, waiting=Waiting("answer")),
        run_at(9, waiting=Waiting("answer")),
        Run(version_id=SCENE.version_id, epoch=3, stack=(), waiting=Waiting("answer")),
    ],
)
def test_an_answer_to_what_is_no_question_ends_the_run(run: Run) -> None:
    for turn in (engine.answer(FLOW, run, Text("x"), SCENE), engine.time_came(FLOW, run, SCENE)):
        assert "lost_place" in [act.code for act in turn.acts if isinstance(act, Stumble)]
        assert turn.run is None


def test_a_time_out_of_a_question_that_has_none_ends_the_run() -> None:
    flow = flow_of("- ask: What?\n- send: after")

    turn = engine.time_came(flow, run_at(0, waiting=Waiting("answer")), SCENE)

    assert turn == Turn((Stumble("lost_place", "a: step 1 is not in the flow 'test'"),))


# What holds for every flow


NAMES = ("a", "b", "c")
PLAIN_STEPS: list[object] = [
    "end",
    "pause_bot",
    {"pause_bot": {"minutes": 5}},
    {"send": "plain"},
    {"send": "{{ n }} {{ 1 | divided_by: n }}"},
    {"send": {"text": "x", "buttons": [{"title": "b", "do": "b"}], "quick_replies": ["yes"]}},
    {"send": {"image": "{{ plan }}"}},
    {"ask": "what?"},
    {"ask": {"text": "n?", "kind": "number", "save": "n", "timeout": {"after": "1m"}}},
    {"ask": {"text": "c?", "choices": ["b", "yes"], "save": "plan", "give_up": {"after": 1, "do": "c"}}},
    {"set": {"n": "{{ n | plus: 1 }}", "plan": None}},
    {"tag": "x"},
    {"untag": "x"},
    {"wait": "1h"},
    "typing",
    {"typing": "2s"},
    {"ask": {"text": "where?", "kind": "location", "save": "place"}},
    {"send": {"cards": [{"title": "{{ plan }}"}]}},
    {"assign": {"group": "{{ plan }}"}},
    {"note": "{{ n }}"},
    {"status": "done"},
    {"event": {"name": "e", "price": "{{ n }}"}},
    *({"go": name} for name in NAMES),
    *({"call": name} for name in NAMES),
]


def holding(steps: list[object]) -> list[object]:
    """Each step within another one; the one before it in the list is the other branch."""
    pairs = list(zip(steps, [steps[-1], *steps], strict=False))
    return [
        *({"when": {"tag": "x"}, "then": [one], "else": [other, one]} for one, other in pairs),
        *({"when": {"field": "n", "more_than": 2}, "then": [one]} for one in steps),
        *({"choose": [{"weight": 2, "do": [one]}, {"do": [other, one]}]} for one, other in pairs),
        *({"repeat": {"times": 3, "until": {"tag": "x"}, "do": [one]}} for one in steps),
        *({"repeat": {"times": 50, "do": [one, other]}} for one, other in pairs),
        *({"ask": {"text": "t?", "kind": "email", "give_up": {"after": 2, "do": [one]}}} for one in steps),
        *({"ask": {"text": "t?", "timeout": {"after": "1m", "do": [other, one]}}} for one, other in pairs),
    ]


NESTED_STEPS = holding(PLAIN_STEPS)
DEEP_STEPS = holding(NESTED_STEPS)
A_STEP = st.sampled_from(PLAIN_STEPS) | st.sampled_from(NESTED_STEPS) | st.sampled_from(DEEP_STEPS)
LISTS = st.lists(A_STEP, min_size=1, max_size=4)


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    subflows = {name: draw(LISTS) for name in NAMES}
    text = msgspec.json.encode({"version": 1, "flow": "f", "start": "a", "subflows": subflows}).decode()
    parsed = parse(text, file="f")
    assert parsed.flow is not None, parsed.problems
    return parsed.flow


CONTENTS: list[Content] = [
    Text("5"),
    Text("yes"),
    Text(""),
    Text("b"),
    Interactive("b", "say:yes"),
    Media("image", "u"),
]
EVENTS = st.lists(st.sampled_from(["time", "return", *CONTENTS]), max_size=12)


def played(flow: Flow, events: list[str | Content]) -> list[Turn]:
    turns = [engine.begin(flow, flow.start, SCENE)]
    for event in events:
        if turns[-1].run is None:
            break
        turns.append(_next_turn(flow, stored(turns[-1].run), event))
    return turns


def _next_turn(flow: Flow, run: Run, event: str | Content) -> Turn:
    if event == "time":
        return engine.time_came(flow, run, SCENE)
    if isinstance(event, str):
        return engine.returned(flow, run, SCENE)
    return engine.answer(flow, run, event, SCENE)


@given(flows(), EVENTS)
def test_every_run_ends_waits_or_is_stopped(flow: Flow, events: list[str | Content]) -> None:
    for turn in played(flow, events):
        stopped = {act.code for act in turn.acts if isinstance(act, Stumble)} & {"too_many_steps", "too_deep"}
        assert len(turn.acts) <= 3 * walking.MAX_STEPS
        assert not (stopped and turn.run)
        if "too_many_steps" in stopped:
            assert len([act for act in turn.acts if isinstance(act, Say)]) <= walking.SAYS_OF_A_RUNAWAY
        if turn.run:
            assert len(turn.run.stack) <= walking.MAX_DEPTH
            assert turn.run.stack or turn.run.waiting.for_ == "return"
            assert turn.run.waiting.deadline_at is None or turn.run.waiting.deadline_at > NOON


@given(flows(), EVENTS)
def test_nothing_is_said_after_the_bot_has_paused_itself(flow: Flow, events: list[str | Content]) -> None:
    for turn in played(flow, events):
        pauses = [index for index, act in enumerate(turn.acts) if isinstance(act, PauseBot)]
        assert pauses in ([], [len(turn.acts) - 1])
        assert not pauses or (turn.run and turn.run.waiting.for_ == "return")


@given(flows(), EVENTS)
def test_the_same_events_decide_the_same(flow: Flow, events: list[str | Content]) -> None:
    assert played(flow, events) == played(flow, events)


PATHS = st.lists(
    st.integers(-2, 5) | st.sampled_from(["then", "else", "timeout", "give_up", "x"]), max_size=6
)
RUNS = st.builds(
    lambda subflows, paths, waits: Run(
        version_id=SCENE.version_id,
        epoch=3,
        stack=tuple(Frame(name, tuple(path)) for name, path in zip(subflows, paths, strict=False)),
        waiting=Waiting(waits),
    ),
    st.lists(st.sampled_from([*NAMES, "gone"]), max_size=3),
    st.lists(PATHS, max_size=3),
    st.sampled_from(["answer", "time", "return"]),
)


@given(flows(), RUNS, st.sampled_from(["time", "return", *CONTENTS]))
def test_no_run_whatever_it_holds_makes_it_raise(flow: Flow, run: Run, event: str | Content) -> None:
    turn = _next_turn(flow, run, event)

    assert turn.run is None or turn.run.waiting is not None
