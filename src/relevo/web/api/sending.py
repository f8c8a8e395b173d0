"""Saying something to a customer: as an agent, or as the bot."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.domain import dynamic_content
from relevo.domain.dynamic_content import DynamicContent
from relevo.domain.emails import LONGEST_TEXT
from relevo.domain.errors import InvalidInput
from relevo.domain.events import AgentReplied, AnyEvent, BotTold, ByConversation, EmailTold, Once
from relevo.domain.ids import MemberId
from relevo.domain.messages import Text
from relevo.domain.templates import read_template
from relevo.web.api.answers import Ok
from relevo.web.api.calls import Call, UserNs
from relevo.web.api.content_schema import CONTENT_SCHEMA
from relevo.web.api.operations import USER_NS, writes
from relevo.web.api.reading import ALIASES, VERBATIM, Parameters

TAG = "Sending"

Flag = Literal[0, 1]
AgentId = Annotated[
    int | None,
    Meta(description="The agent who says it, if not the token's member.", examples=[55]),
]


class SendText(msgspec.Struct, frozen=True, kw_only=True):
    """Words for the customer."""

    user_ns: UserNs
    content: Annotated[
        str,
        Meta(
            max_length=dynamic_content.LONGEST_TEXT,
            description="What to say. `text` is taken for it as well.",
            examples=["Yes, two left."],
            extra={ALIASES: ("text",), VERBATIM: True},
        ),
    ]
    send_as_agent: Annotated[Flag, Meta(description="0: the bot says it, and nobody is paused.")] = 1
    agent_id: AgentId = None


class SendContent(msgspec.Struct, frozen=True, kw_only=True):
    """Dynamic content v1 for the customer."""

    user_ns: UserNs
    data: Annotated[dict[str, Any] | None, Meta(extra_json_schema=CONTENT_SCHEMA)] = None
    send_as_agent: Annotated[
        Flag, Meta(description="1: an agent says it, which pauses the bot as send-text does.")
    ] = 0
    agent_id: AgentId = None


TEMPLATE_SCHEMA: dict[str, Any] = {
    "required": ["name", "lang"],
    "properties": {
        "name": {"type": "string"},
        "lang": {"type": "string", "examples": ["en_US"]},
        "namespace": {"type": "string", "description": "Not needed; taken because UChat has it."},
        "params": {"type": "object", "description": "`BODY_{{1}}`, `URL_1` and so on."},
        "components": {"type": "array", "description": "Instead of `params`: as Meta has them."},
    },
}


class SendTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A template of WhatsApp's for the customer."""

    user_ns: UserNs
    content: Annotated[
        dict[str, Any],
        Meta(description="The template, with its places filled in.", extra_json_schema=TEMPLATE_SCHEMA),
    ]


_IMAGE = {"type": "image", "url": "https://cdn.example.com/mug.jpg", "caption": "The last one"}


@writes(
    "/subscriber/send-text",
    tag=TAG,
    title="Send a text",
    name="sendText",
    may_conflict=True,
    example={"user_ns": USER_NS, "content": "Yes, two left."},
)
async def send_text(call: NamedDependency[Call], data: JSONBody[SendText]) -> Ok:
    """Say something as an agent. If the bot has control, it is paused (for 30 minutes, unless the workspace
    has another time). It is sent in the name of the token's member, or of `agent_id`."""

    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        contents = (Text(data.content),)
        if not data.send_as_agent:
            return BotTold(to=to, once=once, contents=contents)
        return AgentReplied(to=to, once=once, contents=contents, member_id=_speaker(call, data.agent_id))

    return await call.write(data.user_ns, event)


