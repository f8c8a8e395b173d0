"""Whatever happens in whatever order: one speaker, one order, no gaps, and control comes back."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.conversations import Control, Conversation, Decision, NotifyPlatform
from relevo.domain.deciding import decide
from relevo.domain.errors import HandoffTaken, NoHandoff
from relevo.domain.events import (
    AgentReplied,
    AnyEvent,
    Assigned,
    BotPaused,
    BotResumed,
    BotTold,
    ByConversation,
    ConversationOpened,
    HandoffAccepted,
    MessageReceived,
    Moved,
    NoteWritten,
    PlatformUnreachable,
    TimeCame,
)
from relevo.domain.ids import MemberId
from relevo.domain.messages import Interactive, Media, MessageType, Text, plain_text
from relevo.domain.workspaces import EventType
from relevo.testing.clock import NOON
from tests.domain.scenes import ANA, ENDPOINT, surroundings

FLOW = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [agent], do: person}
  - {on: keyword, words: [slow], do: slow}
  - {on: keyword, words: [forever], do: forever}
  - {on: keyword, words: [menu], do: menu}
  - {on: keyword, words: [nested], do: nested}
  - {on: default, do: welcome}
subflows:
  welcome:
    - send: "Hello {{ first_name }}"
    - ask: {text: "Your e-mail?", kind: email, save: email, timeout: {after: 5m, do: [{send: "No hurry"}]}}
    - call: slow
    - send: "Thanks"
  person:
    - send: "One moment"
    - pause_bot:
        minutes: 30
        leave_words: [bot]
        say: Please wait
        not_accepted: {after: 1m, do: [{send: Nobody yet}, {tag: waited}]}
        no_reply: {after: 5m, do: [{send: Sorry}, {when: {tag: waited}, then: [{ask: "Your phone?"}]}]}
        customer_silent: {after: 10m, do: [{send: Still there}, {when: {tag: waited}, then: [resume_bot]}]}
        platform_down: {do: [{send: Nobody hears us}]}
        returned: {do: [{send: "Welcome back {{ handoff_outcome }}"}]}
    - send: "I am back"
    - ask: {text: "Did that help?", kind: text}
  menu:
    - resume_bot
    - send: "The menu"
  nested:
    - pause_bot:
        not_accepted: {do: [{pause_bot: {minutes: 5, no_reply: {after: 1m}}}, {send: Inner}]}
        no_reply: {after: 5m, do: [{go: person}]}
    - wait: 1m
    - send: "Outer"
  forever:
    - pause_bot
    - go: person
  slow:
    - wait: 10m
    - send: "Still there?"
"""
HERE = ByConversation(ANA.id)
FOR_NOBODY = {"Nobody yet", "Sorry", "Nobody hears us", "Please wait", "Your phone?", "Still there"}
"""What the bot may say while nobody of the agents has come. *Please wait* is said before control goes."""

contents = st.one_of(
    st.sampled_from(["hi", "agent", "slow", "forever", "bot", "menu", "nested", "a@b.example", "42", ""]).map(
        Text
    ),
    st.just(Interactive("Talk to a person", "do:person")),
    st.just(Media("image", "https://v.example/p")),
)
events: st.SearchStrategy[AnyEvent] = st.one_of(
    contents.map(lambda content: MessageReceived(to=HERE, content=content)),
    contents.map(lambda content: MessageReceived(to=HERE, content=content)),
    st.just(ConversationOpened(to=HERE)),
    st.just(AgentReplied(to=HERE, contents=(Text("Hello from Luis"),))),
    st.just(BotTold(to=HERE, contents=(Text("News"),), go_to="welcome")),
    st.sampled_from([None, 1, 30]).map(lambda minutes: BotPaused(to=HERE, minutes=minutes, by="api")),
    st.just(BotResumed(to=HERE, by="api")),
    st.just(BotResumed(to=HERE, by="api", reason="solved", note="kind", outcome="sold")),
    st.sampled_from([None, MemberId(5)]).map(lambda by: HandoffAccepted(to=HERE, by="api", member_id=by)),
    st.just(PlatformUnreachable(to=HERE, endpoint_id=ENDPOINT.id)),
    st.just(TimeCame(to=HERE)),
    st.just(NoteWritten(to=HERE, text="VIP")),
    st.just(Moved(to=HERE, status="done")),
    st.sampled_from([None, MemberId(5)]).map(lambda member: Assigned(to=HERE, member_id=member)),
)
gaps = st.sampled_from([0, 1, 59, 60, 299, 300, 600, 1799, 1800, 100_000]).map(lambda s: timedelta(seconds=s))
stories = st.lists(st.tuples(gaps, events), max_size=40)


def told(story: list[tuple[timedelta, AnyEvent]]) -> list[tuple[Conversation, AnyEvent, Decision]]:
    """Each event with the state before it and the decision about it."""
    state, now, steps = ANA, NOON, []
    for gap, event in story:
        now += gap
        try:
            decision = decide(state, event, surroundings(FLOW, now=now))
        except (NoHandoff, HandoffTaken):
            event = TimeCame(to=HERE)  # refused: nothing has happened but time
            decision = decide(state, event, surroundings(FLOW, now=now))
        steps.append((state, event, decision))
        # What is stored is JSON: a state that does not survive it would be another after a restart.
        restored = msgspec.json.decode(msgspec.json.encode(decision.conversation), type=Conversation)
        assert restored == decision.conversation
        state = restored
    return steps


