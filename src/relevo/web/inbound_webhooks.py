"""`/inbound/{key}`: where other systems post, and subscribers are changed and subflows started by it.

A 2xx is said after the commit and not before. Every request is kept, taken or not, with what became of it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from relevo.domain.conversations import Conversation
from relevo.domain.errors import NotFound, RelevoError, TooLarge, TooManyRequests
from relevo.domain.events import Address, ByConversation, ByUser, Once, WebhookCalled
from relevo.domain.ids import ConversationId, parse_user_ns, user_ns
from relevo.domain.inbound_webhooks import (
    LONGEST_KEY,
    BadKey,
    InboundWebhook,
    NobodyNamed,
    Reading,
    SwitchedOff,
    decode,
    read,
    redacted,
    redacted_text,
    user_id_of,
)
from relevo.domain.workspaces import Channel
from relevo.store import conversations, inbound_webhooks, subscribers
from relevo.store.database import Connection
from relevo.store.inbound_webhooks import InboundCall
from relevo.web.addresses import network_of
from relevo.web.buckets import Limit
from relevo.web.front_door import note
from relevo.web.routers import OwnRouter
from relevo.web.services import Services

UNKNOWN_KEYS = Limit(a_second=1, burst=30)
"""Requests to addresses that nobody knows, by sender: each asks the database, in case it is brand new."""
LONGEST_BODY = 16_000
"""Characters that are kept of a body."""
_HOUR = 3600

AnyRequest = Request[Any, Any, Any]


class Taken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a request that was taken. `wrongs` says what was left out of it."""

    status: str
    user_ns: str = ""
    created: bool = False
    duplicate: bool = False
    wrongs: tuple[str, ...] = ()


class _Outcome(msgspec.Struct, frozen=True):
    answer: Taken
    conversation_id: ConversationId | None = None
    reading: Reading = Reading()


class Inbound:
    """Takes requests, one after another, and keeps each."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._unknown = services.buckets("unknown inbound", UNKNOWN_KEYS)
        most = services.edge.inbound_rate_limit
        self._limit = services.buckets("inbound", Limit(most / _HOUR, burst=most)) if most else None

    async def take(self, request: AnyRequest, key: str) -> Taken:
        """Raises `RelevoError` for whatever is not taken."""
        webhook = await self._webhook(request, key)
        note(request.scope, inbound_webhook=webhook.id)
        if self._limit is not None:
            self._limit.take(str(webhook.id))
        body = b""
        try:
            body = await _body(request)
            outcome = await self._carry_out(webhook, request, body)
        except TooManyRequests:
            raise
        except RelevoError as refused:
            await self._keep_refused(webhook, body, refused)
            raise
        await self._keep(webhook, body, outcome)
        return outcome.answer

    async def _webhook(self, request: AnyRequest, key: str) -> InboundWebhook:
        catalog = self._services.catalog
        await catalog.refresh()
        found = catalog.directory.inbound_webhook(key)
        if found is None:
            self._unknown.take(network_of(request.scope["state"]["address"]))
            await catalog.refresh(at_once=True)
            found = catalog.directory.inbound_webhook(key)
        if found is None:
            raise NotFound("There is no inbound webhook with this address. Its page shows the right one.")
        return found

    # What it says

    async def _carry_out(self, webhook: InboundWebhook, request: AnyRequest, body: bytes) -> _Outcome:
        if webhook.disabled_reason:
            raise SwitchedOff(f"This inbound webhook is switched off: {webhook.disabled_reason}.")
        sent = decode(body)
        if webhook.listens:
            return _Outcome(Taken(status="listening"))
        reading = read(webhook, sent)
        once = _once(webhook, request, reading, body)
        to, is_new = await self._address(webhook, reading)
        event = WebhookCalled(
            name=webhook.name,
            to=to,
            once=once,
            profile=reading.profile,
            acts=reading.acts,
            go_to=webhook.start,
        )
        result = await self._services.engine.submit(event)
        answer = Taken(
            status="ok",
            user_ns=user_ns(result.flow_id, result.conversation_id),
            created=is_new and not result.duplicate,
            duplicate=result.duplicate,
            wrongs=reading.wrongs,
        )
        return _Outcome(answer, result.conversation_id, reading)

    async def _address(self, webhook: InboundWebhook, reading: Reading) -> tuple[Address, bool]:
        """Whom it is about, and whether they are made now."""
        found = await self._existing(webhook, reading.who)
        if found is not None:
            return ByConversation(found, webhook.flow_id), False
        channel = self._channel(webhook)
        user_id = user_id_of(channel.type, reading.who) if channel is not None else ""
        if channel is None or not user_id:
            raise NobodyNamed(_nobody(webhook, reading, channel.type if channel else ""))
        return ByUser(channel.id, user_id), True

    def _channel(self, webhook: InboundWebhook) -> Channel | None:
        channels = self._services.catalog.directory.channels
        return channels.get(webhook.channel_id) if webhook.channel_id is not None else None

    async def _existing(self, webhook: InboundWebhook, who: dict[str, str]) -> ConversationId | None:
        """By `user_ns`, then by the channel's id, then by phone, then by e-mail."""
        async with self._services.database.read() as connection:
            for look in (_by_user_ns, _by_user_id, _by_phone, _by_email):
                found = await look(connection, webhook, who)
                if found is not None:
                    return found.id
        return None

    # What is kept

    async def _keep(self, webhook: InboundWebhook, body: bytes, outcome: _Outcome) -> None:
        answer = outcome.answer
        await self._note(
            webhook,
            body,
            status=202 if webhook.listens else 200,
            code="duplicate" if answer.duplicate else "listening" if webhook.listens else "",
            wrongs=answer.wrongs,
            mapped=redacted(outcome.reading.mapped),
            conversation_id=outcome.conversation_id,
        )

    async def _keep_refused(self, webhook: InboundWebhook, body: bytes, refused: RelevoError) -> None:
        what = {"status": refused.status, "code": refused.code, "wrongs": (refused.message,)}
        await self._note(webhook, body, **what)

    async def _note(self, webhook: InboundWebhook, body: bytes, **what: Any) -> None:
        call = InboundCall(
            webhook_id=webhook.id, size=len(body), body=_shown(body), at=self._services.clock.now(), **what
        )
        async with self._services.database.write() as connection:
            await inbound_webhooks.note(connection, call)


