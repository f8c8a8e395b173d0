"""Each step, one by one: what it does, and where the run stands after it."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from relevo.domain.flows.answers import STANDARD_RETRY
from relevo.domain.flows.model import AnswerKind
from relevo.domain.flows.runs import (
    AddTag,
    Frame,
    PauseBot,
    RemoveTag,
    Run,
    Say,
    SetField,
    Stumble,
    Turn,
    Waiting,
)
from relevo.domain.messages import Button, Content, Interactive, Location, Media, QuickReply, Text
from relevo.domain.subscribers import FieldValue, Profile
from tests.domain.flows.walking import (
    ANA,
    NOON,
    SCENE,
    Customer,
    flow_of,
    others,
    said,
    texts,
    walked,
    with_fields,
)

# send


@pytest.mark.parametrize(
    ("send", "content"),
    [
        ("Hello", Text("Hello")),
        ("'Hello {{ first_name }}'", Text("Hello Ana")),
        ("{text: Hello}", Text("Hello")),
        (
            "{text: Hi, buttons: [{title: Person, do: b}, "
            "{title: 'Shop {{ plan }}', url: 'https://x/{{ age }}'}, "
            "{title: Call, call: '+61{{ age }}'}, {title: Yes}, No]}",
            Text(
                "Hi",
                buttons=(
                    Button("Person", "do:b"),
                    Button("Shop Pro", kind="url", target="https://x/42"),
                    Button("Call", kind="call", target="+6142"),
                    Button("Yes", "say:Yes"),
                    Button("No", "say:No"),
                ),
            ),
        ),
        (
            "{text: Hi, quick_replies: [Yes, {title: No, do: b}, '{{ plan }}', '{{ nothing }}']}",
            Text(
                "Hi",
                quick_replies=(
                    QuickReply("Yes", "say:Yes"),
                    QuickReply("No", "do:b"),
                    QuickReply("Pro", "say:Pro"),
                ),
            ),
        ),
        ("{text: Hi, buttons: ['{{ nothing }}']}", Text("Hi")),
        (
            "{text: Hi, buttons: [{title: Site, url: '{{ nothing }}'}]}",
            Text("Hi", buttons=(Button("Site", "say:Site"),)),
        ),
        ("{image: 'https://x/1.png'}", Media("image", "https://x/1.png")),
        ("{image: 'HTTPS://x/1.png'}", Media("image", "HTTPS://x/1.png")),
        (
            "{video: '{{ plan }}.mp4', caption: 'For {{ first_name }}', buttons: [Yes], quick_replies: [No]}",
            Media(
                "video",
                "Pro.mp4",
                caption="For Ana",
                buttons=(Button("Yes", "say:Yes"),),
                quick_replies=(QuickReply("No", "say:No"),),
            ),
        ),
        ("{audio: 'https://x/1.mp3'}", Media("audio", "https://x/1.mp3")),
        (
            "{file: 'https://x/1.pdf', title: '{{ plan }} prices'}",
            Media("file", "https://x/1.pdf", title="Pro prices"),
        ),
        ("{location: {latitude: -33.5, longitude: 151}}", Location(-33.5, 151.0)),
        (
            "{location: {latitude: 1, longitude: 2, name: 'At {{ first_name }}', address: Main St}}",
            Location(1.0, 2.0, "At Ana", "Main St"),
        ),
    ],
)
def test_send(send: str, content: Content) -> None:
    assert walked(f"- send: {send}", more="b: [end]") == Turn((Say(content),), None)


def test_as_many_buttons_and_choices_as_fit_are_fine() -> None:
    ten = "[a, b, c, d, e, f, g, h, i, j]"
    turn = walked(f"- send: {{text: x, buttons: {ten}}}\n- ask: {{text: x, choices: {ten[:-1]}, k]}}")

    content = said(turn), said(turn, 1)
    assert isinstance(content[0], Text)
    assert isinstance(content[1], Text)
    assert (len(content[0].buttons), len(content[1].quick_replies)) == (10, 11)


def test_a_text_that_comes_out_empty_is_not_sent() -> None:
    assert walked("- send: '{{ nothing }}'\n- send: '{% if nothing %}x{% endif %}'") == Turn()


@pytest.mark.parametrize(
    "send",
    [
        "{text: '{{ nothing }}', buttons: [Yes]}",
        "{text: '{{ nothing }}', quick_replies: [Yes]}",
        "{image: '{{ nothing }}'}",
    ],
)
def test_what_has_more_than_a_text_and_comes_out_empty_is_a_stumble(send: str) -> None:
    turn = walked(f"- send: {send}\n- send: on it goes")

    assert turn.acts[0] == Stumble("empty_message", "a: step 1: nothing came out to be sent")
    assert texts(turn) == ["on it goes"]


def test_a_template_that_fails_is_a_stumble_and_the_flow_goes_on() -> None:
    turn = walked("- send: '{{ 1 | divided_by: 0 }}'\n- send: on it goes")

    assert turn.acts[0] == Stumble("template_failed", "a: step 1: FilterArgumentError in line 1 of the text")
    assert texts(turn) == ["on it goes"]


# set, tag, untag


def test_set_keeps_what_it_is_given() -> None:
    turn = walked("- set: {a: 1, b: 1.5, c: true, d: 'x {{ plan }}', plan: null, e: yes}")

    assert turn == Turn(
        (
            SetField("a", 1),
            SetField("b", 1.5),
            SetField("c", True),
            SetField("d", "x Pro"),
            SetField("plan", None),
            SetField("e", "yes"),
        )
    )


def test_what_is_set_is_seen_at_once() -> None:
    turn = walked("- set: {n: 1, m: '{{ n }}{{ n }}'}\n- set: {plan: null}\n- send: '{{ m }}{{ plan }}.'")

    assert texts(turn) == ["11."]


@pytest.mark.parametrize(
    ("name", "value", "stored", "shown"),
    [
        ("first_name", "Bo", "Bo", "{{ first_name }}"),
        ("last_name", "Li", "Li", "{{ last_name }}"),
        ("name", "Bo Li", "Bo Li", "{{ name }}"),
        ("email", "bo@example.com", "bo@example.com", "{{ email }}"),
        ("phone", "61", "61", "{{ phone }}"),
        ("language", "de", "de", "{{ language }}"),
        ("language", "null", None, "{{ language }}"),
    ],
)
def test_the_fields_of_the_profile_are_set_as_text(
    name: str, value: str, stored: str | None, shown: str
) -> None:
    turn = walked(f"- set: {{{name}: {value}}}\n- send: 'is {shown}'")

    assert turn.acts[0] == SetField(name, stored)
    assert texts(turn) == [f"is {stored or ''}"]


def test_a_value_that_cannot_be_told_is_not_set() -> None:
    turn = walked("- set: {a: '{{ 1 | divided_by: 0 }}', b: 2}")

    assert turn == Turn(
        (
            Stumble("template_failed", "a: step 1: FilterArgumentError in line 1 of the text"),
            SetField("b", 2),
        )
    )


def test_tags_come_and_go_and_are_seen_at_once() -> None:
    turn = walked("- tag: [x, y]\n- untag: vip\n- untag: [y]\n- tag: z\n- send: '{{ tags | join }}'")

    assert others(turn) == [AddTag("x"), AddTag("y"), RemoveTag("vip"), RemoveTag("y"), AddTag("z")]
    assert texts(turn) == ["x z"]


# when


def test_when_takes_one_branch_and_goes_on_behind_it() -> None:
    steps = "- when: {tag: %s}\n  then:\n    - send: then\n  else:\n    - send: else\n- send: after"

    assert texts(walked(steps % "vip")) == ["then", "after"]
    assert texts(walked(steps % "no")) == ["else", "after"]


def test_when_without_else_goes_on() -> None:
    assert texts(walked("- when: {tag: no}\n  then:\n    - send: then\n- send: after")) == ["after"]


def test_branches_nest() -> None:
    steps = """
