"""What states, reasons and kinds are called in the console. A code without words is shown as it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, NamedTuple, assert_never

from relevo.admin import mailboxes
from relevo.domain.agent_groups import AssignMethod, OnlineFirst
from relevo.domain.broadcasts import Matching, Recipients
from relevo.domain.canned import Demand
from relevo.domain.conversations import Control
from relevo.domain.deliveries import (
    Accepted,
    Done,
    Forbidden,
    GiveUp,
    Outcome,
    Park,
    Refused,
    Rejected,
    RetryAt,
    Unreachable,
    Verdict,
)
from relevo.domain.emails import Mailbox
from relevo.domain.handoffs import Branch, Phase
from relevo.domain.health import State
from relevo.domain.inbound_webhooks import InboundWebhook
from relevo.domain.messages import MessageStatus
from relevo.domain.standings import Happening
from relevo.domain.workspaces import EventType, LiveChatMode, PausedAutomation, Role, Scope
from relevo.http_client.mail import Posted
from relevo.store.inbound_webhooks import InboundCall
from relevo.web.console.times import When, length

Tone = Literal["ok", "warn", "bad", "info", "quiet"]


class Badge(NamedTuple):
    """A short word with a colour that says the same."""

    label: str
    tone: Tone


# Conversations

CONTROLS = {Control.BOT: Badge("Bot", "quiet"), Control.AGENT: Badge("Agent", "info")}

STATUSES = {
    "open": Badge("Open", "ok"),
    "pending": Badge("Pending", "warn"),
    "done": Badge("Done", "quiet"),
    "spam": Badge("Spam", "bad"),
}

PAUSE_CAUSES = {
    "flow": "the flow (Pause the Bot)",
    "api": "the API",
    "member": "a member, here",
    "agent_reply": "an agent's reply",
}

PHASES = {
    Phase.REQUESTED: Badge("Requested", "warn"),
    Phase.ACCEPTED: Badge("Accepted", "info"),
    Phase.ACTIVE: Badge("Active", "ok"),
}

BRANCHES: dict[Branch, str] = {
    "not_accepted": "nobody has accepted",
    "no_reply": "nobody has replied",
    "customer_silent": "the customer is silent",
    "platform_down": "your platform is down",
}

MESSAGE_STATUSES = {
    MessageStatus.QUEUED: "Waiting to be sent",
    MessageStatus.SENT: "Sent",
    MessageStatus.DELIVERED: "Delivered",
    MessageStatus.READ: "Read",
    MessageStatus.FAILED: "Not delivered",
}

# Deliveries

DELIVERY_STATES = {
    "waiting": Badge("Waiting", "info"),
    "done": Badge("Delivered", "ok"),
    "parked": Badge("Parked", "bad"),
    "given_up": Badge("Given up", "bad"),
    "skipped": Badge("Skipped", "quiet"),
}

REDELIVERY_STATES = {
    "running": Badge("Under way", "info"),
    "done": Badge("Done", "ok"),
    "stopped": Badge("Stopped", "warn"),
}

BROADCAST_STATES = {
    "scheduled": Badge("Scheduled", "quiet"),
    "running": Badge("Under way", "info"),
    "done": Badge("Done", "ok"),
    "cancelled": Badge("Cancelled", "warn"),
}

FIELD_TYPES = {
    "text": "Text",
    "number": "Number",
    "boolean": "Yes or no",
    "date": "Date",
    "datetime": "Date and time",
    "array": "List",
    "longtext": "Long text",
}
FIELD_DISPLAYS = {"default": "With the others", "pin": "First", "hidden": "Not shown"}

BROADCAST_OUTCOMES = {
    "agent_has_control": "With an agent: the bot does not speak there",
    "opted_out": "Opted out, or unsubscribed from the bot",
    "blocked": "Blocked us",
    "window_closed": "Have not written for too long: the channel takes only a template",
    "another_channel": "On another kind of channel",
    "channel_disabled": "On a channel that is switched off",
    "no_email": "No email address is known",
    "not_opted_in": "Have not agreed to be written to this way",
    "no_such_subflow": "The flow has no such subflow any more",
    "unknown": "Nobody has this id",
    "failed": "Could not be told: see the problems",
}


def recipients(to: Recipients) -> str:
    """To whom a broadcast goes."""
    return (
        to.named or "a condition" if isinstance(to, Matching) else f"a list of {len(to.ids) + to.unknown:,}"
    )


EVENTS = {
    "broadcast": "Message of a broadcast",
    "message": "Message to the customer",
    "media": "File of the customer",
    "http": "HTTP call of a flow",
    "ai": "Question to a language model",
    "email": "E-mail to the customer",
    EventType.MESSAGE_RECEIVED.value: "Message of the customer",
    EventType.MESSAGE_SENT.value: "Message sent to the customer",
    EventType.MESSAGE_STATUS.value: "Receipt of a message",
    EventType.MESSAGE_UPDATED.value: "Change of a message",
    EventType.HANDOFF_REQUESTED.value: "Handoff requested",
    EventType.HANDOFF_ACCEPTED.value: "Handoff accepted",
    EventType.HANDOFF_RETURNED.value: "Handoff returned",
    EventType.CONVERSATION_ASSIGNED.value: "Conversation assigned",
    EventType.TYPING.value: "Customer typing",
    EventType.TEST.value: "Test event",
}

EVENT_HINTS = {
    EventType.MESSAGE_RECEIVED: (
        "what customers write; of live chat while an agent has control, in any case; "
        "of channels that it listens to, always"
    ),
    EventType.MESSAGE_SENT: "what the bot or an agent said to the customer",
    EventType.MESSAGE_STATUS: "a message was delivered, read, or could not be delivered",
    EventType.MESSAGE_UPDATED: "the customer changed a message, or their file arrived or could not be had",
    EventType.HANDOFF_REQUESTED: "control went to an agent",
    EventType.HANDOFF_ACCEPTED: "an agent has accepted, or has replied, which is the same",
    EventType.HANDOFF_RETURNED: "control came back to the bot, and why",
    EventType.CONVERSATION_ASSIGNED: "a conversation was given to an agent, or taken away",
    EventType.TYPING: "the customer is typing; told at once or never",
}

_REASONS = {
    "schedule_exhausted": "every retry of the schedule failed",
    "endpoint_disabled": "the endpoint was disabled",
    "endpoint_removed": "the endpoint is gone",
    "endpoint_gone": "the endpoint answered 410 Gone",
    "failed_too_long": "nothing succeeded there for days",
    "forbidden": "Relevo does not connect to its address",
    "channel_disabled": "the channel was disabled",
    "channel_removed": "the channel is gone",
    "nothing_to_say": "nothing was left to say in a form that the channel carries",
    "unsupported_content": "the channel cannot carry this content, even in a plainer form",
    "window_closed": "the customer has been silent for too long: the vendor takes no answer any more",
    "opted_out": "the customer said STOP",
    "blocked": "the customer has blocked us",
    "invalid_recipient": "the vendor reaches nobody there",
    "rate_limited": "too much was sent at once",
    "auth": "the vendor does not accept the channel's credentials",
    "vendor_down": "the vendor has a fault",
    "rejected": "the vendor does not take this message",
    "no_mailbox": "the workspace has no mail server",
    "call_refused": "the server refused the call of the flow",
    "stale_call": "nobody waits for the outcome of this call any more",
    "unknown_secret": "it needs a secret that the workspace does not have",
    "nonsense": "no use could be made of the answer",
    "dns": "the host's name has no address",
    "refused": "the connection was refused: nothing listens there",
    "connect_timeout": "nobody took the connection in time",
    "connect": "no connection could be made",
    "tls": "the certificate or the encryption was refused",
    "timeout": "there was no answer within the timeout",
    "broken": "the connection broke before the answer was whole",
    "too_large": "the answer was too large",
    "fault": "a fault of Relevo; the log has it",
}

_PROBLEMS = {
    "bot_is_paused": "The bot was kept silent",
    "stale_timer": "A planned step was dropped",
    "flow_version_missing": "The flow's version is gone",
    "decision_failed": "An event was not applied",
    "too_many_steps": "The flow ran in a circle",
    "too_deep": "Subflows call one another too deeply",
    "lost_place": "The flow lost its place",
    "template_failed": "A template could not be filled in",
    "window_closed": "The bot was not allowed to write any more",
    "rejected": "The vendor would not have taken what the bot said",
    "empty_message": "Nothing came out to be sent",
    "unsupported_payload": "Something new came in",
    "edit_of_unknown_message": "A message that is not here was changed",
    "receipt_of_unknown_message": "A part of a message failed",
    "endpoint_disabled": "An endpoint was disabled",
    "subscriber_merged": "Two subscribers were one person",
    "templates_not_synced": "Templates changed, and the vendor did not say how",
}


ENDPOINT_STATES = {
    State.HEALTHY: Badge("Healthy", "ok"),
    State.FAILING: Badge("Failing", "warn"),
    State.OPEN: Badge("Open", "bad"),
    State.DISABLED: Badge("Disabled", "bad"),
}
ENDPOINT_HINTS = {
    State.HEALTHY: "What is posted there is taken.",
    State.FAILING: (
        "Requests fail more often than they should, or it is just being let go again after an outage."
    ),
    State.OPEN: (
        "Nobody takes anything: the circuit is open. Nothing is posted but one probe at a time, at most five "
        "seconds apart; deliveries wait in order, and go out when a probe succeeds."
    ),
    State.DISABLED: "Nothing is posted there until it is enabled again.",
}
HAPPENINGS = {
    Happening.FAILING: "Requests began to fail",
    Happening.OPEN: "Nobody was there: the circuit opened",
    Happening.DISABLED: "It was disabled",
    Happening.RECOVERED: "It was well again",
}


def failure(code: str) -> str:
    """Why an attempt at an endpoint failed: a status, or a reason."""
    return f"it answered {code}" if code.isdecimal() else reason(code)


def reason(code: str) -> str:
    """Why a delivery ended, or an attempt failed."""
    fault, _, detail = code.partition(": ")
    return ": ".join(filter(None, (_REASONS.get(fault, fault.replace("_", " ")), detail)))


def problem(code: str) -> str:
    """A problem's title."""
    return _PROBLEMS.get(code, code.replace("_", " ").capitalize())


