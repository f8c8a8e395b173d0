"""What only a real server on a real socket shows: answers before bodies are whole, streams, disconnects."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest
import uvicorn

from relevo.domain.events import AgentReplied, ByConversation
from relevo.domain.ids import ConversationId
from relevo.domain.messages import Text
from relevo.testing.builders import World
from relevo.web.front_door import FrontDoor
from relevo.web.one_write import OneWrite

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def database_kind() -> str:
    """All of this is the same on any database."""
    return "sqlite"


@pytest.fixture
async def port(app: FrontDoor) -> AsyncIterator[int]:
    """A server as `relevo serve` runs it."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app, http=OneWrite, log_config=None, access_log=False, server_header=False, lifespan="on"
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield listening.getsockname()[1]
    server.should_exit = True
    await serving


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


def head(method: str, path: str, **headers: str) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "host: localhost",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


async def answer_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    return int(lines[0].split()[1]), dict(line.split(": ", 1) for line in lines[1:])


async def post(port: int, path: str, body: object, **headers: str) -> dict[str, str]:
    encoded = msgspec.json.encode(body)
    async with connected(port) as (reader, writer):
        writer.write(head("POST", path, content_length=str(len(encoded)), **headers) + encoded)
        status, told = await answer_head(reader)
        assert status == 200
        found: dict[str, str] = msgspec.json.decode(await reader.readexactly(int(told["content-length"])))
        return found


async def test_nobody_is_told_what_the_server_is(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(head("GET", "/healthz"))
        status, headers = await answer_head(reader)

    assert status == 200
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/hooks/apichat/{key}", "/web/{web}/session"])
async def test_what_is_too_large_is_refused_while_it_is_sent_and_the_connection_closed(
    world: World, port: int, path: str
) -> None:
    path = path.format(key=world.company.apichat.key, web=world.company.web.key)
    token = await world.add_token()
    async with connected(port) as (reader, writer):
        writer.write(
            head("POST", path, authorization=f"Bearer {token}", transfer_encoding="chunked")
            + b"fffff\r\n"
            + bytes(0xFFFFF)
        )
        status, headers = await answer_head(reader)

        assert (status, headers["connection"]) == (413, "close")
        with suppress(ConnectionResetError):
            await reader.read()  # ends: the rest is not listened to


async def test_a_visitor_hears_what_is_said_and_leaves_without_a_trace(world: World, port: int) -> None:
    web = f"/web/{world.company.web.key}"
    token = (await post(port, f"{web}/session", {}))["token"]
    await post(port, f"{web}/open", {}, authorization=f"Bearer {token}")

    async with connected(port) as (reader, writer):
        writer.write(head("GET", f"{web}/events?after=1&token={token}", accept_encoding="gzip"))
        status, headers = await answer_head(reader)
        assert (status, headers["x-accel-buffering"]) == (200, "no")
        await world.submit(AgentReplied(to=ByConversation(ConversationId(1)), contents=(Text("Hi"),)))
        assert b'"Hi"' in await reader.readuntil(b"}\n\n")

    while world.hub._listeners:  # the server notices in its own time
        await world.clock.sleep(0)


async def test_a_stream_does_not_hold_the_shutdown_up(world: World, port: int) -> None:
    web = f"/web/{world.company.web.key}"
    token = (await post(port, f"{web}/session", {}))["token"]
    async with connected(port) as (reader, writer):
        writer.write(head("GET", f"{web}/events?token={token}"))
        await answer_head(reader)
        await world.clock.until_sleeping()

        world.hub.close()
        assert (await reader.read()).endswith(b"0\r\n\r\n")