@writes(
    "/subscriber/send-content",
    tag=TAG,
    title="Send rich content",
    name="sendContent",
    may_conflict=True,
    example={
        "user_ns": USER_NS,
        "data": {"version": "v1", "content": {"messages": [_IMAGE]}},
        "send_as_agent": 1,
    },
    more_examples={
        "buttons": {
            "user_ns": USER_NS,
            "data": {
                "version": "v1",
                "content": {
                    "messages": [
                        {
                            "type": "text",
                            "text": "Anything else?",
                            "buttons": [
                                {"type": "url", "caption": "Shop", "url": "https://shop.example.com"}
                            ],
                        }
                    ],
                    "actions": [{"action": "add_tag", "tag_name": "lead"}],
                    "quick_replies": [{"type": "content", "caption": "No, thank you"}],
                },
            },
        },
        "unwrapped": {"user_ns": USER_NS, "data": {"messages": [_IMAGE]}},
    },
)
async def send_content(call: NamedDependency[Call], data: JSONBody[SendContent]) -> Ok:
    """Say something with pictures, files, cards, buttons or quick replies, change the subscriber's tags and
    fields, and go to a subflow. The bot says it, whoever has control, unless `send_as_agent` is 1."""
    sent, subflows = await call.request.parameters(), await call.subflows()

    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        content = _content(sent, data, subflows)
        if not data.send_as_agent:
            return BotTold(
                to=to, once=once, contents=content.contents, acts=content.acts, go_to=content.go_to
            )
        member_id = _speaker(call, data.agent_id)
        return AgentReplied(
            to=to, once=once, contents=content.contents, acts=content.acts, member_id=member_id
        )

    return await call.write(data.user_ns, event)


@writes(
    "/subscriber/send-whatsapp-template",
    tag=TAG,
    title="Send a template",
    name="sendWhatsappTemplate",
    may_conflict=True,
    example={
        "user_ns": USER_NS,
        "content": {"name": "order_sent", "lang": "en_US", "params": {"BODY_{{1}}": "Ana", "URL_1": "77"}},
    },
)
async def send_whatsapp_template(call: NamedDependency[Call], data: JSONBody[SendTemplate]) -> Ok:
    """Say something that Meta has approved, on WhatsApp, whenever the person last wrote. The bot says it,
    whoever has control."""
    said = read_template(data.content, {ns: name for name, ns in (await call.subflows()).items()})
    return await call.write(data.user_ns, lambda to, once: BotTold(to=to, once=once, contents=(said,)))


class SendEmail(msgspec.Struct, frozen=True, kw_only=True):
    """An e-mail for the customer."""

    user_ns: UserNs
    content: Annotated[
        str, Meta(max_length=LONGEST_TEXT, description="What to write.", examples=["It is on its way."])
    ]
    subject: Annotated[str, Meta(max_length=1000, description="In one line.", examples=["Your order"])] = ""


@writes(
    "/subscriber/send-email",
    tag=TAG,
    title="Send an e-mail",
    name="sendEmail",
    may_conflict=True,
    example={"user_ns": USER_NS, "content": "It is on its way.", "subject": "Your order"},
)
async def send_email(call: NamedDependency[Call], data: JSONBody[SendEmail]) -> Ok:
    """Write to the address of the person's profile, over the workspace's mail server. Whoever wants no
    e-mails gets none; what was not written is a problem of the conversation."""
    return await call.write(
        data.user_ns,
        lambda to, once: EmailTold(to=to, once=once, subject=data.subject, text=data.content),
    )


def _content(sent: Parameters, data: SendContent, subflows: dict[str, str]) -> DynamicContent:
    """What to say. Some clients leave `data` out, and send what is in it beside `user_ns`."""
    by_name = {name: name for name in subflows} | {ns: name for name, ns in subflows.items()}
    if data.data is not None or not sent.keys() & _UNWRAPPED:
        content = dynamic_content.read(data.data, by_name)
    else:
        content = dynamic_content.read(sent, by_name, path="")
    if content.go_to and data.send_as_agent:
        raise InvalidInput({"goto": [_NO_GOTO]})
    return content


_UNWRAPPED = frozenset({"content", "messages", "actions", "quick_replies", "goto"})
_NO_GOTO = "The goto cannot be followed with send_as_agent 1: an agent who speaks pauses the bot."


def _speaker(call: Call, agent_id: int | None) -> MemberId | None:
    """Who says it. 0 is nobody on the wire, so it changes nothing."""
    return call.member(agent_id).id if agent_id else call.key.member_id
