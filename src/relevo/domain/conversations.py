"""A conversation: everything between one subscriber and us, and the unit of order.

`Conversation` is its state; `deciding.decide` is the only thing that changes it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

import msgspec

from relevo.domain.agent_groups import GroupId
from relevo.domain.broadcasts import BroadcastId, Outcome
from relevo.domain.calls import CallTask
from relevo.domain.cases import Action, Case, ClosedCase, Source
from relevo.domain.custom_events import LogCustomEvent
from relevo.domain.emails import EmailTask
from relevo.domain.flows.runs import Run
from relevo.domain.handoffs import Pause, Return
from relevo.domain.ids import (
    ChannelId,
    ConversationId,
    EndpointId,
    FlowId,
    MemberId,
    MessageId,
    WorkspaceId,
    user_ns,
)
from relevo.domain.messages import Content, Message, MessageStatus, MessageType, QuickReply
from relevo.domain.subscribers import Subscriber
from relevo.domain.workspaces import EventType


class Control(StrEnum):
    """Who answers now. Not the status, which says whether work is left."""

    BOT = "bot"
    AGENT = "agent"


Status = Literal["open", "pending", "done", "spam"]
Barred = Literal["", "opted_out", "blocked"]
"""Why a person may not be written to now: they said STOP, or blocked us; "": they may."""


class Silence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Since when the customer has not answered the bot, where a flow wants to know. `told` is the longest
    time that it was told of; at `next_at` it is told again."""

    since: datetime
    next_at: datetime
    told: timedelta = timedelta()


class Fired(msgspec.Struct, frozen=True):
    """How many subflows happenings have started since a moment."""

    since: datetime
    times: int = 0


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """The state between two events.

    `epoch` grows each time that control changes hands: what was planned under an older one
    is stale. `message_seq` and `webhook_seqs` are the last numbers given. `started` tells
    whether the customer ever came (the flow greets once).
    """

    id: ConversationId
    workspace_id: WorkspaceId
    flow_id: FlowId
    channel_id: ChannelId
    subscriber: Subscriber
    control: Control = Control.BOT
    epoch: int = 0
    pause: Pause | None = None
    returned: Return | None = None
    """How the last handoff ended."""
    status: Status = "open"
    member_id: MemberId | None = None
    group_id: GroupId | None = None
    """The group that it was given to; whose it is of them is `member_id`, if it is anybody's."""
    case: Case | None = None
    """None while it is done, and where nothing has happened yet that a case remembers."""
    run: Run | None = None
    started: bool = False
    message_seq: int = 0
    webhook_seqs: dict[EndpointId, int] = {}
    barred: Barred = ""
    numbered: tuple[QuickReply, ...] = ()
    """The buttons that the last thing said had as numbers: an answer like `2` is the second of them."""
    heard_at: datetime | None = None
    """When the customer last wrote, by the vendor's clock, where a window of time counts from it."""
    heard_mid: str = ""
    """The vendor's id of what the customer wrote last."""
    calls: int = 0
    """How many calls and e-mails there were: the number of the last one."""
    refuses_email: bool = False
    """Whether the person has said that they want no e-mails. (Who never agreed to any has not.)"""
    silence: Silence | None = None
    fired: Fired | None = None
    last_message_at: datetime | None = None
    last_message_type: MessageType | None = None
    bot_spoke_at: datetime | None = None

    @property
    def user_ns(self) -> str:
        return user_ns(self.flow_id, self.id)

    @property
    def last_heard_at(self) -> datetime | None:
        """When the customer last said something: as the vendor tells, or else as we saw it."""
        return self.heard_at or self.subscriber.last_seen_at

    @property
    def facts(self) -> dict[str, object]:
        """What flows and segments may look at, as `conversation.NAME`."""
        return {
            "status": self.status,
            "control": self.control.value,
            "agent_id": self.member_id,
            "opted_in": not self.barred,
            "last_message_at": self.last_message_at,
        }

    @property
    def wake_at(self) -> datetime | None:
        """When something happens by itself: the earliest deadline in the state."""
        pause_ends = self.pause.wake_at if self.pause else None
        run_goes_on = self.run.waiting.deadline_at if self.run else None
        if self.silence is not None:
            deadlines = (pause_ends, run_goes_on, self.silence.next_at)
            return min(at for at in deadlines if at is not None)
        if pause_ends is None or run_goes_on is None:
            return pause_ends or run_goes_on
        return min(pause_ends, run_goes_on)


