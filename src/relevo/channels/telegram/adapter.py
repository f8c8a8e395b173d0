"""Telegram: a bot of the Bot API, by webhook."""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

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
    SendResult,
    SetUp,
    VendorAnswer,
    VendorCall,
)
from relevo.channels.telegram import inbound, outbound, wire
from relevo.channels.toolkit import Fault
from relevo.domain.deliveries import Accepted, Refused, Rejected
from relevo.domain.errors import BadSignature
from relevo.domain.messages import Media
from relevo.domain.workspaces import Channel

API = "https://api.telegram.org"
PORTS = (443, 80, 88, 8443)
"""Of a webhook's URL (https://core.telegram.org/bots/api#setwebhook)."""

MEGABYTE = 1_000_000

OPTIONS = (
    Option(
        "bot_token",
        "Bot token",
        "secret",
        "From @BotFather, like 110201543:AAHdqTcvCH1vGWJx…",
        required=True,
    ),
    Option(
        "api_url",
        "API URL",
        "url",
        "Only if you run a Bot API server of your own.",
        placeholder=API,
    ),
    Option(
        "secret",
        "Hook secret",
        "secret",
        "Telegram proves with it that a request is its own. Made for you; after a new one, connect again.",
    ),
)

_TOKEN_PROBLEM = "That is no bot token; @BotFather gives one like 110201543:AAHdqTcvCH1vGWJx…"
_TOKEN = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,100}")


