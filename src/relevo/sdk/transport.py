"""How a call gets to the server: awaited, or waited for. Everything above is written once.

What is written for `Client` never waits for anything but its transport. So with one that blocks
instead, a method runs to its end in one step, and `SyncClient` needs nothing of its own.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import msgspec

from relevo.sdk.errors import Unreachable

if TYPE_CHECKING:
    from pyreqwest import client as http


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a call. `body` None: there is none."""

    method: str
    url: str
    query: Mapping[str, Any] | list[tuple[str, Any]]
    headers: Mapping[str, str]
    body: bytes | None


class Told(msgspec.Struct, frozen=True):
    """What came back: the status, `Retry-After`, and the body."""

    status: int
    retry_after: str | None
    body: bytes


class Transport(Protocol):
    """Makes attempts. `timeout` is its maker's affair."""

    async def send(self, asked: Asked) -> Told:
        """Make one attempt. Raises Unreachable."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Rest between two attempts."""
        ...

    async def close(self) -> None: ...


class Awaited:
    """Over HTTP, in the running event loop."""

    def __init__(self, base_url: str, token: str, timeout: timedelta) -> None:
        self._settings = base_url, token, timeout
        self._http: http.Client | None = None

    async def send(self, asked: Asked) -> Told:
        from pyreqwest.exceptions import RequestError

        try:
            response = await _request(self._connection(), asked).build().send()
            content = bytes(await response.bytes())
        except RequestError as error:
            raise _unreachable(asked, error) from error
        return Told(response.status, response.get_header("retry-after"), content)

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    def _connection(self) -> http.Client:
        """Made at the first call, so that the receiver can be used where pyreqwest is not installed."""
        if self._http is None:
            from pyreqwest.client import ClientBuilder

            self._http = _set_up(ClientBuilder(), *self._settings).build()
        return self._http


class Blocking:
    """Over HTTP, and the thread waits. Never suspends: see the module."""

    def __init__(self, base_url: str, token: str, timeout: timedelta) -> None:
        self._settings = base_url, token, timeout
        self._http: http.SyncClient | None = None

    async def send(self, asked: Asked) -> Told:
        from pyreqwest.exceptions import RequestError

        try:
            response = _request(self._connection(), asked).build().send()
            content = bytes(response.bytes())
        except RequestError as error:
            raise _unreachable(asked, error) from error
        return Told(response.status, response.get_header("retry-after"), content)

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 – this is the transport that blocks

    async def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    def _connection(self) -> http.SyncClient:
        if self._http is None:
            from pyreqwest.client import SyncClientBuilder

            self._http = _set_up(SyncClientBuilder(), *self._settings).build()
        return self._http


def _set_up(builder: Any, base_url: str, token: str, timeout: timedelta) -> Any:
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    builder = builder.timeout(timeout).follow_redirects(False).user_agent("relevo-sdk")
    if _is_this_machine(base_url):
        builder = builder.no_proxy()
    return builder.default_headers(headers)


def _request(client: Any, asked: Asked) -> Any:
    request = client.request(asked.method, asked.url).query(asked.query).headers(asked.headers)
    return request if asked.body is None else request.body_bytes(asked.body)


def _unreachable(asked: Asked, error: Any) -> Unreachable:
    return Unreachable(f"{asked.method} {asked.url}: {error.message}")


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
