"""A test event: what is shown is what stood on the wire, but for the values of custom headers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import msgspec
import pytest

from relevo.admin import trying
from relevo.admin.trying import Trial
from relevo.couriers.webhook import try_endpoint
from relevo.domain import signing
from relevo.domain.deliveries import Accepted, Forbidden, Refused, Unreachable
from relevo.domain.errors import InvalidInput
from relevo.domain.ids import FlowId, FlowVersionId
from relevo.domain.workspaces import Endpoint, EventType, FlowEntry
from relevo.http_client.client import HttpClient
from relevo.http_client.egress_guard import EgressGuard
from relevo.http_client.wire_form import request_line
from relevo.store.directory import Directory
from relevo.testing.chance import FakeChance
from relevo.testing.clock import NOON, FakeClock
from tests.domain.scenes import ENDPOINT, WORKSPACE
from tests.http_client.loopback import Loopback, answer

FLOW = FlowEntry(id=FlowId(1001), workspace_id=WORKSPACE.id, name="support", version_id=FlowVersionId(1))
FOUND = Directory(version=1, workspaces={WORKSPACE.id: WORKSPACE}, flows={FLOW.id: FLOW})


async def resolve(host: str, port: int) -> Sequence[IPv4Address | IPv6Address]:
    return [ip_address("10.0.0.5" if host == "inside.test" else "127.0.0.1")]


async def tried(url: str, event_type: EventType = EventType.TEST, own: dict[str, str] | None = None) -> Trial:
    clock = FakeClock()
    endpoint: Endpoint = msgspec.structs.replace(
        ENDPOINT,
        url=url,
        headers=own or {"X-Desk-Key": "k-123"},
        disabled_reason="it is tried all the same",
    )
    delivery = trying.sample_delivery(
        FOUND, endpoint, event_type, now=clock.now(), chance=FakeChance(clock=clock), by="Olga"
    )
    http = HttpClient(EgressGuard([ip_network("127.0.0.0/8")], resolve), clock.monotonic)
    try:
        return await try_endpoint(endpoint, delivery, http, clock, timedelta(seconds=10))
    finally:
        await http.close()


def on_the_wire(request: bytes) -> tuple[str, dict[str, str], bytes]:
    """Line, headers by their names in lower case, and body."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    pairs = [header.split(": ", 1) for header in headers]
    return line, {name.lower(): value for name, value in pairs}, body


@pytest.mark.parametrize("path", ["/uchat", "/uchat?a=1&b=%20", "", "/#part"])
async def test_the_request_is_shown_as_it_was(path: str) -> None:
    async with Loopback() as desk:
        trial = await tried(f"http://DESK.test:{desk.port}{path}")

    line, headers, body = on_the_wire(desk.requests[0])
    assert trial.line == line
    assert headers.pop("x-desk-key") == "k-123"
    assert next(iter(trial.headers)) == "X-Desk-Key"
    assert trial.headers.pop("X-Desk-Key") == "••••"
    assert list(trial.headers.items()) == list(headers.items())
    assert trial.body == body
    assert signing.verify(ENDPOINT.secrets, headers, body, now=NOON) == headers["webhook-id"]


async def test_what_the_endpoint_says_of_the_client_is_not_shown_twice() -> None:
    async with Loopback() as desk:
        trial = await tried(desk.url, own={"User-Agent": "desk/1", "ACCEPT": "application/json"})

    _, headers, _ = on_the_wire(desk.requests[0])
    assert (headers["user-agent"], headers["accept"]) == ("desk/1", "application/json")
    assert [name.lower() for name in trial.headers] == list(headers)
    assert (trial.headers["User-Agent"], trial.headers["ACCEPT"]) == ("••••", "••••")


async def test_the_answer_is_shown_as_it_came() -> None:
    reply = answer(b'{"problem":"closed"}', "x-desk: 7", "retry-after: 30", status="503 Service Unavailable")
    async with Loopback(reply) as desk:
        trial = await tried(desk.url)

    assert trial.outcome == Refused(503, timedelta(seconds=30))
    assert trial.answer is not None
    assert (trial.answer.line, trial.answer.address) == ("HTTP/1.1 503", "127.0.0.1")
    assert trial.answer.headers["x-desk"] == "7"
    assert (trial.answer.body, trial.answer.is_whole) == ('{"problem":"closed"}', True)
    assert (trial.started_at, trial.answer.after <= trial.took) == (NOON, True)


async def test_a_long_answer_is_cut_and_that_is_said() -> None:
    async with Loopback(answer(b"x" * 20_000)) as desk:
        trial = await tried(desk.url)

    assert trial.answer is not None
    assert (len(trial.answer.body), trial.answer.is_whole) == (16 * 1024, False)


async def test_without_an_answer_the_request_is_shown_all_the_same() -> None:
    async with Loopback() as desk:
        pass
    nobody = await tried(desk.url)
    private = await tried("http://inside.test/uchat")

    assert (nobody.outcome, nobody.answer, nobody.line) == (
        Unreachable("refused"),
        None,
        "POST /uchat HTTP/1.1",
    )
    assert (private.outcome, private.answer) == (Forbidden("10.0.0.5", "private"), None)
    assert private.headers["host"] == "inside.test"


@pytest.mark.parametrize("event_type", EventType)
async def test_every_event_can_be_tried_and_speaks_of_nobody(event_type: EventType) -> None:
    async with Loopback() as desk:
        trial = await tried(desk.url, event_type)

    assert isinstance(trial.outcome, Accepted)
    assert (trial.headers["relevo-event"], trial.headers["relevo-seq"]) == (event_type.value, "0")
    assert msgspec.json.decode(trial.body)["meta"]["user_ns"] == "f1001u0"


def test_what_is_not_an_event_has_no_sample() -> None:
    assert trying.event_type_of("") is EventType.TEST
    assert trying.event_type_of("typing") is EventType.TYPING
    with pytest.raises(InvalidInput, match='there is no event "typin"; did you mean "typing"'):
        trying.event_type_of("typin")


def test_the_version_of_a_request_is_the_one_that_was_agreed_upon() -> None:
    assert request_line("POST", "https://desk.test", "HTTP/2.0") == "POST / HTTP/2.0"
    assert request_line("POST", "https://desk.test", "HTTP/1.0") == "POST / HTTP/1.1"
    assert request_line("POST", "https://desk.test", "") == "POST / HTTP/1.1"
