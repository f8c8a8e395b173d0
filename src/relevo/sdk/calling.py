"""What all calls have in common: where they go, how often they are tried, and how answers are read."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator, Mapping
from itertools import count
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from relevo.sdk import answers
from relevo.sdk.errors import RateLimited, ServerError, Unavailable, Unreachable
from relevo.sdk.objects.reading import told
from relevo.sdk.transport import Asked, Transport

T = TypeVar("T")

QueryValue = str | int | None

Key = str | None
"""An `idempotency_key`; None: one is made up."""
Texts = list[str] | tuple[str, ...]
"""Not any sequence of texts: a text is one, too, of its letters."""
Yes = Literal["yes", "no"]
Range = Literal["yesterday", "last_7_days", "last_week", "last_30_days", "last_month", "last_3_months"]

PART = 20
"""So many tags, labels or fields UChat takes in one call."""


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
        self, path: str, body: Mapping[str, Any], key: Key = None, *, method: str = "POST"
    ) -> dict[str, Any]:
        """Something that is to happen once. What is None in `body` is left out."""
        return await self._call(method, path, body=_given(body), key=key or secrets.token_urlsafe(16))

    async def _put(self, path: str, body: Mapping[str, Any], key: Key = None) -> dict[str, Any]:
        return await self._post(path, body, key, method="PUT")

    async def _delete(self, path: str, body: Mapping[str, Any], key: Key = None) -> dict[str, Any]:
        return await self._post(path, body, key, method="DELETE")

    async def _look_up(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A question, though it is a POST: it needs no key."""
        return await self._call("POST", path, body=_given(body))

    async def _in_parts(
        self, method: str, path: str, user_ns: str, name: str, texts: Texts, key: Key
    ) -> None:
        """A write of which a part does no harm alone, and no harm twice: twenty texts a call, in order."""
        for start in range(0, len(texts), PART):
            data = [{name: text} for text in texts[start : start + PART]]
            of_part = f"{key}-{start}" if key and start else key
            await self._post(path, {"user_ns": user_ns, "data": data}, of_part, method=method)

    async def _pages(
        self, path: str, query: Mapping[str, Any], into: type[T], limit: int, *, method: str = "GET"
    ) -> AsyncIterator[T]:
        """Every row of every page. What moves from one page to the next meanwhile comes once."""
        previous: list[Any] = []
        for page in count(1):
            asked = {**query, "limit": limit, "page": page}
            answer = await (self._get if method == "GET" else self._look_up)(path, asked)
            found = rows(answer)
            fresh = [row for row in found if row not in previous]
            for row in fresh:
                yield read(row, into)
            if not fresh or page >= _last_page(answer, page if len(found) < limit else page + 1):
                return
            previous = found

    async def _from(
        self, start_id: int, path: str, query: Mapping[str, Any], into: type[T], limit: int
    ) -> AsyncIterator[T]:
        """Every row from a place on; the answer says where to go on."""
        place: int | None = start_id
        while place is not None:
            answer = await self._get(path, {**query, "start_id": place, "limit": limit})
            for row in rows(answer):
                yield read(row, into)
            place = _next_place(answer, place)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        key: Key = None,
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
        key: Key,
    ) -> Asked:
        headers = {} if key is None else {"idempotency-key": key}
        if body is not None:
            headers["content-type"] = "application/json"
        encoded = None if body is None else msgspec.json.encode(body)
        asked = {name: int(one) if isinstance(one, bool) else one for name, one in _given(query).items()}
        return Asked(method=method, url=self.base_url + path, query=asked, headers=headers, body=encoded)

    def _wait_after(self, attempt: int, error: Unreachable | RateLimited | Unavailable) -> float:
        """Seconds until the next attempt: what the server asked for, or a quarter, a half, one … give or
        take a half. Raises the error again when there is to be no other attempt."""
        asked = None if isinstance(error, Unreachable) else error.retry_after
        wait = asked if asked is not None else 0.125 * 2**attempt * random.uniform(0.5, 1.5)
        if attempt >= self._attempts or wait > self._longest_wait:
            raise error
        return wait


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def api_url(base_url: str) -> str:
    """`https://host`, `https://host/` and `https://host/api/` → `https://host/api`."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the base URL is {base_url!r}; it looks like https://relevo.example.com")
    path = parts.path.rstrip("/").removesuffix("/api")
    return f"{parts.scheme}://{parts.netloc}{path}/api"


# Reading answers


def one(answer: dict[str, Any], into: type[T]) -> T:
    """The one object as a value."""
    return read(object_of(answer), into)


def object_of(answer: dict[str, Any]) -> dict[str, Any]:
    """The one object, in an envelope (`data`) or bare: servers do both."""
    inner = answer.get("data")
    return inner if isinstance(inner, dict) else answer


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


def _next_place(answer: dict[str, Any], place: int) -> int | None:
    """Where a list goes on: `next_start_id`. A server that does not say has told everything."""
    following = answer.get("next_start_id")
    return following if isinstance(following, int) and following > place else None