- when: {tag: vip}
  then:
    - when: {tag: no}
      then: [end]
      else:
        - when: {tag: vip}
          then:
            - send: deep
            - ask: deeper?
    - send: out
- send: after
"""
    ana = Customer(flow_of(steps))

    assert ana.run.stack == (Frame("a", (0, "then", 0, "else", 0, "then", 1)),)
    assert ana.writes("yes") == ["out", "after"]


# go, call, end


def test_go_leaves_for_another_subflow_for_good() -> None:
    assert texts(walked("- go: b\n- send: never", more="b:\n  - send: there")) == ["there"]


def test_call_comes_back() -> None:
    more = "b:\n  - send: b\n  - call: c\n  - send: b again\nc:\n  - send: c"

    assert texts(walked("- call: b\n- send: a again", more=more)) == ["b", "c", "b again", "a again"]


def test_go_within_a_called_subflow_leaves_its_callers_too() -> None:
    assert texts(walked("- call: b\n- send: never", more="b:\n  - go: c\nc:\n  - send: there")) == ["there"]


def test_end_ends_callers_too() -> None:
    assert texts(walked("- call: b\n- send: never", more="b:\n  - send: b\n  - end\n  - send: never")) == [
        "b"
    ]


def test_calls_have_a_bound() -> None:
    turn = walked("- call: a\n- send: never")

    assert turn == Turn((Stumble("too_deep", "more than 20 subflows call one another, the last 'a'"),))


def test_a_call_in_last_place_costs_no_depth() -> None:
    ana = Customer(flow_of("- ask: again?\n- call: a"))

    for _ in range(50):
        assert ana.writes("yes") == ["again?"]
    assert ana.run.stack == (Frame("a", (0,)),)


# wait


def test_wait_stands_still_until_its_time() -> None:
    ana = Customer(flow_of("- send: one\n- wait: 90m\n- send: two"))

    assert ana.turn == Turn(
        (Say(Text("one")),),
        Run(
            version_id=SCENE.version_id,
            epoch=3,
            stack=(Frame("a", (2,)),),
            waiting=Waiting("time", deadline_at=NOON + timedelta(minutes=90)),
        ),
    )
    assert ana.waits() == ["two"]
    assert ana.turn.run is None


def test_a_message_does_not_disturb_a_wait() -> None:
    ana = Customer(flow_of("- wait: 1d\n- send: two"))
    before = ana.run

    assert ana.writes("hello?") == []
    assert ana.turn == Turn((), before)


def test_a_wait_for_nothing_is_not_waited_for() -> None:
    assert walked("- call: b", more="b:\n  - send: bye\n  - wait: 1d") == Turn((Say(Text("bye")),))


# pause_bot


@pytest.mark.parametrize(
    ("pause", "act"),
    [
        ("pause_bot", PauseBot(None)),
        ("pause_bot: {}", PauseBot(None)),
        ("pause_bot:", PauseBot(None)),
        ("pause_bot: {minutes: 30}", PauseBot(timedelta(minutes=30))),
        ("pause_bot: {leave_words: bot}", PauseBot(None, ("bot",))),
        (
            "pause_bot: {minutes: 1, leave_words: [bot, exit]}",
            PauseBot(timedelta(minutes=1), ("bot", "exit")),
        ),
    ],
)
def test_pause_bot_hands_over_and_goes_on_after_the_return(pause: str, act: PauseBot) -> None:
    ana = Customer(flow_of(f"- {pause}\n- send: back"))

    assert others(ana.turn) == [act]
    assert (ana.run.stack, ana.run.waiting) == (
        (Frame("a", (1,)),),
        Waiting("return", place=Frame("a")),
    )
    assert ana.gets_the_bot_back() == ["back"]
    assert ana.turn.run is None


def test_a_pause_in_last_place_still_waits_for_the_return() -> None:
    ana = Customer(flow_of("- call: b", more="b:\n  - pause_bot"))

    assert (ana.run.stack, ana.run.waiting) == ((), Waiting("return", place=Frame("b")))
    ana.gets_the_bot_back()
    assert ana.turn == Turn()


def test_while_the_bot_is_paused_neither_messages_nor_time_move_the_flow() -> None:
    ana = Customer(flow_of("- pause_bot\n- send: back"))
    before = ana.run

    assert ana.writes("hello?") == []
    assert ana.turn == Turn((), before)
    assert ana.waits() == []
    assert ana.turn == Turn((), before)


def test_a_return_moves_nothing_but_a_pause() -> None:
    for step in ("ask: what?", "wait: 1d"):
        ana = Customer(flow_of(f"- {step}\n- send: on"))
        before = ana.run

        assert ana.gets_the_bot_back() == []
        assert ana.turn == Turn((), before)


# ask


def test_ask_waits_and_saves_the_answer() -> None:
    ana = Customer(
        flow_of("- ask: {text: 'Your name, {{ language }}?', save: nick}\n- send: 'Hi {{ nick }}'")
    )

    assert texts(ana.turn) == ["Your name, es?"]
    assert ana.run == Run(
        version_id=SCENE.version_id, epoch=3, stack=(Frame("a", (0,)),), waiting=Waiting("answer")
    )
    assert ana.writes("Annie") == ["Hi Annie"]
    assert others(ana.turn) == [SetField("nick", "Annie")]


def test_ask_in_its_short_form_saves_nothing() -> None:
    ana = Customer(flow_of("- ask: How are you?\n- send: I see"))

    ana.writes("fine")

    assert ana.turn == Turn((Say(Text("I see")),))


@pytest.mark.parametrize(
    ("kind", "wrong", "right", "value", "retry"),
    [
        ("text", "", "x", "x", "Escriba una respuesta, por favor."),
        ("number", "many", "5", 5, "Escriba un número, por favor; por ejemplo, 12."),
        (
            "email",
            "x",
            "a@example.com",
            "a@example.com",
            "Escriba una dirección de correo, por favor; por ejemplo, ana@example.com.",
        ),
        (
            "phone",
            "x",
            "0400 123 456",
            "+61400123456",
            "Escriba un teléfono con el prefijo de su país, por favor; por ejemplo, +34 612 345 678.",
        ),
    ],
)
def test_ask_by_kind(kind: str, wrong: str, right: str, value: FieldValue, retry: str) -> None:
    ana = Customer(flow_of(f"- ask: {{text: What?, kind: {kind}, save: it}}", head="region: AU"))

    assert ana.writes(wrong) == [retry]
    assert ana.run.waiting.tries == 1
    ana.writes(right)
    assert ana.turn == Turn((SetField("it", value),))


@pytest.mark.parametrize("kind", STANDARD_RETRY)
def test_every_kind_has_standard_words_in_the_same_languages(kind: AnswerKind) -> None:
    assert list(STANDARD_RETRY[kind].texts) == ["en", "de", "es", "fr", "pt"]


@pytest.mark.parametrize(
    ("language", "head", "says"),
    [
        ("", "", "Please write a number"),
        ("pt-BR", "", "Escreva um número"),
        ("de", "languages: [fr, es]", "Veuillez écrire un nombre"),
        ("es-MX", "languages: [fr, es]", "Escriba un número"),
        ("es", "retry: {number: Only digits}", "Only digits"),
        ("es", "retry: {email: Only an address}", "Escriba un número"),
        ("es", "languages: [en, es]\nretry: {number: {en: Digits, es: Cifras}}", "Cifras"),
        ("es", "retry: {number: 'Only digits, {{ first_name }}'}", "Only digits, Ana"),
    ],
)
def test_the_words_for_an_answer_that_does_not_fit_are_in_the_persons_language(
    language: str, head: str, says: str
) -> None:
    person = msgspec.structs.replace(ANA, profile=Profile(name="Ana Diaz", language=language))
    scene = msgspec.structs.replace(SCENE, subscriber=person)
    ana = Customer(flow_of("- ask: {text: What?, kind: number, save: it}", head=head), scene)

    assert ana.writes("many")[0].startswith(says)


def test_the_words_of_a_question_come_before_those_of_the_flow() -> None:
    ana = Customer(flow_of("- ask: {text: What?, kind: number, retry: Mine}", head="retry: {number: Theirs}"))

    assert ana.writes("many") == ["Mine"]


CHOOSE = """
- ask:
    text: Which?
    choices: [Pro, {title: Basic plan, value: basic}]
    save: plan
    quick_replies: [{title: Help, do: b}]
    buttons: [{title: A person, do: b}]
