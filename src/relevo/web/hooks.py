"""`/hooks/{type}/{key}`: where vendors post what customers say.

A 2xx is said after the commit and not before. This is asked thousands of times a second, so it stands
before the framework, which would cost more than everything that is done here (measured on 2 cores:
50 µs a request through Litestar, 2 µs so).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send

from relevo.admin import reaching_us, templates
from relevo.channels import toolkit
from relevo.channels.adapter import (
    HookAnswer,
    HookRequest,
    Inbound,
    InboundEdit,
    InboundMessage,
    InboundReceipt,
    Parsed,
)
from relevo.channels.registry import adapter_for
from relevo.domain.approved_templates import TemplateNews
from relevo.domain.errors import NotFound, Unauthenticated, UnsupportedPayload
from relevo.domain.events import AnyEvent
from relevo.domain.workspaces import Channel
from relevo.engine.batches import Result
from relevo.store import problems
from relevo.store.problems import Problem
from relevo.web.addresses import network_of
from relevo.web.asgi import answer, header, read_body
from relevo.web.bearers import Bearers
from relevo.web.buckets import Limit
from relevo.web.front_door import note
from relevo.web.identities import Identities
from relevo.web.inbound import event_of
from relevo.web.services import Services

UNKNOWN_KEYS = Limit(a_second=1, burst=30)
"""Requests with keys that nobody knows, by address: each asks the database, in case it is brand new."""
LONGEST_RAW = 64_000
"""Bytes that are kept of a request that was news to us."""


class HookReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a request that was taken: the ids of its messages, ours where they had none.
    `duplicate`: all of them were here already."""

    mids: tuple[str, ...] = ()
    duplicate: bool = False
    status: str = "ok"