def event(type_: str) -> str:
    return EVENTS.get(type_, type_)


def is_success(outcome: Outcome) -> bool:
    return isinstance(outcome, Accepted)


def outcome(of: Outcome) -> str:
    """What an attempt came to, in a sentence."""
    match of:
        case Accepted(status_code=status):
            return f"Accepted with {status}."
        case Refused(status_code=status, retry_after=None, reason=why):
            return f"Refused with {status}{f': {reason(why)}' if why else ''}."
        case Refused(status_code=status, retry_after=asked):
            return f"Refused with {status}, and asked to wait {length(asked or timedelta())}."
        case Unreachable(reason=why):
            return f"No answer: {reason(why)}."
        case Forbidden(address=address, reason=why):
            return f"Not called: {address or 'the URL'} is {why}."
        case Rejected(reason=why):
            return f"Not possible: {reason(why)}."
        case _:
            assert_never(of)


def posted(of: Posted, box: Mailbox, to: str) -> str:
    """What came of a test e-mail, in a sentence, with what to look at."""
    if of.is_locked_out:
        return f"{box.host} does not accept the user name and password."
    match of.outcome:
        case Accepted():
            return f"{box.host} has taken the e-mail to {to}. If it does not come, look into spam."
        case Refused(status_code=status):
            return f"{box.host} does not take the e-mail to {to} now ({status}). Maybe it does later."
        case Rejected(reason=why):
            return f"{box.host} refused the e-mail to {to} for good ({why.removeprefix('smtp_')})."
        case Forbidden(address=address, reason=why):
            return f"Relevo does not connect to {box.host}: {address or 'it'} is {why}."
        case Unreachable(reason=why):
            return f"{box.host} could not be reached: {_UNREACHABLE_MAIL.get(why, reason(why))}."
        case _:
            assert_never(of.outcome)


