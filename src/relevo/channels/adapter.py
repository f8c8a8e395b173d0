"""What a channel is: the contract that every folder here fulfils.

A channel never does I/O. `verify` and `parse` look at a request that has come in; `send` is a
generator that yields the calls to make and is sent their answers. The server does the rest.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

import msgspec

from relevo.domain.approved_templates import Template, TemplateNews
from relevo.domain.conversations import Barred
from relevo.domain.degrading import EVERY_BUTTON, Limits
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
    """Somebody said something. `for_bot` False: the vendor itself answers it (HELP by SMS), so the bot
    must not; it is stored, and the platform hears it. `said_at`: when, by the vendor's clock,
    where it counts from then how long the person may be answered (`capabilities.window`)."""

    user_id: str
    content: Content
    mid: str = ""
    profile: Profile = Profile()
    referral: dict[str, Any] | None = None
    for_bot: bool = True
    said_at: datetime | None = None
    also_id: str = ""
    """Another id that the vendor knows the same person by (`capabilities.two_ids`)."""


class InboundEdit(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The message `mid` now says something else."""

    user_id: str
    mid: str
    content: Content


class InboundReceipt(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    user_id: str
    status: MessageStatus
    mids: tuple[str, ...] = ()
    up_to_seq: int | None = None
    up_to: datetime | None = None
    """Instead of `mids`: everything that the vendor took until then."""
    error: str = ""


class InboundTyping(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    user_id: str


class InboundOpened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The person opened the chat without a word."""

    user_id: str
    profile: Profile = Profile()


class InboundReach(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The person may not be written to any more, and why (`barred`); or, with "", may be again."""

    user_id: str
    barred: Barred


Inbound = InboundMessage | InboundEdit | InboundReceipt | InboundTyping | InboundOpened | InboundReach


class HookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor wants to hear, where an empty 200 is not enough."""

    status: int = 200
    content_type: str = "text/plain"
    body: bytes = b""


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """What a request said. `unsupported` names kinds of content that are new to us: they are kept.

    `answer` is said once the items are committed, instead of our own receipt.
    """

    items: tuple[Inbound, ...] = ()
    unsupported: tuple[str, ...] = ()
    answer: HookAnswer | None = None
    templates: tuple[TemplateNews, ...] = ()
    """What changed with the templates of the account (`account_of`)."""


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
    heard_at: datetime | None = None
    """When the customer last said something: as of when this was said, or as of now if it had to wait."""
    sending_at: datetime | None = None
    """Now. Filled in when it is sent."""
    hook_url: str = ""
    """Where the vendor may tell what becomes of it. Filled in when it is sent."""
    parts_sent: int = 0
    """How many of its parts the vendor has taken already, at earlier attempts."""
    first_mid: str = ""
    """The vendor's id of the first of them: it is the message's."""


class VendorCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request to make. `sign_with`: add Standard Webhooks headers made with this secret. `most`: the bytes
    of the answer that are wanted, where that is more than usual. `shows`: what people are shown instead of
    the body, where that is a file."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes = b""
    sign_with: str = ""
    most: int = 0
    shows: str = ""


class VendorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a call; header names are lower case, the body may be cut at 16 KB, or `most`."""

    status: int
    headers: dict[str, str]
    body: bytes


SendResult = Accepted | Refused | Rejected
Dialogue = Generator[VendorCall, VendorAnswer, SendResult]
FileSearch = Generator[VendorCall, VendorAnswer, VendorCall | Refused | Rejected]
"""Ends with the call whose answer is the file."""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor says about a channel: `facts` to show (name, value), and what is wrong, each with
    what would be right. No problems: all is well."""

    facts: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


SetUp = Generator[VendorCall, VendorAnswer, Findings]
ListOfTemplates = Generator[VendorCall, VendorAnswer, tuple[Template, ...] | str]
"""Ends with the templates, or with what is wrong."""
MakingTemplate = Generator[VendorCall, VendorAnswer, Template | str | None]
"""Ends with the template as it is now (None: it is gone), or with what is wrong."""


class Option(msgspec.Struct, frozen=True):
    """One option of a channel's configuration. What is `secret` is never shown once it is saved, and
    hidden in everything that is kept of the calls made with it."""

    name: str
    label: str
    kind: Literal["text", "url", "color", "secret"]
    hint: str
    required: bool = False
    placeholder: str = ""


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a vendor wants to be called: messages a second for the whole channel, and seconds between
    two to the same person, on average: `burst` may come at once. 0: it does not say."""

    a_second: float = 0
    between: float = 0
    burst: int = 1


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel can carry. What it cannot is degraded before `send` sees it."""

    is_pulled: bool = False
    """The customer's side fetches messages from us: committing a message is delivering it."""
    needs_token: bool = False
    """Its hook wants `Authorization: Bearer <token of the flow>` besides what `verify` checks."""
    media: frozenset[str] = frozenset()
    media_sizes: dict[str, int] = {}
    """The most bytes of each type; a larger file, where its size is known, becomes a link."""
    media_kinds: dict[str, frozenset[str]] = {}
    """The MIME types of each type, where not all are taken; others become files."""
    captioned: frozenset[str] = frozenset({"image", "video", "audio", "file", "sticker"})
    """The types of media that can have words and buttons."""
    caption_limit: int = 0
    """Characters of a caption; 0: as many as of a text."""
    buttons: int = 0
    button_kinds: frozenset[str] = EVERY_BUTTON
    button_id_limit: int = 0
    """Bytes of a button's id; 0: any."""
    button_title_limit: int = 0
    """Characters of a button's title; 0: any."""
    quick_replies: int = 0
    options: int = 0
    """Buttons and quick replies of one message together; 0: as many as of each."""
    captioned_options: int = 0
    """Buttons and quick replies of a file; 0: as many as of a text."""
    cards: bool = False
    most_cards: int = 0
    """Cards of one message; 0: any."""
    albums: int = 0
    """How many pictures with words one message may have: cards without buttons become one."""
    location: bool = False
    contacts: bool = False
    requests: frozenset[str] = frozenset()
    """What a quick reply may have the customer send: `location`, `contact`."""
    reactions: bool = False
    templates: bool = False
    """Messages that the vendor has approved, which may be said outside of `window`."""
    text_limit: int = 4096
    text_in_bytes: bool = False
    """The limits of texts are of bytes in UTF-8, not of characters."""
    button_text_limit: int = 0
    reply_text_limit: int = 0
    """The most of a text that has buttons, or quick replies; 0: as of any other."""
    typing: bool = False
    reads: bool = False
    """The customer is shown that an agent has read what they wrote."""
    receipts: bool = False
    edits: bool = False
    """The customer's changes of what they wrote are told."""
    two_ids: bool = False
    """Its people have two ids, and may come with either alone: a phone number, and one of the vendor's."""
    connects: bool = False
    """`connect` tells the vendor where to post, so that nobody need copy the hook URL."""
    rates: Rates = Rates()
    window: timedelta | None = None
    """How long after their last message a person may be written to; None: at any time."""
    window_of_humans: timedelta | None = None
    """For how long a human may, where that is longer."""

    @property
    def limits(self) -> Limits:
        """What `degrading.degrade` must respect before `send`."""
        return Limits(
            text=self.text_limit,
            in_bytes=self.text_in_bytes,
            button_text=self.button_text_limit,
            reply_text=self.reply_text_limit,
            caption=self.caption_limit,
            captioned=self.captioned,
            media=self.media,
            media_sizes=self.media_sizes,
            media_kinds=self.media_kinds,
            buttons=self.buttons,
            button_kinds=self.button_kinds,
            button_id=self.button_id_limit,
            button_title=self.button_title_limit,
            quick_replies=self.quick_replies,
            options=self.options,
            captioned_options=self.captioned_options,
            cards=self.cards,
            most_cards=self.most_cards,
            albums=self.albums,
            location=self.location,
            contacts=self.contacts,
            requests=self.requests,
            reactions=self.reactions,
            templates=self.templates,
        )


class Adapter(Protocol):
    """A channel type. Adapters have no state. A channel inherits from this, and leaves what has a body
    here as it is where its vendor has nothing of the kind."""

    type: str
    title: str
    summary: str
    """One sentence for whoever chooses a type."""
    options: tuple[Option, ...]
    capabilities: Capabilities

    def user_id_of(self, phone: str) -> str:
        """By which id the vendor knows whoever has this phone number; "" when it does not by that."""
        return ""

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
        """Bring one part of a message to the customer: its content respects `limits`. What the vendor
        says no to ends as one of `toolkit.Fault`, so that only what may succeed later is tried again."""
        ...

    def limits(self, channel: Channel) -> Limits:
        """What this channel can carry, where its configuration changes what its type can."""
        return self.capabilities.limits

    def window(self, channel: Channel) -> timedelta | None:
        """How long after their last message a person may be written to here; None: at any time."""
        return self.capabilities.window

    def window_of_humans(self, channel: Channel) -> timedelta | None:
        """And for how long an agent may: no shorter."""
        return self.capabilities.window_of_humans or self.window(channel)

    def rates(self, channel: Channel) -> Rates:
        """How fast this channel may be, where its configuration changes what its type may."""
        return self.capabilities.rates

    def counts_as(self, content: Content, channel: Channel) -> int:
        """As how many messages of `rates` a content counts."""
        return 1

    def fetch(self, url: str, channel: Channel) -> FileSearch:
        """Find a customer's file. `url` is what `parse` has given it: an http URL, or a reference of the
        vendor's that only this method understands. It must hold no secret: it is stored."""
        yield from ()
        return VendorCall(method="GET", url=url)

    def show_typing(self, user_id: str, channel: Channel) -> VendorCall | None:
        """Show the customer that somebody is typing (`capabilities.typing`). Nobody looks at the answer."""
        return None

    def show_attention(
        self, user_id: str, last_mid: str, channel: Channel, *, is_typing: bool
    ) -> VendorCall | None:
        """Show the customer that what they wrote, up to `last_mid`, is read (`capabilities.reads`), or that
        somebody is typing: for vendors who want to know what the answer is to."""
        return self.show_typing(user_id, channel) if is_typing else None

    def to_copy(self, channel: Channel, hook_url: str) -> tuple[tuple[str, str], ...]:
        """What is to be copied into the vendor's pages, by the names that it has there."""
        return (("Hook URL", hook_url),)

    def connect(self, channel: Channel, hook_url: str) -> SetUp:
        """Tell the vendor to post to `hook_url` (`capabilities.connects`), then `check`."""
        return self.check(channel, hook_url)

    def check(self, channel: Channel, hook_url: str) -> SetUp:
        """Ask the vendor whether all is well."""
        yield from ()
        return Findings()

    # Templates (`capabilities.templates`)

    def account_of(self, channel: Channel) -> str:
        """The vendor's account that has the templates: other channels may share it."""
        return ""

    def list_templates(self, channel: Channel) -> ListOfTemplates:
        """All messages that the vendor has approved for this channel, or has refused, or looks at."""
        yield from ()
        return ()

    def make_template(self, channel: Channel, wanted: Template) -> MakingTemplate:
        """Ask the vendor to approve a message."""
        yield from ()
        return f"{self.title} has no templates"

    def drop_template(self, channel: Channel, name: str) -> MakingTemplate:
        """Have the vendor forget a message, in all its languages."""
        yield from ()
        return f"{self.title} has no templates"


def secrets_of(adapter: Adapter, channel: Channel) -> tuple[str, ...]:
    """The values of a channel's options that nobody may see."""
    values = (channel.config.get(option.name) for option in adapter.options if option.kind == "secret")
    return tuple(value for value in values if isinstance(value, str) and value)
