"""Who may be written to, what changes after it was said, and answers by number."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from relevo.domain.conversations import (
    Barred,
    Control,
    Conversation,
    Decision,
    FetchMedia,
    NotifyPlatform,
    ReplaceContent,
    Report,
    SendToCustomer,
)
from relevo.domain.deciding import decide
from relevo.domain.degrading import Limits
from relevo.domain.events import (
    AgentReplied,
    AnyEvent,
    ByConversation,
    FileSettled,
    MessageEdited,
    MessageReceived,
    ReachChanged,
    ReceiptCame,
    TimeCame,
)
from relevo.domain.ids import MessageId
from relevo.domain.messages import (
    Button,
    Content,
    Interactive,
    Media,
    Message,
    MessageStatus,
    MessageType,
    QuickReply,
    Text,
)
from relevo.domain.workspaces import EventType
from relevo.testing.clock import NOON
from tests.domain.scenes import ANA, surroundings

HERE = ByConversation(ANA.id)
FLOW = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [later], do: later}
  - {on: keyword, words: [size], do: size}
  - {on: keyword, words: [menu], do: menu}
  - {on: keyword, words: [ask], do: ask}
  - {on: default, do: lost}
subflows:
  welcome:
    - send: "Hello"
  menu:
    - send: {text: "What can I do?", buttons: [{title: Prices, do: prices}, {title: Person, do: person}]}
    - send: "We are here from 9 to 5."
  prices:
    - send: "9.90"
  person:
    - send: "Somebody comes."
    - pause_bot: {minutes: 30}
  ask:
    - ask: {text: "How many?", kind: number, save: amount}
    - send: "Noted."
  later:
    - send: {text: "What can I do?", buttons: [{title: Prices, do: prices}]}
    - wait: 5m
    - send: "Take your time."
  size:
    - ask: {text: "Which size?", choices: [S, M], save: size}
    - send: "Noted."
  lost:
    - send: "I do not understand."
"""
PLAIN = Limits(text=1600)
STARTED = msgspec.structs.replace(ANA, started=True)


def happens(event: AnyEvent, conversation: Conversation = STARTED, **around: Any) -> Decision:
    around = {"limits_of": lambda _: PLAIN, **around}
    return decide(conversation, event, surroundings(FLOW, **around))


def says(content: Content | str, conversation: Conversation = STARTED, **parts: Any) -> Decision:
    said = Text(content) if isinstance(content, str) else content
    return happens(MessageReceived(to=HERE, content=said, **parts), conversation)


def told(decision: Decision) -> list[Content]:
    """What the bot said."""
    return [message.content for message in decision.messages if message.type is MessageType.OUT]


# Answers by number


def test_the_number_of_a_button_that_became_text_is_pressing_it() -> None:
    asked = says("menu")

    answered = says("2", asked.conversation)

    assert answered.messages[0].content == Interactive("Person", "do:person", "2")
    assert told(answered) == [Text("Somebody comes.")]


def test_numbers_hold_when_more_is_said_in_the_same_breath() -> None:
    assert [one.title for one in says("menu").conversation.numbered] == ["Prices", "Person"]


def test_the_title_of_such_a_button_is_pressing_it_too() -> None:
    assert told(says("person", says("menu").conversation)) == [Text("Somebody comes.")]


def test_a_number_after_something_else_was_said_is_a_number() -> None:
    asked = says("ask", says("menu").conversation)

    answered = says("2", asked.conversation)

    assert answered.conversation.subscriber.fields == {"amount": 2}
    assert asked.conversation.numbered == ()


def test_a_number_that_stands_before_no_button_is_a_number() -> None:
    assert told(says("3", says("menu").conversation)) == [Text("I do not understand.")]


def test_a_number_holds_although_more_is_said_after_a_wait() -> None:
    asked = says("later").conversation
    assert asked.wake_at is not None

    reminded = happens(TimeCame(to=HERE), asked, now=asked.wake_at)

    assert told(reminded) == [Text("Take your time.")]
    assert told(says("1", reminded.conversation)) == [Text("9.90")]


def test_a_number_of_a_menu_holds_after_another_entry_was_taken() -> None:
    told_prices = says("1", says("menu").conversation)

    assert told(says("2", told_prices.conversation)) == [Text("Somebody comes.")]


def test_a_number_of_a_menu_holds_after_words_that_mean_something_else() -> None:
    lost = says("what", says("menu").conversation)

    assert told(says("1", lost.conversation)) == [Text("9.90")]


