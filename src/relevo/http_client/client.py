"""One request out, and what came of it. The only place that makes HTTP requests.

- It connects to an address that the egress guard has checked, and to no other.
- No redirect is followed, no proxy of the environment used, no cookie kept.
- Answers are read as they are on the wire: no compression is asked for and none undone, so
  the limits count the very bytes that come in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache

import msgspec
from pyreqwest.exceptions import DetailedPyreqwestError, PyreqwestError, RequestTimeoutError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.domain.errors import ForbiddenAddress
from relevo.http_client.egress_guard import EgressGuard, Place, read_url
from relevo.http_client.headers import check_headers, has_reserved
from relevo.http_client.routes import Build, Line, Route, Routes, forbidden

ANSWER_LIMIT = 16 * 1024  # bytes of an answer that are kept, unless the caller says otherwise
READ_LIMIT = 64 * 1024
"""Bytes of an answer that are read even when fewer are kept, so that its connection can serve again.
Past this and what is kept, reading stops and the connection is closed."""

MOST_LINES = 3
"""Addresses of a name that one request tries, the next when no connection comes about."""

_NOTHING = timedelta()
_UNCONNECTED = frozenset({"refused", "connect_timeout", "connect"})
"""Reasons of `Unreachable` with which nothing was sent."""
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, whatever its status. Header names are lower case; a repeated one is joined with commas.

    `body` is cut at the limit: `is_whole` says whether that is all of it. `took` lasts from the
    start of the request, looking up the name included, to the last byte read; `headed` to the end of
    the answer's head. `version` is that of HTTP: `HTTP/1.1`, `HTTP/2.0`.
    """

    status_code: int
    headers: dict[str, str]
    body: bytes
    address: str
    took: timedelta
    is_whole: bool = True
    headed: timedelta = timedelta()
    version: str = "HTTP/1.1"


class Trace(msgspec.Struct):
    """What a request went through, also where no answer came of it. Times are from its start; None: it never
    got there.

    `looked_up` is when the checked addresses of its host were known, at once where they were kept.
    `answered` is when the head of the answer was there: what lies between the two is connecting (nothing on
    a connection that was kept), TLS, sending and waiting, which the library does not tell apart.
    `address` is the one connected to, "" if no connection came about.
    """

    looked_up: timedelta | None = None
    answered: timedelta | None = None
    address: str = ""


class _Call(msgspec.Struct, frozen=True):
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    limit: int
    wants_whole: bool
    trace: Trace


class HttpClient:
    """Makes requests. One for the whole process; `close` it at the end.

    `connections`: requests under way at once; the others wait their turn, and their time-out
    starts when it comes. `origins`: hosts whose connections and addresses are kept.
    `trusted_certificates`: PEM files' contents, trusted besides the machine's own.

    A caller that is cancelled is free at once, but its request is not taken back: it may still
    arrive, within its time-out. (pyreqwest 0.15.1 ends neither the request nor its connection.)
    """

    def __init__(
        self,
        guard: EgressGuard,
        monotonic: Callable[[], float],
        *,
        connections: int = 512,
        origins: int = 256,
        addresses_kept_for: timedelta = timedelta(seconds=30),
        connect_timeout: timedelta = timedelta(seconds=5),
        trusted_certificates: Sequence[bytes] = (),
    ) -> None:
        build = Build(connect_timeout, tuple(trusted_certificates))
        self._routes = Routes(guard, build, monotonic, kept_for=addresses_kept_for, most=origins)
        self._monotonic = monotonic
        self._turns = asyncio.Semaphore(connections)

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: timedelta,  # noqa: ASYNC109 – it ends the request in the library, not this coroutine
        answer_limit: int = ANSWER_LIMIT,
        trace: Trace | None = None,
    ) -> Answer | Unreachable | Forbidden:
        """Make one request. `timeout` covers everything from looking up the name to the last byte; `trace`
        is written into.

        A request that must not be made (its URL, its address, a header with a line break) is
        `Forbidden`: nothing was sent. Whatever went wrong on the way is `Unreachable`.
        """
        call = _Call(method, url, headers, body, answer_limit, False, trace or Trace())
        return await self._take_turn(call, timeout)

    async def fetch(
        self,
        url: str,
        limit: int,
        timeout: timedelta,  # noqa: ASYNC109
        headers: Mapping[str, str] | None = None,
        trace: Trace | None = None,
    ) -> Answer | Unreachable | Forbidden:
        """GET a file whole; `Unreachable("too_large")` when it has more than `limit` bytes."""
        call = _Call("GET", url, headers or {}, b"", limit, True, trace or Trace())
        return await self._take_turn(call, timeout)

    async def close(self) -> None:
        """Close every connection. Requests under way end as `Unreachable("broken")`."""
        await self._routes.close()

    async def _take_turn(self, call: _Call, timeout: timedelta) -> Answer | Unreachable | Forbidden:  # noqa: ASYNC109
        async with self._turns:
            started = self._monotonic()
            try:
                place = _place(call.url)
            except ForbiddenAddress as error:
                return forbidden(error)
            route = self._routes.known(place) or await self._look_up(place, timeout)
            if not isinstance(route, Route):
                return route
            call.trace.looked_up = self._since(started)
            # Go on to the next address only when no connection came about: then nothing was sent.
            outcome: Answer | Unreachable | Forbidden = Unreachable("connect")
            for line in route.lines[:MOST_LINES]:
                left = timeout - self._since(started)
                if left <= _NOTHING:
                    return Unreachable("timeout")
                outcome = await self._attempt(line, place, call, started, left)
                if not (isinstance(outcome, Unreachable) and outcome.reason in _UNCONNECTED):
                    return outcome
                self._routes.demote(place, line)
            return outcome

    def _since(self, started: float) -> timedelta:
        return timedelta(0, self._monotonic() - started)

    async def _look_up(self, place: Place, timeout: timedelta) -> Route | Unreachable | Forbidden:  # noqa: ASYNC109
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                return await self._routes.look_up(place)
        except TimeoutError:
            return Unreachable("dns")

    async def _attempt(
        self, line: Line, place: Place, call: _Call, started: float, left: timedelta
    ) -> Answer | Unreachable | Forbidden:
        request = _build(line, place, call, left)
        if isinstance(request, Forbidden):
            return request
        try:
            async with request as response:
                headed = self._since(started)
                call.trace.answered, call.trace.address = headed, line.address
                if call.wants_whole and _announced(response) > call.limit:
                    return Unreachable("too_large")
                body = await _read(response, call.limit + 1)
        except PyreqwestError as error:
            reason = _reason(error, place)
            call.trace.address = "" if reason in _UNCONNECTED else line.address
            return Unreachable(reason)
        if call.wants_whole and len(body) > call.limit:
            return Unreachable("too_large")
        return Answer(
            status_code=response.status,
            headers=_headers(response),
            body=body[: call.limit],
            address=line.address,
            took=self._since(started),
            is_whole=len(body) <= call.limit,
            headed=headed,
            version=response.version,
        )


