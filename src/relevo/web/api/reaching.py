"""Reaching people on a channel that they may never have written to: by text message, and with a template."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.domain.conversations import Conversation
from relevo.domain.dynamic_content import LONGEST_TEXT
from relevo.domain.errors import InvalidInput
from relevo.domain.events import BotTold, ByUser
from relevo.domain.messages import Text
from relevo.domain.subscribers import Profile
from relevo.domain.templates import read_template
from relevo.domain.workspaces import Channel
from relevo.store import conversations
from relevo.web.api.answers import Ok
from relevo.web.api.calls import Call, UserNs, unknown_subscriber
from relevo.web.api.operations import USER_NS, writes
from relevo.web.api.reading import VERBATIM
from relevo.web.api.sending import TAG, TEMPLATE_SCHEMA
from relevo.web.api.starting import UserId


class SendSms(msgspec.Struct, frozen=True):
    """Words for the subscriber's telephone."""

    user_ns: UserNs
    content: Annotated[
        str,
        Meta(min_length=1, max_length=LONGEST_TEXT, description="What to say.",
             examples=["Your order is on its way."], extra={VERBATIM: True}),
    ]  # fmt: skip


class Contact(msgspec.Struct, frozen=True):
    """Who it is, for somebody who is new here. `name` is taken for `user_name`."""

    user_name: Annotated[str, Meta(max_length=200, examples=["Ana Diaz"])] = ""
    first_name: Annotated[str, Meta(max_length=200)] = ""
    last_name: Annotated[str, Meta(max_length=200)] = ""
    name: Annotated[str, Meta(max_length=200)] = ""


class SendTemplateByUserId(msgspec.Struct, frozen=True, kw_only=True):
    """A template of WhatsApp's for a number."""

    user_id: UserId
    content: Annotated[
        dict[str, Any],
        Meta(description="The template, with its places filled in.", extra_json_schema=TEMPLATE_SCHEMA),
    ]
    create_if_not_found: Annotated[
        Literal["yes", "no"], Meta(description="yes: whoever is new here becomes a subscriber.")
    ] = "no"
    contact: Annotated[Contact | None, Meta(description="Who it is, for somebody new.")] = None


@writes(
    "/subscriber/send-sms",
    tag=TAG,
    title="Send a text message",
    name="sendSms",
    may_conflict=True,
    example={"user_ns": USER_NS, "content": "Your order is on its way."},
)
async def send_sms(call: NamedDependency[Call], data: JSONBody[SendSms]) -> Ok:
    """Say something to the subscriber's telephone, through the SMS channel of the flow, or of the workspace.
    It is said in the conversation that they have there; whoever opted out of it is not told."""
    async with call.services.database.read() as connection:
        person = await call.subscriber(connection, data.user_ns)
    to = _telephone(call, person)
    return await call.write_to(lambda once: BotTold(to=to, once=once, contents=(Text(data.content),)))


@writes(
    "/subscriber/send-whatsapp-template-by-user-id",
    tag=TAG,
    title="Send a template to a number",
    name="sendWhatsappTemplateByUserId",
    may_conflict=True,
    example={
        "user_id": "61400000000",
        "create_if_not_found": "yes",
        "contact": {"user_name": "Ana Diaz"},
        "content": {"name": "order_sent", "lang": "en_US", "params": {"BODY_{{1}}": "Ana"}},
    },
)
async def send_whatsapp_template_by_user_id(
    call: NamedDependency[Call], data: JSONBody[SendTemplateByUserId]
) -> Ok:
    """Say something that Meta has approved to a number of WhatsApp, whether or not they ever wrote."""
    said = read_template(data.content, {ns: name for name, ns in (await call.subflows()).items()})
    to, is_new = await _on_whatsapp(call, data)
    profile = _profile(to, data.contact) if is_new else Profile()
    return await call.write_to(lambda once: BotTold(to=to, once=once, contents=(said,), profile=profile))


def _telephone(call: Call, person: Conversation) -> ByUser:
    channels = _channels(call, "sms")
    own = next((one for one in channels if one.id == person.channel_id), None)
    if own is not None:
        return ByUser(own.id, person.subscriber.user_id)
    if not channels:
        raise InvalidInput({"user_ns": ["The workspace has no SMS channel: add one in the console."]})
    number = _number(person.subscriber.profile.phone)
    if number is None:
        shown = person.subscriber.profile.phone or "none"
        problem = f"The subscriber has no phone number that can be dialled: {shown}. Set it as +61400000000."
        raise InvalidInput({"user_ns": [problem]})
    return ByUser(channels[0].id, number)


def _number(phone: str) -> str | None:
    """As SMS channels know people: `+61400000000`. What is written without a country is nobody's."""
    digits = re.sub(r"[\s().-]", "", phone)
    digits = f"+{digits[2:]}" if digits.startswith("00") else digits
    return digits if re.fullmatch(r"\+[1-9][0-9]{5,14}", digits) else None


def _channels(call: Call, type_: str) -> list[Channel]:
    """The workspace's of a type that are in use, those of the flow first."""
    found = [
        one
        for one in call.services.catalog.directory.channels.values()
        if one.workspace_id == call.key.workspace_id and one.type == type_ and not one.disabled_reason
    ]
    return sorted(found, key=lambda one: (one.flow_id != call.key.flow_id, one.id))


async def _on_whatsapp(call: Call, data: SendTemplateByUserId) -> tuple[ByUser, bool]:
    """Where the number is, and whether it is new here."""
    channels = [one for one in _channels(call, "whatsapp") if one.flow_id == call.key.flow_id]
    number = re.sub(r"[\s().+-]", "", data.user_id)
    async with call.services.database.read() as connection:
        for channel in channels:
            if await conversations.find_by_user(connection, channel.id, number) is not None:
                return ByUser(channel.id, number), False
    if data.create_if_not_found == "no":
        raise unknown_subscriber(data.user_id)
    if not channels:
        raise InvalidInput({"user_id": ["The flow has no WhatsApp channel: add one in the console."]})
    if not re.fullmatch(r"[1-9][0-9]{5,14}", number):
        problem = "The user id must be a number with its country, for example 61400000000."
        raise InvalidInput({"user_id": [problem]})
    return ByUser(channels[0].id, number), True


def _profile(to: ByUser, contact: Contact | None) -> Profile:
    known = contact or Contact()
    return Profile(
        name=known.user_name or known.name,
        first_name=known.first_name,
        last_name=known.last_name,
        phone=f"+{to.user_id}",
    )
