"""What the other system's requests say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relevo.channels import toolkit
from relevo.channels.adapter import InboundMessage, InboundOpened, InboundReceipt, InboundTyping, Parsed
from relevo.channels.apichat import wire
from relevo.domain.errors import ForeignPayload
from relevo.domain.messages import (
    Contact,
    Contacts,
    Content,
    Interactive,
    Location,
    Media,
    Other,
    Reaction,
    Text,
)
from relevo.domain.subscribers import Profile


def parse(body: bytes) -> Parsed:
    """What a request says; an event or a content that is new to us is named, not refused."""
    hook = toolkit.read_json(body, wire.Hook)
    event = _event(hook)
    read = EVENTS.get(event)
    return read(hook, body) if read else Parsed(unsupported=(f"event {_short(event)}",))


def own_id(named: wire.Hook | wire.Receipt) -> str:
    """The other system's id of a message; "" when it gives none."""
    given = (named.mid, named.id, named.source_id)
    return next((toolkit.id_text(id_) for id_ in given if id_ is not None), "")


# Events


def _event(hook: wire.Hook) -> str:
    if hook.event:
        return hook.event
    if hook.content is not None or hook.attachments or hook.message_type is not None:
        return "message_created"
    raise ForeignPayload('event: missing; a message has "event": "message_created"')


def _message(hook: wire.Hook, body: bytes) -> Parsed:
    if hook.message_type in wire.OUTGOING:
        return Parsed()  # what we or its own agents said, echoed
    if hook.message_type not in wire.INCOMING:
        return Parsed(unsupported=(f"message_type {_short(str(hook.message_type))}",))
    contents = _contents(hook, body)
    mid = own_id(hook)
    return Parsed(
        items=tuple(
            _inbound_message(hook, content, f"{mid}:{part}" if mid and part else mid)
            for part, content in enumerate(contents)
        ),
        unsupported=tuple(
            str(content.payload["type"])
            for content in contents
            if isinstance(content, Other) and content.type == "unsupported"
        ),
    )


def _inbound_message(hook: wire.Hook, content: Content, mid: str) -> InboundMessage:
    person = _person(hook)
    return InboundMessage(
        user_id=toolkit.id_text(person.id),
        content=content,
        mid=mid,
        profile=_profile(person),
        referral=hook.referral or None,
    )


def _updated(hook: wire.Hook, body: bytes) -> Parsed:
    """Chatwoot tells of a choice, and of a message's fate, as a change of the message."""
    if press := _submitted(hook):
        chosen = f"{own_id(hook)}:{press.id}"[: toolkit.ID_LIMIT] if own_id(hook) else ""
        return Parsed(items=(_inbound_message(hook, press, chosen),))
    if hook.status:
        return _receipt(hook, body)
    return Parsed(unsupported=("event message_updated without a status",))


def _receipt(hook: wire.Hook, _body: bytes) -> Parsed:
    status = wire.STATUSES.get((hook.status or "").lower())
    if status is None:
        return Parsed(unsupported=(f"status {_short(hook.status or 'missing')}",))
    mids = tuple(map(toolkit.id_text, hook.mids or ())) or tuple(filter(None, [own_id(hook)]))
    if not mids:
        raise ForeignPayload("mids: missing; expected the ids of the messages that the status is of")
    error = _short(hook.error or "")
    return Parsed(items=(InboundReceipt(user_id=_user_id(hook), status=status, mids=mids, error=error),))


def _typing(hook: wire.Hook, _body: bytes) -> Parsed:
    return Parsed(items=(InboundTyping(user_id=_user_id(hook)),))


def _opened(hook: wire.Hook, _body: bytes) -> Parsed:
    return Parsed(items=(InboundOpened(user_id=_user_id(hook), profile=_profile(_person(hook))),))


def _nothing(_hook: wire.Hook, _body: bytes) -> Parsed:
    return Parsed()


EVENTS: dict[str, Callable[[wire.Hook, bytes], Parsed]] = {
    "message_created": _message,
    "message_updated": _updated,
    "message_status": _receipt,
    "typing_on": _typing,
    "conversation_typing_on": _typing,
    "typing_off": _nothing,
    "conversation_typing_off": _nothing,
    "conversation_opened": _opened,
}


# Contents


def _contents(hook: wire.Hook, body: bytes) -> tuple[Content, ...]:
    kind = (hook.content_type or "text").lower()
    if press := _submitted(hook) or _pressed(hook, kind):
        return (press,)
    if hook.attachments:
        return _attached(hook, kind, body)
    if kind == "text":
        return (Text(_words(hook)),)
    read = PAYLOADS.get(kind)
    if read is None:
        return (_unsupported(kind, body, hook.content),)
    return (read(hook, kind),)


def _words(hook: wire.Hook) -> str:
    if not hook.content or not hook.content.strip():
        raise ForeignPayload("content: empty; expected a text, or attachments, or a payload")
    return hook.content


