"""A handoff, from its request to its return, and what the flow does meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relevo.domain.conversations import Control, Conversation, Decision, NotifyPlatform
from relevo.domain.deciding import decide
from relevo.domain.errors import ControlChanged, HandoffTaken, NoHandoff
from relevo.domain.events import (
    AgentReplied,
    AnyEvent,
    BotPaused,
    BotResumed,
    ByConversation,
    HandoffAccepted,
    MessageReceived,
    PlatformUnreachable,
    TimeCame,
)
from relevo.domain.handoffs import Phase
from relevo.domain.ids import EndpointId, MemberId
from relevo.domain.messages import Interactive, Text, plain_text
from relevo.domain.subscribers import Profile
from relevo.domain.workspaces import PausedAutomation
from relevo.testing.clock import NOON
from tests.domain.scenes import ANA, ENDPOINT, WORKSPACE, surroundings

HERE = ByConversation(ANA.id)
LUIS, MARTA = MemberId(5), MemberId(6)

FLOW = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [menu], do: menu}
  - {on: keyword, words: [prices], do: prices}
subflows:
  welcome:
    - pause_bot:
        minutes: 60
        leave_words: [bot]
        say: One moment, {{ first_name }}.
        tell: {summary: "Wants {{ topic }}", fields: [plan, first_name, nothing], transcript: 3}
        not_accepted: {after: 2m, do: [{send: Still looking}]}
        no_reply: {after: 10m, do: [{send: Sorry}]}
        customer_silent: {after: 20m, do: [{send: Goodbye}, resume_bot, {send: Bye}]}
        platform_down: {do: [{send: Nobody hears us}]}
        returned: {do: [{send: "Ended by {{ handoff_reason }}: {{ handoff_outcome }} ({{ handoff_note }})"}]}
    - send: I am back
  menu:
    - resume_bot
    - send: The menu
  prices:
    - send: The prices
"""


class Story:
    """Ana's conversation as it goes on. Each call tells one thing, and keeps what came of it."""

    def __init__(self, flow: str = FLOW, **changes: Any) -> None:
        self.flow, self.changes = flow, changes
        self.now, self.state = NOON, ANA
        self.decision = Decision(conversation=ANA)

    def tell(self, event: AnyEvent, *, later: timedelta = timedelta(0), **changes: Any) -> Story:
        self.now += later
        around = surroundings(self.flow, now=self.now, **(self.changes | changes))
        self.decision = decide(self.state, event, around)
        self.state = msgspec.json.decode(
            msgspec.json.encode(self.decision.conversation), type=Conversation
        )  # as it is after a restart
        return self

    def says(self, text: str, **options: Any) -> Story:
        return self.tell(MessageReceived(to=HERE, content=Text(text)), **options)

    def wakes(self, **options: Any) -> Story:
        """The timers wake the conversation when it wants to be woken."""
        assert self.state.wake_at is not None
        return self.tell(TimeCame(to=HERE), later=self.state.wake_at - self.now, **options)

    def replies(self, text: str = "Hello, here is Luis", **options: Any) -> Story:
        return self.tell(AgentReplied(to=HERE, contents=(Text(text),), member_id=LUIS), **options)

    def accepts(self, by: MemberId | None = LUIS, epoch: int | None = None, **options: Any) -> Story:
        return self.tell(HandoffAccepted(to=HERE, by="api", member_id=by, epoch=epoch), **options)

    def returns(self, **words: Any) -> Story:
        return self.tell(BotResumed(to=HERE, by="api", **words))

    def platform_fails(self, **options: Any) -> Story:
        return self.tell(PlatformUnreachable(to=HERE, endpoint_id=ENDPOINT.id), **options)

    @property
    def phase(self) -> Phase | None:
        return self.state.pause.phase if self.state.pause else None

    @property
    def bot(self) -> list[str]:
        """What the bot has just said."""
        return [plain_text(one.content) for one in self.decision.messages if one.type.value == "out"]

    @property
    def told(self) -> list[str]:
        """What the platform was just told."""
        return [one.event_type.value for one in self.notices]

    def event(self, type_: str) -> dict[str, Any]:
        found = next(one for one in self.notices if one.event_type.value == type_)
        return dict(found.data or {})

    @property
    def notices(self) -> list[NotifyPlatform]:
        return [one for one in self.decision.effects if isinstance(one, NotifyPlatform)]


