"""What can happen to a conversation. Everything that does goes through `engine.submit` as one of these."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from relevo.domain.agent_groups import GroupId
from relevo.domain.broadcasts import BroadcastId, Kind, Says
from relevo.domain.calls import CallResult
from relevo.domain.cases import Closing, Source
from relevo.domain.conversations import Barred
from relevo.domain.custom_events import CustomEvent, EventValues
from relevo.domain.flows.runs import (
    AddLabel,
    AddTag,
    OptsIn,
    OptsOut,
    RemoveLabel,
    RemoveTag,
    RenameField,
    SetField,
    WantsBroadcasts,
)
from relevo.domain.ids import ChannelId, ConversationId, EndpointId, FlowId, MemberId, MessageId
from relevo.domain.messages import Content, MessageStatus
from relevo.domain.subscribers import Profile

DirectAct = (
    SetField | RenameField | AddTag | RemoveTag | AddLabel | RemoveLabel | OptsIn | OptsOut | WantsBroadcasts
)
"""What may be done to a subscriber's data from outside a flow."""


class Once(msgspec.Struct, frozen=True):
    """Makes an event happen once: the same `key` again is answered as the first time.

    `key` is unique in the whole installation (callers prefix it with their scope);
    `fingerprint` tells a repetition from a different request under the same key.
    """

    key: str
    fingerprint: str


class ByConversation(msgspec.Struct, frozen=True):
    """An existing conversation. With a `flow_id`, one of another flow does not exist."""

    id: ConversationId
    flow_id: FlowId | None = None


class ByUser(msgspec.Struct, frozen=True):
    """The conversation of a person on a channel; made when there is none."""

    channel_id: ChannelId
    user_id: str


Address = ByConversation | ByUser


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to one conversation."""

    to: Address
    once: Once | None = None


class MessageReceived(Event, frozen=True, kw_only=True, tag="message.received"):
    """The customer said something. `mid`, the vendor's id, makes a repetition recognisable. What is
    not `for_bot` is answered by the vendor itself. `said_at` is when, by the vendor's clock, if it counts."""

    content: Content
    mid: str = ""
    profile: Profile = Profile()
    referral: dict[str, Any] | None = None
    for_bot: bool = True
    said_at: datetime | None = None


class MessageEdited(Event, frozen=True, kw_only=True, tag="message.edited"):
    """The customer changed what they said in the message `mid`."""

    mid: str
    content: Content


class FileSettled(Event, frozen=True, kw_only=True, tag="file.settled"):
    """The customer's file of a message was fetched, or will not be: `problem` says why. `mime_type` is
    what its content says, `size` in bytes."""

    message_id: MessageId
    mime_type: str = ""
    size: int = 0
    problem: str = ""


class CallAnswered(Event, frozen=True, kw_only=True, tag="call.answered"):
    """What came of the conversation's call of this number, after all its attempts."""

    number: int
    result: CallResult


class ReachChanged(Event, frozen=True, kw_only=True, tag="reach.changed"):
    """The customer may not be written to any more, or may be again (`barred` "")."""

    barred: Barred


class ConversationOpened(Event, frozen=True, kw_only=True, tag="conversation.opened"):
    """A person appeared without a word (opened the web chat): the flow may greet."""

    profile: Profile = Profile()


class CustomerTyped(Event, frozen=True, kw_only=True, tag="customer.typed"):
    """The customer is typing."""


class AgentReplied(Event, frozen=True, kw_only=True, tag="agent.replied"):
    """A human on the platform said something to the customer.

    One reply may hold several contents; they are sent in order. A reply to a conversation that
    the bot controls pauses it.
    """

    contents: tuple[Content, ...]
    member_id: MemberId | None = None
    acts: tuple[DirectAct, ...] = ()


class BotTold(Event, frozen=True, kw_only=True, tag="bot.told"):
    """The platform had the bot say something (`send-content` without `send_as_agent`).

    An instruction from outside, not the bot's own speech: it is carried out whoever has control.
    `go_to` is the subflow that starts afterwards, if any and if the bot has control, and `at_step` where.
    """

    contents: tuple[Content, ...] = ()
    acts: tuple[DirectAct, ...] = ()
    go_to: str = ""
    at_step: int = 0
    profile: Profile = Profile()
    """Of somebody who is new here."""


class BroadcastCame(Event, frozen=True, kw_only=True, tag="broadcast.came"):
    """It is this person's turn in a broadcast. Once: a second time is recognised."""

    broadcast_id: BroadcastId
    says: Says
    kind: Kind = ""


class NoteWritten(Event, frozen=True, kw_only=True, tag="note.written"):
    """A human wrote a note for colleagues; the customer never sees it."""

    text: str
    member_id: MemberId | None = None


