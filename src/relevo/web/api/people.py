"""Subscribers: made, changed and deleted, subscribed and opted in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
import structlog
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.channels.registry import adapter_for
from relevo.domain.configuring import check_email, check_url
from relevo.domain.errors import InvalidInput
from relevo.domain.events import (
    AnyEvent,
    ByConversation,
    ByUser,
    DirectAct,
    Once,
    ReachChanged,
    SubscriberChanged,
)
from relevo.domain.flows.runs import AddTag, OptsIn, OptsOut, SetField
from relevo.domain.ids import ConversationId, user_ns
from relevo.domain.subscribers import Profile
from relevo.domain.workspaces import Channel
from relevo.engine.hub import LookAgain
from relevo.store import erasing, subscribers
from relevo.store.database import Connection
from relevo.web.api.answers import Ok
from relevo.web.api.calls import Call, UserNs
from relevo.web.api.control import Subscriber
from relevo.web.api.describing import TagByName, ValueByNs
from relevo.web.api.operations import USER_NS, writes
from relevo.web.api.subscribers import ANA, TAG, SubscriberAnswer, answer_about
from relevo.web.api.vocabulary import look_for, names_by_ns, of_flow, typed_values

log = structlog.get_logger()

MOST_USERS, MOST_OF_EACH = 100, 10

Text = Annotated[str, Meta(max_length=200)]
FirstName = Annotated[Text, Meta(description="The first name.", examples=["Ana"])]
LastName = Annotated[Text, Meta(description="The last name.", examples=["Diaz"])]
WholeName = Annotated[Text, Meta(description="The whole name, where it is not known in parts.")]
Phone = Annotated[
    str,
    Meta(
        pattern=r"^(\+?[0-9][0-9 ()./-]{3,30})?$",
        description="The phone number, with the country's code.",
        examples=["+61400000000"],
    ),
]
Email = Annotated[str, Meta(max_length=254, description="The e-mail address.", examples=["ana@example.com"])]
Gender = Annotated[Literal["male", "female"] | None, Meta(description="If it is known.")]
Image = Annotated[str, Meta(max_length=4096, description="The address of a picture of them.")]


class NewSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """A person. A phone number or an e-mail address is needed."""

    phone: Phone = ""
    email: Email = ""
    first_name: FirstName = ""
    last_name: LastName = ""
    name: WholeName = ""
    gender: Gender = None
    image: Image = ""


class Imported(NewSubscriber, frozen=True, kw_only=True):
    """A person, and what they are described by."""

    tags: Annotated[
        list[TagByName],
        Meta(max_length=MOST_OF_EACH, description="Tags; those that there are not are left out."),
    ] = []
    user_fields: Annotated[
        list[ValueByNs], Meta(max_length=MOST_OF_EACH, description="Fields and values.")
    ] = []


class ManySubscribers(msgspec.Struct, frozen=True):
    """People, at most 100."""

    users: Annotated[list[Imported], Meta(max_length=MOST_USERS, description="The people.")]


class ChangedSubscriber(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; what is left out stays."""

    user_ns: UserNs
    phone: Phone = ""
    email: Email = ""
    first_name: FirstName = ""
    last_name: LastName = ""
    name: WholeName = ""
    gender: Gender = None
    image: Image = ""


@writes(
    "/subscriber/create",
    tag=TAG,
    title="Create a subscriber",
    name="createSubscriber",
    example={"phone": "+61400000000", "first_name": "Ana", "last_name": "Diaz"},
    answer={"data": ANA, "status": "ok"},
    about=None,
)
async def create(call: NamedDependency[Call], data: JSONBody[NewSubscriber]) -> SubscriberAnswer:
    """Make a subscriber who has not written yet. On a channel that knows people by their phone number, it is
    the one who writes from that number later. Refused when the flow has somebody with this phone number or
    e-mail address already; the message names them."""
    profile = _profile(data)
    found = await _find(call, data)

    def event(once: Once | None) -> AnyEvent:
        _need_either(data, "")
        if found is not None:
            raise InvalidInput(_taken(call, data, found))
        return SubscriberChanged(to=_place(call, data, ""), once=once, profile=profile)

    return await answer_about(call, await call.submit(event))