def handed_over(**changes: Any) -> Story:
    return Story(**changes).says("Hi")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


# Requested


def test_the_customer_is_told_before_and_the_platform_with_the_handover() -> None:
    story = Story()
    subscriber = ANA.subscriber.told(Profile(first_name="Ana")).with_field("topic", "a bike")
    story.state = msgspec.structs.replace(ANA, subscriber=subscriber.with_field("plan", "pro"))

    story.says("Hi")

    assert story.bot == ["One moment, Ana."]
    assert story.event("handoff.requested") == {
        "reason": "flow",
        "until": (NOON + minutes(60)).isoformat(),
        "epoch": 1,
        "summary": "Wants a bike",
        "fields": {"plan": "pro", "first_name": "Ana", "nothing": ""},
    }
    request = next(
        one for one in story.decision.effects if isinstance(one, NotifyPlatform) and one.transcript
    )
    assert request.transcript == 3
    assert (story.state.control, story.phase) == (Control.AGENT, Phase.REQUESTED)


def test_a_handover_without_a_briefing_is_told_as_it_always_was() -> None:
    story = Story("version: 1\nflow: f\nstart: a\nsubflows: {a: [pause_bot]}\n").says("Hi")

    assert story.event("handoff.requested") == {"reason": "flow", "until": None, "epoch": 1}
    assert story.state.wake_at is None


# Accepted


def test_accepting_is_told_and_assigns_the_conversation() -> None:
    story = handed_over().accepts()

    assert story.phase is Phase.ACCEPTED
    assert story.told == ["handoff.accepted", "conversation.assigned"]
    assert story.event("handoff.accepted") == {
        "agent_id": 5,
        "agent_name": "Luis",
        "by": "api",
        "epoch": 1,
    }
    assert (story.state.member_id, story.state.epoch) == (LUIS, 1)


def test_a_platform_that_knows_nothing_of_accepting_accepts_by_its_reply() -> None:
    story = handed_over().replies()

    assert story.phase is Phase.ACTIVE
    assert story.told == ["handoff.accepted", "message.sent"]
    assert story.event("handoff.accepted")["by"] == "reply"
    assert story.replies().told == ["message.sent"]


def test_accepting_twice_is_accepting_once_and_somebody_else_is_refused() -> None:
    story = handed_over().accepts()

    assert story.accepts().told == []
    assert story.accepts(None).told == []
    with pytest.raises(HandoffTaken, match="accepted by Luis before"):
        story.accepts(MARTA)


def test_a_handoff_that_is_over_cannot_be_accepted() -> None:
    story = handed_over()
    story.returns()

    with pytest.raises(NoHandoff):
        story.accepts()


@pytest.mark.parametrize("act", ["accepts", "returns"])
def test_what_is_said_of_an_older_epoch_is_refused(act: str) -> None:
    story = handed_over().returns()
    story.tell(BotPaused(to=HERE, minutes=5, by="api"))

    with pytest.raises(ControlChanged, match="the epoch is 3 now, and you name 1"):
        getattr(story, act)(epoch=1)
    getattr(story, act)(epoch=3)


def test_a_member_who_takes_over_has_accepted_and_the_api_asks_for_somebody() -> None:
    by_member = Story().tell(BotPaused(to=HERE, minutes=5, by="member", member_id=LUIS))
    by_api = Story().tell(BotPaused(to=HERE, minutes=5, by="api", member_id=LUIS))

    assert (by_member.phase, by_api.phase) == (Phase.ACCEPTED, Phase.REQUESTED)
    assert by_member.told == ["handoff.requested", "handoff.accepted"]