_place = lru_cache(maxsize=1024)(read_url)


def _build(line: Line, place: Place, call: _Call, left: timedelta) -> StreamRequest | Forbidden:
    """The library checks methods and header values itself: only a refusal is looked into."""
    if has_reserved(call.headers):
        return _unsendable(call)
    try:
        builder = line.client().request(call.method, place.url).headers(call.headers)
    except ValueError:
        return _unsendable(call)
    if call.body:
        builder = builder.body_bytes(call.body)
    elif call.method in _WITH_BODY:
        builder = builder.header("content-length", "0")  # the library leaves it out, and some answer 411
    return builder.timeout(left).streamed_read_buffer_limit(READ_LIMIT).build_streamed()


def _unsendable(call: _Call) -> Forbidden:
    problems = check_headers(call.headers).values()
    return Forbidden(address="", reason=next(iter(problems), f"{call.method!r} is not an HTTP method"))


async def _read(response: Response, amount: int) -> bytes:
    # Not `response.bytes()`: that takes the memory which Content-Length announces, and a server
    # that announces terabytes ends the process.
    read = await response.body_reader.read(amount)
    return b"" if read is None else read.to_bytes()


def _announced(response: Response) -> int:
    text = response.get_header("content-length") or ""
    return int(text) if text.isdigit() else 0


def _headers(response: Response) -> dict[str, str]:
    try:
        found = response.headers.dict_multi_value()
    except ValueError:  # one of them is not text: leave that one out
        found = {name: value for name in response.headers if (value := _text(response, name)) is not None}
    return {name: value if isinstance(value, str) else ", ".join(value) for name, value in found.items()}


def _text(response: Response, name: str) -> str | None:
    try:
        return response.get_header(name)
    except ValueError:
        return None


def _reason(error: PyreqwestError, place: Place) -> str:
    causes = _causes(error)
    is_late = isinstance(error, RequestTimeoutError)
    if "client error (Connect)" not in causes:
        return "timeout" if is_late else "broken"
    if is_late:
        return "connect_timeout"  # or of a slow TLS handshake: the library does not say
    if any(cause.startswith("Connection refused") for cause in causes):
        return "refused"
    is_plain = place.origin.scheme == "http"
    return "connect" if is_plain or "tcp connect error" in causes else "tls"


def _causes(error: PyreqwestError) -> frozenset[str]:
    """The library's types do not tell a connection that never came about from one that broke; the texts
    of the chain do. (pyreqwest 0.15.1 over reqwest 0.13; the tests meet each of them.)"""
    causes = error.details["causes"] if isinstance(error, DetailedPyreqwestError) else None
    return frozenset(cause["message"] for cause in causes or ())
