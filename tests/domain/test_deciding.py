"""What events mean, without a database: the rules of pause, return and silence, one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

import relevo.domain.flows.engine as flow_engine
from relevo.domain.conversations import (
    Control,
    Conversation,
    Decision,
    FetchMedia,
    NotifyPlatform,
    Report,
    SendToCustomer,
    ShowTyping,
    UpdateMessage,
    Whisper,
    paused_seconds,
)
from relevo.domain.deciding import StoredMessage, decide
from relevo.domain.events import (
    AgentReplied,
    AgentTyped,
    AnyEvent,
    Assigned,
    BotPaused,
    BotResumed,
    BotTold,
    ByConversation,
    CustomerTyped,
    MessageReceived,
    Moved,
    NoteWritten,
    ReceiptCame,
    SubscriberChanged,
    TimeCame,
)
from relevo.domain.flows.runs import AddTag, PauseBot, RemoveTag, Say, SetField, Turn
from relevo.domain.ids import MemberId, MessageId
from relevo.domain.messages import Media, MessageStatus, MessageType, Reaction, Text, plain_text
from relevo.domain.subscribers import Profile
from relevo.domain.workspaces import EventType, LiveChat, LiveChatMode, PausedAutomation
from relevo.testing.clock import NOON
from tests.domain.scenes import ANA, CHANNEL, ENDPOINT, WORKSPACE, surroundings

HERE = ByConversation(ANA.id)

FLOW = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [agent], do: person}
  - {on: keyword, words: [slow], do: slow}
  - {on: keyword, words: [forever], do: forever}
  - {on: keyword, words: [loop], do: loop}
subflows:
  welcome:
    - send: "Hello"
    - ask: {text: "Your e-mail?", kind: email, save: email}
    - send: "Thanks"
  person:
    - send: "One moment"
    - pause_bot: {minutes: 30, leave_words: [bot]}
    - send: "I am back"
  forever:
    - pause_bot
  slow:
    - wait: 10m
    - send: "Still there?"
  loop:
    - send: "again"
    - go: loop
"""


def says(text: str, mid: str = "") -> MessageReceived:
    return MessageReceived(to=HERE, content=Text(text), mid=mid)


def after(*events: AnyEvent, then: timedelta = timedelta(0), **changes: Any) -> Conversation:
    """The conversation after some events, the last of them `then` later."""
    state = ANA
    for event in events:
        state = decide(state, event, surroundings(FLOW, **changes)).conversation
    return state


def decided(
    state: Conversation, event: AnyEvent, *, later: timedelta = timedelta(0), **changes: Any
) -> Decision:
    return decide(state, event, surroundings(FLOW, now=NOON + later, **changes))


def words(decision: Decision) -> list[tuple[str, str]]:
    return [(message.type.value, plain_text(message.content)) for message in decision.messages]


def notified(decision: Decision) -> list[str]:
    return [one.event_type.value for one in decision.effects if isinstance(one, NotifyPlatform)]


def reports(decision: Decision) -> list[str]:
    return [one.code for one in decision.effects if isinstance(one, Report)]


PAUSED = after(says("agent"))
ALONE = after(says("forever"))


def test_the_bots_last_words_come_before_the_pause() -> None:
    decision = decided(ANA, says("agent"))

    assert words(decision) == [("in", "agent"), ("out", "One moment")]
    assert decision.conversation.control is Control.AGENT
    assert decision.conversation.epoch == 1
    assert notified(decision) == ["message.sent", "handoff.requested"]


def test_the_message_that_asks_for_a_person_does_not_go_to_the_platform() -> None:
    assert "message.received" not in notified(decided(ANA, says("agent")))


def test_a_message_during_the_pause_goes_there_and_the_bot_is_silent() -> None:
    decision = decided(PAUSED, says("Hello?"))

    assert words(decision) == [("in", "Hello?")]
    assert notified(decision) == ["message.received"]


def test_a_keyword_during_the_pause_is_only_a_message() -> None:
    assert words(decided(PAUSED, says("agent"))) == [("in", "agent")]


def test_a_reaction_during_the_pause_goes_there_too() -> None:
    event = MessageReceived(to=HERE, content=Reaction("👍", "m1"))

    assert notified(decided(PAUSED, event)) == ["message.received"]


@pytest.mark.parametrize("mode", [LiveChatMode.NONE, LiveChatMode.INBOX])
def test_nothing_goes_to_the_platform_unless_live_chat_is_a_webhook(mode: LiveChatMode) -> None:
    channel = msgspec.structs.replace(CHANNEL, live_chat=LiveChat(mode, None))
    state = after(says("agent"), channel=channel)

    assert notified(decided(state, says("Hello?"), channel=channel)) == []