# Not accepted


def test_while_nobody_has_accepted_the_bot_speaks_and_control_stays() -> None:
    story = handed_over().wakes()

    assert (story.now, story.bot) == (NOON + minutes(2), ["Still looking"])
    assert story.told == ["message.sent"]
    assert (story.state.control, story.state.epoch, story.phase) == (Control.AGENT, 1, Phase.REQUESTED)


def test_it_is_said_once() -> None:
    story = handed_over().wakes()

    assert story.tell(TimeCame(to=HERE), later=minutes(4)).bot == []


def test_once_somebody_has_accepted_it_is_not_said() -> None:
    story = handed_over().accepts(later=minutes(1))

    assert story.tell(TimeCame(to=HERE), later=minutes(1)).bot == []


def test_a_timer_that_comes_late_speaks_before_an_acceptance_that_comes_later() -> None:
    """At ten past nobody had accepted: that is said, and then somebody comes."""
    story = handed_over().accepts(later=minutes(5))

    assert (story.bot, story.phase) == (["Still looking"], Phase.ACCEPTED)


def test_the_flow_goes_on_as_before_when_control_returns_afterwards() -> None:
    story = handed_over().wakes().accepts().returns()

    assert story.bot == ["Ended by api:  ()", "I am back"]


# Nobody replies


def test_where_nobody_accepts_nobody_replies_either() -> None:
    story = handed_over().wakes().wakes()

    assert (story.now, story.bot, story.state.epoch) == (NOON + minutes(10), ["Sorry"], 1)


def test_once_accepted_the_bot_takes_control_to_speak_and_hands_over_again() -> None:
    story = handed_over().accepts(later=minutes(1)).wakes()

    assert (story.now, story.bot) == (NOON + minutes(10), ["Sorry"])
    assert story.told == ["handoff.returned", "message.sent", "handoff.requested"]
    assert story.event("handoff.returned") == {"reason": "no_reply", "epoch": 2}
    assert story.event("handoff.requested")["epoch"] == 3
    assert story.event("handoff.requested")["until"] == (NOON + minutes(60)).isoformat()
    assert (story.phase, story.state.epoch) == (Phase.REQUESTED, 3)


def test_after_a_reply_it_counts_from_what_the_customer_says_next() -> None:
    story = (
        handed_over()
        .replies(later=minutes(1))
        .says("And?", later=minutes(1))
        .says("Hello?", later=minutes(1))
    )

    assert story.state.wake_at == NOON + minutes(12)
    assert story.wakes().bot == ["Sorry"]


def test_it_is_not_said_again_before_the_customer_has_said_something() -> None:
    story = handed_over().accepts().wakes()

    assert story.accepts().state.wake_at == NOON + minutes(60)
    assert story.says("Hello?").state.wake_at == NOON + minutes(20)


# The customer is silent


def test_a_branch_that_resumes_the_bot_goes_on_behind_the_pause() -> None:
    story = handed_over().replies(later=minutes(1)).wakes()

    assert story.now == NOON + minutes(21)
    assert story.bot == ["Goodbye", "Bye", "I am back"]
    assert story.told == ["handoff.returned", "message.sent", "message.sent", "message.sent"]
    assert story.event("handoff.returned")["reason"] == "customer_silent"
    assert (story.state.control, story.state.epoch, story.state.run) == (Control.BOT, 2, None)


def test_what_the_customer_says_ends_the_silence() -> None:
    story = handed_over().replies(later=minutes(1)).says("Yes", later=minutes(1)).replies("Fine")

    assert story.state.wake_at == NOON + minutes(22)


# The platform is down


def test_the_customer_is_told_at_once_and_once() -> None:
    story = handed_over().platform_fails()

    assert (story.bot, story.phase, story.state.epoch) == (["Nobody hears us"], Phase.REQUESTED, 1)
    assert story.platform_fails(later=minutes(1)).bot == []
    assert story.platform_fails(later=minutes(30)).bot[-1:] == ["Nobody hears us"]


