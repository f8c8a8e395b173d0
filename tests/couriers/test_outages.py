"""A platform that is down: who waits for an agent there is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relevo.couriers.gates import DOWN_AFTER, Gate, Limits
from relevo.couriers.outages import LATE_AFTER, Outages, unheard
from relevo.domain.deliveries import Attempt, Delivery, Destination, Done, Park, Refused, RetryAt, Verdict
from relevo.domain.events import AnyEvent, ByConversation, PlatformUnreachable
from relevo.domain.ids import ConversationId, DeliveryId, EndpointId, WorkspaceId
from relevo.store.database import Database
from relevo.testing.builders import make_engine
from relevo.testing.chance import FakeChance
from relevo.testing.clock import NOON

DELIVERY = Delivery(
    id=DeliveryId(1),
    workspace_id=WorkspaceId(1),
    conversation_id=ConversationId(7),
    destination=Destination("endpoint", 3),
    event_type="message.received",
    webhook_id="msg_1",
    seq=1,
    epoch=1,
    body=b"",
    created_at=NOON,
)
RETRY = RetryAt(NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    ("kind", "verdict", "after", "is_down", "is_told"),
    [
        ("endpoint", RETRY, timedelta(0), False, False),
        ("endpoint", RETRY, LATE_AFTER, False, True),
        ("endpoint", RETRY, timedelta(0), True, True),
        ("endpoint", Park("schedule_exhausted"), timedelta(0), False, True),
        ("endpoint", Done(), LATE_AFTER, True, False),
        ("channel", Park("schedule_exhausted"), LATE_AFTER, True, False),
    ],
)
def test_an_attempt_says_that_the_platform_does_not_hear(
    kind: Any, verdict: Verdict, after: timedelta, is_down: bool, is_told: bool
) -> None:

    delivery = msgspec.structs.replace(DELIVERY, destination=Destination(kind, 3))
    attempt = Attempt(
        delivery_id=DELIVERY.id,
        number=1,
        started_at=NOON + after,
        took=timedelta(0),
        outcome=Refused(503),
        verdict=verdict,
    )
    told = PlatformUnreachable(to=ByConversation(ConversationId(7)), endpoint_id=EndpointId(3))

    assert unheard(delivery, attempt, is_down=is_down) == (told if is_told else None)


async def test_who_wrote_before_the_circuit_opened_is_told_once_if_it_stays_open(
    database: Database,
) -> None:
    async with make_engine(database) as world:
        asked = await world.says("agent")
        await world.says("Hi", user_id="with-the-bot")
        to_desk = Destination("endpoint", world.company.endpoint.id)
        gate = Gate(Limits(is_judged=True), world.clock, FakeChance(clock=world.clock), lambda: None)
        told: list[AnyEvent] = []

        async def submit(event: AnyEvent) -> None:
            told.append(event)

        outages = Outages(database=database, clock=world.clock)
        outages.gates, outages.submit = lambda: {to_desk: gate}, submit
        for number in range(5):
            begun = await gate.enter()
            assert begun is not None
            gate.note(Refused(503), ConversationId(number), begun)
            gate.leave(begun)

        assert (gate.is_open, gate.is_down, await outages.tell()) == (True, False, DOWN_AFTER)
        assert told == []
        world.clock.advance(timedelta(seconds=DOWN_AFTER))
        await outages.tell()
        await outages.tell()

        assert gate.is_down
        assert [one.to for one in told] == [ByConversation(asked.conversation_id)]