@given(stories)
def test_the_bot_never_speaks_while_an_agent_has_control(story: list[tuple[timedelta, AnyEvent]]) -> None:
    for before, event, decision in told(story):
        stays = before.control is Control.AGENT and decision.conversation.epoch == before.epoch
        spoke = [one for one in decision.messages if one.type is MessageType.OUT]
        if not stays or isinstance(event, BotTold):
            continue
        note("an agent kept control")
        after = decision.conversation.pause
        assert before.pause is not None
        assert after is not None
        if before.pause.accepted_at is not None:
            assert spoke == []
        else:
            note("nobody has come")
            assert {plain_text(one.content) for one in spoke} <= FOR_NOBODY


@given(stories)
def test_from_the_acceptance_on_the_bot_says_nothing_before_control_is_back(
    story: list[tuple[timedelta, AnyEvent]],
) -> None:
    """As the platform hears it: by the order of what it is told, across decisions."""
    taken = False
    for _, event, decision in told(story):
        said = {one.seq: one for one in decision.messages}
        for one in decision.effects:
            if not isinstance(one, NotifyPlatform):
                continue
            if one.event_type is EventType.HANDOFF_ACCEPTED:
                taken = True
            elif one.event_type in (EventType.HANDOFF_REQUESTED, EventType.HANDOFF_RETURNED):
                taken = False
            elif one.event_type is EventType.MESSAGE_SENT and not isinstance(event, BotTold):
                assert not taken or said[one.message_seq or 0].type is MessageType.AGENT


@given(stories, st.integers(0, 39))
def test_what_was_planned_under_an_older_epoch_is_never_said(
    story: list[tuple[timedelta, AnyEvent]], cut: int
) -> None:
    """A run that was left over from before control changed hands is dropped, whenever it is found."""
    steps = told(story)
    if not steps:
        return
    state = steps[min(cut, len(steps) - 1)][2].conversation
    if state.run is None or state.run.waiting.deadline_at is None or state.control is Control.AGENT:
        return
    stale = msgspec.structs.replace(state, epoch=state.epoch + 2)

    late = surroundings(FLOW, now=state.run.waiting.deadline_at)
    decision = decide(stale, TimeCame(to=HERE), late)

    note("a stale run")
    assert decision.messages == ()
    assert decision.conversation.run is None


@given(stories)
def test_control_changes_hands_exactly_when_the_epoch_grows(story: list[tuple[timedelta, AnyEvent]]) -> None:
    for before, _, decision in told(story):
        grown = decision.conversation.epoch - before.epoch
        assert grown >= 0
        assert (grown % 2 == 1) == (before.control is not decision.conversation.control)
        assert (decision.conversation.pause is not None) == (decision.conversation.control is Control.AGENT)


@given(stories)
def test_the_platforms_count_has_no_gaps_and_neither_has_the_conversations(
    story: list[tuple[timedelta, AnyEvent]],
) -> None:
    steps = told(story)
    sent = [
        one.seq for _, _, decision in steps for one in decision.effects if isinstance(one, NotifyPlatform)
    ]
    stored = [message.seq for _, _, decision in steps for message in decision.messages]

    assert sent == list(range(1, len(sent) + 1))
    assert stored == list(range(1, len(stored) + 1))


@given(stories)
def test_the_platform_hears_what_the_customer_says_to_an_agent_and_nothing_else(
    story: list[tuple[timedelta, AnyEvent]],
) -> None:
    for before, event, decision in told(story):
        heard = [
            one.message_seq
            for one in decision.effects
            if isinstance(one, NotifyPlatform) and one.event_type is EventType.MESSAGE_RECEIVED
        ]
        if not isinstance(event, MessageReceived):
            assert heard == []
            continue
        received = next(one.seq for one in decision.messages if one.type is MessageType.IN)
        over = any(
            one.seq < received for one in decision.messages if one.type is MessageType.OUT
        )  # the pause had ended: the bot spoke first
        if before.control is Control.AGENT and not over:
            at_least_now = decision.conversation.epoch == before.epoch
            assert heard == [received] or not at_least_now
        if before.control is Control.BOT and before.run is None:
            assert heard == []


@given(stories)
def test_a_pause_with_an_end_ends_by_itself(story: list[tuple[timedelta, AnyEvent]]) -> None:
    steps = told(story)
    state = steps[-1][2].conversation if steps else ANA
    if state.pause is None or state.pause.until is None:
        return
    assert state.wake_at is not None
    assert state.wake_at <= state.pause.until

    end = decide(state, TimeCame(to=HERE), surroundings(FLOW, now=state.pause.until)).conversation

    # `forever` goes on to another pause: that is a new one, with a later end.
    assert end.control is Control.BOT or (end.epoch == state.epoch + 2)


@given(stories)
def test_the_same_story_is_decided_the_same(story: list[tuple[timedelta, AnyEvent]]) -> None:
    assert told(story) == told(story)


@given(stories)
def test_no_deadline_that_has_passed_is_left_in_the_state(story: list[tuple[timedelta, AnyEvent]]) -> None:
    """Else the timers would wake the conversation again and again."""
    now = NOON
    for (gap, _), (_, _, decision) in zip(story, told(story), strict=True):
        now += gap
        wake_at = decision.conversation.wake_at
        assert wake_at is None or wake_at > now
