"""What happens when something happens: the one decision of Relevo, pure.

`decide(conversation, event, surroundings)` gives the new state, the messages to store and the
effects to carry out. It is the only place where control changes hands, so the promise "exactly
one speaker" is kept here: the bot's `Say` passes `walking.say`, and nothing else of the bot does.
"""

from __future__ import annotations

from typing import assert_never

from relevo.domain.conversations import Conversation, Decision, ShowTyping
from relevo.domain.deciding.amending import file_settled, message_edited
from relevo.domain.deciding.answering import call_answered
from relevo.domain.deciding.assigning import assign, assign_to_group
from relevo.domain.deciding.branches import look_after_platform, platform_unreachable
from relevo.domain.deciding.broadcasting import broadcast_came
from relevo.domain.deciding.custom_events import custom_event_logged
from relevo.domain.deciding.customer import conversation_opened, customer_typed, message_received
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.emailing import email_told
from relevo.domain.deciding.handoff import bot_paused, bot_resumed, handoff_accepted
from relevo.domain.deciding.moving import move_run
from relevo.domain.deciding.numbering import forget_numbers
from relevo.domain.deciding.passing import let_time_pass
from relevo.domain.deciding.platform import (
    agent_read,
    agent_replied,
    bot_told,
    moved,
    note_written,
    webhook_called,
)
from relevo.domain.deciding.receipts import receipt_came
from relevo.domain.deciding.subscriber import apply_all, learn, meet, reach_changed
from relevo.domain.deciding.surroundings import StoredMessage, Surroundings
from relevo.domain.deciding.triggering import start_triggered
from relevo.domain.events import (
    AgentRead,
    AgentReplied,
    AgentTyped,
    AnyEvent,
    Assigned,
    AssignedToGroup,
    BotPaused,
    BotResumed,
    BotTold,
    BroadcastCame,
    CallAnswered,
    ConversationOpened,
    CustomerTyped,
    CustomEventLogged,
    EmailTold,
    FileSettled,
    HandoffAccepted,
    MessageEdited,
    MessageReceived,
    Moved,
    NoteWritten,
    PlatformUnreachable,
    ReachChanged,
    ReceiptCame,
    ScheduleCame,
    SubscriberChanged,
    TimeCame,
    WebhookCalled,
)

__all__ = ["StoredMessage", "Surroundings", "decide"]


def decide(conversation: Conversation, event: AnyEvent, around: Surroundings) -> Decision:
    """Decide what an event means for a conversation.

    Deadlines that have passed are dealt with first, whether or not their timer has fired: a
    late timer must not decide who answers.
    """
    draft = Draft(conversation, around)
    move_run(draft)
    let_time_pass(draft)
    _handle(draft, event)
    if draft.happenings:
        start_triggered(draft)
    look_after_platform(draft)
    if draft.state.numbered:
        forget_numbers(draft, conversation)
    return draft.decision()


def _handle(draft: Draft, event: AnyEvent) -> None:
    match event:
        case MessageReceived():
            message_received(draft, event)
        case MessageEdited(content=content):
            message_edited(draft, event.mid, content)
        case FileSettled():
            file_settled(draft, event)
        case CallAnswered():
            call_answered(draft, event)
        case ReachChanged(barred=barred):
            reach_changed(draft, barred)
        case ConversationOpened():
            conversation_opened(draft, event)
        case CustomerTyped():
            customer_typed(draft)
        case AgentReplied():
            agent_replied(draft, event)
        case BotTold():
            bot_told(draft, event)
        case BroadcastCame():
            broadcast_came(draft, event)
        case NoteWritten():
            note_written(draft, event)
        case BotPaused():
            bot_paused(draft, event)
        case BotResumed():
            bot_resumed(draft, event)
        case HandoffAccepted():
            handoff_accepted(draft, event)
        case PlatformUnreachable(endpoint_id=endpoint_id):
            platform_unreachable(draft, endpoint_id)
        case Assigned(member_id=member_id, by=source):
            assign(draft, member_id, by=source)
        case AssignedToGroup(group_id=group_id, by=source):
            assign_to_group(draft, group_id, by=source)
        case Moved():
            moved(draft, event)
        case TimeCame():
            pass  # deadlines were dealt with before
        case ReceiptCame():
            receipt_came(draft, event)
        case AgentTyped():
            draft.effects.append(ShowTyping())
        case AgentRead():
            agent_read(draft)
        case SubscriberChanged(profile=profile, by_channel=by_channel, acts=acts):
            (meet if by_channel else learn)(draft, profile)
            apply_all(draft, acts)
        case WebhookCalled():
            webhook_called(draft, event)
        case EmailTold():
            email_told(draft, event)
        case ScheduleCame(key=key):
            draft.note("schedule", key)
        case CustomEventLogged():
            custom_event_logged(draft, event)
        case _:
            assert_never(event)