class Hooks:
    """The ASGI application of `/hooks`. Raises `RelevoError` for whatever it does not take."""

    def __init__(self, services: Services, bearers: Bearers) -> None:
        self._services, self._bearers = services, bearers
        self._identities = Identities(services)
        self._unknown_keys = services.buckets("unknown hooks", UNKNOWN_KEYS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == ScopeType.HTTP
        if scope["path"].startswith(reaching_us.PLACE):
            return await self._echo(scope, send)
        channel = await self._channel(scope)
        note(scope, channel=channel.id)
        adapter = adapter_for(channel.type)
        if adapter.capabilities.needs_token:
            await self._check_token(header(scope, b"authorization"), channel)
        request = await self._read(scope, receive)
        adapter.verify(request, channel)
        parsed = adapter.parse(request, channel)
        said = await self._take(parsed, request, channel)
        await answer(send, said.status, said.body, said.content_type.encode())

    async def _echo(self, scope: HTTPScope, send: Send) -> None:
        """We ask ourselves whether the world reaches us."""
        nonce = reaching_us.hook_nonce(scope["path"])
        if not nonce or scope["method"] != "GET":
            raise NotFound("Only Relevo itself asks here.")
        await answer(send, 200, reaching_us.echo(self._services.cipher, nonce))

    # Who is asked, and by whom

    async def _channel(self, scope: HTTPScope) -> Channel:
        parts = scope["path"].split("/")  # "", "hooks", type, key
        if len(parts) != 4 or scope["method"] not in ("GET", "POST"):
            raise NotFound("A hook is GET or POST /hooks/{type}/{key}, as the channel's page shows it.")
        _, _, type_, key = parts
        catalog = self._services.catalog
        await catalog.refresh()
        known = catalog.known_channel(key)
        if known is not None and known.type == type_:
            return known
        self._unknown_keys.take(network_of(scope["state"]["address"]))
        made_just_now = await catalog.channel(type_, key)
        if made_just_now is None:
            raise NotFound("There is no channel with this hook. Its page shows the right address.")
        return made_just_now

    async def _check_token(self, authorization: str, channel: Channel) -> None:
        key = await self._bearers.find(toolkit.bearer_token({"authorization": authorization}))
        if key is None or key.flow_id != channel.flow_id:
            raise Unauthenticated

    async def _read(self, scope: HTTPScope, receive: Receive) -> HookRequest:
        query = scope["query_string"].decode("latin-1")
        return HookRequest(
            method=scope["method"],
            url=f"{self._services.edge.public_url}{scope['path']}{'?' if query else ''}{query}",
            query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            body=await read_body(scope, receive, self._services.edge.max_body),
            now=self._services.clock.now(),
        )

    # What it says

    async def _take(self, parsed: Parsed, request: HookRequest, channel: Channel) -> HookAnswer:
        items = [self._named(item) for item in parsed.items]
        if adapter_for(channel.type).capabilities.two_ids:
            items = [await self._identities.resolved(item, channel) for item in items]
        events = [await event_of(item, channel, self._services.database) for item in items]
        results = await self._submit([event for event in events if event is not None])
        lost = [item for item, event in zip(items, events, strict=True) if event is None]
        if (lost or parsed.unsupported) and (found := _problems(parsed, lost, request)):
            await self._keep_problems(found, channel)
        if parsed.templates:
            await self._hear_of_templates(parsed.templates, channel)
        return parsed.answer or _answer(items, results)

    async def _hear_of_templates(self, news: Sequence[TemplateNews], channel: Channel) -> None:
        """What cannot be kept of it is told, for somebody to sync."""
        services = self._services
        if wrong := await templates.hear(services.means, services.ask_vendor, channel, news):
            found = [("templates_not_synced", detail, None) for detail in wrong]
            await self._keep_problems(found, channel)

    def _named(self, item: Inbound) -> Inbound:
        """With an id, if it is a message that came without: so that it can be spoken of."""
        if isinstance(item, InboundMessage) and not item.mid:
            return msgspec.structs.replace(item, mid=self._services.chance.object_id())
        return item

    async def _submit(self, events: Sequence[AnyEvent]) -> list[Result]:
        """Have them happen, in this order; raises the first refusal once all are decided. Whoever sends
        the request again then sends what was taken as well, and it is recognised."""
        engine = self._services.engine
        if len(events) == 1:
            return [await engine.submit(events[0])]
        results: list[Any] = await asyncio.gather(*map(engine.submit, events), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results

    async def _keep_problems(self, found: Sequence[tuple[str, str, bytes | None]], channel: Channel) -> None:
        rows = [
            Problem(
                workspace_id=channel.workspace_id,
                channel_id=channel.id,
                flow_id=channel.flow_id,
                code=code,
                detail=detail,
                raw=raw,
                at=self._services.clock.now(),
            )
            for code, detail, raw in found
        ]
        async with self._services.database.write() as connection:
            await problems.insert_new(connection, rows)


def _problems(
    parsed: Parsed, lost: Sequence[Inbound], request: HookRequest
) -> list[tuple[str, str, bytes | None]]:
    """What could not be used of a request: code, detail, raw."""
    found: list[tuple[str, str, bytes | None]] = []
    if parsed.unsupported:
        detail = f"New to Relevo: {', '.join(parsed.unsupported)}."
        if len(request.body) > LONGEST_RAW:
            detail += f" The first {LONGEST_RAW} of {len(request.body)} bytes are kept."
        found.append((UnsupportedPayload.code, detail, request.body[:LONGEST_RAW]))
    for item in lost:
        if isinstance(item, InboundReceipt):
            detail = f"A receipt ({item.status.value}) for {item.user_id!r}, who has never written."
            found.append(("unknown_subscriber", detail, None))
        elif isinstance(item, InboundEdit):
            detail = f"The message {item.mid} was changed by {item.user_id!r}, who has never written."
            found.append(("edit_of_unknown_message", detail, None))
    return found


def _answer(items: Sequence[Inbound], results: Sequence[Result]) -> HookAnswer:
    mids = tuple(item.mid for item in items if isinstance(item, InboundMessage))
    duplicate = bool(results) and all(result.duplicate for result in results)
    body = _encode(HookReceipt(mids=mids, duplicate=duplicate))
    return HookAnswer(content_type="application/json", body=body)


_encode = msgspec.json.Encoder().encode