@writes(
    "/subscriber/create-many",
    tag=TAG,
    title="Create subscribers",
    name="createSubscribers",
    example={"users": [{"phone": "+61400000001", "first_name": "Bo", "tags": [{"tag_name": "lead"}]}]},
    about=None,
)
async def create_many(call: NamedDependency[Call], data: JSONBody[ManySubscribers]) -> Ok:
    """Make up to 100 subscribers, each with at most 10 tags and 10 fields. Who is known by the phone number
    or e-mail address already is not made again: the data is added to what is known. A tag that there is not
    is left out. When something is wrong with one of them, nothing is done."""
    nss = {field.var_ns for one in data.users for field in one.user_fields}
    await look_for(call, lambda: nss <= {one.ns for one in of_flow(call).fields.values()})
    told = [_told(call, index, one) for index, one in enumerate(data.users)]
    places = await _places(call, data.users)
    await call.submit_all([partial(_learned, to, told) for to, told in zip(places, told, strict=True)])
    return Ok()


Told = tuple[Profile, tuple[DirectAct, ...]]


def _told(call: Call, index: int, data: Imported) -> Told:
    _need_either(data, f"users.{index}.")
    return _profile(data, f"users.{index}."), _acts(call, index, data)


def _learned(to: ByConversation | ByUser, told: Told, once: Once | None) -> AnyEvent:
    profile, acts = told
    return SubscriberChanged(to=to, once=once, profile=profile, acts=acts)


@writes(
    "/subscriber/update",
    method="PUT",
    tag=TAG,
    title="Update a subscriber",
    name="updateSubscriber",
    example={"user_ns": USER_NS, "phone": "+61400000000", "first_name": "Ana"},
    answer={"data": ANA, "status": "ok"},
)
async def update(call: NamedDependency[Call], data: JSONBody[ChangedSubscriber]) -> SubscriberAnswer:
    """Change what is known of a person. What is left out stays as it is."""

    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        return SubscriberChanged(to=to, once=once, profile=_profile(data))

    return await answer_about(call, await call.submit_to(data.user_ns, event))


