"""What Meta's requests say: messages that came in, and what became of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from relevo.channels import toolkit
from relevo.channels.adapter import (
    Inbound,
    InboundEdit,
    InboundMessage,
    InboundOpened,
    InboundReceipt,
    Parsed,
)
from relevo.channels.whatsapp import template_news, wire
from relevo.domain.approved_templates import TemplateNews
from relevo.domain.errors import ForeignPayload
from relevo.domain.messages import (
    Contact,
    Contacts,
    Content,
    Interactive,
    Location,
    Media,
    MessageStatus,
    Other,
    Reaction,
    Text,
)
from relevo.domain.subscribers import Profile

FILE = "whatsapp:"
"""Before a file's id: the reference that `fetch` understands."""

People = Mapping[str, wire.Person]
Read = Iterator[Inbound | TemplateNews | str]
"""What was read; a text names what was not understood."""


def parse(body: bytes, phone_number_id: str, waba_id: str) -> Parsed:
    """What a request says. What is odd in it, or of another number or account, is named; the rest counts."""
    told = toolkit.read_json(body, wire.Notification)
    if told.object != wire.ACCOUNT:
        raise ForeignPayload(f"object: expected {wire.ACCOUNT!r}, got {toolkit.short(told.object)!r}")
    found = [
        one
        for entry in told.entry
        for change in entry.changes
        for one in _change(change, phone_number_id, str(entry.id) == waba_id)
    ]
    return Parsed(
        items=tuple(one for one in found if not isinstance(one, str | TemplateNews)),
        unsupported=tuple(dict.fromkeys(one for one in found if isinstance(one, str))),
        templates=tuple(one for one in found if isinstance(one, TemplateNews)),
    )


def _change(change: wire.Change, phone_number_id: str, is_our_account: bool) -> Read:
    if change.field in template_news.FIELDS and is_our_account:
        yield _template(change)
        return
    if change.field != "messages":
        yield toolkit.short(change.field)
        return
    value = toolkit.read_value(change.value, wire.Value, "value")
    number = value.metadata.phone_number_id
    if number != phone_number_id:
        yield f"something for the phone number {toolkit.short(number)!r}"
        return
    people = _people(value.contacts)
    for raw in value.messages:
        yield from _unless_odd(_message, raw, people)
    for raw in value.statuses:
        yield from _unless_odd(_receipt, raw, people)
    for error in value.errors:
        yield toolkit.short(f"error {wire.words_of(error)}")


def _template(change: wire.Change) -> TemplateNews | str:
    try:
        return template_news.read(change)
    except ForeignPayload as error:
        return toolkit.short(error.message)


def _unless_odd(read: Any, raw: dict[str, Any], people: People) -> Read:
    """One that cannot be read must not have Meta send all of them again, for days."""
    try:
        yield from read(raw, people)
    except ForeignPayload as error:
        yield toolkit.short(error.message)


# Messages


def _message(raw: dict[str, Any], people: People) -> Read:
    message = toolkit.read_value(_plain_time(raw), wire.Message, "message")
    user_id = message.from_ or message.from_user_id
    if user_id is None:
        raise ForeignPayload("message.from: missing; expected a phone number, or an id in from_user_id")
    if message.group_id is not None:
        yield "message in a group"
        return
    profile = _profile(message, people)
    if message.type == "request_welcome":
        yield InboundOpened(user_id=user_id, profile=profile)
    elif message.type in ("edit", "revoke"):
        yield from _changed(message, user_id)
    else:
        yield from _said(message, raw, user_id, profile)


def _said(message: wire.Message, raw: dict[str, Any], user_id: str, profile: Profile) -> Read:
    """A news of WhatsApp's own about a person is heard by the platform, and is nothing to answer."""
    content = _content(message, raw)
    is_news = message.type == "system"
    yield InboundMessage(
        user_id=user_id,
        content=content,
        mid=message.id,
        profile=profile,
        referral=message.referral,
        for_bot=not is_news,
        said_at=None if is_news else datetime.fromtimestamp(message.timestamp, UTC),
        also_id=(message.from_user_id or "") if message.from_ else "",
    )
    yield from _unsupported(content)


def _changed(message: wire.Message, user_id: str) -> Read:
    """Edited or deleted. Of a deleted message nothing is kept."""
    if message.edit is not None:
        inner = toolkit.read_value(message.edit.message, wire.Said, "message.edit.message")
        content = _content(inner, message.edit.message)
        yield InboundEdit(user_id=user_id, mid=message.edit.original_message_id, content=content)
        yield from _unsupported(content)
    elif message.revoke is not None:
        content = Other("unsupported", {"type": "revoke"})
        yield InboundEdit(user_id=user_id, mid=message.revoke.original_message_id, content=content)
    else:
        raise ForeignPayload(f"message.{message.type}: missing")