def test_an_endpoint_that_opted_in_to_nothing_hears_only_messages() -> None:
    endpoint = msgspec.structs.replace(ENDPOINT, events=frozenset())
    state = after(says("agent"), endpoints=[endpoint])

    assert state.webhook_seqs == {}
    assert notified(decided(state, says("Hello?"), endpoints=[endpoint])) == ["message.received"]


def test_the_flow_goes_on_after_its_pause_when_control_comes_back() -> None:
    decision = decided(PAUSED, BotResumed(to=HERE, by="api"))

    assert words(decision) == [("out", "I am back")]
    assert notified(decision) == ["handoff.returned", "message.sent"]
    assert (decision.conversation.epoch, decision.conversation.run) == (2, None)


def test_resuming_a_bot_that_has_control_changes_nothing() -> None:
    decision = decided(ANA, BotResumed(to=HERE, by="api"))

    assert (decision.conversation, decision.effects) == (ANA, ())


def test_pausing_twice_only_moves_the_end() -> None:
    decision = decided(PAUSED, BotPaused(to=HERE, minutes=60, by="api"))

    pause = decision.conversation.pause
    assert pause is not None
    assert pause.until == NOON + timedelta(minutes=60)
    assert decision.conversation.epoch == PAUSED.epoch
    assert notified(decision) == []


def test_a_second_pause_keeps_what_the_flow_goes_on_with() -> None:
    state = decided(PAUSED, BotPaused(to=HERE, minutes=None, by="api")).conversation

    assert words(decided(state, BotResumed(to=HERE, by="member"))) == [("out", "I am back")]


@pytest.mark.parametrize("minutes", [None, 0])
def test_a_pause_without_minutes_lasts_until_somebody_resumes(minutes: int | None) -> None:
    state = decided(ANA, BotPaused(to=HERE, minutes=minutes, by="api")).conversation

    assert state.pause is not None
    assert state.pause.until is None
    assert decided(state, TimeCame(to=HERE), later=timedelta(days=365)).conversation.control is Control.AGENT


def test_time_gives_control_back_at_the_minute_and_not_before() -> None:
    almost = decided(PAUSED, TimeCame(to=HERE), later=timedelta(minutes=30) - timedelta(microseconds=1))
    there = decided(PAUSED, TimeCame(to=HERE), later=timedelta(minutes=30))

    assert almost.conversation.control is Control.AGENT
    assert words(there) == [("out", "I am back")]


def test_a_message_after_the_end_of_the_pause_belongs_to_the_bot() -> None:
    decision = decided(PAUSED, says("agent"), later=timedelta(minutes=31))

    assert "message.received" not in notified(decision)
    assert words(decision) == [("out", "I am back"), ("in", "agent"), ("out", "One moment")]


def test_the_customers_word_brings_the_bot_back_and_the_platform_hears_it() -> None:
    decision = decided(PAUSED, says(" BOT "))

    assert notified(decision)[:2] == ["message.received", "handoff.returned"]
    assert decision.conversation.control is Control.BOT
    assert words(decision) == [("in", " BOT "), ("out", "I am back")]


def test_a_word_inside_a_sentence_does_not_bring_the_bot_back() -> None:
    assert decided(PAUSED, says("are you a bot?")).conversation.control is Control.AGENT


def test_an_agents_reply_pauses_the_bot_and_drops_its_question() -> None:
    asked = after(says("Hi"))
    assert asked.run is not None

    decision = decided(asked, AgentReplied(to=HERE, contents=(Text("Hello!"),), member_id=MemberId(5)))

    state = decision.conversation
    assert state.pause is not None
    assert (state.pause.cause, state.pause.until) == ("agent_reply", NOON + timedelta(minutes=30))
    assert state.run is None
    assert decision.messages[0].username == "Luis"


def test_an_agents_reply_keeps_the_bot_away_for_longer_but_never_shorter() -> None:
    reply = AgentReplied(to=HERE, contents=(Text("Hello!"),))
    later = decided(PAUSED, reply, later=timedelta(minutes=20)).conversation
    endless = decided(ALONE, reply).conversation

    assert later.pause is not None
    assert later.pause.until == NOON + timedelta(minutes=50)
    assert endless.pause is not None
    assert endless.pause.until is None


def test_an_agents_reply_does_not_pause_where_the_workspace_says_so() -> None:
    workspace = msgspec.structs.replace(WORKSPACE, agent_reply_pauses_for=timedelta(0))
    decision = decided(ANA, AgentReplied(to=HERE, contents=(Text("Hi"),)), workspace=workspace)

    assert decision.conversation.control is Control.BOT


