"""WhatsApp: a phone number of Meta's Cloud API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from relevo.channels import toolkit
from relevo.channels.adapter import (
    Adapter,
    Capabilities,
    Dialogue,
    FileSearch,
    Findings,
    HookAnswer,
    HookRequest,
    ListOfTemplates,
    MakingTemplate,
    Option,
    OutgoingMessage,
    Parsed,
    Rates,
    SetUp,
    VendorAnswer,
    VendorCall,
)
from relevo.channels.toolkit import Fault
from relevo.channels.whatsapp import calls, inbound, outbound, templates, uploading, wire
from relevo.channels.whatsapp.calls import API, PERMISSIONS, VERSION
from relevo.domain.approved_templates import Template
from relevo.domain.deliveries import Accepted
from relevo.domain.errors import BadSignature, ForeignPayload
from relevo.domain.messages import Media
from relevo.domain.workspaces import Channel

KILOBYTE, MEGABYTE = 1_000, 1_000_000

OPTIONS = (
    Option(
        "phone_number_id",
        "Phone number ID",
        "text",
        "From API Setup in your app's dashboard: digits. It is not the phone number.",
        required=True,
        placeholder="106540352242922",
    ),
    Option(
        "waba_id",
        "WhatsApp Business Account ID",
        "text",
        "From the same page: digits.",
        required=True,
        placeholder="102290129340398",
    ),
    Option(
        "access_token",
        "Access token",
        "secret",
        "Of a system user, permanent, with whatsapp_business_messaging and whatsapp_business_management.",
        required=True,
    ),
    Option("app_secret", "App secret", "secret", "From App settings → Basic: 32 signs.", required=True),
    Option("media", "Media", "text", "link, or upload if Meta cannot reach the files that you send."),
    Option("list_button", "Button of lists", "text", "What opens a list of options.", placeholder="Options"),
    Option(
        "per_second",
        "Messages a second",
        "text",
        "If Meta has upgraded your number: up to 1000.",
        placeholder="80",
    ),
    Option("graph_version", "Graph version", "text", "Of Meta's API.", placeholder=VERSION),
    Option("api_url", "API URL", "url", "Only if something of yours stands before Meta.", placeholder=API),
)

_ID = re.compile(r"[0-9]{5,25}")
_APP_SECRET = re.compile(r"[0-9a-fA-F]{32}")
_TOKEN = re.compile(r"[!-~]{20,1000}")
_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]")


class WhatsApp(Adapter):
    type = "whatsapp"
    title = "WhatsApp"
    summary = "A WhatsApp number, directly at Meta: buttons, lists, files, and nobody in between."
    options = OPTIONS
    capabilities = Capabilities(
        media=frozenset({"image", "video", "audio", "file", "sticker"}),
        media_sizes={
            "image": 5 * MEGABYTE,
            "video": 16 * MEGABYTE,
            "audio": 16 * MEGABYTE,
            "file": 100 * MEGABYTE,
            "sticker": 100 * KILOBYTE,
        },
        media_kinds={
            "image": frozenset({"image/jpeg", "image/png"}),
            "video": frozenset({"video/mp4", "video/3gpp"}),
            "audio": frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}),
            "sticker": frozenset({"image/webp"}),
        },
        captioned=frozenset({"image", "video", "file"}),
        caption_limit=1024,
        buttons=outbound.MOST_ROWS,
        button_kinds=frozenset({"reply"}),
        button_id_limit=200,
        button_title_limit=outbound.LONGEST_DESCRIPTION,
        quick_replies=outbound.MOST_ROWS,
        requests=frozenset({"location"}),
        options=outbound.MOST_ROWS,
        button_text_limit=1024,
        reply_text_limit=1024,
        captioned_options=outbound.MOST_BUTTONS,
        location=True,
        contacts=True,
        reactions=True,
        templates=True,
        text_limit=4096,
        typing=True,
        reads=True,
        receipts=True,
        edits=True,
        connects=True,
        two_ids=True,
        rates=Rates(a_second=80, between=6, burst=45),
        window=timedelta(hours=24),
    )

    def user_id_of(self, phone: str) -> str:
        return "".join(filter(str.isdigit, phone))

    def check_config(self, config: dict[str, Any]) -> dict[str, str]:
        problems = toolkit.unknown_options(config, (option.name for option in OPTIONS))
        problems |= {name: problem for name, problem in _problems(config) if problem}
        return problems

    def rates(self, channel: Channel) -> Rates:
        usual, granted = self.capabilities.rates, toolkit.granted(channel.config)
        return msgspec.structs.replace(usual, a_second=granted) if granted else usual

    # In

    def verify(self, request: HookRequest, channel: Channel) -> None:
        """https://developers.facebook.com/docs/graph-api/webhooks/getting-started: a GET tells the verify
        token once, a POST is signed with the app's secret."""
        if request.method == "GET":
            given, expected = request.query.get("hub.verify_token", ""), verify_token(channel)
        else:
            given = request.headers.get("x-hub-signature-256", "")
            expected = signature(channel, request.body)
        if not channel.config.get("app_secret") or not toolkit.is_same(given, expected):
            raise BadSignature(reason="not signed with this channel's app secret, or of another verify token")

    def parse(self, request: HookRequest, channel: Channel) -> Parsed:
        if request.method == "GET":
            return Parsed(answer=HookAnswer(body=_challenge(request)))
        return inbound.parse(request.body, channel.config["phone_number_id"], self.account_of(channel))

    def fetch(self, url: str, channel: Channel) -> FileSearch:
        """A file's id leads to an address that wants the token, for five minutes."""
        id_ = quote(url.removeprefix(inbound.FILE), safe="")
        answer = yield calls.call(
            channel, "GET", f"{id_}?phone_number_id={channel.config['phone_number_id']}"
        )
        said = calls.read(answer, wire.FileAnswer)
        if not toolkit.is_success(answer) or toolkit.url_problem(said.url):
            return calls.refusal(answer, said.error)
        return VendorCall(method="GET", url=said.url, headers=calls.headers_for(said.url, channel))

    # Out

    def send(self, message: OutgoingMessage, channel: Channel) -> Dialogue:
        list_button = str(channel.config.get("list_button") or "Options")
        uploaded = ""
        if channel.config.get("media") == "upload" and isinstance(message.content, Media):
            id_ = yield from uploading.upload(message.content, channel, self.capabilities.media_sizes)
            if not isinstance(id_, str):
                return id_
            uploaded = id_
        body = outbound.body_for(message.content, message.user_id, list_button, uploaded)
        answer = yield calls.messages_call(channel, body)
        said = calls.read(answer, wire.Answer)
        if not toolkit.is_success(answer):
            return calls.refusal(answer, said.error)
        if not said.messages or not said.messages[0].id:
            return toolkit.failed(Fault.VENDOR_DOWN, answer, "an answer without an id")
        return Accepted(answer.status, said.messages[0].id)

    def show_attention(
        self, user_id: str, last_mid: str, channel: Channel, *, is_typing: bool
    ) -> VendorCall | None:
        """Both say that what the customer wrote is read, and name it."""
        if not last_mid:
            return None
        return calls.messages_call(channel, outbound.read_up_to(last_mid, is_typing=is_typing))

    # Setting up

    def to_copy(self, channel: Channel, hook_url: str) -> tuple[tuple[str, str], ...]:
        return (("Callback URL", hook_url), ("Verify token", verify_token(channel)))

    def connect(self, channel: Channel, hook_url: str) -> SetUp:
        """Have the app hear of the account, and post what concerns this number to this channel
        (https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override)."""
        if not hook_url.startswith("https://"):
            problem = (
                f"Meta posts to https only, not to {hook_url}; set RELEVO_PUBLIC_URL to your https address"
            )
            return Findings(problems=(problem,))
        here = {"override_callback_uri": hook_url, "verify_token": verify_token(channel)}
        for place, body in (
            (f"{channel.config['waba_id']}/subscribed_apps", {}),
            (channel.config["phone_number_id"], {"webhook_configuration": here}),
        ):
            answer = yield calls.call(channel, "POST", place, body)
            if not toolkit.is_success(answer):
                return Findings(facts=self.to_copy(channel, hook_url), problems=(calls.complaint(answer),))
        return (yield from self.check(channel, hook_url))

    def check(self, channel: Channel, hook_url: str) -> SetUp:
        fields = "display_phone_number,verified_name,quality_rating,webhook_configuration"
        answer = yield calls.call(channel, "GET", f"{channel.config['phone_number_id']}?fields={fields}")
        if not toolkit.is_success(answer):
            return Findings(facts=self.to_copy(channel, hook_url), problems=(calls.complaint(answer),))
        number = calls.read(answer, wire.Number)
        problems = [_hook_problem(number, hook_url)]
        answer = yield calls.call(channel, "GET", "me/permissions")
        problems.append(_permission_problem(answer))
        answer = yield calls.call(channel, "GET", f"{channel.config['waba_id']}/subscribed_apps")
        problems.append(_account_problem(answer, channel))
        facts = (("Number", number.display_phone_number), ("Name", number.verified_name))
        told = (*facts, *self.to_copy(channel, hook_url))
        return Findings(facts=told, problems=tuple(filter(None, problems)))

    # Templates

    def account_of(self, channel: Channel) -> str:
        return str(channel.config["waba_id"])

    def list_templates(self, channel: Channel) -> ListOfTemplates:
        return templates.every(channel)

    def make_template(self, channel: Channel, wanted: Template) -> MakingTemplate:
        return templates.make(channel, wanted)

    def drop_template(self, channel: Channel, name: str) -> MakingTemplate:
        return templates.drop(channel, name)


