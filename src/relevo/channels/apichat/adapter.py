"""API Chat: signed JSON both ways with any system. How another one plugs in a channel that we do not have."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec

from relevo.channels import toolkit
from relevo.channels.adapter import (
    Adapter,
    Capabilities,
    Dialogue,
    HookRequest,
    Option,
    OutgoingMessage,
    Parsed,
    VendorAnswer,
    VendorCall,
)
from relevo.channels.apichat import inbound, wire
from relevo.domain import signing
from relevo.domain.deliveries import Accepted
from relevo.domain.errors import BadSignature
from relevo.domain.workspaces import Channel

OPTIONS = (
    Option(
        "webhook_url",
        "Webhook URL",
        "url",
        "Where Relevo posts what the bot and the agents say.",
        required=True,
        placeholder="https://chat.example.com/from-relevo",
    ),
    Option(
        "secret",
        "Secret",
        "secret",
        "whsec_…: signs what Relevo posts, and what you post if you sign it. Made for you if left empty.",
    ),
    Option(
        "verification_key",
        "Verification key",
        "secret",
        "Any text that only your side knows; leave it empty to skip the verification.",
    ),
)


class ApiChat(Adapter):
    type = "apichat"
    title = "API Chat"
    summary = "Any system that can send and receive JSON: your own chat, an app, another channel."
    options = OPTIONS
    capabilities = Capabilities(
        needs_token=True,
        media=frozenset({"image", "video", "audio", "file", "sticker"}),
        buttons=20,
        quick_replies=20,
        cards=True,
        location=True,
        text_limit=20_000,
        receipts=True,
    )

    def check_config(self, config: dict[str, Any]) -> dict[str, str]:
        problems = toolkit.unknown_options(config, (option.name for option in OPTIONS))
        if problem := toolkit.url_problem(config.get("webhook_url")):
            problems["webhook_url"] = problem
        if not isinstance(config.get("verification_key", ""), str):
            problems["verification_key"] = "The verification key must be a text; put it in quotes"
        if problem := _secret_problem(config.get("secret")):
            problems["secret"] = problem
        return problems

    def verify(self, request: HookRequest, channel: Channel) -> None:
        """The bearer token says who may post here, and the server checks it (`needs_token`). A request
        that is signed as well must be signed rightly, with the channel's secret."""
        if "webhook-signature" not in request.headers:
            return
        secret = channel.config.get("secret")
        if not secret:
            raise BadSignature(reason="the channel has no secret")
        signing.verify([secret], request.headers, request.body, now=request.now)

    def parse(self, request: HookRequest, channel: Channel) -> Parsed:
        return inbound.parse(request.body)

    def send(self, message: OutgoingMessage, channel: Channel) -> Dialogue:
        answer = yield VendorCall(
            method="POST",
            url=channel.config["webhook_url"],
            headers={"content-type": "application/json"},
            body=_encode(wire.outbound(message)),
            sign_with=channel.config.get("secret", ""),
        )
        if not toolkit.is_success(answer):
            return toolkit.refused(answer)
        return Accepted(answer.status, _given_mid(answer) or message.object_id)


def verification_call(config: dict[str, Any], challenge: str) -> VendorCall:
    """The question to a new `webhook_url` whether it knows the verification key.

    UChat names the three fields and not where they stand: they are in the query and in the body.
    """
    fields = {
        "hub_mode": "subscribe",
        "hub_verify_token": config.get("verification_key", ""),
        "hub_challenge": challenge,
    }
    url = config["webhook_url"]
    joint = "&" if "?" in url else "?"
    return VendorCall(
        method="POST",
        url=f"{url}{joint}{urlencode(fields)}",
        headers={"content-type": "application/json"},
        body=_encode(fields),
        sign_with=config.get("secret", ""),
    )


def is_verified(answer: VendorAnswer, challenge: str) -> bool:
    """Whether the answer is the challenge, as plain text (or as a JSON string)."""
    said = answer.body.decode("utf-8", "replace").strip().strip('"')
    return toolkit.is_success(answer) and toolkit.is_same(said, challenge)


_encode = msgspec.json.Encoder().encode


def _secret_problem(secret: Any) -> str | None:
    if secret is None or secret == "":
        return None
    return signing.check_secret(secret) if isinstance(secret, str) else "The secret must be a text"


def _given_mid(answer: VendorAnswer) -> str:
    """The id that the other system gives our message; "" when it gives none that we can read."""
    try:
        receipt = msgspec.json.decode(answer.body, type=wire.Receipt)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return inbound.own_id(receipt)
