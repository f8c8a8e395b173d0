"""SMS by Twilio: Programmable Messaging, with phone numbers, messaging services, alphanumeric senders and
WhatsApp senders."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Generator, Iterable, Iterator
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urljoin, urlsplit, urlunsplit

import msgspec

from relevo.channels import toolkit
from relevo.channels.adapter import (
    Adapter,
    Capabilities,
    Dialogue,
    FileSearch,
    Findings,
    HookRequest,
    Option,
    OutgoingMessage,
    Parsed,
    Rates,
    SetUp,
    VendorAnswer,
    VendorCall,
)
from relevo.channels.sms import inbound, rates, wire
from relevo.channels.sms.segments import segments
from relevo.channels.toolkit import Fault
from relevo.domain.degrading import Limits
from relevo.domain.deliveries import Accepted, Refused, Rejected
from relevo.domain.errors import BadSignature, UnsupportedContent
from relevo.domain.messages import Content, Location, Media, Text
from relevo.domain.workspaces import Channel

API = "https://api.twilio.com"
KILOBYTE, MEGABYTE = 1_000, 1_000_000
WINDOW = timedelta(hours=24)
"""WhatsApp's: SMS has none (https://www.twilio.com/docs/whatsapp/key-concepts#the-24-hour-window)."""

OPTIONS = (
    Option(
        "account_sid",
        "Account SID",
        "text",
        "From the first page of Twilio's console: AC and 32 signs.",
        required=True,
        placeholder="ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ),
    Option("auth_token", "Auth token", "secret", "From the same page: the primary one.", required=True),
    Option(
        "sender",
        "Sender",
        "text",
        "Your number like +61400000000, whatsapp:+61400000000, a messaging service MG…, or a name like ACME.",
        required=True,
        placeholder="+61400000000",
    ),
    Option("media", "Media", "text", "mms, or link where there is no MMS: files go as links then."),
    Option("keywords", "Keywords", "text", "twilio, or off if STOP and HELP are not taken by Twilio."),
    Option(
        "per_second",
        "Segments a second",
        "text",
        "If Twilio grants your sender another rate than usual; of a messaging service, that of all senders.",
        placeholder="10",
    ),
    Option("api_url", "API URL", "url", "Only for a region of Twilio's other than US1.", placeholder=API),
)
CHOICES = {"media": ("mms", "link"), "keywords": ("twilio", "off")}

T = TypeVar("T")

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_NUMBER = re.compile(r"\+[1-9][0-9]{4,14}|[0-9]{3,8}")
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}")

_SMS = Limits(
    text=1600,
    media=frozenset({"image", "video", "audio", "file"}),
    media_sizes={"image": 5 * MEGABYTE, **dict.fromkeys(("video", "audio", "file"), 500 * KILOBYTE)},
)
_LINKS = msgspec.structs.replace(_SMS, media=frozenset(), media_sizes={})
_WHATSAPP = msgspec.structs.replace(
    _SMS,
    media_sizes=dict.fromkeys(("image", "video", "audio", "file"), 16 * MEGABYTE),
    captioned=frozenset({"image", "video"}),
    location=True,
)