def test_a_delay_planned_before_the_pause_is_never_said() -> None:
    waiting = after(says("slow"))
    paused = decided(waiting, BotPaused(to=HERE, minutes=5, by="api")).conversation

    decision = decided(paused, TimeCame(to=HERE), later=timedelta(minutes=10))

    assert decision.conversation.control is Control.BOT
    assert words(decision) == []


def test_a_delay_goes_on_during_the_pause_where_the_workspace_lets_it() -> None:
    workspace = msgspec.structs.replace(
        WORKSPACE, paused_automation=PausedAutomation.AGENT_TRIGGERS_AND_DELAYS
    )
    paused = after(says("slow"), BotPaused(to=HERE, minutes=60, by="api"), workspace=workspace)

    decision = decided(paused, TimeCame(to=HERE), later=timedelta(minutes=10), workspace=workspace)

    assert words(decision) == [("out", "Still there?")]
    assert decision.conversation.control is Control.AGENT


def test_a_trigger_works_during_the_pause_where_the_workspace_lets_it() -> None:
    workspace = msgspec.structs.replace(
        WORKSPACE, paused_automation=PausedAutomation.AGENT_TRIGGERS_AND_DELAYS
    )
    state = after(says("forever"), workspace=workspace)

    decision = decided(state, says("agent"), workspace=workspace)

    assert words(decision) == [("in", "agent"), ("out", "One moment")]
    assert notified(decision)[0] == "message.received"


def test_the_platforms_own_words_are_said_whoever_has_control() -> None:
    told = BotTold(to=HERE, contents=(Text("Your order is on its way"),))

    assert words(decided(PAUSED, told)) == [("out", "Your order is on its way")]
    assert decided(PAUSED, told).conversation.control is Control.AGENT


def test_a_goto_is_followed_when_the_bot_has_control_and_reported_when_not() -> None:
    told = BotTold(to=HERE, go_to="person")

    assert words(decided(ANA, told)) == [("out", "One moment")]
    assert reports(decided(ALONE, told)) == ["bot_is_paused"]


def test_a_flow_that_loops_is_stopped_reported_and_does_not_spam() -> None:
    decision = decided(ANA, says("loop"))

    assert reports(decision) == ["too_many_steps"]
    assert len(decision.messages) <= 5
    assert decision.conversation.run is None


def test_everything_said_to_the_customer_is_sent_in_order() -> None:
    decision = decided(ANA, says("agent"))

    sent = [one.seq for one in decision.effects if isinstance(one, SendToCustomer)]
    assert sent == [message.seq for message in decision.messages if message.type is MessageType.OUT]


def test_a_customers_file_is_fetched_and_an_uploaded_one_is_not() -> None:
    theirs = MessageReceived(to=HERE, content=Media("image", "https://v.example/p"))
    ours = MessageReceived(to=HERE, content=Media("image", "https://us.example/p", media_id="m"))

    assert [type(one) for one in decided(PAUSED, theirs).effects if isinstance(one, FetchMedia)] == [
        FetchMedia
    ]
    assert not any(isinstance(one, FetchMedia) for one in decided(PAUSED, ours).effects)


def test_assigning_tells_the_platform_once() -> None:
    assigned = decided(PAUSED, Assigned(to=HERE, member_id=MemberId(5)))
    again = decided(assigned.conversation, Assigned(to=HERE, member_id=MemberId(5)))

    assert notified(assigned) == ["conversation.assigned"]
    assert again.effects == ()


def test_a_done_conversation_opens_again_when_the_customer_writes_to_the_agent() -> None:
    done = decided(PAUSED, Moved(to=HERE, status="done")).conversation

    assert done.status == "done"
    assert decided(done, says("One more thing")).conversation.status == "open"


def test_receipts_only_move_messages_forward() -> None:
    stored = [
        StoredMessage(MessageId(1), "m1", MessageStatus.SENT),
        StoredMessage(MessageId(2), "m2", MessageStatus.READ),
    ]
    receipt = ReceiptCame(to=HERE, status=MessageStatus.DELIVERED, mids=("m1", "m2"))

    decision = decided(PAUSED, receipt, messages=stored)

    updates = [one for one in decision.effects if isinstance(one, UpdateMessage)]
    assert [(one.message_id, one.status) for one in updates] == [(1, MessageStatus.DELIVERED)]
    assert notified(decision) == ["message.status"]


def test_typing_is_whispered_to_the_platform_only_while_an_agent_has_control() -> None:
    typed = CustomerTyped(to=HERE)

    assert decided(PAUSED, typed).effects == (Whisper(ENDPOINT.id, EventType.TYPING),)
    assert decided(ANA, typed).effects == ()


