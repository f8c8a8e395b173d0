"""What a flow does for the people behind it, as the decision carries it out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from relevo.domain.agent_groups import AgentGroup, GroupId, GroupMember, Staff
from relevo.domain.broadcasts import BroadcastId, Says
from relevo.domain.conversations import (
    Control,
    Conversation,
    Decision,
    NotifyPlatform,
    Reached,
    Report,
    ShowTyping,
)
from relevo.domain.custom_events import CustomEvent, EventValues, LogCustomEvent
from relevo.domain.deciding import decide
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.walking import perform
from relevo.domain.events import BroadcastCame, ByConversation, MessageReceived
from relevo.domain.flows.engine import begin
from relevo.domain.ids import CustomEventId, FlowId, MemberId, WorkspaceId
from relevo.domain.messages import MessageType, Text
from relevo.domain.workspaces import EventType, PausedAutomation
from tests.domain.scenes import ANA, ENDPOINT, VERSION, surroundings

LUIS = MemberId(5)
ORDER = CustomEvent(id=CustomEventId(3), flow_id=FlowId(1001), name="Order")
TOLD = msgspec.structs.replace(ENDPOINT, events=frozenset({EventType.CONVERSATION_ASSIGNED}))


def member_of(workspace: WorkspaceId, name: str) -> MemberId | None:
    return LUIS if name == "luis@example.com" else None


def custom_event_of(flow: FlowId, name: str) -> CustomEvent | None:
    return ORDER if (flow, name) == (1001, "Order") else None


def decided(step: str, *, conversation: Conversation = ANA, **changes: Any) -> Decision:
    source = f"version: 1\nflow: f\nstart: a\nsubflows:\n  a:\n    - {step}\n    - send: after\n"
    around = surroundings(
        source, endpoints=(TOLD,), member_of=member_of, custom_event_of=custom_event_of, **changes
    )
    return decide(conversation, MessageReceived(to=ByConversation(ANA.id), content=Text("Hi")), around)


def reports(decision: Decision) -> list[Report]:
    return [effect for effect in decision.effects if isinstance(effect, Report)]


def test_the_conversation_is_given_to_an_agent_and_the_platform_hears_it() -> None:
    decision = decided("assign: {agent: luis@example.com}")

    told = [effect.data for effect in decision.effects if isinstance(effect, NotifyPlatform)]
    assert decision.conversation.member_id == LUIS
    assert {"agent_id": 5, "agent_name": "Luis"} in told


def test_somebody_who_is_not_there_is_assigned_nothing_and_a_person_can_find_that() -> None:
    agent, group = decided("assign: {agent: bo@example.com}"), decided("assign: {group: Sales}")

    assert (agent.conversation.member_id, group.conversation.member_id) == (None, None)
    assert reports(agent) == [
        Report("unknown_agent", "nobody was assigned: there is no agent 'bo@example.com'")
    ]
    assert reports(group) == [Report("unknown_group", "nobody was assigned: there is no agent group 'Sales'")]


def test_the_conversation_is_given_to_one_of_a_group() -> None:
    sales = AgentGroup(
        id=GroupId(2), workspace_id=ANA.workspace_id, name="Sales", members=(GroupMember(LUIS),)
    )

    decision = decided("assign: {group: sales}", groups={sales.id: sales}, staff={sales.id: Staff(0)})

    assert (decision.conversation.member_id, decision.conversation.group_id) == (LUIS, sales.id)


def test_an_assignment_is_taken_back() -> None:
    around = msgspec.structs.replace(ANA, member_id=LUIS)

    decision = decided("assign: nobody", conversation=around)

    assert decision.conversation.member_id is None


def test_a_note_is_kept_and_not_sent() -> None:
    decision = decided("note: Wants a table")

    note = decision.messages[1]
    assert (note.type, note.content) == (MessageType.NOTE, Text("Wants a table"))
    assert [message.type for message in decision.messages] == [
        MessageType.IN,
        MessageType.NOTE,
        MessageType.OUT,
    ]


def test_the_status_is_set() -> None:
    assert decided("status: pending").conversation.status == "pending"


def test_a_custom_event_is_logged_if_the_flow_has_it() -> None:
    logged = decided("event: {name: Order, price: 9.5}")
    unknown = decided("event: Ordre")

    assert LogCustomEvent(event_id=ORDER.id, values=EventValues(price=9.5)) in logged.effects
    assert [report.code for report in reports(unknown)] == ["unknown_custom_event"]


def test_typing_is_shown_and_the_message_comes_later() -> None:
    decision = decided("typing: 2s")

    assert ShowTyping() in decision.effects
    assert [message.type for message in decision.messages] == [MessageType.IN]
    assert decision.conversation.wake_at is not None


def test_chance_reaches_the_flow() -> None:
    step = "choose: [{do: [{status: pending}]}, {do: [{status: open}]}]"

    assert {decided(step, chance=chance).conversation.status for chance in range(20)} == {
        "pending",
        "open",
    }


@pytest.mark.parametrize(
    ("automation", "shown"),
    [(PausedAutomation.AGENT_ONLY, 0), (PausedAutomation.AGENT_TRIGGERS_AND_DELAYS, 1)],
)
def test_a_flow_shows_no_typing_while_an_agent_has_control(automation: PausedAutomation, shown: int) -> None:
    around = surroundings("version: 1\nflow: f\nstart: a\nsubflows:\n  a: [{typing: 2s}, {send: after}]\n")
    workspace = msgspec.structs.replace(around.workspace, paused_automation=automation)
    draft = Draft(ANA, msgspec.structs.replace(around, workspace=workspace))
    turn = begin(around.flows[VERSION], "a", draft.scene())
    draft.change(control=Control.AGENT)

    perform(draft, turn)

    assert [isinstance(effect, ShowTyping) for effect in draft.effects] == [True] * shown


def test_labels_and_opt_ins_are_the_subscribers() -> None:
    labelled = decided("label: VIP").conversation
    agreed = decided("opt_in: [email, broadcasts]").conversation.subscriber
    left = decided("opt_out: broadcasts").conversation.subscriber

    assert labelled.subscriber.labels == ("VIP",)
    assert agreed.opt_ins["email"].through == "flow"
    assert (agreed.no_broadcasts, left.no_broadcasts) == (False, True)


def test_a_broadcast_passes_over_whoever_wants_none() -> None:
    came = BroadcastCame(
        to=ByConversation(ANA.id), broadcast_id=BroadcastId(1), says=Says(contents=(Text("Sale"),))
    )
    silent = decided("opt_out: broadcasts").conversation
    around = surroundings("version: 1\nflow: f\nstart: a\nsubflows: {a: [end]}\n")

    told, passed_over = decide(ANA, came, around), decide(silent, came, around)

    assert [message.content for message in told.messages] == [Text("Sale")]
    assert passed_over.messages == ()
    assert [one.outcome for one in passed_over.effects if isinstance(one, Reached)] == ["opted_out"]
