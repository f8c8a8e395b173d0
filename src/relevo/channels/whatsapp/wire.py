"""The Cloud API's JSON, as far as it is read here, and its error codes.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages (what
comes in), …/business-scoped-user-ids (people without a phone number), …/support/error-codes (codes).
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from relevo.channels import toolkit
from relevo.channels.toolkit import Fault, Latitude, Longitude
from relevo.domain.messages import MessageStatus

VendorId = Annotated[str, msgspec.Meta(min_length=1, max_length=toolkit.ID_LIMIT)]
PersonId = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=2**33)]
"""Unix time. Meta writes it as text."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    name: str = ""
    username: str = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who wrote. `user_id` is the business-scoped id; a person with a username may have no `wa_id`."""

    profile: Profile = Profile()
    wa_id: str = ""
    user_id: str = ""


class TextBody(msgspec.Struct, frozen=True, kw_only=True):
    body: str


class File(msgspec.Struct, frozen=True, kw_only=True):
    id: VendorId
    mime_type: str = ""
    caption: str = ""
    filename: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    latitude: Latitude
    longitude: Longitude
    name: str = ""
    address: str = ""


class CardName(msgspec.Struct, frozen=True, kw_only=True):
    formatted_name: str = ""


class CardPhone(msgspec.Struct, frozen=True, kw_only=True):
    phone: str = ""
    wa_id: str = ""


class CardEmail(msgspec.Struct, frozen=True, kw_only=True):
    email: str = ""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    name: CardName = CardName()
    phones: tuple[CardPhone, ...] = ()
    emails: tuple[CardEmail, ...] = ()


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    id: str = ""
    title: str = ""


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """`button_reply` of a message with buttons, `list_reply` of a list."""

    button_reply: Choice | None = None
    list_reply: Choice | None = None


class Pressed(msgspec.Struct, frozen=True, kw_only=True):
    """A quick reply of a template."""

    text: str = ""
    payload: str = ""


class Emoji(msgspec.Struct, frozen=True, kw_only=True):
    """Without an emoji it is taken back."""

    message_id: VendorId
    emoji: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    text: str = ""


class News(msgspec.Struct, frozen=True, kw_only=True):
    """WhatsApp itself: somebody has another number, or another id."""

    body: str = ""
    type: str = ""


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    original_message_id: VendorId
    message: dict[str, Any]


class Revoked(msgspec.Struct, frozen=True, kw_only=True):
    original_message_id: VendorId


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What was said: `type` names the field that holds it."""

    type: str
    text: TextBody | None = None
    image: File | None = None
    video: File | None = None
    audio: File | None = None
    voice: File | None = None
    document: File | None = None
    sticker: File | None = None
    location: Place | None = None
    contacts: tuple[Card, ...] = ()
    interactive: Chosen | None = None
    button: Pressed | None = None
    reaction: Emoji | None = None
    order: Order | None = None
    system: News | None = None


class Message(Said, frozen=True, kw_only=True):
    """`from_user_id` stands there besides `from`, or alone."""

    id: VendorId
    timestamp: Seconds
    from_: PersonId | None = msgspec.field(name="from", default=None)
    from_user_id: PersonId | None = None
    group_id: str | None = None
    edit: Edited | None = None
    revoke: Revoked | None = None
    referral: dict[str, Any] | None = None


class Details(msgspec.Struct, frozen=True, kw_only=True):
    details: str = ""


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """`title` in webhooks, `message` in both; `details` says the most."""

    code: int = -1
    title: str = ""
    message: str = ""
    error_data: Details | None = None
    error_user_msg: str = ""
    """For people, where Meta has words for them: what is wrong with a template, say."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message of ours."""

    id: VendorId
    status: str
    recipient_id: PersonId | None = None
    recipient_user_id: PersonId | None = None
    errors: tuple[Error, ...] = ()


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    phone_number_id: str = ""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Messages and statuses stay as they are: one that is odd must not hold up the others."""

    metadata: Metadata = Metadata()
    contacts: tuple[Person, ...] = ()
    messages: tuple[dict[str, Any], ...] = ()
    statuses: tuple[dict[str, Any], ...] = ()
    errors: tuple[Error, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """`field` says what it is about: `messages`, or templates."""

    field: str
    value: dict[str, Any]


class TemplateChange(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a template; which of the fields are there depends on that. `new_category` is the one
    that counts now, also where another is announced (`correct_category`)."""

    message_template_name: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    message_template_language: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    event: Annotated[str, msgspec.Meta(max_length=40)] = ""
    reason: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    new_category: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    new_quality_score: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is the account's."""

    id: toolkit.Id = ""
    changes: tuple[Change, ...] = ()


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A request of Meta's. `object` is `whatsapp_business_account`."""

    object: str
    entry: tuple[Entry, ...]


