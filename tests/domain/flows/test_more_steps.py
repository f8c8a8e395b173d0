"""Cards, lists, requests, typing, chance, repetition, and what a flow does for the people behind it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from relevo.domain.flows.runs import (
    Act,
    AddLabel,
    AssignTo,
    Frame,
    LogEvent,
    MoveTo,
    OptsIn,
    OptsOut,
    RemoveLabel,
    Say,
    SetField,
    ShowTyping,
    Stumble,
    Waiting,
    WantsBroadcasts,
    WriteNote,
)
from relevo.domain.messages import (
    Button,
    Card,
    Cards,
    Contact,
    Contacts,
    Content,
    Location,
    QuickReply,
    Text,
)
from tests.domain.flows.walking import (
    ANA,
    NOON,
    SCENE,
    Customer,
    fields_set,
    flow_of,
    others,
    said,
    texts,
    walked,
)

# send: cards and lists


@pytest.mark.parametrize(
    ("send", "content"),
    [
        (
            "{cards: [{title: Pro}, {title: 'For {{ first_name }}', text: All of it, image: 'https://x/1.png',"
            " url: 'https://x/{{ age }}', buttons: [{title: Buy, do: b}]}], shape: square,"
            " quick_replies: [No]}",
            Cards(
                (
                    Card("Pro"),
                    Card(
                        "For Ana",
                        "All of it",
                        "https://x/1.png",
                        "https://x/42",
                        (Button("Buy", "do:b"),),
                    ),
                ),
                "square",
                (QuickReply("No", "say:No"),),
            ),
        ),
        ("{cards: [{title: Pro}, {title: '{{ nothing }}'}]}", Cards((Card("Pro"),))),
        (
            "{text: Menu, list: [{title: Soup, about: 'Of the day, {{ first_name }}'},"
            " {title: Fish, do: b}]}",
            Text(
                "Menu",
                quick_replies=(
                    QuickReply("Soup", "say:Soup", "Of the day, Ana"),
                    QuickReply("Fish", "do:b"),
                ),
            ),
        ),
        (
            "{text: Menu, list: {button: Open, sections: [{title: First, rows: [Soup]}, "
            "{title: Then, rows: [Fish]}]}}",
            Text(
                "Menu",
                quick_replies=(
                    QuickReply("Soup", "say:Soup", section="First"),
                    QuickReply("Fish", "say:Fish", section="Then"),
                ),
                list_button="Open",
            ),
        ),
        (
            "{text: Menu, list: {rows: [Soup]}}",
            Text("Menu", quick_replies=(QuickReply("Soup", "say:Soup"),)),
        ),
    ],
)
def test_send(send: str, content: Content) -> None:
    assert said(walked(f"- send: {send}", more="b: [end]")) == content


def test_cards_of_which_nothing_comes_out_are_a_stumble() -> None:
    turn = walked("- send: {cards: [{title: '{{ nothing }}'}]}\n- send: on it goes")

    assert others(turn) == [Stumble("empty_message", "a: step 1: nothing came out to be sent")]
    assert texts(turn) == ["on it goes"]


def test_a_list_may_go_with_a_question() -> None:
    ana = Customer(flow_of("- ask: {text: What?, list: [{title: Soup, about: Hot}], save: dish}"))

    ana.writes("soup")

    assert others(ana.turn) == [SetField("dish", "soup")]


# ask: location and contact


def test_a_location_is_asked_for_and_kept() -> None:
    ana = Customer(flow_of("- ask: {text: Where are you?, kind: location, save: place}"))

    assert said(ana.turn) == Text(
        "Where are you?", quick_replies=(QuickReply("Enviar mi ubicación", asks="location"),)
    )
    assert ana.writes("at home") == ["Envíe su ubicación, por favor."]
    ana.sends(Location(-33.8568, 151.2153))
    assert fields_set(ana.turn) == {"place": "-33.8568,151.2153"}


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (Contacts((Contact("Ana", ("+61 400 123 456",)),)), "+61400123456"),
        (Contacts((Contact("Ana", ("12",)),)), "12"),
        (Text("0400 123 456"), "+61400123456"),
    ],
)
def test_a_contact_is_asked_for_and_kept_as_a_phone_number(answer: Content, kept: str) -> None:
    ana = Customer(flow_of("- ask: {text: Who?, kind: contact, save: phone}", head="region: AU"))

    content = said(ana.turn)
    assert isinstance(content, Text)
    assert [reply.asks for reply in content.quick_replies] == ["contact"]
    ana.sends(Contacts((Contact("Nobody"),)))
    assert ana.run.waiting.tries == 1
    ana.sends(answer)
    assert fields_set(ana.turn) == {"phone": kept}


# typing


def test_typing_shows_and_waits() -> None:
    ana = Customer(flow_of("- typing: 3s\n- send: Hello"))

    assert others(ana.turn) == [ShowTyping()]
    assert ana.run.waiting == Waiting("time", deadline_at=NOON + timedelta(seconds=3))
    assert ana.waits() == ["Hello"]


@pytest.mark.parametrize(
    ("following", "seconds"),
    [
        ("- send: Hi", 1),
        (f"- send: {'x' * 100}", 3),
        ("- send: '{{ plan }}{% for n in (1..99) %}!{% endfor %}'", 3.06),
        (f"- send: {'x' * 999}", 6),
        ("- send: '{{ 1 | divided_by: 0 }}'", 1),
        ("- ask: How are you?", 1),
    ],
)
@pytest.mark.parametrize("typing", ["typing", "typing: natural"])
def test_natural_typing_takes_as_long_as_writing(typing: str, following: str, seconds: float) -> None:
    turn = walked(f"- {typing}\n{following}")

    assert turn.run is not None
    assert turn.run.waiting.deadline_at == NOON + timedelta(seconds=seconds)


def test_typing_with_nothing_to_follow_is_left_out() -> None:
    assert walked("- call: b", more="b:\n  - send: bye\n  - typing: 2s").acts == (Say(Text("bye")),)


# choose

WAYS = """
- choose:
    - {weight: 3, do: [{send: often}]}
    - {do: b}
    - {weight: 1, do: [{ask: seldom?}]}
