"""What Messenger and Instagram do alike."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Any, ClassVar

from relevo.channels import toolkit
from relevo.channels.adapter import (
    Adapter,
    Dialogue,
    Findings,
    HookRequest,
    Option,
    OutgoingMessage,
    Parsed,
    SendResult,
    SetUp,
    VendorAnswer,
    VendorCall,
)
from relevo.channels.meta import graph, inbound, outbound, wire
from relevo.channels.toolkit import Fault
from relevo.domain.deliveries import Accepted, Rejected
from relevo.domain.messages import Media
from relevo.domain.workspaces import Channel

SHARED_OPTIONS = (
    Option(
        "access_token",
        "Page access token",
        "secret",
        "Of the page, made in the app's dashboard under Messenger → API setup.",
        required=True,
    ),
    Option(
        "app_id",
        "App ID",
        "text",
        "From the app's dashboard, Settings → Basic.",
        required=True,
        placeholder="1234567890123456",
    ),
    Option(
        "app_secret",
        "App secret",
        "secret",
        "Beside the app ID. Meta signs with it what it posts.",
        required=True,
    ),
    Option("version", "Graph API version", "text", "", placeholder=graph.VERSION),
    Option("api_url", "API URL", "url", "Only for tests, or a proxy of yours.", placeholder=graph.API),
)

_ID = re.compile(r"[0-9]{4,25}")
_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]")
_TOKEN = re.compile(r"[!-~]{16,600}")


class Meta(Adapter):
    """A channel of the Messenger Platform. `account_option` is the option that holds the account's id."""

    account_option: ClassVar[str]
    object: ClassVar[str]
    """What Meta calls such accounts in webhooks."""
    app_fields: ClassVar[tuple[str, ...]]
    """What the app is told of, of such accounts."""
    page_fields: ClassVar[tuple[str, ...]]
    """What the page lets the app be told of."""
    permissions: ClassVar[tuple[str, ...]]
    """What the token must allow."""

    def check_config(self, config: dict[str, Any]) -> dict[str, str]:
        problems = toolkit.unknown_options(config, (option.name for option in self.options))
        return problems | dict(_problems(config, self.account_option))

    # In

    def verify(self, request: HookRequest, channel: Channel) -> None:
        secret = str(channel.config.get("app_secret", ""))
        toolkit.check_meta(request, app_secret=secret, verify_token=verify_token(channel))

    def parse(self, request: HookRequest, channel: Channel) -> Parsed:
        if challenge := toolkit.meta_challenge(request):
            return Parsed(answer=challenge)
        account_id = str(channel.config[self.account_option])
        return inbound.parse(request.body, object_=self.object, account_id=account_id)

    # Out

    def send(self, message: OutgoingMessage, channel: Channel) -> Dialogue:
        purpose = outbound.purpose(message)
        if isinstance(purpose, Rejected):
            return purpose
        envelope = {"recipient": {"id": message.user_id}, **purpose}
        content = message.content
        result, error = yield from _said(channel, {**envelope, "message": outbound.said(content)})
        if isinstance(content, Media) and error.error_subcode in wire.FILE_SUBCODES:
            result, _ = yield from _said(channel, {**envelope, "message": outbound.link_instead(content)})
            if isinstance(result, Accepted):
                return Accepted(result.status_code, result.mid, f"{content.type} became a link")
        return result

    def show_attention(
        self, user_id: str, last_mid: str, channel: Channel, *, is_typing: bool
    ) -> VendorCall | None:
        action = "typing_on" if is_typing else "mark_seen"
        return graph.post(channel, "me/messages", {"recipient": {"id": user_id}, "sender_action": action})

    # Setting up

    def to_copy(self, channel: Channel, hook_url: str) -> tuple[tuple[str, str], ...]:
        return (("Callback URL", hook_url), ("Verify token", verify_token(channel)))

    def connect(self, channel: Channel, hook_url: str) -> SetUp:
        """Tell Meta where to post for the app, and the page that the app may hear it. Meta tries the hook
        while it is told."""
        if not hook_url.startswith("https://"):
            problem = f"Meta posts to https only, not to {hook_url}; set RELEVO_PUBLIC_URL"
            return Findings(problems=(problem,))
        wanted = {
            "object": self.object,
            "callback_url": hook_url,
            "verify_token": verify_token(channel),
            "fields": ",".join(self.app_fields),
        }
        path = f"{channel.config['app_id']}/subscriptions"
        for call in (
            graph.as_app(channel, "POST", path, **wanted),
            graph.post(channel, "me/subscribed_apps", {"subscribed_fields": ",".join(self.page_fields)}),
        ):
            said = yield from graph.ask(call)
            if isinstance(said, str):
                return Findings(facts=self.to_copy(channel, hook_url), problems=(said,))
        return (yield from self.check(channel, hook_url))

    def check(self, channel: Channel, hook_url: str) -> SetUp:
        facts = self.to_copy(channel, hook_url)
        me = yield from graph.ask(
            graph.get(channel, "me", fields="id,name,instagram_business_account{id,username}")
        )
        if isinstance(me, str):
            return Findings(facts=facts, problems=(me,))
        problems = [problem for problem in (self.account_problem(me, channel),) if problem]
        problems += yield from self._token_problems(channel)
        problems += yield from self._hook_problems(channel, hook_url)
        return Findings(facts=(("Page", me.name), *facts), problems=tuple(problems))

    def account_problem(self, me: wire.Answer, channel: Channel) -> str:
        """Whether the token is of another account than the channel."""
        raise NotImplementedError

    def _token_problems(self, channel: Channel) -> Generator[VendorCall, VendorAnswer, list[str]]:
        """https://developers.facebook.com/docs/graph-api/reference/debug_token"""
        token = str(channel.config["access_token"])
        said = yield from graph.ask(graph.as_app(channel, "GET", "debug_token", input_token=token))
        if isinstance(said, str):
            return [f"The app ID and the app secret do not fit: {said}"]
        scopes = _list(_dict(said.data).get("scopes"))
        missing = [permission for permission in self.permissions if permission not in scopes]
        return [f"The token lacks the permission {permission}" for permission in missing]

    def _hook_problems(
        self, channel: Channel, hook_url: str
    ) -> Generator[VendorCall, VendorAnswer, list[str]]:
        path = f"{channel.config['app_id']}/subscriptions"
        told = yield from graph.ask(graph.as_app(channel, "GET", path))
        if isinstance(told, str):
            return [told]
        mine = [_dict(one) for one in _list(told.data) if _dict(one).get("object") == self.object]
        if not any(one.get("callback_url") == hook_url for one in mine):
            return ["Meta does not post to this channel; connect it"]
        apps = yield from graph.ask(graph.get(channel, "me/subscribed_apps"))
        if isinstance(apps, str):
            return [apps]
        ids = [_dict(app).get("id") for app in _list(apps.data)]
        return [] if channel.config["app_id"] in ids else ["The page does not let the app hear; connect it"]