_UNREACHABLE_MAIL = {
    "dns": "no server has this name",
    "timeout": f"nothing answered on the port within {mailboxes.TRIED_FOR.seconds} seconds",
    "tls": "the encryption failed; STARTTLS goes with port 587, and TLS with 465, as a rule",
    "broken": "no connection could be made, or it broke; look at the port",
}


def verdict(of: Verdict, when: When) -> str:
    """What was decided after an attempt, in a sentence."""
    match of:
        case Done():
            return "Delivered."
        case RetryAt(when=at):
            return f"Next attempt at {when.exact(at)}."
        case Park(reason=why):
            return f"Parked: {reason(why)}."
        case GiveUp(reason=why, disable=disable):
            return f"Given up: {reason(why)}.{' The endpoint was disabled.' if disable else ''}"
        case _:
            assert_never(of)


# What is set up


def inbound_state(webhook: InboundWebhook) -> Badge:
    if webhook.disabled_reason:
        return Badge("Switched off", "bad")
    return Badge("Listening", "warn") if webhook.listens else Badge("Active", "ok")


def inbound_outcome(call: InboundCall) -> Badge:
    """What became of a request to an inbound webhook."""
    match call.code:
        case "":
            return Badge("Done", "ok")
        case "duplicate":
            return Badge("Done before", "quiet")
        case "listening":
            return Badge("Listened to", "quiet")
        case code:
            return Badge(f"Refused: {code.replace('_', ' ')}", "bad")