def test_the_numbers_of_a_question_are_over_when_it_is_answered() -> None:
    asked = says("size").conversation
    assert [one.title for one in asked.numbered] == ["S", "M"]

    answered = says("2", asked).conversation

    assert answered.subscriber.fields == {"size": "M"}
    assert answered.numbered == ()


def test_the_numbers_of_a_question_hold_while_it_is_asked_again() -> None:
    again = says("what", says("size").conversation).conversation

    assert says("1", again).conversation.subscriber.fields == {"size": "S"}


def test_a_number_after_the_words_of_an_agent_is_a_number() -> None:
    menu = says("menu").conversation

    replied = happens(AgentReplied(to=HERE, contents=(Text("How many?"),)), menu).conversation

    assert says("2", replied).messages[0].content == Text("2")


def test_where_buttons_are_buttons_nothing_is_numbered() -> None:
    rich = Limits(buttons=3)
    event = MessageReceived(to=HERE, content=Text("menu"))

    decision = decide(STARTED, event, surroundings(FLOW, limits_of=lambda _: rich))

    assert decision.conversation.numbered == ()


def test_the_platform_hears_which_button_an_agent_s_customer_meant() -> None:
    offer = AgentReplied(to=HERE, contents=(Text("Which?", quick_replies=(QuickReply("Red", "r"),)),))
    offered = happens(offer).conversation

    decision = says("1", offered)

    assert decision.messages[0].content == Interactive("Red", "r", "1")
    assert [one.event_type for one in of(decision, NotifyPlatform)] == [EventType.MESSAGE_RECEIVED]


def of(decision: Decision, kind: type[Any]) -> list[Any]:
    return [effect for effect in decision.effects if isinstance(effect, kind)]


# Who may be written to


@pytest.mark.parametrize("barred", ["opted_out", "blocked"])
def test_nothing_is_sent_to_somebody_who_may_not_be_written_to(barred: Barred) -> None:
    silent = happens(ReachChanged(to=HERE, barred=barred)).conversation

    decision = happens(AgentReplied(to=HERE, contents=(Text("Hello?"),)), silent)

    (message,) = decision.messages
    assert (message.status, message.error) == (MessageStatus.FAILED, barred)
    assert of(decision, SendToCustomer) == []
    sent = [one for one in of(decision, NotifyPlatform) if one.event_type is EventType.MESSAGE_SENT]
    assert sent[0].data == {"error": barred}


def test_whoever_opted_in_again_is_written_to() -> None:
    silent = msgspec.structs.replace(STARTED, barred="opted_out")

    back = happens(ReachChanged(to=HERE, barred=""), silent).conversation

    assert len(of(says("menu", back), SendToCustomer)) == 2


def test_whoever_writes_has_not_blocked_us_but_may_have_opted_out() -> None:
    blocked, opted_out = (
        says("menu", msgspec.structs.replace(STARTED, barred=barred)).conversation.barred
        for barred in ("blocked", "opted_out")
    )

    assert (blocked, opted_out) == ("", "opted_out")


def test_a_flow_that_waits_for_an_answer_ends_with_the_opt_out_and_a_handoff_does_not() -> None:
    asking, handed_over = says("ask").conversation, says("2", says("menu").conversation).conversation

    out = [
        happens(ReachChanged(to=HERE, barred="opted_out"), one).conversation for one in (asking, handed_over)
    ]

    assert out[0].run is None
    assert out[1].run is not None
    assert out[1].control is Control.AGENT


@pytest.mark.parametrize(
    ("error", "barred"),
    [
        ("opted_out: 21610", "opted_out"),
        ("blocked: Forbidden: bot was blocked by the user", "blocked"),
        ("rejected: opted_out", ""),
        ("", ""),
    ],
)
def test_a_vendor_s_refusal_teaches_who_may_not_be_written_to(error: str, barred: str) -> None:
    receipt = ReceiptCame(to=HERE, status=MessageStatus.FAILED, message_ids=(MessageId(1),), error=error)

    assert happens(receipt).conversation.barred == barred


def test_the_failure_of_a_message_that_is_not_known_is_kept() -> None:
    receipt = ReceiptCame(to=HERE, status=MessageStatus.FAILED, mids=("SM2",), error="rejected: 30007")

    assert of(happens(receipt), Report) == [
        Report("receipt_of_unknown_message", "SM2 failed: rejected: 30007")
    ]