def test_who_hands_over_to_a_platform_that_is_down_is_told_with_it() -> None:
    story = Story(is_down=lambda endpoint: endpoint == ENDPOINT.id).says("Hi")

    assert story.bot[1:] == ["Nobody hears us"]
    assert story.told == ["message.sent", "handoff.requested", "message.sent"]
    assert story.says("Hello?").bot == []


def test_who_writes_to_a_platform_that_went_down_is_told_and_their_words_wait_there() -> None:
    story = handed_over().replies().says("Hello?", is_down=lambda _: True)

    assert story.bot == ["Nobody hears us"]
    assert story.told == ["message.received", "handoff.returned", "message.sent", "handoff.requested"]
    assert story.event("handoff.returned")["reason"] == "platform_down"
    assert story.state.wake_at == NOON + minutes(2)


def test_another_endpoint_that_is_down_is_none_of_the_customers_business() -> None:
    story = handed_over().tell(PlatformUnreachable(to=HERE, endpoint_id=EndpointId(99)))

    assert story.bot == []


def test_with_the_bot_in_control_nobody_waits_for_the_platform() -> None:
    assert Story().platform_fails().decision.conversation == ANA


def test_a_pause_that_no_flow_began_has_the_standard_words() -> None:
    flow = "version: 1\nflow: f\nstart: a\nsubflows: {a: [{send: Hi}]}\n"
    story = Story(flow).tell(BotPaused(to=HERE, minutes=30, by="api")).platform_fails()

    assert story.bot == ["We cannot reach our team right now. What you write is kept, and they will get it."]
    assert (story.state.run, story.phase) == (None, Phase.REQUESTED)
    assert story.returns().bot == []


# Returned


def test_the_flow_knows_how_it_ended() -> None:
    story = handed_over().returns(reason="solved", note="He was kind", outcome="sold", member_id=LUIS)

    assert story.bot == ["Ended by solved: sold (He was kind)", "I am back"]
    assert story.event("handoff.returned") == {
        "reason": "solved",
        "note": "He was kind",
        "outcome": "sold",
        "epoch": 2,
    }
    notes = [plain_text(one.content) for one in story.decision.messages if one.type.value == "note"]
    assert notes == ["He was kind"]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda story: story.says("bot"), "customer"),
        (lambda story: story.wakes().wakes().wakes(), "time"),
        (lambda story: story.tell(BotResumed(to=HERE, by="member")), "member"),
    ],
)
def test_whoever_ends_it(end: Any, reason: str) -> None:
    story = handed_over()

    end(story)

    assert story.bot == [f"Ended by {reason}:  ()", "I am back"]


def test_after_an_hour_that_nobody_saw_only_the_end_is_told() -> None:
    """A server that was away: what would have been said meanwhile is not said any more."""
    story = handed_over().tell(TimeCame(to=HERE), later=timedelta(hours=2))

    assert story.bot == ["Ended by time:  ()", "I am back"]


def test_returning_what_was_returned_changes_nothing() -> None:
    story = handed_over().returns()

    assert story.returns(note="again").decision.messages == ()


# While paused


def test_a_trigger_that_begins_with_resume_bot_takes_control_back() -> None:
    story = handed_over().replies().says("Menu")

    assert story.bot == ["The menu"]
    assert story.told == ["message.received", "handoff.returned", "message.sent"]
    assert story.event("handoff.returned")["reason"] == "flow"
    assert (story.state.control, story.state.run) == (Control.BOT, None)


def test_so_does_a_button_and_no_other_trigger() -> None:
    story = handed_over().replies()

    assert story.says("prices").bot == []
    assert story.tell(MessageReceived(to=HERE, content=Interactive("Menu", "do:menu"))).bot == ["The menu"]


