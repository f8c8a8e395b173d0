"""What all calls have in common: where they go, how often they are tried, and how answers are read."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator, Mapping
from itertools import count
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from relevo.sdk import answers
from relevo.sdk.errors import RateLimited, ServerError, Unavailable, Unreachable
from relevo.sdk.objects import told
from relevo.sdk.transport import Asked, Transport

T = TypeVar("T")

QueryValue = str | int


class Calls:
    """What every call is made of: `attempts` in all, and `longest_wait` seconds at most between two.

    `knows_keys`: the server does a write once for each Idempotency-Key, so one whose answer was lost may
    be made again. Without, it is not: it would happen twice.
    """

    def __init__(
        self, base_url: str, transport: Transport, *, attempts: int, longest_wait: float, knows_keys: bool
    ) -> None:
        self.base_url = base_url
        self._transport = transport
        self._attempts, self._longest_wait, self._knows_keys = attempts, longest_wait, knows_keys

    async def _get(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return await self._call("GET", path, query=query)

    async def _post(
        self, path: str, body: Mapping[str, Any], key: str | None = None, *, method: str = "POST"
    ) -> dict[str, Any]:
        """Something that is to happen once. What is None in `body` is left out."""
        given = {name: value for name, value in body.items() if value is not None}
        return await self._call(method, path, body=given, key=key or secrets.token_urlsafe(16))

    async def _put(self, path: str, body: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
        return await self._post(path, body, key, method="PUT")

    async def _delete(self, path: str, body: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
        return await self._post(path, body, key, method="DELETE")

    async def _pages(
        self, path: str, query: Mapping[str, QueryValue], into: type[T], limit: int
    ) -> AsyncIterator[T]:
        """Every row of every page. What moves from one page to the next meanwhile comes once."""
        previous: list[Any] = []
        for page in count(1):
            answer = await self._get(path, {**query, "limit": limit, "page": page})
            found = rows(answer)
            fresh = [row for row in found if row not in previous]
            for row in fresh:
                yield read(row, into)
            if not fresh or page >= _last_page(answer, page if len(found) < limit else page + 1):
                return
            previous = found

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        """Make a call, again after what may pass. Raises a ClientError."""
        asked = self._asked(method, path, query or {}, body, key)
        attempt = 1
        while True:
            try:
                reply = await self._transport.send(asked)
                return answers.read(reply.status, reply.retry_after, reply.body)
            except (Unreachable, RateLimited, Unavailable) as error:
                if isinstance(error, Unreachable) and key is not None and not self._knows_keys:
                    raise
                wait = self._wait_after(attempt, error)
            await self._transport.sleep(wait)
            attempt += 1

    def _asked(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Mapping[str, Any] | None,
        key: str | None,
    ) -> Asked:
        headers = {} if key is None else {"idempotency-key": key}
        if body is not None:
            headers["content-type"] = "application/json"
        encoded = None if body is None else msgspec.json.encode(body)
        return Asked(
            method=method, url=self.base_url + path, query=dict(query), headers=headers, body=encoded
        )

    def _wait_after(self, attempt: int, error: Unreachable | RateLimited | Unavailable) -> float:
        """Seconds until the next attempt: what the server asked for, or a quarter, a half, one … give or
        take a half. Raises the error again when there is to be no other attempt."""
        asked = None if isinstance(error, Unreachable) else error.retry_after
        wait = asked if asked is not None else 0.125 * 2**attempt * random.uniform(0.5, 1.5)
        if attempt >= self._attempts or wait > self._longest_wait:
            raise error
        return wait


def api_url(base_url: str) -> str:
    """`https://host`, `https://host/` and `https://host/api/` → `https://host/api`."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the base URL is {base_url!r}; it looks like https://relevo.example.com")
    path = parts.path.rstrip("/").removesuffix("/api")
    return f"{parts.scheme}://{parts.netloc}{path}/api"


# Reading answers


def one(answer: dict[str, Any], into: type[T]) -> T:
    """The one object, in an envelope (`data`) or bare: servers do both."""
    inner = answer.get("data")
    return read(inner if isinstance(inner, dict) else answer, into)


def rows(answer: dict[str, Any]) -> list[Any]:
    """The rows of a list."""
    found = answer.get("data")
    if not isinstance(found, list):
        raise ServerError("the answer has no list under data", status=200)
    return found


def read(row: Any, into: type[T]) -> T:
    """A row as a value."""
    try:
        return told(row, into)
    except msgspec.ValidationError as error:
        raise ServerError(f"the answer has an unexpected form: {error}", status=200) from error


def _last_page(answer: dict[str, Any], otherwise: int) -> int:
    meta = answer.get("meta")
    last = meta.get("last_page") if isinstance(meta, dict) else None
    return last if isinstance(last, int) else otherwise