def paused_seconds(pause: Pause | None, now: datetime) -> int:
    """`paused_diff_seconds` of the wire: seconds of pause left, 0 with the bot, -1 without end."""
    if pause is None:
        return 0
    if pause.until is None:
        return -1
    return max(0, int((pause.until - now).total_seconds()))


def window_left(heard_at: datetime | None, window: timedelta | None, now: datetime) -> int:
    """Seconds for which the customer may still be written to: 0 when it is too late, -1 on a channel without
    such a limit."""
    if window is None:
        return -1
    return 0 if heard_at is None else max(0, int((heard_at + window - now).total_seconds()))


# What a decision asks for besides the new state.


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message to store; its ids are given when it is."""

    seq: int
    type: MessageType
    content: Content
    username: str
    mid: str = ""
    member_id: MemberId | None = None
    status: MessageStatus = MessageStatus.SENT
    error: str = ""
    referral: dict[str, Any] | None = None


class SendToCustomer(msgspec.Struct, frozen=True, tag=True):
    """Bring the message `seq` to the customer over the channel. `is_patient`: after what others wait for."""

    seq: int
    is_patient: bool = False


class FetchMedia(msgspec.Struct, frozen=True, tag=True):
    """Fetch and keep the file of the customer's message `seq`, before the vendor's link dies."""

    seq: int


class NotifyPlatform(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Tell the platform, as number `seq` of the lane to that endpoint.

    About the message `message_seq` (of this decision), or about `data`. The other fields are
    as they were when it happened.
    """

    endpoint_id: EndpointId
    event_type: EventType
    seq: int
    epoch: int
    member_id: MemberId | None
    paused_seconds: int
    message_seq: int | None = None
    data: dict[str, Any] | None = None
    transcript: int = 0
    """How many of the latest messages it is to hold besides."""


class MakeCall(msgspec.Struct, frozen=True, tag=True):
    """Ask another server, as the conversation's call of this number."""

    number: int
    task: CallTask


class SendEmail(msgspec.Struct, frozen=True, tag=True):
    """Write to the person by e-mail, as the conversation's call of this number."""

    number: int
    task: EmailTask


class Whisper(msgspec.Struct, frozen=True, tag=True):
    """Tell the platform at once or never: typing, which is worth nothing later."""

    endpoint_id: EndpointId
    event_type: EventType


class ShowTyping(msgspec.Struct, frozen=True, tag=True):
    """Show the customer that somebody is typing, where the channel can."""


class ShowRead(msgspec.Struct, frozen=True, tag=True):
    """Show the customer that an agent has read what they wrote, where the channel can."""


class UpdateMessage(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A receipt moved a stored message forward."""

    message_id: MessageId
    status: MessageStatus
    mid: str = ""
    error: str = ""


class ReplaceContent(msgspec.Struct, frozen=True, tag=True):
    """A stored message says something else now: this."""

    message: Message


class Report(msgspec.Struct, frozen=True, tag=True):
    """Something was dropped or went wrong: kept as a row that a person can find."""

    code: str
    detail: str


class Happened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Somebody did something with the case: a line of the activity log, and of the day's figures.

    `case` is as it was before a closing, and after anything else. `is_first`: the first assignment of a new
    subscriber, the first case that is closed, the agent's first reply here today. `first_waited`: with this
    reply the customer has the first answer of the case, and waited so long for it.
    """

    action: Action
    source: Source
    case: Case
    member_id: MemberId | None = None
    is_first: bool = False
    first_waited: timedelta | None = None


class CaseClosed(msgspec.Struct, frozen=True, tag=True):
    """A case is over: to be kept."""

    closed: ClosedCase


class TurnTaken(msgspec.Struct, frozen=True, tag=True):
    """A group was given a conversation: the next one is somebody else's turn."""

    group_id: GroupId


class CameToday(msgspec.Struct, frozen=True, tag=True):
    """The customer came for the first time today."""


CaseWork = Happened | CaseClosed | TurnTaken | CameToday
"""What is kept of the work of people."""


class Reached(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What became of a person in a broadcast. `message_seq`: the first that was said of it."""

    broadcast_id: BroadcastId
    conversation_id: ConversationId
    outcome: Outcome
    message_seq: int | None = None


Effect = (
    CaseWork
    | SendToCustomer
    | FetchMedia
    | NotifyPlatform
    | MakeCall
    | SendEmail
    | Whisper
    | ShowTyping
    | ShowRead
    | UpdateMessage
    | ReplaceContent
    | Report
    | LogCustomEvent
    | Reached
)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The new state, what to store, and what to do, in order."""

    conversation: Conversation
    messages: tuple[NewMessage, ...] = ()
    effects: tuple[Effect, ...] = ()