def test_a_word_within_a_sentence_is_for_the_agent() -> None:
    assert handed_over().replies().says("what is on the menu today?").bot == []


# What a branch may do


def branching(steps: str, **changes: Any) -> Story:
    flow = (
        "version: 1\nflow: f\nstart: a\nsubflows:\n  a:\n"
        f"    - pause_bot: {{not_accepted: {{after: 2m, do: [{steps}]}}}}\n    - send: behind\n"
        "  b: [{send: elsewhere}]\n"
    )
    return Story(flow, **changes).says("Hi").wakes()


@pytest.mark.parametrize(
    ("steps", "said", "control"),
    [
        ("{tag: waited}", [], Control.AGENT),
        ("{send: one}, {when: {tag: x}, then: [end], else: [{send: two}]}", ["one", "two"], Control.AGENT),
        ("{call: b}, {send: after}", ["elsewhere", "after"], Control.AGENT),
        ("{call: b}", ["elsewhere"], Control.AGENT),
        ("resume_bot", ["behind"], Control.BOT),
        ("{go: b}", ["elsewhere"], Control.BOT),
        ("end", [], Control.BOT),
        ("{ask: E-mail?}", ["E-mail?"], Control.BOT),
        ("{wait: 1m}, {send: later}", [], Control.BOT),
        ("{wait: 1m}", [], Control.AGENT),
        ("{send: one}, pause_bot, {send: never}", ["one"], Control.AGENT),
    ],
)
def test_a_branch_goes_on_waiting_unless_it_goes_elsewhere(
    steps: str, said: list[str], control: Control
) -> None:
    story = branching(steps)

    assert (story.bot, story.state.control) == (said, control)
    assert story.state.epoch == (1 if control is Control.AGENT else 2)


def test_who_answers_the_question_of_a_branch_goes_on_behind_the_pause() -> None:
    assert branching("{ask: E-mail?}").says("ana@example.com").bot == ["behind"]


def test_a_pause_within_a_branch_goes_on_there() -> None:
    assert branching("pause_bot, {send: within}").returns().bot == ["within", "behind"]


def test_a_branch_that_runs_away_leaves_the_handoff_as_it_was() -> None:
    flow = (
        "version: 1\nflow: f\nstart: a\nsubflows:\n  a:\n"
        "    - pause_bot: {not_accepted: {after: 2m, do: [{call: b}]}}\n    - send: behind\n"
        "  b: [{tag: x}, {call: b}, {tag: y}]\n"
    )
    story = Story(flow).says("Hi").wakes()

    assert (story.state.control, story.state.epoch) == (Control.AGENT, 1)
    assert story.returns().bot == ["behind"]


# Defaults


STANDARD = """\
version: 1
flow: f
start: a
subflows:
  a: [{pause_bot: {not_accepted: , no_reply: {after: 3m}, customer_silent: {after: 4m}}}, {send: behind}]
"""


@pytest.mark.parametrize(
    ("language", "begins"),
    [("", "Everybody is busy"), ("es-MX", "En este momento"), ("DE", "Gerade"), ("xx", "Everybody")],
)
def test_what_is_not_said_is_standard_in_the_customers_language(language: str, begins: str) -> None:
    story = Story(STANDARD)
    subscriber = ANA.subscriber.told(Profile(language=language))
    story.state = msgspec.structs.replace(ANA, subscriber=subscriber)

    assert story.says("Hi").wakes().bot[0].startswith(begins)
    assert story.now == NOON + minutes(2)


def test_a_customer_who_is_silent_is_given_back_without_a_word() -> None:
    assert Story(STANDARD).says("Hi").replies().wakes().bot == ["behind"]


@pytest.mark.parametrize("name", ["not_accepted", "no_reply", "customer_silent"])
def test_a_subflow_of_its_name_takes_the_place_of_what_is_standard(name: str) -> None:
    story = Story(f"{STANDARD}  handoff_{name}: [{{send: ours}}]\n").says("Hi")
    if name == "customer_silent":
        story.replies()

    while "ours" not in story.wakes().bot:
        assert story.now < NOON + minutes(60)