- send: after
"""


def drawn(chance: int) -> list[str]:
    scene = msgspec.structs.replace(SCENE, chance=chance)
    return texts(walked(WAYS, more="b:\n  - send: b", scene=scene))


def test_choose_takes_each_way_as_often_as_its_weight_says() -> None:
    counts = Counter(drawn(chance)[0] for chance in range(2_000))

    assert set(counts) == {"often", "b", "seldom?"}
    assert abs(counts["often"] - 1_200) < 100
    assert abs(counts["b"] - 400) < 80


def test_choose_goes_on_behind_it_unless_the_way_leaves() -> None:
    outcomes = {tuple(drawn(chance)) for chance in range(50)}

    assert outcomes == {("often", "after"), ("b",), ("seldom?",)}


def test_the_same_chance_chooses_the_same() -> None:
    assert [drawn(chance) for chance in range(50)] == [drawn(chance) for chance in range(50)]


def test_two_choices_of_one_turn_are_independent() -> None:
    both = "- choose: [{do: [{tag: x}]}, {do: [{tag: y}]}]\n" * 2
    outcomes = {
        tuple(map(str, others(walked(both, scene=msgspec.structs.replace(SCENE, chance=chance)))))
        for chance in range(50)
    }

    assert len(outcomes) == 4


def test_a_question_in_a_way_is_answered_there() -> None:
    chance = next(chance for chance in range(50) if drawn(chance) == ["seldom?"])
    ana = Customer(flow_of(WAYS, more="b:\n  - send: b"), msgspec.structs.replace(SCENE, chance=chance))

    assert ana.run.stack == (Frame("a", (0, "way 3", 0)),)
    assert ana.writes("yes") == ["after"]


# repeat


def test_repeat_takes_its_steps_again_and_goes_on() -> None:
    turn = walked("- repeat: {times: 3, do: [{send: again}]}\n- send: after")

    assert texts(turn) == ["again", "again", "again", "after"]


def test_repeat_ends_when_its_condition_holds_after_a_round() -> None:
    steps = """
- repeat:
    times: 5
    until: {field: n, at_least: 2}
    do:
      - set: {n: '{{ n | plus: 1 }}'}
      - send: '{{ n }}'
- send: after
"""
    assert texts(walked(steps)) == ["1", "2", "after"]


def test_a_question_is_asked_in_each_round() -> None:
    steps = """
- repeat:
    times: 3
    until: {field: code, is: secret}
    do:
      - ask: {text: 'The code?', save: code}