def verify_token(channel: Channel) -> str:
    """What Meta says when it tries the hook. Nobody learns the app's secret from it."""
    secret = str(channel.config.get("app_secret", ""))
    return toolkit.mac(secret.encode(), f"verify token {channel.key}".encode()).hex()[:32]


# Options


def _problems(config: dict[str, Any], account_option: str) -> Iterator[tuple[str, str]]:
    for name in (account_option, "app_id"):
        if not isinstance(config.get(name), str) or not _ID.fullmatch(config[name]):
            yield name, f"{config.get(name)!r} is no ID of Meta's; it is a number like 1234567890123456"
    for name in ("access_token", "app_secret"):
        if not isinstance(config.get(name), str) or not _TOKEN.fullmatch(config[name]):
            yield name, "That cannot be it; copy it again from the app's dashboard"
    version = config.get("version") or graph.VERSION
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        yield "version", f"{version!r} is no version; write one like {graph.VERSION}"
    if config.get("api_url") and (problem := toolkit.url_problem(config["api_url"])):
        yield "api_url", problem


# Calls


def _said(
    channel: Channel, parameters: dict[str, Any]
) -> Generator[VendorCall, VendorAnswer, tuple[SendResult, wire.Error]]:
    answer = yield graph.post(channel, "me/messages", parameters)
    said = graph.read(answer)
    if not graph.is_success(answer, said):
        return graph.refusal(answer, said), said.error or wire.Error()
    if not said.message_id:
        return toolkit.failed(Fault.VENDOR_DOWN, answer, "an answer without a message_id"), wire.Error()
    return Accepted(answer.status, said.message_id), wire.Error()


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