class BotPaused(Event, frozen=True, kw_only=True, tag="bot.paused"):
    """Somebody outside the flow paused the bot. `minutes` None: until resumed."""

    minutes: int | None
    by: Literal["api", "member"]
    member_id: MemberId | None = None


class BotResumed(Event, frozen=True, kw_only=True, tag="bot.resumed"):
    """Somebody outside the flow gave control back to the bot: for a `reason` of their own, if they say one,
    with a `note` for colleagues and an `outcome`. Refused when control has changed hands since `epoch`."""

    by: Literal["api", "member"]
    member_id: MemberId | None = None
    reason: str = ""
    note: str = ""
    outcome: str = ""
    epoch: int | None = None


class HandoffAccepted(Event, frozen=True, kw_only=True, tag="handoff.accepted"):
    """Somebody says that they will answer. Refused when control has changed hands since `epoch`."""

    by: Literal["api", "member"]
    member_id: MemberId | None = None
    epoch: int | None = None


class PlatformUnreachable(Event, frozen=True, kw_only=True, tag="platform.unreachable"):
    """What the platform is to hear waits: this endpoint of it cannot be reached."""

    endpoint_id: EndpointId


class Assigned(Event, frozen=True, kw_only=True, tag="conversation.assigned"):
    """The conversation was given to an agent; None: taken from whoever had it, and from their group."""

    member_id: MemberId | None
    by: Source = "api"


class AssignedToGroup(Event, frozen=True, kw_only=True, tag="conversation.assigned_to_group"):
    """The conversation was given to a group: to the one of them whom the group's rules choose."""

    group_id: GroupId
    by: Source = "api"


class Moved(Event, frozen=True, kw_only=True, tag="conversation.moved"):
    """The conversation's status was set. `member_id` did it; `closing` is left when it is done."""

    status: Literal["open", "pending", "done", "spam"]
    by: Source = "api"
    member_id: MemberId | None = None
    closing: Closing | None = None


class TimeCame(Event, frozen=True, kw_only=True, tag="time.came"):
    """A deadline in the conversation's state has passed. Harmless when it has not."""


class ReceiptCame(Event, frozen=True, kw_only=True, tag="receipt.came"):
    """A channel tells how far our messages have come.

    Named by our ids, or by the channel's `mids`; `up_to_seq` means every message up to that one,
    `up_to` every message that the vendor took until then.
    """

    status: MessageStatus
    message_ids: tuple[MessageId, ...] = ()
    mids: tuple[str, ...] = ()
    new_mid: str = ""
    """The id that the channel has just given to the one message of `message_ids`."""
    up_to_seq: int | None = None
    up_to: datetime | None = None
    error: str = ""


class AgentTyped(Event, frozen=True, kw_only=True, tag="agent.typed"):
    """An agent is typing: shown to the customer where the channel can."""


class AgentRead(Event, frozen=True, kw_only=True, tag="agent.read"):
    """An agent has read what the customer wrote so far: shown to the customer where the channel can."""


class SubscriberChanged(Event, frozen=True, kw_only=True, tag="subscriber.changed"):
    """The API, a member or an import changed the person's data."""

    profile: Profile = Profile()
    by_channel: bool = False
    """Whether the profile is what the channel says: then it replaces nothing that somebody has set."""
    acts: tuple[DirectAct, ...] = ()


class CustomEventLogged(Event, frozen=True, kw_only=True, tag="custom_event.logged"):
    """The platform, or whoever else has the API, says that something happened to the subscriber."""

    custom_event: CustomEvent
    values: EventValues = EventValues()


class EmailTold(Event, frozen=True, kw_only=True, tag="email.told"):
    """The platform had an e-mail written to the person, to the address of their profile."""

    subject: str
    text: str


class ScheduleCame(Event, frozen=True, kw_only=True, tag="schedule.came"):
    """A schedule of the flow, by its key, has come round for this person."""

    key: str


class WebhookCalled(Event, frozen=True, kw_only=True, tag="webhook.called"):
    """Another system has posted something about the person to an inbound webhook. `go_to` is the subflow that
    starts then, if the bot has control; "" is none. `name` is the webhook's."""

    name: str = ""
    profile: Profile = Profile()
    acts: tuple[DirectAct, ...] = ()
    go_to: str = ""


AnyEvent = (
    MessageReceived
    | MessageEdited
    | FileSettled
    | CallAnswered
    | ReachChanged
    | ConversationOpened
    | CustomerTyped
    | AgentReplied
    | BotTold
    | BroadcastCame
    | NoteWritten
    | BotPaused
    | BotResumed
    | HandoffAccepted
    | PlatformUnreachable
    | Assigned
    | AssignedToGroup
    | Moved
    | TimeCame
    | ReceiptCame
    | AgentTyped
    | AgentRead
    | SubscriberChanged
    | CustomEventLogged
    | EmailTold
    | ScheduleCame
    | WebhookCalled
)
