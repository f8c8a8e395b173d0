"""What Twilio's requests say: messages that came in, and what became of ours."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from relevo.channels import toolkit
from relevo.channels.adapter import (
    HookAnswer,
    HookRequest,
    Inbound,
    InboundMessage,
    InboundReach,
    InboundReceipt,
    Parsed,
)
from relevo.channels.sms import wire
from relevo.domain.errors import ForeignPayload
from relevo.domain.messages import Content, Interactive, Location, Media, MessageStatus, Other, Text
from relevo.domain.subscribers import Profile

WHATSAPP = "whatsapp:"
NOTHING = HookAnswer(
    content_type="text/xml", body=b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
)
"""TwiML that does nothing. Anything but TwiML is noted as an error in Twilio's debugger (12300)."""


def parse(request: HookRequest, *, heeds_keywords: bool) -> Parsed:
    """What a request says. `heeds_keywords`: Twilio takes STOP, START and HELP itself."""
    fields = wire.fields(request)
    if "MessageStatus" in fields:
        return _receipt(fields)
    if not fields.get("MessageSid") or not fields.get("From"):
        raise ForeignPayload("MessageSid, From: missing; expected a message or a status of Twilio's")
    return _message(fields, request.now, heeds_keywords=heeds_keywords)


def _message(fields: wire.Fields, now: datetime, *, heeds_keywords: bool) -> Parsed:
    consent = _consent(fields, heeds_keywords=heeds_keywords)
    contents = _contents(fields)
    said = [_inbound(fields, content, number, consent, now) for number, content in enumerate(contents)]
    user_id = said[0].user_id
    items: list[Inbound] = [*said]
    if consent == "STOP":
        items.append(InboundReach(user_id=user_id, barred="opted_out"))
    if consent == "START":
        items.insert(0, InboundReach(user_id=user_id, barred=""))
    unsupported = tuple(str(one.payload["type"]) for one in contents if isinstance(one, Other))
    return Parsed(items=tuple(items), unsupported=unsupported, answer=NOTHING)


def _inbound(
    fields: wire.Fields, content: Content, number: int, consent: str, now: datetime
) -> InboundMessage:
    """Twilio does not tell when it was said; what opens WhatsApp's window has just been."""
    sid = toolkit.short(fields["MessageSid"])
    is_answered = consent in ("STOP", "HELP") or (consent == "START" and "OptOutType" in fields)
    return InboundMessage(
        user_id=toolkit.short(fields["From"]),
        content=content,
        mid=f"{sid}:{number}" if number else sid,
        profile=_profile(fields),
        referral=_referral(fields),
        for_bot=not is_answered,
        said_at=now if fields["From"].startswith(WHATSAPP) else None,
    )


def _consent(fields: wire.Fields, *, heeds_keywords: bool) -> Literal["", "STOP", "START", "HELP"]:
    """What Twilio understood, where Advanced Opt-Out tells; else what it takes by default."""
    match fields.get("OptOutType", "").upper():
        case "STOP" | "START" | "HELP" as told:
            return told
        case _:
            return _keyword(fields) if heeds_keywords else ""


def _keyword(fields: wire.Fields) -> Literal["", "STOP", "START", "HELP"]:
    word = fields.get("Body", "").strip().lower()
    if fields["From"].startswith(WHATSAPP):
        return ""
    if word in wire.STOP_WORDS:
        return "STOP"
    if word in wire.START_WORDS:
        return "START"
    return "HELP" if word in wire.HELP_WORDS else ""


def _receipt(fields: wire.Fields) -> Parsed:
    told = fields["MessageStatus"].lower()
    status = wire.STATUSES.get(told)
    if told in wire.ON_THE_WAY:
        return Parsed(answer=NOTHING)
    if status is None:
        return Parsed(unsupported=(f"status {toolkit.short(fields['MessageStatus'])}",), answer=NOTHING)
    if not fields.get("MessageSid") or not fields.get("To"):
        raise ForeignPayload("MessageSid, To: missing; expected the message that the status is of")
    receipt = InboundReceipt(
        user_id=toolkit.short(fields["To"]),
        status=status,
        mids=(toolkit.short(fields["MessageSid"]),),
        error=_error(fields) if status is MessageStatus.FAILED else "",
    )
    return Parsed(items=(receipt,), answer=NOTHING)


def _error(fields: wire.Fields) -> str:
    words = fields.get("ErrorMessage") or fields.get("ChannelStatusMessage") or fields["MessageStatus"]
    return wire.error_text(wire.number(fields, "ErrorCode", int), words)


# Contents


def _contents(fields: wire.Fields) -> tuple[Content, ...]:
    if press := _pressed(fields):
        return (press,)
    if place := _place(fields):
        return (place,)
    if files := _files(fields):
        return files
    if body := fields.get("Body", ""):
        return (Text(body),)
    kind = toolkit.short(fields.get("MessageType", "") or "empty")
    return (Other("unsupported", {"type": kind, "raw": fields}),)


def _pressed(fields: wire.Fields) -> Interactive | None:
    id_ = fields.get("ButtonPayload") or fields.get("ListId") or ""
    title = fields.get("ButtonText") or fields.get("ListTitle") or fields.get("Body", "")
    return Interactive(title or id_, toolkit.short(id_)) if id_ else None


def _place(fields: wire.Fields) -> Location | None:
    latitude = wire.number(fields, "Latitude", toolkit.Latitude)
    longitude = wire.number(fields, "Longitude", toolkit.Longitude)
    if latitude is None or longitude is None:
        return None
    return Location(latitude, longitude, fields.get("Label", ""), fields.get("Address", ""))


def _files(fields: wire.Fields) -> tuple[Content, ...]:
    count = wire.number(fields, "NumMedia", wire.MediaCount) or 0
    words = fields.get("Body", "")
    return tuple(_file(fields, number, words if number == 0 else "") for number in range(count))


def _file(fields: wire.Fields, number: int, caption: str) -> Media:
    url, mime_type = fields.get(f"MediaUrl{number}", ""), fields.get(f"MediaContentType{number}", "")
    if not url.startswith(("https://", "http://")):
        raise ForeignPayload(f"MediaUrl{number}: {url[:80]!r} is no URL")
    album = toolkit.short(fields["MessageSid"]) if fields.get("NumMedia") != "1" else ""
    return Media(_kind(mime_type), url, toolkit.short(mime_type), caption=caption, album=album)


def _kind(mime_type: str) -> Literal["image", "video", "audio", "file"]:
    match mime_type.partition("/")[0].lower():
        case "image" | "video" | "audio" as kind:
            return kind
        case _:
            return "file"


def _profile(fields: wire.Fields) -> Profile:
    phone = toolkit.short(fields["From"]).removeprefix(WHATSAPP)
    return Profile(name=toolkit.short(fields.get("ProfileName", "")), phone=phone)


_REFERRAL = ("ReferralBody", "ReferralHeadline", "ReferralSourceId", "ReferralSourceType",
             "ReferralSourceUrl", "ReferralMediaUrl", "ReferralCtwaClid")  # fmt: skip


def _referral(fields: wire.Fields) -> dict[str, str] | None:
    """The advertisement that brought a customer to WhatsApp, in Twilio's own words."""
    return {name: fields[name] for name in _REFERRAL if fields.get(name)} or None
