"""What starts a subflow besides a message, that it ends, and that it does not speak for an agent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from relevo.domain.conversations import Conversation, Decision, Report
from relevo.domain.deciding import decide, triggering
from relevo.domain.events import (
    AgentReplied,
    AnyEvent,
    Assigned,
    BotPaused,
    BotResumed,
    ByConversation,
    MessageReceived,
    Moved,
    ScheduleCame,
    SubscriberChanged,
    TimeCame,
    WebhookCalled,
)
from relevo.domain.flows.runs import AddTag, RemoveTag, SetField
from relevo.domain.flows.triggers.happenings import OnSchedule
from relevo.domain.ids import MemberId
from relevo.domain.messages import Text, plain_text
from relevo.domain.schedules import NoSchedule, check, last_before
from relevo.domain.workspaces import PausedAutomation
from relevo.testing.clock import NOON
from tests.domain.scenes import ANA, WORKSPACE, compiled, surroundings

TO = ByConversation(ANA.id)
KNOWN = msgspec.structs.replace(ANA, started=True, message_seq=1)


def flow(*triggers: str, **subflows: str) -> str:
    steps = {"a": "[{send: a}]", "b": "[{send: b}]", "q": "[{ask: Really?}, {send: thanks}]", **subflows}
    listed = "".join(f"  - {one}\n" for one in triggers)
    named = "".join(f"  {name}: {one}\n" for name, one in steps.items())
    return f"version: 1\nflow: t\nstart: a\ntriggers:\n{listed}subflows:\n{named}"


def after(source: str, *events: AnyEvent, of: Conversation = KNOWN, **around: Any) -> Decision:
    """The last of the decisions about these events."""
    *before, last = events
    for event in before:
        of = decide(of, event, surroundings(source, **around)).conversation
    return decide(of, last, surroundings(source, **around))


def said(decision: Decision) -> list[str]:
    return [plain_text(one.content) for one in decision.messages if one.type == "out"]


def reports(decision: Decision) -> list[str]:
    return [one.code for one in decision.effects if isinstance(one, Report)]


def changed(*acts: Any) -> SubscriberChanged:
    return SubscriberChanged(to=TO, acts=acts)


VIP = msgspec.structs.replace(KNOWN, subscriber=KNOWN.subscriber.with_tag("vip").with_field("plan", "pro"))


@pytest.mark.parametrize(
    ("trigger", "event", "of", "starts"),
    [
        ("{on: tag_added, tag: vip, do: b}", changed(AddTag("vip")), KNOWN, True),
        ("{on: tag_added, tag: [x, vip], do: b}", changed(AddTag("vip")), KNOWN, True),
        ("{on: tag_added, do: b}", changed(AddTag("other")), KNOWN, True),
        ("{on: tag_added, tag: vip, do: b}", changed(AddTag("other")), KNOWN, False),
        ("{on: tag_added, tag: vip, do: b}", changed(AddTag("vip")), VIP, False),
        ("{on: tag_removed, tag: vip, do: b}", changed(RemoveTag("vip")), VIP, True),
        ("{on: tag_removed, tag: vip, do: b}", changed(RemoveTag("vip")), KNOWN, False),
        ("{on: field_changed, field: plan, do: b}", changed(SetField("plan", "free")), VIP, True),
        ("{on: field_changed, field: plan, do: b}", changed(SetField("plan", "pro")), VIP, False),
        ("{on: field_changed, field: plan, do: b}", changed(SetField("size", 1)), VIP, False),
        (
            "{on: field_changed, field: plan, when: {field: plan, is: pro}, do: b}",
            changed(SetField("plan", "pro")),
            KNOWN,
            True,
        ),
        (
            "{on: field_changed, field: plan, when: {field: plan, is: pro}, do: b}",
            changed(SetField("plan", "free")),
            KNOWN,
            False,
        ),
        ("{on: inbound_webhook, webhook: shop, do: b}", WebhookCalled(to=TO, name="shop"), KNOWN, True),
        ("{on: inbound_webhook, webhook: shop, do: b}", WebhookCalled(to=TO, name="crm"), KNOWN, False),
        ("{on: conversation_closed, do: b}", Moved(to=TO, status="done"), KNOWN, True),
        ("{on: conversation_closed, do: b}", Moved(to=TO, status="pending"), KNOWN, False),
        ("{on: conversation_assigned, do: b}", Assigned(to=TO, member_id=MemberId(5)), KNOWN, True),
        ("{on: conversation_assigned, do: b}", Assigned(to=TO, member_id=None), KNOWN, False),
    ],
)
def test_what_starts_a_subflow(trigger: str, event: AnyEvent, of: Conversation, starts: bool) -> None:
    assert said(after(flow(trigger), event, of=of)) == (["b"] if starts else [])


def test_a_conversation_that_is_open_again_and_a_bot_that_is_back() -> None:
    opened = flow("{on: conversation_opened, do: b}")
    returned = flow("{on: agent_returned, do: b}")

    assert said(after(opened, Moved(to=TO, status="done"), Moved(to=TO, status="open"))) == ["b"]
    pauses = BotPaused(to=TO, minutes=5, by="api")
    assert said(after(returned, pauses, BotResumed(to=TO, by="api"))) == ["b"]
    assert said(after(returned, pauses, TimeCame(to=TO), now=NOON)) == []


# Whoever has control


PAUSED = after(flow("{on: keyword, words: [x], do: b}"), BotPaused(to=TO, minutes=5, by="api")).conversation
ON_VIP = flow("{on: tag_added, tag: vip, do: b}")


def test_no_trigger_makes_the_bot_speak_while_an_agent_has_control() -> None:
    decision = after(ON_VIP, changed(AddTag("vip")), of=PAUSED)

    assert said(decision) == []
    assert reports(decision) == ["bot_is_paused"]
    assert decision.conversation.subscriber.tags == ("vip",)


def test_triggers_go_on_while_paused_where_the_workspace_wants_it() -> None:
    workspace = msgspec.structs.replace(
        WORKSPACE, paused_automation=PausedAutomation.AGENT_TRIGGERS_AND_DELAYS
    )

    assert said(after(ON_VIP, changed(AddTag("vip")), of=PAUSED, workspace=workspace)) == ["b"]


def test_an_agent_who_tags_with_an_answer_starts_nothing() -> None:
    reply = AgentReplied(to=TO, contents=(Text("Hi"),), acts=(AddTag("vip"),))

    assert said(after(ON_VIP, reply)) == []


# What the customer was in the middle of


def test_a_subflow_that_ends_at_once_leaves_the_question_as_it_was() -> None:
    source = flow("{on: keyword, words: [ask], do: q}", "{on: tag_added, do: b}")
    decision = after(source, MessageReceived(to=TO, content=Text("ask")), changed(AddTag("vip")))

    assert said(decision) == ["b"]
    answered = after(source, MessageReceived(to=TO, content=Text("yes")), of=decision.conversation)
    assert said(answered) == ["thanks"]


def test_one_that_waits_takes_its_place() -> None:
    source = flow(
        "{on: keyword, words: [ask], do: q}", "{on: tag_added, do: w}", w="[{ask: New?}, {send: w}]"
    )
    decision = after(source, MessageReceived(to=TO, content=Text("ask")), changed(AddTag("vip")))

    answered = after(source, MessageReceived(to=TO, content=Text("yes")), of=decision.conversation)
    assert said(answered) == ["w"]


# Loops


ROUND = flow(
    "{on: tag_added, tag: x, do: b}",
    "{on: tag_removed, tag: x, do: a}",
    a="[{tag: x}, {send: a}]",
    b="[{untag: x}, {send: b}]",
)


def test_triggers_that_set_off_one_another_are_stopped() -> None:
    decision = after(ROUND, changed(AddTag("x")))

    assert len(said(decision)) == triggering.MOST_AT_ONCE
    assert reports(decision) == ["trigger_loop"]


def test_those_that_go_round_through_a_wait_are_stopped_too() -> None:
    source = flow("{on: field_changed, field: n, do: b}", b="[{wait: 1s}, {set: {n: '{{ n | plus: 1 }}'}}]")
    of, second, told = after(source, changed(SetField("n", 0))).conversation, 0, [""]
    while of.run is not None:
        second += 2
        decision = after(source, TimeCame(to=TO), of=of, now=NOON + timedelta(seconds=second))
        of, told = decision.conversation, reports(decision)

    assert told == ["trigger_loop"]
    assert of.subscriber.fields["n"] == str(triggering.MOST_AN_HOUR)
    later = after(source, changed(SetField("n", -1)), of=of, now=NOON + timedelta(hours=2))
    assert later.conversation.run is not None


# Silence


SILENT = flow(
    "{on: no_reply, after: 5m, do: a}", "{on: no_reply, after: 1h, do: b}", "{on: keyword, words: [q], do: q}"
)


def silent(of: Conversation, minutes: float) -> Decision:
    return after(SILENT, TimeCame(to=TO), of=of, now=NOON + timedelta(minutes=minutes))


def test_a_silent_customer_is_asked_after_each_of_the_times() -> None:
    of = after(SILENT, MessageReceived(to=TO, content=Text("Hello"))).conversation
    assert of.wake_at == NOON + timedelta(minutes=5)

    first = silent(of, 5)
    assert said(first) == ["a"]
    assert first.conversation.wake_at == NOON + timedelta(hours=1)
    second = silent(first.conversation, 60)
    assert said(second) == ["b"]
    assert second.conversation.wake_at is None


def test_of_several_that_are_late_one_is_said() -> None:
    of = after(SILENT, MessageReceived(to=TO, content=Text("Hello"))).conversation

    assert said(silent(of, 300)) == ["b"]


def test_whoever_writes_is_not_silent() -> None:
    of = after(SILENT, MessageReceived(to=TO, content=Text("Hello"))).conversation
    again = MessageReceived(to=TO, content=Text("Still here"))

    late = after(SILENT, again, of=of, now=NOON + timedelta(minutes=30))
    assert said(late) == []
    assert late.conversation.wake_at == NOON + timedelta(minutes=35)


@pytest.mark.parametrize("event", [BotPaused(to=TO, minutes=None, by="api"), Moved(to=TO, status="done")])
def test_nobody_is_asked_while_an_agent_has_control_or_when_it_is_done(event: AnyEvent) -> None:
    of = after(SILENT, MessageReceived(to=TO, content=Text("Hello")), event).conversation
    decision = silent(of, 5)

    assert said(decision) == []
    assert reports(decision) == []
    assert decision.conversation.wake_at is None


# Schedules


DAILY = '{on: schedule, cron: "0 9 * * *", zone: Europe/Madrid, when: {tag: vip}, do: b}'


def key_of(source: str) -> str:
    return next(one.key for one in compiled(source).triggers if isinstance(one, OnSchedule))


def test_a_schedule_is_for_those_whom_its_condition_holds_for() -> None:
    event = ScheduleCame(to=TO, key=key_of(flow(DAILY)))

    assert said(after(flow(DAILY), event, of=VIP)) == ["b"]
    assert said(after(flow(DAILY), event, of=KNOWN)) == []
    assert said(after(flow(DAILY), ScheduleCame(to=TO, key="gone"), of=VIP)) == []


@pytest.mark.parametrize(
    ("cron", "zone", "now", "last"),
    [
        ("0 9 * * *", "UTC", "2030-01-01T09:00:30", "2030-01-01T09:00"),
        ("0 9 * * *", "UTC", "2030-01-01T08:59:59", "2029-12-31T09:00"),
        ("0 9 * * *", "Europe/Madrid", "2030-01-01T08:00:00", "2030-01-01T08:00"),
        ("0 9 * * *", "Europe/Madrid", "2030-07-01T07:00:00", "2030-07-01T07:00"),
        ("0 9 * * mon-fri", "UTC", "2030-01-06T12:00:00", "2030-01-04T09:00"),
        ("30 2 * * *", "Europe/Madrid", "2030-03-31T01:00:00", "2030-03-31T01:00"),  # 2:30 is skipped
        ("30 2 * * *", "Europe/Madrid", "2030-10-27T12:00:00", "2030-10-27T00:30"),  # and comes once
        ("*/15 * * * *", "Asia/Kolkata", "2030-01-01T00:16:00", "2030-01-01T00:15"),
    ],
)
def test_when_a_schedule_was_last(cron: str, zone: str, now: str, last: str) -> None:
    found = last_before(cron, zone, datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert found == datetime.fromisoformat(last).replace(tzinfo=UTC)


@pytest.mark.parametrize("cron", ["", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "x * * * *"])
def test_what_is_no_schedule(cron: str) -> None:
    with pytest.raises(NoSchedule):
        check(cron)