def _submitted(hook: wire.Hook) -> Interactive | None:
    values = hook.content_attributes.submitted_values if hook.content_attributes else None
    if not values:
        return None
    titles = ", ".join(value.title or toolkit.id_text(value.value) for value in values)
    return Interactive(hook.content or titles, toolkit.id_text(values[0].value))


def _pressed(hook: wire.Hook, kind: str) -> Interactive | None:
    """A press carries its id in `payload`: as `{"id": …}`, or as nothing but the id."""
    if kind not in ("text", "interactive"):
        return None
    if isinstance(hook.payload, str | int) and not isinstance(hook.payload, bool):
        payload = {"id": hook.payload}
    elif isinstance(hook.payload, dict) and (kind == "interactive" or "id" in hook.payload):
        payload = hook.payload
    else:
        return None
    press = toolkit.read_value(payload, wire.Press, "payload")
    return Interactive(press.title or hook.content or toolkit.id_text(press.id), toolkit.id_text(press.id))


def _attached(hook: wire.Hook, kind: str, body: bytes) -> tuple[Content, ...]:
    """One content for each attachment; the words go with the first."""
    words = hook.content or ""
    contents = tuple(
        _attachment(attachment, kind, words if position == 0 else "", body)
        for position, attachment in enumerate(hook.attachments or ())
    )
    says_the_words = isinstance(contents[0], Media | Other)
    return contents if says_the_words or not words.strip() else (Text(words), *contents)


def _attachment(attachment: wire.Attachment, message_kind: str, words: str, body: bytes) -> Content:
    kind = attachment.kind or message_kind
    if kind == "location" or (attachment.place and not attachment.link):
        return _place(attachment, "attachments")
    if attachment.link is None:
        return _unsupported(kind, body, words)
    return _media(attachment, kind, words)


def _media(attachment: wire.Attachment, kind: str, words: str) -> Media:
    return Media(
        type=wire.MEDIA_KINDS.get(kind, "file"),
        url=attachment.link or "",
        mime_type=attachment.mime_type or "",
        size=attachment.size or attachment.file_size or 0,
        title=attachment.label,
        caption=attachment.caption or words,
    )


def _place(attachment: wire.Attachment, path: str) -> Location:
    if attachment.place is None:
        raise ForeignPayload(f"{path}: a location needs latitude and longitude in degrees")
    latitude, longitude = attachment.place
    return Location(latitude, longitude, attachment.label, attachment.address or "")


def _media_payload(hook: wire.Hook, kind: str) -> Content:
    attachment = toolkit.read_value(hook.payload, wire.Attachment, "payload")
    if attachment.link is None:
        raise ForeignPayload(f"payload.url: missing; expected where the {kind} can be fetched")
    return _media(attachment, kind, hook.content or "")


def _location_payload(hook: wire.Hook, _kind: str) -> Content:
    return _place(toolkit.read_value(hook.payload, wire.Attachment, "payload"), "payload")


def _contacts_payload(hook: wire.Hook, _kind: str) -> Content:
    cards = toolkit.read_value(hook.payload, wire.PersonCards, "payload").contacts
    return Contacts(tuple(Contact(card.name, card.phones, card.emails) for card in cards))


def _reaction_payload(hook: wire.Hook, _kind: str) -> Content:
    reaction = toolkit.read_value(hook.payload, wire.Emoji, "payload")
    return Reaction(reaction.emoji, toolkit.id_text(reaction.mid))


PAYLOADS: dict[str, Callable[[wire.Hook, str], Content]] = {
    **dict.fromkeys(wire.MEDIA_KINDS, _media_payload),
    "location": _location_payload,
    "contacts": _contacts_payload,
    "reaction": _reaction_payload,
}


def _unsupported(kind: str, body: bytes, words: str | None) -> Other:
    """The vendor's, but new to us: kept whole, with its own name for what it is."""
    raw = toolkit.read_json(body, dict[str, Any])
    return Other("unsupported", {"type": _short(kind), "raw": raw}, words or "")


# People


def _person(hook: wire.Hook) -> wire.Person:
    person = hook.sender or hook.contact
    if person is None:
        raise ForeignPayload("sender: missing; expected the person who writes, with an id")
    return person


def _user_id(hook: wire.Hook) -> str:
    return toolkit.id_text(_person(hook).id)


def _profile(person: wire.Person) -> Profile:
    return Profile(
        name=_short(person.name or ""),
        email=_short(person.email or ""),
        phone=_short(person.phone_number or ""),
        locale=_short(person.locale or ""),
        picture_url=_link(person.avatar) or _link(person.thumbnail),
    )


def _link(text: str | None) -> str:
    return text if text and text.startswith(("https://", "http://")) else ""


def _short(text: str) -> str:
    return text[: toolkit.ID_LIMIT]
