"""Any flow, and whatever happens in whatever order: the bot is silent while an agent has control, and the
same events decide the same again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.conversations import Control, Conversation, Decision
from relevo.domain.deciding import decide
from relevo.domain.events import (
    AgentReplied,
    AnyEvent,
    BotPaused,
    BotResumed,
    ByConversation,
    ConversationOpened,
    MessageReceived,
    TimeCame,
)
from relevo.domain.flows.model import Flow
from relevo.domain.messages import Interactive, Location, MessageType, Text
from relevo.testing.clock import NOON
from tests.domain.flows.test_engine import flows
from tests.domain.scenes import ANA, VERSION, surroundings

TO = ByConversation(ANA.id)
EMPTY = "version: 1\nflow: f\nstart: a\nsubflows: {a: [end]}\n"
SHARED = """\
version: 1
flow: defaults
start: handoff_returned
subflows:
  handoff_returned: [{send: welcome back}, {ask: {text: how?, kind: number}}, {go: shared}]
  shared: [{send: shared}, {wait: 1h}, {send: later}]
"""
EVENTS: list[AnyEvent] = [
    ConversationOpened(to=TO),
    MessageReceived(to=TO, content=Text("5")),
    MessageReceived(to=TO, content=Text("yes")),
    MessageReceived(to=TO, content=Interactive("b", "do:b")),
    MessageReceived(to=TO, content=Location(1, 2)),
    AgentReplied(to=TO, contents=(Text("I am here"),)),
    BotPaused(to=TO, minutes=10, by="api"),
    BotPaused(to=TO, minutes=None, by="member"),
    BotResumed(to=TO, by="api"),
    TimeCame(to=TO),
]
HISTORIES = st.lists(
    st.tuples(st.sampled_from(EVENTS), st.sampled_from([1, 30, 4_000, 90_000])), min_size=1, max_size=12
)


def played(flow: Flow, history: list[tuple[AnyEvent, int]]) -> list[tuple[Conversation, Decision]]:
    """Each event after so many seconds, with the state before it; the state is stored in between."""
    now, one = NOON, ANA
    told = []
    for chance, (event, seconds) in enumerate(history):
        now += timedelta(seconds=seconds)
        around = surroundings(EMPTY, now=now, defaults=[SHARED], chance=chance)
        around = msgspec.structs.replace(around, flows={**around.flows, VERSION: flow})
        decision = decide(one, event, around)
        told.append((one, decision))
        one = msgspec.json.decode(msgspec.json.encode(decision.conversation), type=Conversation)
    return told


@given(flows(), HISTORIES)
def test_the_bot_says_nothing_while_an_agent_has_control(
    flow: Flow, history: list[tuple[AnyEvent, Any]]
) -> None:
    for before, decision in played(flow, history):
        after = decision.conversation
        if before.control is after.control is Control.AGENT and before.epoch == after.epoch:
            assert [one for one in decision.messages if one.type is MessageType.OUT] == []


@given(flows(), HISTORIES)
def test_the_same_history_decides_the_same(flow: Flow, history: list[tuple[AnyEvent, Any]]) -> None:
    assert played(flow, history) == played(flow, history)


@given(flows(), HISTORIES)
def test_every_run_ends_or_waits_for_something_that_can_come(
    flow: Flow, history: list[tuple[AnyEvent, Any]]
) -> None:
    for _, decision in played(flow, history):
        run = decision.conversation.run
        if run is None:
            continue
        assert run.epoch == decision.conversation.epoch
        assert (run.waiting.for_ == "return") is (decision.conversation.control is Control.AGENT)
        assert (run.waiting.for_ == "time") is (run.waiting.deadline_at is not None) or (
            run.waiting.for_ == "answer"
        )