ACCOUNT = "whatsapp_business_account"

STATUSES = {
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "played": MessageStatus.READ,
    "failed": MessageStatus.FAILED,
}


# Answers of the Graph API


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    id: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Of `/messages`: what was sent, or why not."""

    messages: tuple[Sent, ...] = ()
    error: Error | None = None


class FileAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Of a file's id: where it is for five minutes."""

    url: str = ""
    error: Error | None = None


class HookSetting(msgspec.Struct, frozen=True, kw_only=True):
    """Where Meta posts: of the three, the first that is set."""

    phone_number: str | None = None
    whatsapp_business_account: str | None = None
    application: str | None = None

    @property
    def url(self) -> str:
        return self.phone_number or self.whatsapp_business_account or self.application or ""


class Number(msgspec.Struct, frozen=True, kw_only=True):
    display_phone_number: str = ""
    verified_name: str = ""
    quality_rating: str = ""
    webhook_configuration: HookSetting = HookSetting()
    error: Error | None = None


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    permission: str = ""
    status: str = ""


class Permissions(msgspec.Struct, frozen=True, kw_only=True):
    data: tuple[Permission, ...] = ()


class Apps(msgspec.Struct, frozen=True, kw_only=True):
    """The apps that hear of an account."""

    data: tuple[dict[str, Any], ...] = ()
    error: Error | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    message_template_namespace: str = ""


class QualityScore(msgspec.Struct, frozen=True, kw_only=True):
    score: Annotated[str, msgspec.Meta(max_length=40)] = ""


class TemplateThere(msgspec.Struct, frozen=True, kw_only=True):
    """A template as Meta lists it."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    language: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    id: toolkit.Id = ""
    status: Annotated[str, msgspec.Meta(max_length=40)] = ""
    category: Annotated[str, msgspec.Meta(max_length=40)] = ""
    components: tuple[dict[str, Any], ...] = ()
    rejected_reason: Annotated[str, msgspec.Meta(max_length=255)] = ""
    quality_score: QualityScore | None = None


class Cursors(msgspec.Struct, frozen=True, kw_only=True):
    after: str = ""


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """`next` is there while there is more."""

    cursors: Cursors = Cursors()
    next: str = ""


class TemplatePage(msgspec.Struct, frozen=True, kw_only=True):
    data: tuple[TemplateThere, ...]
    paging: Paging = Paging()


class MadeTemplate(msgspec.Struct, frozen=True, kw_only=True):
    id: str = ""
    status: str = "PENDING"
    category: str = ""


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    """Of `/media`: the id of a file that lies at Meta for thirty days."""

    id: str = ""
    error: Error | None = None


FAULTS: dict[int, Fault] = {
    **dict.fromkeys((0, 3, 10, 33, 190, 368, 131005, 131031, 131045, 133010), Fault.AUTH),
    **dict.fromkeys(range(200, 300), Fault.AUTH),
    **dict.fromkeys((4, 80007, 130429, 131048, 131056, 133016), Fault.RATE_LIMITED),
    **dict.fromkeys((1, 2, 131000, 131016, 131057, 133004), Fault.VENDOR_DOWN),
    131047: Fault.WINDOW_CLOSED,
    **dict.fromkeys((131021, 131026, 131030, 131062), Fault.INVALID_RECIPIENT),
}
"""By code; every other code is `rejected`. 131050 (no more advertising, please) is too: the person may still
be answered."""


def fault_of(code: int) -> Fault:
    return FAULTS.get(code, Fault.REJECTED)


def words_of(error: Error) -> str:
    """`131047 Re-engagement message: Message failed to send because more than 24 hours have passed …`."""
    details = error.error_data.details if error.error_data else ""
    title = error.title or error.message
    said = dict.fromkeys(filter(None, (title, details, error.error_user_msg)))
    return f"{error.code} {': '.join(said)}".strip()