@writes(
    "/subscriber/delete",
    method="DELETE",
    tag=TAG,
    title="Delete a subscriber",
    name="deleteSubscriber",
    example={"user_ns": USER_NS},
)
async def delete(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Delete a subscriber for good, with everything that was said, their files, and the deliveries that still
    wait. It cannot be taken back. Who writes again is somebody new."""

    async def work(connection: Connection) -> Ok:
        one = await call.subscriber(connection, data.user_ns)
        given_up = await erasing.begin(connection, one.id, call.services.clock.now())
        await erasing.go_on(connection, one.id)
        log.info("subscriber.deleted", user_ns=one.user_ns, by=call.caller, deliveries_given_up=given_up)
        call.services.hub.publish([LookAgain(one.workspace_id, ConversationId(0))])
        return Ok()

    return await call.once(work, Ok, locks_conversations=True)


# Subscribed and opted in


@writes(
    "/subscriber/subscribe-to-bot",
    tag=TAG,
    title="Subscribe to the bot",
    name="subscribeToBot",
    example={"user_ns": USER_NS},
)
async def subscribe_to_bot(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Say that the person may be written to again."""
    return await call.write(data.user_ns, lambda to, once: ReachChanged(to=to, once=once, barred=""))


@writes(
    "/subscriber/unsubscribe-from-bot",
    method="DELETE",
    tag=TAG,
    title="Unsubscribe from the bot",
    name="unsubscribeFromBot",
    example={"user_ns": USER_NS},
)
async def unsubscribe_from_bot(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Say that the person does not want to be written to any more: neither the bot nor an agent can."""
    return await call.write(data.user_ns, lambda to, once: ReachChanged(to=to, once=once, barred="opted_out"))


@writes(
    "/subscriber/opt-in-sms", tag=TAG, title="Opt in to SMS", name="optInSms", example={"user_ns": USER_NS}
)
async def opt_in_sms(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Note that the person agrees to text messages."""
    return await _opt(call, data, OptsIn("sms", "api"))


@writes(
    "/subscriber/opt-out-sms",
    method="DELETE",
    tag=TAG,
    title="Opt out of SMS",
    name="optOutSms",
    example={"user_ns": USER_NS},
)
async def opt_out_sms(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Note that the person does not agree to text messages any more."""
    return await _opt(call, data, OptsOut("sms"))


@writes(
    "/subscriber/opt-in-email",
    tag=TAG,
    title="Opt in to e-mail",
    name="optInEmail",
    example={"user_ns": USER_NS},
)
async def opt_in_email(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Note that the person agrees to e-mails."""
    return await _opt(call, data, OptsIn("email", "api"))


@writes(
    "/subscriber/opt-out-email",
    method="DELETE",
    tag=TAG,
    title="Opt out of e-mail",
    name="optOutEmail",
    example={"user_ns": USER_NS},
)
async def opt_out_email(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Note that the person does not agree to e-mails any more."""
    return await _opt(call, data, OptsOut("email"))


async def _opt(call: Call, data: Subscriber, act: DirectAct) -> Ok:
    return await call.write(data.user_ns, lambda to, once: SubscriberChanged(to=to, once=once, acts=(act,)))


# Who they are


def _profile(data: NewSubscriber | ChangedSubscriber, within: str = "") -> Profile:
    wrong = {}
    if data.email and (about_email := check_email(data.email)):
        wrong[f"{within}email"] = [f"The {within}email must be a valid email address: {about_email}."]
    if data.image and (about_image := check_url(data.image)):
        wrong[f"{within}image"] = [f"The {within}image must be a valid URL: {about_image}."]
    if wrong:
        raise InvalidInput(wrong)
    return Profile(
        name=data.name,
        first_name=data.first_name,
        last_name=data.last_name,
        phone=data.phone,
        email=data.email,
        gender=data.gender or "",
        picture_url=data.image,
    )


def _need_either(data: NewSubscriber, within: str) -> None:
    if not (data.phone or data.email):
        words = f"The {within}phone field is required when {within}email is not present."
        raise InvalidInput({f"{within}phone": [words]})


async def _find(call: Call, data: NewSubscriber) -> ConversationId | None:
    """Who has the phone number or else the e-mail address."""
    async with call.services.database.read() as connection:
        known = await subscribers.find_by_contacts(connection, call.key.flow_id, [data.phone], [data.email])
    return known.get(("phone", data.phone)) or known.get(("email", data.email))


def _taken(call: Call, data: NewSubscriber, found: ConversationId) -> dict[str, list[str]]:
    who = user_ns(call.key.flow_id, found)
    name = "phone" if data.phone else "email"
    return {name: [f"The {name} has already been taken: the subscriber {who} has it."]}


async def _places(call: Call, users: Sequence[Imported]) -> list[ByConversation | ByUser]:
    """Where each of them is, or will be. Who is named twice is made once."""
    async with call.services.database.read() as connection:
        known = await subscribers.find_by_contacts(
            connection, call.key.flow_id, [one.phone for one in users], [one.email for one in users]
        )
    new: dict[tuple[str, str], ByUser] = {}
    return [_place_of(call, index, one, known, new) for index, one in enumerate(users)]


def _place_of(
    call: Call,
    index: int,
    data: Imported,
    known: Mapping[tuple[str, str], ConversationId],
    new: dict[tuple[str, str], ByUser],
) -> ByConversation | ByUser:
    contacts = [key for key in (("phone", data.phone), ("email", data.email)) if key[1]]
    for key in contacts:
        if key in known:
            return ByConversation(known[key])
        if key in new:
            return new[key]
    place = _place(call, data, f"users.{index}.")
    new.update(dict.fromkeys(contacts, place))
    return place


def _place(call: Call, data: NewSubscriber, within: str) -> ByUser:
    """The channel on which somebody new is, and their id there. Raises InvalidInput when there is none."""
    channels = _channels(call)
    for channel in channels:
        user_id = adapter_for(channel.type).user_id_of(data.phone) if data.phone else ""
        if user_id:
            return ByUser(channel.id, user_id)
    for channel in channels:
        if channel.type in _TAKE_ANYBODY:
            return ByUser(channel.id, f"contact-{call.services.chance.object_id()}")
    name = f"{within}{'phone' if data.phone else 'email'}"
    raise InvalidInput({name: [_NOWHERE]})


_TAKE_ANYBODY = ("web", "apichat")
"""Types of channel whose ids of people are anything."""
_NOWHERE = (
    "This flow has no channel on which such a person could be: add one of the type web, apichat, sms or "
    "whatsapp_cloud (the last two for people with a phone number)."
)


def _channels(call: Call) -> Sequence[Channel]:
    everything = call.services.catalog.directory.channels.values()
    return sorted((one for one in everything if one.flow_id == call.key.flow_id), key=lambda one: one.id)


def _acts(call: Call, index: int, data: Imported) -> tuple[DirectAct, ...]:
    known, path = of_flow(call), f"users.{index}.user_fields"
    tags = [one.tag_name for one in data.tags if one.tag_name in known.tags]
    nss = [(f"{path}.{at}.var_ns", one.var_ns) for at, one in enumerate(data.user_fields)]
    names = names_by_ns(known.fields, nss)
    values: list[tuple[str, str, Any]] = [
        (f"{path}.{at}.value", name, one.value)
        for at, (one, name) in enumerate(zip(data.user_fields, names, strict=True))
    ]
    fields = typed_values(known.fields, values)
    return (*map(AddTag, tags), *(SetField(name, value) for name, value in fields.items()))
