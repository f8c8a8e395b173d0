"""HTTP without a network: an `HttpClient` that answers from a script and remembers what was asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from inspect import isawaitable

import msgspec

from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.http_client.client import ANSWER_LIMIT, Answer, HttpClient, Trace

Reply = Answer | Unreachable | Forbidden


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it would have gone out."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    timeout: timedelta


Script = Iterable[Reply] | Callable[[Asked], Reply | Awaitable[Reply]]


def reply(status_code: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """An answer, for a script."""
    return Answer(
        status_code=status_code,
        headers=dict(headers or {}),
        body=body,
        address="192.0.2.1",
        took=timedelta(milliseconds=5),
    )


class FakeHttp(HttpClient):
    """Takes the place of an `HttpClient`.

    `script` is a row of replies, one a request (one request too many is an AssertionError), or a
    function of what was asked, sync or async: an async one may hold its answer back. Without
    one, every request is answered with an empty 200.
    """

    def __init__(self, script: Script | None = None) -> None:
        self.requests: list[Asked] = []
        self._script = _as_function(script)

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: timedelta,  # noqa: ASYNC109 – the signature of the real one
        answer_limit: int = ANSWER_LIMIT,
        trace: Trace | None = None,
    ) -> Reply:
        outcome = await self._ask(
            Asked(method=method, url=url, headers=dict(headers), body=body, timeout=timeout)
        )
        _write(outcome, trace)
        if isinstance(outcome, Answer) and len(outcome.body) > answer_limit:
            return msgspec.structs.replace(outcome, body=outcome.body[:answer_limit], is_whole=False)
        return outcome

    async def fetch(
        self,
        url: str,
        limit: int,
        timeout: timedelta,  # noqa: ASYNC109
        headers: Mapping[str, str] | None = None,
        trace: Trace | None = None,
    ) -> Reply:
        outcome = await self._ask(
            Asked(method="GET", url=url, headers=dict(headers or {}), body=b"", timeout=timeout)
        )
        _write(outcome, trace)
        is_too_large = isinstance(outcome, Answer) and len(outcome.body) > limit
        return Unreachable("too_large") if is_too_large else outcome

    async def close(self) -> None:
        """Nothing is open."""

    async def _ask(self, asked: Asked) -> Reply:
        self.requests.append(asked)
        outcome = self._script(asked)
        return await outcome if isawaitable(outcome) else outcome


def _write(outcome: Reply, trace: Trace | None) -> None:
    """As the real one does: the answers of a script are there at once."""
    if trace is not None and not isinstance(outcome, Forbidden):
        trace.looked_up = timedelta(milliseconds=1)
        if isinstance(outcome, Answer):
            trace.answered, trace.address = timedelta(milliseconds=4), outcome.address


def _as_function(script: Script | None) -> Callable[[Asked], Reply | Awaitable[Reply]]:
    if script is None:
        return lambda _: reply()
    return script if callable(script) else _Row(iter(script))


class _Row:
    def __init__(self, replies: Iterator[Reply]) -> None:
        self._replies = replies

    def __call__(self, asked: Asked) -> Reply:
        for following in self._replies:
            return following
        raise AssertionError(f"no reply is left for {asked.method} {asked.url}")