def _content(said: wire.Said, raw: dict[str, Any]) -> Content:
    if said.text is not None:
        return Text(said.text.body)
    if media := _media(said):
        return media
    if said.location is not None:
        place = said.location
        return Location(place.latitude, place.longitude, place.name, place.address)
    if said.contacts:
        return Contacts(tuple(map(_contact, said.contacts)))
    if said.reaction is not None:
        return Reaction(said.reaction.emoji, said.reaction.message_id)
    if said.order is not None:
        return Other("order", raw["order"], said.order.text)
    return _pressed(said) or _unknown(said, raw)


def _media(said: wire.Said) -> Media | None:
    if said.image is not None:
        return _file("image", said.image, "image/jpeg")
    if said.video is not None:
        return _file("video", said.video, "video/mp4")
    if sound := said.audio or said.voice:
        return _file("audio", sound, "audio/ogg")
    if said.sticker is not None:
        return _file("sticker", said.sticker, "image/webp")
    return _file("file", said.document, "") if said.document is not None else None


def _file(kind: Any, file: wire.File, usual: str) -> Media:
    """Voice messages have `audio/ogg; codecs=opus`."""
    return Media(
        type=kind,
        url=FILE + file.id,
        mime_type=toolkit.short(file.mime_type.partition(";")[0].strip()) or usual,
        title=toolkit.short(file.filename),
        caption=file.caption,
    )


def _contact(card: wire.Card) -> Contact:
    phones = tuple(phone.phone or phone.wa_id for phone in card.phones if phone.phone or phone.wa_id)
    emails = tuple(one.email for one in card.emails if one.email)
    name = card.name.formatted_name or next(iter((*phones, *emails)), "")
    return Contact(name, phones, emails)


def _pressed(said: wire.Said) -> Interactive | None:
    if said.button is not None:
        return Interactive(said.button.text, said.button.payload)
    chosen = said.interactive and (said.interactive.button_reply or said.interactive.list_reply)
    return Interactive(chosen.title, chosen.id) if chosen else None


def _unknown(said: wire.Said, raw: dict[str, Any]) -> Other:
    """`system`, `unsupported`, the answer to a WhatsApp Flow, and what is to come."""
    kind = f"system {said.system.type}" if said.system else said.type
    return Other(
        "unsupported", {"type": toolkit.short(kind), "raw": raw}, said.system.body if said.system else ""
    )


def _unsupported(content: Content) -> Iterator[str]:
    """What is new to us. Of what WhatsApp itself does not hand on, `unsupported`, nobody can learn more."""
    if not isinstance(content, Other) or content.type != "unsupported":
        return
    kind = str(content.payload["type"])
    if kind != "unsupported" and not kind.startswith("system "):
        yield kind


# Statuses


def _receipt(raw: dict[str, Any], _: People) -> Read:
    told = toolkit.read_value(raw, wire.Status, "status")
    user_id = told.recipient_id or told.recipient_user_id
    status = wire.STATUSES.get(told.status)
    if status is None or user_id is None:
        yield f"status {toolkit.short(told.status)!r}"
        return
    error = _error(told.errors) if status is MessageStatus.FAILED else ""
    yield InboundReceipt(user_id=user_id, status=status, mids=(told.id,), error=error)


def _error(errors: tuple[wire.Error, ...]) -> str:
    """`window_closed: 131047 Re-engagement message: …`."""
    if not errors:
        return toolkit.Fault.REJECTED.value
    return toolkit.short(f"{wire.fault_of(errors[0].code).value}: {wire.words_of(errors[0])}")


# People


def _people(contacts: tuple[wire.Person, ...]) -> People:
    """By each of their ids."""
    return {id_: one for one in contacts for id_ in (one.wa_id, one.user_id) if id_}


def _profile(message: wire.Message, people: People) -> Profile:
    person = people.get(message.from_ or "") or people.get(message.from_user_id or "")
    told = person.profile if person else wire.Profile()
    number = message.from_ or ""
    return Profile(
        name=toolkit.short(told.name or told.username),
        phone=f"+{number}" if number.isdecimal() else "",
    )


def _plain_time(raw: dict[str, Any]) -> dict[str, Any]:
    time = raw.get("timestamp")
    if isinstance(time, str) and time.isascii() and time.isdecimal() and len(time) < 12:
        return {**raw, "timestamp": int(time)}
    return raw
