"""Answers leave in one write, and nothing is kept back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from relevo.web.one_write import Joining, OneWrite

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Transport(asyncio.Transport):
    """Remembers what was written, and in how many writes."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.writes.append(data)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.writes.append(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
async def joining(transport: Transport) -> Joining:
    return Joining(transport, asyncio.get_running_loop())


async def test_uvicorn_itself_writes_an_answer_at_once(transport: Transport) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    config = uvicorn.Config(app, http=OneWrite, log_config=None, lifespan="off")
    config.load()
    protocol = OneWrite(config=config, server_state=ServerState(), app_state={})
    protocol.connection_made(transport)
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    await asyncio.gather(*protocol.tasks)

    (answer,) = transport.writes
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nok")


async def test_a_large_body_goes_out_with_its_head(joining: Joining, transport: Transport) -> None:
    joining.write(HEAD)
    joining.write(b"x" * 100_000)

    assert transport.writes == [HEAD + b"x" * 100_000]


async def test_the_head_of_a_stream_does_not_wait_for_its_first_event(
    joining: Joining, transport: Transport
) -> None:
    joining.write(HEAD)
    await _turn()
    assert transport.writes == [HEAD]

    joining.write(b"data: 1\n\n")
    assert transport.writes == [HEAD, b"data: 1\n\n"]


async def test_what_is_kept_is_written_before_the_connection_closes(
    joining: Joining, transport: Transport
) -> None:
    joining.write(HEAD)
    joining.close()

    assert transport.writes == [HEAD]
    assert transport.is_closed


async def test_a_body_that_looks_like_a_head_comes_in_its_place(
    joining: Joining, transport: Transport
) -> None:
    for part in (HEAD, b"HTTP/1.1 is what it says", b"and more"):
        joining.write(part)

    assert b"".join(transport.writes) == HEAD + b"HTTP/1.1 is what it says" + b"and more"


async def test_everything_else_is_the_transport_s_own(joining: Joining) -> None:
    assert joining.get_extra_info("peername") == ("127.0.0.1", 1)
    assert not joining.is_closing()


async def _turn() -> None:
    """Have the loop do what waits for its next turn."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)
    await done.wait()