def test_what_the_vendor_answers_itself_is_stored_and_told_but_not_answered() -> None:
    asking = says("ask").conversation
    paused = says("2", says("menu").conversation).conversation

    while_asking, while_paused = (says("HELP", one, for_bot=False) for one in (asking, paused))

    assert told(while_asking) == []
    assert while_asking.conversation.run == asking.run
    assert [message.type for message in while_paused.messages] == [MessageType.IN]
    assert len(of(while_paused, NotifyPlatform)) == 1


# What changes after it was said


def stored(content: Content) -> Message:
    return Message(
        id=MessageId(900),
        object_id="0" * 24,
        conversation_id=ANA.id,
        seq=3,
        type=MessageType.IN,
        content=content,
        created_at=NOON,
        mid="7",
    )


PICTURE = Media("image", "https://ours.example/media/m1", "image/jpeg", 1000, caption="A mug", media_id="m1")
PAUSED = msgspec.structs.replace(STARTED, control=Control.AGENT)


def test_an_edit_changes_the_message_and_the_bot_does_not_answer_again() -> None:
    decision = happens(MessageEdited(to=HERE, mid="7", content=Text("menu")), changed=stored(Text("menue")))

    (replaced,) = of(decision, ReplaceContent)
    assert (replaced.message.id, replaced.message.content) == (MessageId(900), Text("menu"))
    assert decision.messages == ()
    assert of(decision, NotifyPlatform) == []


def test_the_platform_hears_of_an_edit_while_an_agent_has_control() -> None:
    event = MessageEdited(to=HERE, mid="7", content=Text("menu"))

    decision = happens(event, PAUSED, changed=stored(Text("menue")))

    (notice,) = of(decision, NotifyPlatform)
    assert (notice.event_type, notice.message_seq, notice.data) == (
        EventType.MESSAGE_UPDATED,
        3,
        {"change": "edited"},
    )


def test_the_same_edit_twice_changes_nothing() -> None:
    event = MessageEdited(to=HERE, mid="7", content=Text("menu"))

    assert happens(event, PAUSED, changed=stored(Text("menu"))).effects == ()


def test_an_edit_of_a_message_that_is_not_here_is_kept_as_a_problem() -> None:
    decision = happens(MessageEdited(to=HERE, mid="8", content=Text("menu")))

    assert [report.code for report in of(decision, Report)] == ["edit_of_unknown_message"]


def test_a_new_caption_leaves_the_file_as_it_was_fetched() -> None:
    news = Media("image", "telegram:abc", "image/jpeg", 1000, caption="A red mug")

    decision = happens(MessageEdited(to=HERE, mid="7", content=news), changed=stored(PICTURE))

    (replaced,) = of(decision, ReplaceContent)
    assert replaced.message.content == msgspec.structs.replace(PICTURE, caption="A red mug")


def test_another_file_in_its_place_is_fetched_and_told() -> None:
    news = Media("image", "telegram:abd", "image/jpeg", 2000)

    decision = happens(MessageEdited(to=HERE, mid="7", content=news), PAUSED, changed=stored(PICTURE))

    assert [message.content for message in decision.messages] == [news]
    assert len(of(decision, FetchMedia)) == 1
    assert len(of(decision, NotifyPlatform)) == 1


def test_a_file_that_could_not_be_had_says_why() -> None:
    event = FileSettled(to=HERE, message_id=MessageId(900), problem="the vendor answered 404")

    decision = happens(event, PAUSED, changed=stored(PICTURE))

    (replaced,) = of(decision, ReplaceContent)
    assert replaced.message.content.problem == "the vendor answered 404"
    assert of(decision, NotifyPlatform)[0].data == {"change": "file"}


def test_a_file_that_came_late_is_told_with_its_type_and_size() -> None:
    event = FileSettled(to=HERE, message_id=MessageId(900), mime_type="image/png", size=77)
    failed = msgspec.structs.replace(PICTURE, problem="timeout")

    decision = happens(event, changed=stored(failed))

    (replaced,) = of(decision, ReplaceContent)
    expected = msgspec.structs.replace(PICTURE, mime_type="image/png", size=77)
    assert replaced.message.content == expected


@pytest.mark.parametrize("message", [None, stored(Text("Hi")), stored(Text("Hi", (Button("A"),)))])
def test_news_of_a_file_of_no_message_is_no_news(message: Message | None) -> None:
    event = FileSettled(to=HERE, message_id=MessageId(900), size=77)

    assert happens(event, changed=message).effects == ()