- send: after
"""
    flow = flow_of(steps)
    ana, bo = Customer(flow), Customer(flow)

    assert ana.run.stack == (Frame("a", (0, "round 1", 0)),)
    assert ana.writes("no") == ["The code?"]
    assert ana.run.stack == (Frame("a", (0, "round 2", 0)),)
    assert ana.writes("secret") == ["after"]
    assert [bo.writes("no") for _ in range(3)] == [["The code?"], ["The code?"], ["after"]]


@pytest.mark.parametrize("last", ["wait: 1h", "typing: 1s", "pause_bot", "call: b"])
def test_what_comes_last_in_a_round_is_done_before_the_condition_is_looked_at(last: str) -> None:
    steps = f"- repeat: {{times: 3, until: {{tag: x}}, do: [{{send: again}}, {last}]}}"
    if ":" in last:
        steps = steps.replace(last, f"{{{last}}}")
    ana = Customer(flow_of(steps, more="b: [{tag: x}]"))

    assert texts(ana.turn) == ["again"]
    if last != "call: b":
        tagged = msgspec.structs.replace(SCENE, subscriber=ANA.with_tag("x"))
        ana.scene = tagged
        assert (ana.gets_the_bot_back() if last == "pause_bot" else ana.waits()) == []
    assert ana.turn.run is None


def test_repetitions_nest_and_are_stopped_where_they_do_not_wait() -> None:
    inner = "{repeat: {times: 50, do: [{tag: x}]}}"

    turn = walked(f"- repeat: {{times: 50, do: [{inner}]}}")

    assert turn.run is None
    assert isinstance(turn.acts[-1], Stumble)
    assert turn.acts[-1].code == "too_many_steps"


# Labels and opt-ins


@pytest.mark.parametrize(
    ("step", "acts"),
    [
        ("label: [VIP, Shop]", [AddLabel("VIP"), AddLabel("Shop")]),
        ("unlabel: VIP", [RemoveLabel("VIP")]),
        ("opt_in: email", [OptsIn("email", "flow")]),
        ("opt_in: [sms, broadcasts]", [WantsBroadcasts(True), OptsIn("sms", "flow")]),
        ("opt_out: broadcasts", [WantsBroadcasts(False)]),
        ("opt_out: [email, sms]", [OptsOut("email"), OptsOut("sms")]),
    ],
)
def test_labels_and_opt_ins(step: str, acts: list[Act]) -> None:
    turn = walked(f"- {step}\n- send: after")

    assert others(turn) == acts
    assert texts(turn) == ["after"]


@pytest.mark.parametrize(("step", "kind"), [("tag", "tag"), ("label", "label")])
def test_what_was_given_is_seen_by_the_steps_that_follow(step: str, kind: str) -> None:
    look = f"- when: {{{kind}: New}}\n  then: [{{send: has it}}]\n  else: [{{send: has it not}}]\n"

    turn = walked(f"- {step}: New\n{look}- un{step}: New\n{look}")

    assert texts(turn) == ["has it", "has it not"]


# For the people behind the bot


@pytest.mark.parametrize(
    ("step", "act"),
    [
        ("assign: {agent: luis@example.com}", AssignTo("luis@example.com")),
        ("assign: {group: 'Sales {{ plan }}'}", AssignTo(group="Sales Pro")),
        ("assign: nobody", AssignTo()),
        ("note: 'Wants {{ plan }}'", WriteNote("Wants Pro")),
        ("status: done", MoveTo("done")),
        ("event: Order placed", LogEvent("Order placed")),
        (
            "event: {name: Order, text: '{{ plan }}', price: 9.5, number: '{{ seats }}'}",
            LogEvent("Order", "Pro", 9.5, 7),
        ),
    ],
)
def test_organising(step: str, act: Act) -> None:
    turn = walked(f"- {step}\n- send: after")

    assert others(turn) == [act]
    assert texts(turn) == ["after"]


def test_a_note_of_nothing_is_not_written() -> None:
    assert others(walked("- note: '{{ nothing }}'")) == []


def test_a_value_of_an_event_that_is_no_number_is_a_stumble() -> None:
    turn = walked("- event: {name: Order, price: '{{ plan }}', number: '{{ nothing }}'}")

    what = "what came out for a value of the event is no number"
    assert others(turn) == [Stumble("wrong_type", f"a: step 1: {what}"), LogEvent("Order")]


def test_an_assignment_that_cannot_be_told_is_not_made() -> None:
    turn = walked("- assign: {agent: '{{ 1 | divided_by: 0 }}'}")

    assert [type(act) for act in others(turn)] == [Stumble]