DEFAULTS = """\
version: 1
flow: defaults
start: handoff_not_accepted
retry: {number: Only digits}
triggers:
  - {on: keyword, words: [menu], do: menu}
subflows:
  handoff_not_accepted: [{send: {text: theirs, buttons: [{title: Menu, do: menu}]}}, {go: menu}]
  handoff_returned: [{send: welcome back}]
  menu: [{ask: {text: How many?, kind: number}}, {send: thanks}]
"""


def falling_back(flow: str = STANDARD) -> Story:
    return Story(flow, defaults=[DEFAULTS]).says("Hi")


def test_the_workspaces_defaults_take_the_place_of_what_is_standard() -> None:
    story = falling_back()

    assert story.wakes().bot == ["theirs", "How many?"]
    assert story.says("many").bot == ["Only digits"]
    assert story.says("5").bot == ["thanks"]


def test_what_the_flow_has_itself_comes_before_the_defaults() -> None:
    own = f"{STANDARD}  handoff_not_accepted: [{{send: ours}}]\n"

    assert falling_back(own).wakes().bot == ["ours"]
    assert falling_back(f"{STANDARD}  menu: [{{send: our menu}}]\n").wakes().bot == ["theirs", "our menu"]
    assert falling_back(own.replace("not_accepted: ,", "not_accepted: {do: []},")).wakes().bot == []


def test_a_return_that_no_flow_names_is_said_by_the_defaults() -> None:
    assert falling_back().returns().bot == ["welcome back", "behind"]


def test_a_button_of_the_defaults_leads_on_and_their_triggers_do_not() -> None:
    story = falling_back().returns()
    assert story.says("menu").bot == []

    pressed = story.tell(MessageReceived(to=HERE, content=Interactive("Menu", "do:menu")))

    assert pressed.bot == ["How many?"]


def test_who_is_in_the_middle_goes_on_with_the_defaults_of_then() -> None:
    story = falling_back()
    both = [DEFAULTS, DEFAULTS.replace("theirs", "newer").replace("thanks", "newer thanks")]

    assert story.wakes(defaults=both).bot == ["theirs", "How many?"]
    assert story.says("5", defaults=both).bot == ["thanks"]
    assert Story(STANDARD, defaults=both).says("Hi").wakes().bot == ["newer", "How many?"]


def test_defaults_that_are_gone_leave_what_is_standard() -> None:
    assert falling_back().wakes(defaults=[]).bot[0].startswith("Everybody is busy")


def test_the_platform_that_is_down_and_the_return_have_names_too() -> None:
    flow = STANDARD + "  handoff_platform_down: [{send: down}]\n  handoff_returned: [{send: welcome back}]\n"
    story = Story(flow).says("Hi")

    assert story.platform_fails().bot == ["down"]
    assert story.returns().bot == ["welcome back", "behind"]


def test_nothing_can_be_chosen_as_well() -> None:
    flow = STANDARD.replace("no_reply", "platform_down: {do: []}, no_reply")

    assert Story(flow).says("Hi").platform_fails().bot == []


def test_where_flows_go_on_while_paused_a_branch_speaks_beside_the_agent() -> None:
    both = msgspec.structs.replace(WORKSPACE, paused_automation=PausedAutomation.AGENT_TRIGGERS_AND_DELAYS)
    story = handed_over(workspace=both).accepts()

    assert story.wakes().bot == ["Sorry"]


def test_a_run_of_an_older_relevo_goes_on_behind_its_pause() -> None:
    """It knows where it goes on, and not where its pause stands."""
    story = handed_over()
    run = story.state.run
    assert run is not None
    old = msgspec.structs.replace(run, waiting=msgspec.structs.replace(run.waiting, place=None))
    story.state = msgspec.structs.replace(story.state, run=old)

    assert story.returns().bot == ["I am back"]