def create_inbound(services: Services) -> OwnRouter:
    inbound = Inbound(services)

    @post("/{key:str}", include_in_schema=False)
    async def take(request: AnyRequest, key: FromPath[str]) -> Response[Taken]:
        taken = await inbound.take(request, key)
        return Response(taken, status_code=202 if taken.status == "listening" else 200)

    return OwnRouter("/inbound", route_handlers=[take], request_max_body_size=services.edge.max_body)


async def _body(request: AnyRequest) -> bytes:
    try:
        return await request.body()
    except HTTPException as error:
        if error.status_code != TooLarge.status:
            raise
        limit = request.route_handler.resolve_request_max_body_size()
        raise TooLarge(f"A request here may have at most {limit} bytes.", limit=limit) from error


async def _by_user_ns(
    connection: Connection, webhook: InboundWebhook, who: dict[str, str]
) -> Conversation | None:
    flow_id, id_ = parse_user_ns(who.get("user_ns", "")) or (None, None)
    if id_ is None or flow_id != webhook.flow_id:
        return None
    return await subscribers.find(connection, webhook.flow_id, id_)


async def _by_user_id(
    connection: Connection, webhook: InboundWebhook, who: dict[str, str]
) -> Conversation | None:
    if "user_id" not in who:
        return None
    return await conversations.find_by_flow_user(connection, webhook.flow_id, who["user_id"])


async def _by_phone(
    connection: Connection, webhook: InboundWebhook, who: dict[str, str]
) -> Conversation | None:
    if "phone" not in who:
        return None
    phones = {who["phone"], who["phone"].removeprefix("+")}
    return await inbound_webhooks.find_person(
        connection, webhook.flow_id, phones=phones, channel_id=webhook.channel_id
    )


async def _by_email(
    connection: Connection, webhook: InboundWebhook, who: dict[str, str]
) -> Conversation | None:
    if "email" not in who:
        return None
    return await inbound_webhooks.find_person(
        connection, webhook.flow_id, email=who["email"], channel_id=webhook.channel_id
    )


def _nobody(webhook: InboundWebhook, reading: Reading, channel_type: str) -> str:
    if not reading.who:
        why = "; ".join(reading.wrongs) or "nothing of the mapping names anybody"
        return f"The request names nobody: {why}."
    names = ", ".join(f"{name} {value!r}" for name, value in reading.who.items())
    if webhook.channel_id is None:
        return f"There is nobody with {names}, and this webhook makes nobody: it has no channel."
    return f"There is nobody with {names}, and on {channel_type} nobody can be made without their user_id."


def _once(webhook: InboundWebhook, request: AnyRequest, reading: Reading, body: bytes) -> Once | None:
    """The caller's own key: a header, or what the body has where the webhook says."""
    headers = request.headers
    given = headers.get("idempotency-key", headers.get("webhook-id", reading.key or None))
    if given is None:
        return None
    if not 1 <= len(given) <= LONGEST_KEY:
        raise BadKey
    return Once(f"inbound:{webhook.id}:{given}", sha256(body).hexdigest())


def _shown(body: bytes) -> str:
    """A body as it is kept: without what looks like a secret, and not longer than a bound."""
    try:
        text = msgspec.json.encode(redacted(msgspec.json.decode(body))).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = redacted_text(body[:LONGEST_BODY].decode(errors="replace").replace("\0", "\ufffd"))
    return text[:LONGEST_BODY]
