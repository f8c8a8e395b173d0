from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from litestar.types import HTTPRequestEvent, Message, Receive, Scope, Send

from relevo.domain.deliveries import (
    Accepted,
    Attempt,
    Delivery,
    Destination,
    Done,
    Exchange,
    Outcome,
    Park,
    Refused,
    RetryAt,
    Unreachable,
    Verdict,
)
from relevo.domain.ids import ConversationId, DeliveryId, WorkspaceId
from relevo.engine.hub import Hub, WireSeen, workspace_topic
from relevo.testing.clock import NOON, FakeClock
from relevo.web.demo.recording import Recording
from relevo.web.demo.wire import KEPT, LARGEST_BODY, Call, Switched, Webhook, Wire

WORKSPACE = WorkspaceId(1)
DELIVERY = Delivery(
    id=DeliveryId(7),
    workspace_id=WORKSPACE,
    conversation_id=ConversationId(3),
    destination=Destination("endpoint", 1),
    event_type="message.received",
    webhook_id="msg_1",
    seq=4,
    epoch=1,
    body=b'{"message":{}}',
    created_at=NOON,
)


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def wire(hub: Hub) -> Wire:
    return Wire(hub, WORKSPACE)


def attempted(outcome: Outcome, verdict: Verdict, delivery: Delivery = DELIVERY) -> WireSeen:
    attempt = Attempt(
        delivery_id=delivery.id,
        number=2,
        started_at=NOON,
        took=timedelta(milliseconds=12),
        outcome=outcome,
        verdict=verdict,
        exchange=Exchange(method="POST", url="http://desk/uchat", request_headers={"x-desk-key": "••••"}),
    )
    return WireSeen(WORKSPACE, delivery.conversation_id, (delivery, attempt))


async def collected(wire: Wire, hub: Hub, *notices: WireSeen) -> list[Webhook]:
    collecting = asyncio.create_task(wire.collect())
    while not hub._listeners:
        await asyncio.wait([collecting], timeout=0)
    hub.publish(notices)
    hub.close()
    await collecting
    return [entry for entry in wire.after(0) if isinstance(entry, Webhook)]


@pytest.mark.parametrize(
    ("outcome", "verdict", "shown"),
    [
        (Accepted(200), Done(), ("done", 200, None)),
        (Refused(503), RetryAt(NOON), ("retry", 503, int(NOON.timestamp() * 1000))),
        (Unreachable("timeout"), Park("schedule_exhausted"), ("over", "no answer: timeout", None)),
    ],
)
async def test_an_attempt_is_an_entry_that_says_what_came_of_it(
    wire: Wire, hub: Hub, outcome: Outcome, verdict: Verdict, shown: tuple[str, int | str, int | None]
) -> None:
    (entry,) = await collected(wire, hub, attempted(outcome, verdict))

    assert (entry.outcome, entry.status, entry.retry_at) == shown
    assert (entry.event, entry.seq, entry.attempt, entry.took_ms) == ("message.received", 4, 2, 12)
    assert entry.asked.headers == {"x-desk-key": "••••"}


async def test_only_what_goes_to_the_platform_is_on_the_wire(wire: Wire, hub: Hub) -> None:
    to_vendor = msgspec.structs.replace(DELIVERY, destination=Destination("channel", 1))

    assert await collected(wire, hub, attempted(Accepted(200), Done(), to_vendor)) == []


def test_the_wire_keeps_the_newest_and_numbers_all(wire: Wire) -> None:
    for number in range(KEPT + 5):
        wire.switch(number % 2 == 0, NOON)

    assert [entry.id for entry in wire.after(0)] == list(range(6, KEPT + 6))
    assert [entry.id for entry in wire.after(KEPT + 4)] == [KEPT + 5]


def test_taking_down_twice_is_once(wire: Wire) -> None:
    wire.switch(True, NOON)
    wire.switch(True, NOON)

    assert [type(entry) for entry in wire.after(0)] == [Switched]
    assert wire.is_down


async def test_whoever_listens_is_told_of_an_entry(wire: Wire, hub: Hub) -> None:
    with hub.listen(workspace_topic(WORKSPACE)) as listener:
        wire.switch(True, NOON)

        assert len(await listener.wait()) == 1


# Calls of the API


def scope(path: str, **headers: str) -> Scope:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {  # type: ignore[return-value]
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"page=1",
        "headers": raw,
    }


async def call(wire: Wire, scope: Scope, answer: bytes = b'{"status":"ok"}') -> list[tuple[bytes, bytes]]:
    """The headers that the application inside was given."""
    given: list[tuple[bytes, bytes]] = []

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        given.extend(scope["headers"])
        await receive()
        cookie = [(b"set-cookie", b"session=1")]
        await send({"type": "http.response.start", "status": 200, "headers": cookie})
        await send({"type": "http.response.body", "body": answer, "more_body": False})

    async def receive() -> HTTPRequestEvent:
        return {"type": "http.request", "body": b'{"content":"Hi"}', "more_body": False}

    async def send(message: Message) -> None: ...

    await Recording(inside, wire, FakeClock())(scope, receive, send)
    return given


async def test_a_call_is_recorded_with_its_secrets_masked(wire: Wire) -> None:
    secrets = scope("/api/subscriber/send-text", authorization="Bearer abc123", accept_encoding="gzip")

    given = await call(wire, secrets)

    (entry,) = wire.after(0)
    assert isinstance(entry, Call)
    assert (entry.method, entry.path, entry.status) == ("POST", "/api/subscriber/send-text?page=1", 200)
    assert entry.asked.body == '{"content":"Hi"}'
    assert entry.answered.body == '{"status":"ok"}'
    assert entry.asked.headers == {"authorization": "Bearer ••••"}
    assert entry.answered.headers == {"set-cookie": "••••"}
    assert given == [(b"authorization", b"Bearer abc123")]


async def test_a_long_answer_is_shown_in_part(wire: Wire) -> None:
    await call(wire, scope("/api/subscribers", authorization="Bearer x"), b"a" * 5 * LARGEST_BODY)

    (entry,) = wire.after(0)
    assert isinstance(entry, Call)
    assert entry.answered.body == "a" * LARGEST_BODY + " …"


@pytest.mark.parametrize("path", ["/web/KEY/messages", "/console/", "/api"])
async def test_nothing_but_calls_is_recorded(wire: Wire, path: str) -> None:
    await call(wire, scope(path, authorization="Bearer x"))
    await call(wire, scope("/api/openapi.json"))

    assert wire.after(0) == []
