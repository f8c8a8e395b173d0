"""Calls of the API, recorded for the wire: the application stays as it is."""

from __future__ import annotations

from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, ReceiveMessage, Scope, Send

from relevo.system.clock import Clock
from relevo.web.asgi import header
from relevo.web.demo.wire import LARGEST_BODY, Call, Side, Wire, milliseconds, text

AREA = "/api/"
MASKED = frozenset({"authorization", "cookie", "set-cookie"})
MASK = "••••"


class Recording:
    """Passes everything on to `inside`, and notes on the wire what is asked of the API with a token."""

    def __init__(self, inside: ASGIApp, wire: Wire, clock: Clock) -> None:
        self._inside, self._wire, self._clock = inside, wire, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or not _is_call(scope):
            await self._inside(scope, receive, send)
            return
        tape = _Tape(scope, receive, send)
        at, started = self._clock.now(), self._clock.monotonic()
        try:
            await self._inside(tape.scope, tape.receive, tape.send)
        finally:
            took_ms = round((self._clock.monotonic() - started) * 1000, 1)
            self._wire.add(tape.entry(milliseconds(at), took_ms))


def _is_call(scope: HTTPScope) -> bool:
    return scope["path"].startswith(AREA) and bool(header(scope, b"authorization"))


class _Tape:
    """One call on its way. Answers are not compressed, so that they can be read here."""

    def __init__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        kept = [one for one in scope["headers"] if one[0] != b"accept-encoding"]
        self.scope = cast(HTTPScope, {**scope, "headers": kept})
        self._receive, self._send = receive, send
        self._asked, self._answered = bytearray(), bytearray()
        self._status = 0
        self._answer_headers: dict[str, str] = {}

    async def receive(self) -> ReceiveMessage:
        message = await self._receive()
        if message["type"] == "http.request":
            _keep(self._asked, message["body"])
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._answer_headers = _shown(list(message["headers"]))
        elif message["type"] == "http.response.body":
            _keep(self._answered, message["body"])
        await self._send(message)

    def entry(self, at: int, took_ms: float) -> Call:
        query = self.scope["query_string"].decode("latin-1")
        return Call(
            id=0,
            at=at,
            took_ms=took_ms,
            method=self.scope["method"],
            path=self.scope["path"] + (f"?{query}" if query else ""),
            status=self._status,
            asked=Side(headers=_shown(list(self.scope["headers"])), body=text(bytes(self._asked))),
            answered=Side(headers=self._answer_headers, body=text(bytes(self._answered))),
        )


def _keep(kept: bytearray, piece: bytes) -> None:
    """One byte more than is shown, which tells that there is more."""
    kept += piece[: LARGEST_BODY + 1 - len(kept)]


def _shown(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name. Of a credential, its scheme is left."""
    named = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)
    return {name: _masked(value) if name in MASKED else value for name, value in named}


def _masked(value: str) -> str:
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {MASK}" if space else MASK
