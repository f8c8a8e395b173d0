"""Who is told what happens on a channel, and how the decision keeps to it."""

from __future__ import annotations

import msgspec
import pytest

from relevo.domain.audiences import NOBODY, Audience, audience, audiences
from relevo.domain.conversations import Conversation, Decision, NotifyPlatform, Whisper
from relevo.domain.deciding import decide
from relevo.domain.events import AnyEvent, BotPaused, ByConversation, CustomerTyped, MessageReceived
from relevo.domain.ids import ChannelId, EndpointId, WorkspaceId
from relevo.domain.messages import Reaction, Text
from relevo.domain.workspaces import Channel, Endpoint, EventType, Listening, LiveChat, LiveChatMode
from tests.domain.scenes import ANA, CHANNEL, ENDPOINT, surroundings

DESK = msgspec.structs.replace(ENDPOINT, events=frozenset())
HERE = ByConversation(ANA.id)
SAYS = MessageReceived(to=HERE, content=Text("Hello"))
FLOW = """\
version: 1
flow: support
start: welcome
subflows:
  welcome:
    - send: "Hello"
"""


def listener(*events: EventType, channels: Listening = "all", id_: int = 8) -> Endpoint:
    return msgspec.structs.replace(
        ENDPOINT, id=EndpointId(id_), name="crm", events=frozenset(events), channels=channels
    )


def decided(state: Conversation, event: AnyEvent, *endpoints: Endpoint) -> Decision:
    return decide(state, event, surroundings(FLOW, endpoints=endpoints))


def told(decision: Decision) -> list[tuple[int, str, int]]:
    """Endpoint, event and number, in order."""
    return [
        (one.endpoint_id, one.event_type.value, one.seq)
        for one in decision.effects
        if isinstance(one, NotifyPlatform)
    ]


def test_a_channel_without_live_chat_by_webhook_and_without_listeners_has_no_audience() -> None:
    alone = msgspec.structs.replace(CHANNEL, live_chat=LiveChat(LiveChatMode.INBOX))

    assert audience(alone, [ENDPOINT]) == NOBODY
    assert audiences([alone], [ENDPOINT]) == {}


def test_live_chat_hears_messages_and_what_it_opted_in_to_and_nothing_said_to_the_bot() -> None:
    desk = msgspec.structs.replace(ENDPOINT, events=frozenset({EventType.TYPING}))

    found = audience(CHANNEL, [desk])

    assert found == Audience(
        by_type={EventType.MESSAGE_RECEIVED: (desk.id,), EventType.TYPING: (desk.id,)}, with_bot=()
    )


@pytest.mark.parametrize(
    ("channels", "hears"),
    [
        ("all", True),
        (frozenset({CHANNEL.id}), True),
        (frozenset({ChannelId(9)}), False),
        (frozenset(), False),
    ],
)
def test_a_listener_hears_its_events_of_its_channels(channels: Listening, hears: bool) -> None:
    crm = listener(EventType.MESSAGE_SENT, channels=channels)

    found = audience(CHANNEL, [DESK, crm])

    assert found.by_type.get(EventType.MESSAGE_SENT, ()) == ((crm.id,) if hears else ())
    assert found.by_type[EventType.MESSAGE_RECEIVED] == (DESK.id,)


def test_nobody_hears_another_workspaces_channels() -> None:
    spy = msgspec.structs.replace(listener(EventType.MESSAGE_SENT), workspace_id=WorkspaceId(2))
    theirs = msgspec.structs.replace(CHANNEL, id=ChannelId(9), workspace_id=WorkspaceId(2))

    found = audiences([CHANNEL, theirs], [DESK, spy])

    assert audience(CHANNEL, [spy]) == NOBODY
    assert found[CHANNEL.id].by_type == {EventType.MESSAGE_RECEIVED: (DESK.id,)}
    assert found[theirs.id].by_type == {EventType.MESSAGE_SENT: (spy.id,)}


def test_who_listens_to_messages_hears_the_bot_being_told_too_and_each_has_numbers_of_its_own() -> None:
    crm = listener(EventType.MESSAGE_RECEIVED, EventType.MESSAGE_SENT)

    first = decided(ANA, SAYS, DESK, crm)
    paused = decided(first.conversation, BotPaused(to=HERE, minutes=None, by="api"), DESK, crm)
    second = decided(paused.conversation, SAYS, DESK, crm)

    assert told(first) == [(crm.id, "message.received", 1), (crm.id, "message.sent", 2)]
    assert told(paused) == []
    assert told(second) == [(DESK.id, "message.received", 1), (crm.id, "message.received", 3)]
    assert second.conversation.webhook_seqs == {DESK.id: 1, crm.id: 3}


def test_a_reaction_to_the_bot_is_heard_as_well() -> None:
    crm = listener(EventType.MESSAGE_RECEIVED)

    decision = decided(ANA, MessageReceived(to=HERE, content=Reaction("👍", "m1")), DESK, crm)

    assert told(decision) == [(crm.id, "message.received", 1)]


def test_a_live_chat_that_listens_as_well_is_told_once() -> None:
    desk = msgspec.structs.replace(ENDPOINT, channels="all", events=frozenset({EventType.MESSAGE_RECEIVED}))

    first = decided(ANA, SAYS, desk)
    paused = decided(first.conversation, BotPaused(to=HERE, minutes=None, by="api"), desk)
    second = decided(paused.conversation, SAYS, desk)

    assert told(first) == [(desk.id, "message.received", 1)]
    assert told(second) == [(desk.id, "message.received", 2)]


def test_typing_is_whispered_to_everybody_who_wants_it_while_an_agent_has_control() -> None:
    crm = listener(EventType.TYPING)
    paused = decided(ANA, BotPaused(to=HERE, minutes=None, by="api"), ENDPOINT, crm).conversation

    assert decided(ANA, CustomerTyped(to=HERE), ENDPOINT, crm).effects == ()
    assert decided(paused, CustomerTyped(to=HERE), ENDPOINT, crm).effects == (
        Whisper(ENDPOINT.id, EventType.TYPING),
        Whisper(crm.id, EventType.TYPING),
    )


def test_a_channel_of_the_inbox_is_heard_by_those_who_listen() -> None:
    inbox: Channel = msgspec.structs.replace(CHANNEL, live_chat=LiveChat(LiveChatMode.INBOX))
    crm = listener(EventType.HANDOFF_REQUESTED)

    decision = decide(
        ANA,
        BotPaused(to=HERE, minutes=None, by="member"),
        surroundings(FLOW, channel=inbox, endpoints=[DESK, crm]),
    )

    assert told(decision) == [(crm.id, "handoff.requested", 1)]