ROLES = {
    Role.OWNER: "Owner",
    Role.ADMIN: "Admin",
    Role.MEMBER: "Member",
    Role.AGENT: "Agent",
}
ROLE_HINTS = {
    Role.OWNER: "everything, owners too",
    Role.ADMIN: "everything but owners",
    Role.MEMBER: "conversations, broadcasts, deliveries, problems and reports",
    Role.AGENT: "conversations only",
}

ASSIGN_METHODS = {
    AssignMethod.RANDOM: "Anybody",
    AssignMethod.LEAST_ASSIGNED: "Whoever has the fewest",
    AssignMethod.ROUND_ROBIN: "One after the other",
}
ASSIGN_METHOD_HINTS = {
    AssignMethod.RANDOM: "By chance, each as often as their weight.",
    AssignMethod.LEAST_ASSIGNED: "Counted are conversations that are not done.",
    AssignMethod.ROUND_ROBIN: "In the order of the group.",
}
ONLINE_RULES = {
    OnlineFirst.ANYBODY: "Does not matter",
    OnlineFirst.ONLINE_FIRST: "Comes first",
    OnlineFirst.ONLINE_ONLY: "Only they",
}
ONLINE_RULE_HINTS = {
    OnlineFirst.ANYBODY: "Everybody of the group can get a conversation.",
    OnlineFirst.ONLINE_FIRST: "If nobody is online, everybody can.",
    OnlineFirst.ONLINE_ONLY: "If nobody is online, the conversation is the group's, and nobody's.",
}
DEMANDS = {
    Demand.HIDDEN: "Not asked for",
    Demand.OPTIONAL: "May be left",
    Demand.REQUIRED: "Must be left",
}

SCOPE_HINTS = {
    Scope.MANAGE_FLOW: "the flow and its subscribers: messages, pause and resume, assignment",
    Scope.MANAGE_TEAM: "the workspace: members, summaries, settings",
    Scope.SEND_MESSAGE: "broadcasts",
}

MAIL_SECURITIES = {"starttls": "STARTTLS", "tls": "TLS", "none": "None"}
MAIL_SECURITY_HINTS = {
    "starttls": "The connection is encrypted before anything is said: port 587, as a rule.",
    "tls": "The connection is encrypted from the start: port 465, as a rule.",
    "none": "Only without a user name, for a server of your own network.",
}

LIVE_CHAT_MODES = {
    LiveChatMode.NONE: "None",
    LiveChatMode.INBOX: "Inbox",
    LiveChatMode.WEBHOOK: "Webhook",
}
LIVE_CHAT_HINTS = {
    LiveChatMode.NONE: "Nobody is told. The bot is silent until the pause ends.",
    LiveChatMode.INBOX: "Members answer here, under Conversations.",
    LiveChatMode.WEBHOOK: (
        "Every message of the customer is posted to your live-chat platform while the bot is paused."
    ),
}

PAUSED_AUTOMATION = {
    PausedAutomation.AGENT_ONLY: "Only messages from agent will be sent",
    PausedAutomation.AGENT_TRIGGERS_AND_DELAYS: "Messages from agent, trigger and smart delay will be sent",
}
PAUSED_AUTOMATION_HINTS = {
    PausedAutomation.AGENT_ONLY: (
        "All automations, triggers and smart delays stop while the bot is paused. "
        "What the flow had planned is dropped."
    ),
    PausedAutomation.AGENT_TRIGGERS_AND_DELAYS: (
        "Delays that run go on, and a keyword of the customer starts its subflow, while an agent answers."
    ),
}