class Sms(Adapter):
    type = "sms"
    title = "SMS by Twilio"
    summary = "Text messages and MMS to any phone, and WhatsApp by Twilio's senders."
    options = OPTIONS
    capabilities = Capabilities(
        media=_SMS.media,
        media_sizes=_SMS.media_sizes,
        text_limit=_SMS.text,
        receipts=True,
        connects=True,
        rates=rates.LONG_CODE,
    )

    def user_id_of(self, phone: str) -> str:
        return "+" + "".join(filter(str.isdigit, phone))

    def check_config(self, config: dict[str, Any]) -> dict[str, str]:
        problems = toolkit.unknown_options(config, (option.name for option in OPTIONS))
        problems |= {name: problem for name, problem in _problems(config) if problem}
        return problems

    def limits(self, channel: Channel) -> Limits:
        if _is_whatsapp(channel):
            return _WHATSAPP
        return _LINKS if channel.config.get("media") == "link" else _SMS

    def window(self, channel: Channel) -> timedelta | None:
        return WINDOW if _is_whatsapp(channel) else None

    def rates(self, channel: Channel) -> Rates:
        usual = rates.WHATSAPP if _is_whatsapp(channel) else rates.of_sender(channel.config["sender"])
        granted = toolkit.granted(channel.config)
        return msgspec.structs.replace(usual, a_second=granted) if granted else usual

    def counts_as(self, content: Content, channel: Channel) -> int:
        """Segments of a text; a file is one message, whatever is said with it."""
        if not isinstance(content, Text) or _is_whatsapp(channel):
            return 1
        return segments(content.text).number

    # In

    def verify(self, request: HookRequest, channel: Channel) -> None:
        """https://www.twilio.com/docs/usage/webhooks/webhooks-security: over the URL as Twilio knows it,
        which is our public one, whatever stands before us; with or without the port."""
        token = str(channel.config.get("auth_token", ""))
        given = request.headers.get("x-twilio-signature", "")
        fields = () if request.method == "GET" else wire.form(request)
        urls = _as_known(request.url)
        if not token or not any(toolkit.is_same(given, signature(token, url, fields)) for url in urls):
            raise BadSignature(reason="not signed with this channel's auth token for its public URL")

    def parse(self, request: HookRequest, channel: Channel) -> Parsed:
        return inbound.parse(request, heeds_keywords=channel.config.get("keywords") != "off")

    def fetch(self, url: str, channel: Channel) -> FileSearch:
        """Twilio wants its credentials, and leads to where the file is, which wants none."""
        call = VendorCall(method="GET", url=url, headers=_headers_for(url, channel))
        answer = yield call
        if 300 <= answer.status < 400 and (place := answer.headers.get("location")):
            return VendorCall(method="GET", url=urljoin(url, place))
        return call if toolkit.is_success(answer) else _refusal(answer)

    # Out

    def send(self, message: OutgoingMessage, channel: Channel) -> Dialogue:
        said = _said(message.content)
        answer = yield _call(
            channel, "Messages.json", {"To": message.user_id, **_from(channel), **said, **_told(message)}
        )
        if not toolkit.is_success(answer):
            return _refusal(answer)
        created = _read(answer, wire.Created)
        if not created.sid:
            return toolkit.failed(Fault.VENDOR_DOWN, answer, "an answer without a sid")
        note = "" if _is_whatsapp(channel) else str(segments(said.get("Body", "")))
        return Accepted(answer.status, created.sid, note)

    # Setting up

    def connect(self, channel: Channel, hook_url: str) -> SetUp:
        """Numbers and messaging services can be told where to post; for other senders it has to be copied."""
        if not hook_url.startswith("https://"):
            problem = f"Twilio posts to https only, not to {hook_url}; set RELEVO_PUBLIC_URL"
            return Findings(problems=(problem,))
        answer = yield from _told_where(channel, hook_url)
        if answer is not None and not toolkit.is_success(answer):
            return Findings(problems=(_complaint(answer),))
        return (yield from self.check(channel, hook_url))

    def check(self, channel: Channel, hook_url: str) -> SetUp:
        answer = yield VendorCall(method="GET", url=f"{_account(channel)}.json", headers=_headers(channel))
        if not toolkit.is_success(answer):
            return Findings(problems=(_complaint(answer),))
        account = _read(answer, wire.Account)
        facts: tuple[tuple[str, str], ...] = (
            ("Account", f"{account.friendly_name} ({account.status})"),
            ("Segments a second", f"{self.rates(channel).a_second:g}"),
        )
        sender = channel.config["sender"]
        if _SERVICE.fullmatch(sender):
            answer = yield _service_call(channel)
            problem = _service_problem(answer, hook_url)
        elif _NUMBER.fullmatch(sender):
            answer = yield _numbers_call(channel)
            problem = _number_problem(answer, sender, hook_url)
        else:
            facts, problem = (*facts, ("To copy into the sender's webhook", hook_url)), ""
        return Findings(facts=facts, problems=(problem,) if problem else ())