def signature(channel: Channel, body: bytes) -> str:
    """What Meta puts into `X-Hub-Signature-256`."""
    return "sha256=" + toolkit.mac(_app_secret(channel), body).hex()


def verify_token(channel: Channel) -> str:
    """What Meta says when it is told of the hook: made from the app's secret, which it does not tell."""
    return toolkit.mac(_app_secret(channel), b"whatsapp verify token").hex()[:40]


def _app_secret(channel: Channel) -> bytes:
    return str(channel.config.get("app_secret", "")).encode()


def _challenge(request: HookRequest) -> bytes:
    challenge = request.query.get("hub.challenge", "")
    if request.query.get("hub.mode") != "subscribe" or not challenge:
        raise ForeignPayload("hub.mode, hub.challenge: expected subscribe, and what is to be answered")
    return challenge.encode()


# Options


def _problems(config: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    for name, what in (("phone_number_id", "phone number ID"), ("waba_id", "account ID")):
        if not _matches(_ID, config.get(name)):
            yield name, f"{config.get(name)!r} is no {what}; it has digits only, like 106540352242922"
    if not _matches(_TOKEN, config.get("access_token")):
        yield "access_token", "That is no access token; Meta gives one like EAAJB…"
    if not _matches(_APP_SECRET, config.get("app_secret")):
        yield "app_secret", "That is no app secret; it has 32 signs of 0-9 and a-f"
    if config.get("graph_version") and not _matches(_VERSION, config["graph_version"]):
        yield "graph_version", f"{config['graph_version']!r} is no version; write one like {VERSION}"
    button = config.get("list_button") or "-"
    if not isinstance(button, str) or len(button) > outbound.LONGEST_BUTTON:
        yield (
            "list_button",
            f"{button!r} is too long; a button has at most {outbound.LONGEST_BUTTON} characters",
        )
    if config.get("media") not in (None, "", "link", "upload"):
        yield "media", f"{config['media']!r} is not possible; use one of: link, upload"
    yield "per_second", toolkit.per_second_problem(config.get("per_second"))
    if config.get("api_url"):
        yield "api_url", toolkit.url_problem(config["api_url"])


def _matches(form: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and bool(form.fullmatch(value))


# Setting up


def _hook_problem(number: wire.Number, hook_url: str) -> str:
    url = number.webhook_configuration.url
    if url == hook_url:
        return ""
    where = f"posts to {url.rpartition('/')[0]}/…" if url else "posts nowhere"
    return f"Meta {where}, not to this channel; connect it"


def _permission_problem(answer: VendorAnswer) -> str:
    """Not every kind of token can be asked."""
    told = calls.read(answer, wire.Permissions).data
    granted = {one.permission for one in told if one.status == "granted"}
    missing = [name for name in PERMISSIONS if name not in granted]
    return (
        f"The access token lacks {' and '.join(missing)}; give it in Business settings"
        if told and missing
        else ""
    )


def _account_problem(answer: VendorAnswer, channel: Channel) -> str:
    if not toolkit.is_success(answer):
        return calls.complaint(answer)
    if not calls.read(answer, wire.Apps).data:
        return f"No app hears of the account {channel.config['waba_id']}; connect the channel"
    return ""
