"""What a channel is: the contract that every folder here fulfils.

A channel never does I/O. `verify` and `parse` look at a request that has come in; `send` is a
generator that yields the calls to make and is sent their answers. The server does the rest.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import Any, Protocol

import msgspec

from relevo.domain.degrading import Limits
from relevo.domain.deliveries import Accepted, Refused, Rejected
from relevo.domain.ids import ConversationId, MemberId, MessageId
from relevo.domain.messages import Content, MessageStatus, MessageType
from relevo.domain.subscribers import Profile
from relevo.domain.workspaces import Channel


class HookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a channel's hook URL. Header names are lower case; `now` is when it came."""

    method: str
    url: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    now: datetime


class InboundMessage(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    user_id: str
    content: Content
    mid: str = ""
    profile: Profile = Profile()
    referral: dict[str, Any] | None = None


class InboundReceipt(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    user_id: str
    status: MessageStatus
    mids: tuple[str, ...] = ()
    up_to_seq: int | None = None
    error: str = ""


class InboundTyping(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    user_id: str


class InboundOpened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The person opened the chat without a word."""

    user_id: str
    profile: Profile = Profile()


Inbound = InboundMessage | InboundReceipt | InboundTyping | InboundOpened


class HookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor wants to hear, where an empty 200 is not enough."""

    status: int = 200
    content_type: str = "text/plain"
    body: bytes = b""


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """What a request said. `unsupported` names kinds of content that are new to us: they are kept."""

    items: tuple[Inbound, ...] = ()
    unsupported: tuple[str, ...] = ()
    answer: HookAnswer | None = None


class OutgoingMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message to bring to the customer; its JSON is the body of the delivery."""

    message_id: MessageId
    object_id: str
    conversation_id: ConversationId
    user_ns: str
    user_id: str
    type: MessageType
    content: Content
    username: str
    member_id: MemberId | None
    created_at: datetime
    contact_name: str = ""


class VendorCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request to make. `sign_with`: add Standard Webhooks headers made with this secret."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes = b""
    sign_with: str = ""


class VendorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a call; header names are lower case, the body may be cut at 16 KB."""

    status: int
    headers: dict[str, str]
    body: bytes


SendResult = Accepted | Refused | Rejected
Dialogue = Generator[VendorCall, VendorAnswer, SendResult]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel can carry. What it cannot is degraded before `send` sees it."""

    is_pulled: bool = False
    """The customer's side fetches messages from us: committing a message is delivering it."""
    needs_token: bool = False
    """Its hook wants `Authorization: Bearer <token of the flow>` besides what `verify` checks."""
    media: frozenset[str] = frozenset()
    buttons: int = 0
    quick_replies: int = 0
    cards: bool = False
    location: bool = False
    text_limit: int = 4096
    typing: bool = False
    receipts: bool = False

    @property
    def limits(self) -> Limits:
        """What `degrading.degrade` must respect before `send`."""
        return Limits(
            text=self.text_limit,
            media=self.media,
            buttons=self.buttons,
            quick_replies=self.quick_replies,
            cards=self.cards,
            location=self.location,
        )


class Adapter(Protocol):
    """A channel type. Adapters have no state."""

    type: str
    title: str
    capabilities: Capabilities

    def check_config(self, config: dict[str, Any]) -> dict[str, str]:
        """The problems of a configuration: option → what is wrong and what would be right."""
        ...

    def verify(self, request: HookRequest, channel: Channel) -> None:
        """Raise `BadSignature` unless the vendor sent it."""
        ...

    def parse(self, request: HookRequest, channel: Channel) -> Parsed:
        """What it says. Raise `ForeignPayload` when it is not this vendor's."""
        ...

    def send(self, message: OutgoingMessage, channel: Channel) -> Dialogue:
        """Bring a message to the customer."""
        ...