def test_an_agents_typing_is_shown() -> None:
    assert decided(PAUSED, AgentTyped(to=HERE)).effects == (ShowTyping(),)


def test_a_note_is_never_sent_to_the_customer() -> None:
    decision = decided(PAUSED, NoteWritten(to=HERE, text="VIP", member_id=MemberId(5)))

    assert [message.type for message in decision.messages] == [MessageType.NOTE]
    assert not any(isinstance(effect, SendToCustomer | NotifyPlatform) for effect in decision.effects)


def test_fields_tags_and_profile_can_be_changed_from_outside() -> None:
    acts = (SetField("plan", "pro"), SetField("email", "a@b.example"), AddTag("vip"), AddTag("vip"))
    state = decided(ANA, SubscriberChanged(to=HERE, profile=Profile(phone="+61"), acts=acts)).conversation
    gone = decided(
        state, SubscriberChanged(to=HERE, acts=(SetField("plan", None), RemoveTag("vip")))
    ).conversation

    assert state.subscriber.fields == {"plan": "pro"}
    assert state.subscriber.profile == Profile(name="Ana Diaz", phone="+61", email="a@b.example")
    assert state.subscriber.tags == ("vip",)
    assert (gone.subscriber.fields, gone.subscriber.tags) == ({}, ())


def from_the_vendor(**profile: str) -> MessageReceived:
    return msgspec.structs.replace(says("Hello"), profile=Profile(**profile))


def test_what_somebody_has_set_holds_against_what_the_vendor_tells_each_time() -> None:
    set_by_a_flow = SubscriberChanged(to=HERE, acts=(SetField("language", "de"),))
    told_by_the_platform = SubscriberChanged(to=HERE, profile=Profile(name="Dr Ana Diaz"))
    state = after(set_by_a_flow, told_by_the_platform)
    profile = decided(
        state, from_the_vendor(name="ana", language="en", locale="en_US")
    ).conversation.subscriber.profile

    assert (profile.name, profile.language, profile.locale) == ("Dr Ana Diaz", "de", "en_US")


def test_what_nobody_has_set_follows_the_vendor() -> None:
    met = after(from_the_vendor(name="ana", language="en"), from_the_vendor(name="ana diaz", language="es"))
    cleared = after(
        SubscriberChanged(to=HERE, acts=(SetField("name", "Dr Ana Diaz"),)),
        SubscriberChanged(to=HERE, acts=(SetField("name", None),)),
        from_the_vendor(name="ana diaz"),
    )

    assert (met.subscriber.profile.name, met.subscriber.profile.language) == ("ana diaz", "es")
    assert cleared.subscriber.profile.name == "ana diaz"


def test_the_pause_is_counted_down_for_the_wire() -> None:
    assert paused_seconds(ANA.pause, NOON) == 0
    assert paused_seconds(ALONE.pause, NOON) == -1
    assert paused_seconds(PAUSED.pause, NOON + timedelta(minutes=10)) == 1200
    assert paused_seconds(PAUSED.pause, NOON + timedelta(hours=10)) == 0


def test_a_run_whose_version_is_gone_ends_and_is_reported() -> None:
    asked = after(says("Hi"))
    around = surroundings(FLOW)
    around = msgspec.structs.replace(around, flows={}, current_version=None)

    decision = decide(asked, says("a@b.example"), around)

    assert reports(decision) == ["flow_version_missing"]
    assert decision.conversation.run is None


def test_even_a_flow_that_would_speak_after_its_pause_is_silenced(monkeypatch: pytest.MonkeyPatch) -> None:
    talkative = Turn(acts=(PauseBot(timedelta(minutes=1)), Say(Text("one more thing"))))
    monkeypatch.setattr(flow_engine, "begin", lambda *_: talkative)

    decision = decided(ANA, says("agent"))

    assert words(decision) == [("in", "agent")]
    assert reports(decision) == ["bot_is_paused"]


def test_a_word_during_a_wait_does_not_cost_the_rest_of_the_flow() -> None:
    flow = FLOW.replace("triggers:\n", "triggers:\n  - {on: default, do: welcome}\n")
    waiting = decide(ANA, says("slow"), surroundings(flow)).conversation

    word = decide(waiting, says("ok"), surroundings(flow))
    end = decide(word.conversation, TimeCame(to=HERE), surroundings(flow, now=NOON + timedelta(minutes=10)))

    assert words(word) == [("in", "ok")]
    assert words(end) == [("out", "Still there?")]