"""


def test_ask_with_choices_shows_them_and_takes_a_press_or_words() -> None:
    ana = Customer(flow_of(CHOOSE, more="b:\n  - send: b"))
    replies = (
        QuickReply("Pro", "say:Pro"),
        QuickReply("Basic plan", "say:basic"),
        QuickReply("Help", "do:b"),
    )

    assert said(ana.turn) == Text("Which?", (Button("A person", "do:b"),), replies)
    ana.writes("none of it")
    assert said(ana.turn) == Text("Elija una de las respuestas, por favor.", quick_replies=replies)
    ana.sends(Interactive("Basic pl…", "say:basic"))
    assert ana.turn == Turn((SetField("plan", "basic"),))


@pytest.mark.parametrize("words", ["A person", "a PERSON!", "help"])
def test_writing_what_stands_on_a_button_is_pressing_it(words: str) -> None:
    ana = Customer(flow_of(CHOOSE, more="b:\n  - send: b"))

    assert ana.writes(words) == ["b"]


def test_a_button_whose_title_cannot_be_told_is_not_pressed_by_words() -> None:
    steps = "- ask: {text: What?, save: it, buttons: [{title: '{{ last_input }}', do: b}]}"
    ana = Customer(flow_of(steps, more="b: [end]"))
    ana.flow = flow_of(steps.replace("last_input", "last_input | divided_by: 0"), more="b: [end]")

    ana.writes("Hi there")

    assert ana.turn == Turn((SetField("it", "Hi there"),))


def test_ask_gives_up_after_three_answers_and_goes_on() -> None:
    ana = Customer(
        flow_of("- ask: {text: What?, kind: number, retry: 'A number, {{ first_name }}.'}\n- send: well")
    )

    assert ana.writes("a") == ["A number, Ana."]
    assert ana.writes("b") == ["A number, Ana."]
    assert ana.writes("c") == ["well"]
    assert ana.turn.run is None


def test_ask_gives_up_when_and_how_the_flow_says() -> None:
    give_up = "{after: 1, do: [{send: never mind}, {tag: x}]}"
    steps = f"- ask: {{text: What?, kind: number, give_up: {give_up}}}\n- send: well"
    ana = Customer(flow_of(steps))

    assert ana.writes("a") == ["never mind", "well"]
    assert others(ana.turn) == [AddTag("x")]


def test_ask_gives_up_to_a_subflow() -> None:
    ana = Customer(
        flow_of(
            "- ask: {text: What?, kind: number, give_up: {after: 1, do: b}}\n- send: well",
            more="b:\n  - send: b",
        )
    )

    assert ana.writes("a") == ["b"]


TIMED = "- ask: {text: What?, kind: number, timeout: {after: 10m%s}}\n- send: well"


def test_a_question_has_its_time_and_each_try_has_it_anew() -> None:
    ana = Customer(flow_of(TIMED % ""))

    assert ana.run.waiting.deadline_at == NOON + timedelta(minutes=10)
    ana.scene = msgspec.structs.replace(ana.scene, now=NOON + timedelta(minutes=9))
    ana.writes("no number")
    assert ana.run.waiting == Waiting("answer", deadline_at=NOON + timedelta(minutes=19), tries=1)


@pytest.mark.parametrize(
    ("do", "words"), [("", ["well"]), (", do: b", ["b"]), (", do: [{send: too late}]", ["too late", "well"])]
)
def test_a_question_that_is_not_answered_in_time_takes_its_path(do: str, words: list[str]) -> None:
    ana = Customer(flow_of(TIMED % do, more="b:\n  - send: b"))

    assert ana.waits() == words


def test_a_question_that_cannot_be_asked_is_passed_over() -> None:
    turn = walked(
        "- ask: '{{ 1 | divided_by: 0 }}'\n- ask: {text: '{{ nothing }}', buttons: [x]}\n- send: well"
    )

    assert [act.code for act in others(turn) if isinstance(act, Stumble)] == [
        "template_failed",
        "empty_message",
    ]
    assert texts(turn) == ["well"]


def test_an_empty_question_without_buttons_is_passed_over_in_silence() -> None:
    assert walked("- ask: '{{ nothing }}'\n- send: well") == Turn((Say(Text("well")),))


def test_a_retry_that_cannot_be_said_still_waits() -> None:
    ana = Customer(flow_of("- ask: {text: What?, kind: number, save: it, retry: '{{ 1 | divided_by: 0 }}'}"))

    assert ana.writes("a") == []
    assert ana.run.waiting.tries == 1
    ana.writes("5")
    assert ana.turn == Turn((SetField("it", 5),))


def test_an_answer_to_the_profile_is_seen_at_once() -> None:
    ana = Customer(
        flow_of("- ask: {text: What?, save: first_name}\n- send: 'Hi {{ first_name }}'"), with_fields()
    )

    assert ana.writes("Bo") == ["Hi Bo"]