def signature(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """HMAC-SHA1 of the URL and of every field with its value, by name; a value that is there twice counts
    once, as in Twilio's own libraries."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), hashlib.sha1)).decode()


def _as_known(url: str) -> Iterator[str]:
    """A URL as it is, with the port that goes without saying, and without any."""
    parts = urlsplit(url)
    host = parts.netloc.partition(":")[0]
    port = 443 if parts.scheme == "https" else 80
    yield url
    yield urlunsplit(parts._replace(netloc=f"{host}:{port}"))
    yield urlunsplit(parts._replace(netloc=host))


# Options


def _problems(config: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    account, token, sender = (config.get(name) for name in ("account_sid", "auth_token", "sender"))
    if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
        yield "account_sid", f"{account!r} is no account SID; it is AC and 32 signs of 0-9 and a-f"
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]{16,200}", token):
        yield "auth_token", "That is no auth token; Twilio's console shows it beside the account SID"
    if not isinstance(sender, str) or not _is_sender(sender):
        yield "sender", f"{sender!r} is no sender; write +61400000000, whatsapp:+61400000000, MG… or ACME"
    for name, choices in CHOICES.items():
        if config.get(name, choices[0]) not in ("", *choices):
            yield name, f"{config[name]!r} is not possible; use one of: {', '.join(choices)}"
    yield "per_second", toolkit.per_second_problem(config.get("per_second"))
    if config.get("api_url"):
        yield "api_url", toolkit.url_problem(config["api_url"])


def _is_sender(sender: str) -> bool:
    plain = sender.removeprefix(inbound.WHATSAPP)
    if plain != sender:
        return plain.startswith("+") and bool(_NUMBER.fullmatch(plain))
    return any(form.fullmatch(sender) for form in (_NUMBER, _SERVICE, _NAME))


def _is_whatsapp(channel: Channel) -> bool:
    return str(channel.config.get("sender", "")).startswith(inbound.WHATSAPP)


# Calls


def _api(channel: Channel) -> str:
    return str(channel.config.get("api_url") or API).rstrip("/")


def _account(channel: Channel) -> str:
    return f"{_api(channel)}/2010-04-01/Accounts/{channel.config['account_sid']}"


def _headers(channel: Channel) -> dict[str, str]:
    pair = f"{channel.config['account_sid']}:{channel.config['auth_token']}"
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _headers_for(url: str, channel: Channel) -> dict[str, str]:
    """The credentials go to Twilio and to nobody else."""
    host = urlsplit(url).hostname or ""
    is_twilio = host == "twilio.com" or host.endswith(".twilio.com")
    return _headers(channel) if is_twilio or host == urlsplit(_api(channel)).hostname else {}


def _call(channel: Channel, place: str, parameters: dict[str, str]) -> VendorCall:
    return VendorCall(
        method="POST",
        url=f"{_account(channel)}/{place}",
        headers={**_headers(channel), "content-type": "application/x-www-form-urlencoded"},
        body=urlencode(parameters).encode(),
    )


def _numbers_call(channel: Channel) -> VendorCall:
    query = urlencode({"PhoneNumber": channel.config["sender"]})
    url = f"{_account(channel)}/IncomingPhoneNumbers.json?{query}"
    return VendorCall(method="GET", url=url, headers=_headers(channel))


def _service_call(channel: Channel, told: dict[str, str] | None = None) -> VendorCall:
    """Messaging services have a host of their own."""
    base = _api(channel).replace("://api.", "://messaging.", 1)
    call = VendorCall(
        method="GET", url=f"{base}/v1/Services/{channel.config['sender']}", headers=_headers(channel)
    )
    if told is None:
        return call
    headers = {**call.headers, "content-type": "application/x-www-form-urlencoded"}
    return msgspec.structs.replace(call, method="POST", headers=headers, body=urlencode(told).encode())


def _from(channel: Channel) -> dict[str, str]:
    sender = channel.config["sender"]
    return {"MessagingServiceSid" if _SERVICE.fullmatch(sender) else "From": sender}


def _told(message: OutgoingMessage) -> dict[str, str]:
    """Twilio refuses a message whose callback it could not reach anyway."""
    return {"StatusCallback": message.hook_url} if message.hook_url.startswith("https://") else {}


def _said(content: Content) -> dict[str, str]:
    match content:
        case Text(text=text):
            return {"Body": text}
        case Media(url=url, caption=caption):
            return {"MediaUrl": url, **({"Body": caption} if caption else {})}
        case Location(latitude=latitude, longitude=longitude, name=name, address=address):
            label = f"|{name}" if name else ""
            words = name or address or f"{latitude},{longitude}"
            return {"Body": words, "PersistentAction": f"geo:{latitude},{longitude}{label}"}
        case _:
            raise UnsupportedContent


def _told_where(channel: Channel, hook_url: str) -> Generator[VendorCall, VendorAnswer, VendorAnswer | None]:
    """Tell Twilio where to post; None where there is no call for it."""
    if _SERVICE.fullmatch(channel.config["sender"]):
        told = {"InboundRequestUrl": hook_url, "UseInboundWebhookOnNumber": "false"}
        return (yield _service_call(channel, told))
    if not _NUMBER.fullmatch(channel.config["sender"]):
        return None
    found = yield _numbers_call(channel)
    numbers = _read(found, wire.Numbers).incoming_phone_numbers
    if not numbers:
        return None
    place = f"IncomingPhoneNumbers/{quote(numbers[0].sid, safe='')}.json"
    return (yield _call(channel, place, {"SmsUrl": hook_url, "SmsMethod": "POST"}))


# Answers


def _read(answer: VendorAnswer, type_: type[T]) -> T:
    """What Twilio says; nothing, where it is not Twilio that speaks."""
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return type_()


def _refusal(answer: VendorAnswer) -> Refused | Rejected:
    said = _read(answer, wire.Refusal)
    detail = " ".join(filter(None, (str(said.code or ""), said.message)))
    return toolkit.failed(_fault(answer.status, said.code), answer, detail)


def _fault(status: int, code: int | None) -> Fault:
    if status == 429:
        return Fault.RATE_LIMITED
    if code is not None and code in wire.FAULTS:
        return wire.FAULTS[code]
    if status in (401, 403):
        return Fault.AUTH
    return Fault.REJECTED if 400 <= status < 500 and status != 408 else Fault.VENDOR_DOWN


def _complaint(answer: VendorAnswer) -> str:
    if answer.status in (401, 403):
        return "Twilio does not accept the account SID with this auth token; copy both again"
    said = _read(answer, wire.Refusal)
    return f"Twilio answered {answer.status}: {said.message or 'nothing that Relevo understands'}"


def _number_problem(answer: VendorAnswer, sender: str, hook_url: str) -> str:
    numbers = _read(answer, wire.Numbers).incoming_phone_numbers
    if not numbers:
        return f"The account has no number {sender}; look under Phone Numbers in Twilio's console"
    return "" if numbers[0].sms_url == hook_url else f"{sender} does not post to this channel; connect it"


def _service_problem(answer: VendorAnswer, hook_url: str) -> str:
    if not toolkit.is_success(answer):
        return "The account has no such messaging service; look under Messaging in Twilio's console"
    service = _read(answer, wire.Service)
    if service.use_inbound_webhook_on_number or service.inbound_request_url != hook_url:
        return f"The messaging service {service.friendly_name} does not post to this channel; connect it"
    return ""