class Telegram(Adapter):
    type = "telegram"
    title = "Telegram"
    summary = "A Telegram bot: made with @BotFather in a minute, connected with one button."
    options = OPTIONS
    capabilities = Capabilities(
        media=frozenset({"image", "video", "audio", "file", "sticker"}),
        media_sizes={"image": 5 * MEGABYTE, **dict.fromkeys(("video", "audio", "file"), 20 * MEGABYTE)},
        captioned=frozenset({"image", "video", "audio", "file"}),
        caption_limit=1024,
        buttons=50,
        button_kinds=frozenset({"reply", "url"}),
        button_id_limit=64,
        quick_replies=50,
        requests=frozenset({"location", "contact"}),
        albums=10,
        location=True,
        text_limit=4096,
        typing=True,
        edits=True,
        connects=True,
        rates=Rates(a_second=30, between=1),
    )

    def check_config(self, config: dict[str, Any]) -> dict[str, str]:
        problems = toolkit.unknown_options(config, (option.name for option in OPTIONS))
        token = config.get("bot_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            problems["bot_token"] = _TOKEN_PROBLEM
        if config.get("api_url") and (problem := toolkit.url_problem(config["api_url"])):
            problems["api_url"] = problem
        secret = config.get("secret") or "-" * toolkit.SHORTEST_SECRET
        if not isinstance(secret, str) or len(secret) < toolkit.SHORTEST_SECRET:
            problems["secret"] = f"The secret must have at least {toolkit.SHORTEST_SECRET} characters"
        return problems

    # In

    def verify(self, request: HookRequest, channel: Channel) -> None:
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not channel.config.get("secret") or not toolkit.is_same(given, secret_token(channel)):
            raise BadSignature(reason="the secret token is not this channel's")

    def parse(self, request: HookRequest, channel: Channel) -> Parsed:
        return inbound.parse(request.body, _bot_id(channel))

    def fetch(self, url: str, channel: Channel) -> FileSearch:
        """Files up to 20 MB can be had, for an hour, by a path that `getFile` tells."""
        answer = yield call(channel, "getFile", {"file_id": url.removeprefix(inbound.FILE)})
        said = read(answer)
        path = said.result.get("file_path") if said.ok and isinstance(said.result, dict) else None
        if not isinstance(path, str):
            return refusal(answer, said)
        base, token = _api(channel), channel.config["bot_token"]
        return VendorCall(method="GET", url=f"{base}/file/bot{token}/{quote(path)}")

    # Out

    def send(self, message: OutgoingMessage, channel: Channel) -> Dialogue:
        method, parameters = outbound.call_for(message.content, message.user_id)
        result = yield from _said(channel, method, parameters)
        if isinstance(message.content, Media) and _is_about_the_file(result):
            method, parameters = outbound.link_instead(message.content, message.user_id)
            result = yield from _said(channel, method, parameters)
            if isinstance(result, Accepted):
                return Accepted(result.status_code, result.mid, f"{message.content.type} became a link")
        return result

    def show_typing(self, user_id: str, channel: Channel) -> VendorCall | None:
        return call(channel, "sendChatAction", {"chat_id": user_id, "action": "typing"})

    # Setting up

    def connect(self, channel: Channel, hook_url: str) -> SetUp:
        if problem := _url_problem(hook_url):
            return Findings(problems=(problem,))
        wanted = {
            "url": hook_url,
            "secret_token": secret_token(channel),
            "allowed_updates": list(wire.UPDATES),
        }
        answer = yield call(channel, "setWebhook", wanted)
        said = read(answer)
        if not said.ok:
            return Findings(problems=(_complaint(answer, said),))
        return (yield from self.check(channel, hook_url))

    def check(self, channel: Channel, hook_url: str) -> SetUp:
        answer = yield call(channel, "getMe", {})
        me = read(answer)
        if not me.ok:
            return Findings(problems=(_complaint(answer, me),))
        answer = yield call(channel, "getWebhookInfo", {})
        info = read(answer)
        if not info.ok:
            return Findings(problems=(_complaint(answer, info),))
        return _findings(_dict(me.result), _dict(info.result), hook_url)


def call(channel: Channel, method: str, parameters: dict[str, Any]) -> VendorCall:
    """A call of the Bot API."""
    return VendorCall(
        method="POST",
        url=f"{_api(channel)}/bot{channel.config['bot_token']}/{method}",
        headers={"content-type": "application/json"},
        body=_encode(parameters),
    )


def secret_token(channel: Channel) -> str:
    """What Telegram sends with every request: made from the channel's secret, of the signs that it takes."""
    return toolkit.mac(str(channel.config.get("secret", "")).encode(), b"telegram hook").hex()


def read(answer: VendorAnswer) -> wire.Answer:
    """What the Bot API says; an answer that is not its own (a proxy's page) says no."""
    try:
        return _decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return wire.Answer()


def refusal(answer: VendorAnswer, said: wire.Answer) -> Refused | Rejected:
    wait = said.parameters.retry_after if said.parameters else None
    retry_after = None if wait is None else timedelta(seconds=wait)
    return toolkit.failed(
        _fault(answer.status, said.description.lower()), answer, said.description, retry_after
    )


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(wire.Answer).decode


def _api(channel: Channel) -> str:
    return str(channel.config.get("api_url") or API).rstrip("/")


def _said(
    channel: Channel, method: str, parameters: dict[str, Any]
) -> Generator[VendorCall, VendorAnswer, SendResult]:
    answer = yield call(channel, method, parameters)
    said = read(answer)
    if not (toolkit.is_success(answer) and said.ok):
        return refusal(answer, said)
    return Accepted(answer.status, _mid(channel, said.result))


def _bot_id(channel: Channel) -> str:
    """A token begins with it."""
    return str(channel.config.get("bot_token", "")).partition(":")[0]


def _mid(channel: Channel, result: Any) -> str:
    """The id of what was sent; of an album, of its first picture."""
    first = result[0] if isinstance(result, list) and result else result
    id_ = _dict(first).get("message_id")
    return inbound.mid(_bot_id(channel), id_) if isinstance(id_, int) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


_UNREACHABLE = ("chat not found", "user is deactivated", "peer_id_invalid", "can't initiate conversation")
_FILE = ("wrong file identifier", "failed to get http url content", "wrong type of the web page content")


def _fault(status: int, description: str) -> Fault:
    """Telegram tells errors apart by sentences alone (seen in its answers; it documents none)."""
    if status == 429:
        return Fault.RATE_LIMITED
    if any(words in description for words in _UNREACHABLE):
        return Fault.INVALID_RECIPIENT
    if status in (401, 404):
        return Fault.AUTH
    if status == 403:
        return Fault.BLOCKED if "blocked by the user" in description else Fault.INVALID_RECIPIENT
    return Fault.REJECTED if 400 <= status < 500 and status != 408 else Fault.VENDOR_DOWN


def _is_about_the_file(result: SendResult) -> bool:
    return isinstance(result, Rejected) and any(words in result.reason.lower() for words in _FILE)


# Setting up


def _url_problem(hook_url: str) -> str:
    parts = urlsplit(hook_url)
    if parts.scheme != "https":
        return f"Telegram posts to https only, not to {hook_url}; set RELEVO_PUBLIC_URL to your https address"
    if parts.port not in (None, *PORTS):
        ports = ", ".join(map(str, PORTS))
        return f"Telegram posts to the ports {ports} only, not to {parts.port}; put a proxy before Relevo"
    return ""


def _complaint(answer: VendorAnswer, said: wire.Answer) -> str:
    if answer.status in (401, 404):
        return "Telegram does not know this bot token; copy it again from @BotFather"
    return f"Telegram answered {answer.status}: {said.description or 'nothing that Relevo understands'}"


def _findings(me: dict[str, Any], info: dict[str, Any], hook_url: str) -> Findings:
    name, waiting = me.get("username", ""), info.get("pending_update_count", 0)
    facts = (("Bot", f"@{name}"), ("Link", f"https://t.me/{name}"), ("Waiting updates", str(waiting)))
    return Findings(facts=facts, problems=tuple(_hook_problems(info, hook_url)))


def _hook_problems(info: dict[str, Any], hook_url: str) -> Generator[str, None, None]:
    url = info.get("url", "")
    if url != hook_url:
        where = f"posts to {_without_key(str(url))}" if url else "posts nowhere"
        yield f"Telegram {where}, not to this channel; connect it"
    elif error := info.get("last_error_message"):
        yield f"Telegram could not post to this channel: {error}; it must be reachable from outside"


def _without_key(url: str) -> str:
    """Another hook's URL without its last part, which may be a secret."""
    return url.rpartition("/")[0] + "/…"
