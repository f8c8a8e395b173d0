"""The page on the webhook says what the code does, and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec

from relevo.domain import live_chat, retries
from relevo.domain.conversations import NotifyPlatform
from relevo.domain.deciding import decide
from relevo.domain.events import BotResumed, ByConversation, HandoffAccepted, MessageReceived
from relevo.domain.ids import ConversationId, FlowId, MemberId, MessageId, WorkspaceId
from relevo.domain.messages import Media, Message, MessageType, Other, Text, msg_type
from relevo.domain.workspaces import EventType
from relevo.testing.clock import NOON
from tests.domain.scenes import ANA, surroundings

PAGE = Path(__file__).parents[2].joinpath("docs/reference/webhook.md").read_text()

ABOUT = live_chat.About(
    workspace_id=WorkspaceId(1),
    flow_id=FlowId(1001),
    conversation_id=ConversationId(34),
    member_id=None,
    paused_seconds=0,
)
HELLO = Message(
    id=MessageId(1),
    object_id="0" * 24,
    conversation_id=ConversationId(34),
    seq=1,
    type=MessageType.IN,
    content=Text("Hello"),
    created_at=NOON,
)


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> set[str]:
    """What the first column of a section's tables names."""
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_every_event_is_on_the_page_and_nothing_else() -> None:
    assert first_cells(section("Events")) == {one.value for one in EventType}


def test_every_field_of_meta_and_message_is_on_the_page_and_nothing_else() -> None:
    body = msgspec.json.decode(live_chat.message_body(ABOUT, HELLO))
    fields, types = section("`message`").split("| `msg_type` | `payload`")

    assert first_cells(section("`meta`")) == set(body["meta"])
    assert first_cells(fields) == set(body["message"])
    named = {name for kind in (Media, Other) for name in get_args(get_type_hints(kind)["type"])}
    plain = {"text", "location", "contacts", "interactive", "reaction"}
    assert first_cells("| `msg_type` | `payload`" + types) - {"msg_type"} == plain | named


def test_the_schedule_on_the_page_is_the_one_that_is_kept() -> None:
    units = {"s": 1, "min": 60, "h": 3600}
    row = next(line for line in PAGE.splitlines() if "tried again after" in line)
    found = [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", row)]

    assert found == [wait.total_seconds() for wait in retries.WEBHOOK_SCHEDULE]


def test_a_text_is_called_text() -> None:
    assert msg_type(HELLO.content) == "text"


def test_the_examples_of_a_handoff_have_what_the_events_have() -> None:
    """Each made by the decision that tells it."""
    bodies = [msgspec.json.decode(one) for one in re.findall(r"```json\n(.+?)```", PAGE, re.S)]
    examples = {one["type"]: one for one in bodies}
    flow = (
        "version: 1\nflow: f\nstart: a\nsubflows:\n  a: [{pause_bot: {minutes: 60, tell: "
        "{summary: Ana wants a bike, fields: [plan], transcript: 2}}}]\n"
    )
    to = ByConversation(ANA.id)
    asked = decide(
        msgspec.structs.replace(ANA, subscriber=ANA.subscriber.with_field("plan", "pro")),
        MessageReceived(to=to, content=Text("agent")),
        surroundings(flow, now=datetime(2030, 1, 1, 12, tzinfo=UTC)),
    )
    accepted = decide(
        asked.conversation, HandoffAccepted(to=to, by="api", member_id=MemberId(5)), surroundings(flow)
    )
    end = BotResumed(to=to, by="api", reason="solved", note="She was kind", outcome="refunded")
    returned = decide(accepted.conversation, end, surroundings(flow))
    effects = (*asked.effects, *accepted.effects, *returned.effects)
    told = {one.event_type.value: one for one in effects if isinstance(one, NotifyPlatform)}

    assert len(examples["handoff.requested"].pop("transcript")) == told["handoff.requested"].transcript
    for type_, example in examples.items():
        assert example == {"type": type_, **(told[type_].data or {})}
    assert set(examples) == {"handoff.requested", "handoff.accepted", "handoff.returned"}
