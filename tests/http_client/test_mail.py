"""SMTP over a real socket, to a server that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from ipaddress import ip_address, ip_network

import pytest

from relevo.domain.deliveries import Accepted, Forbidden, Outcome, Refused, Rejected, Unreachable
from relevo.domain.emails import Mailbox
from relevo.http_client.egress_guard import EgressGuard
from relevo.http_client.mail import SmtpMail

GREETS = {"": "220 hello", "EHLO": "250-here\r\n250 AUTH PLAIN LOGIN", "QUIT": "221 bye"}
TAKES = {**GREETS, "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", ".": "250 taken"}


class Server:
    port = 0
    heard = b""


@asynccontextmanager
async def server(answers: Mapping[str, str]) -> AsyncIterator[Server]:
    made = Server()
    over = asyncio.Event()
    over.set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        over.clear()
        try:
            await _talk(made, answers, reader, writer)
        finally:
            writer.close()
            over.set()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield made
        await over.wait()


async def _talk(
    made: Server, answers: Mapping[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(f"{answers['']}\r\n".encode())
    in_data = False
    with suppress(ConnectionError):
        while line := await reader.readline():
            made.heard += line
            word = line.decode().strip().partition(" ")[0].upper()
            if in_data and word != ".":
                continue
            in_data = word == "DATA" and answers.get("DATA", "").startswith("354")
            if answers.get(word) == "hangs up":
                break
            if answers.get(word) != "says nothing":
                writer.write(f"{answers.get(word, '500 what?')}\r\n".encode())


async def resolve(host: str, port: int) -> list[object]:
    return [ip_address("127.0.0.1")]


def mail(*allowed: str) -> SmtpMail:
    networks = [ip_network(one) for one in allowed]
    return SmtpMail(EgressGuard(networks, resolve))  # type: ignore[arg-type]


def box(port: int, username: str = "") -> Mailbox:
    return Mailbox(
        host="smtp.acme.example", port=port, security="none", username=username, password="p",
        sender="Acme <hi@acme.example>",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({}, Accepted(250)),
        ({"RCPT": "550 no such user"}, Rejected("smtp_550")),
        ({"RCPT": "450 later"}, Refused(450, reason="smtp")),
        ({"MAIL": "451 later"}, Refused(451, reason="smtp")),
        ({".": "554 spam"}, Rejected("smtp_554")),
        ({"": "421 busy"}, Refused(421, reason="smtp")),
        ({"DATA": "hangs up"}, Unreachable("broken")),
        ({"MAIL": "says nothing"}, Unreachable("timeout")),
        ({"": "220\x00\xff garbage", "EHLO": "nonsense"}, Unreachable("broken")),
    ],
)
async def test_what_a_server_says(answers: dict[str, str], outcome: Outcome) -> None:
    async with server({**TAKES, **answers}) as there:
        posted = await mail("127.0.0.0/8").send(
            box(there.port), "ana@example.com", b"Subject: x\r\n\r\nHi", timedelta(seconds=1)
        )

        assert posted.outcome == outcome
        assert not posted.is_locked_out


async def test_the_message_arrives() -> None:
    async with server(TAKES) as there:
        await mail("127.0.0.0/8").send(
            box(there.port), "ana@example.com", b"Subject: x\r\n\r\nHi", timedelta(seconds=5)
        )

        assert b"MAIL FROM:<hi@acme.example>" in there.heard
        assert b"RCPT TO:<ana@example.com>" in there.heard
        assert b"\r\nHi\r\n" in there.heard


async def test_a_wrong_password_is_told_from_a_refused_message() -> None:
    async with server({**TAKES, "AUTH": "535 no"}) as there:
        posted = await mail("127.0.0.0/8").send(
            box(there.port, username="acme"), "ana@example.com", b"x", timedelta(seconds=5)
        )

        assert posted.is_locked_out


async def test_no_neighbour_is_connected_to() -> None:
    async with server(TAKES) as there:
        posted = await mail().send(box(there.port), "ana@example.com", b"x", timedelta(seconds=5))

        assert isinstance(posted.outcome, Forbidden)
        assert there.heard == b""


async def test_nobody_listens() -> None:
    async with server(TAKES) as there:
        port = there.port
    posted = await mail("127.0.0.0/8").send(box(port), "ana@example.com", b"x", timedelta(seconds=5))

    assert posted.outcome == Unreachable("refused")
