"""Lanes: order, retries, who waits for whom, and what becomes of a claim."""

from __future__ import annotations

import asyncio
import io
import logging
from datetime import timedelta

import msgspec
import pytest
import structlog

from relevo import logs
from relevo.couriers import couriers as rooms
from relevo.couriers import gates
from relevo.domain import signing
from relevo.domain.deliveries import Accepted, Forbidden, GiveUp, Park, RetryAt, Unreachable
from relevo.domain.events import AgentReplied, ByConversation
from relevo.domain.messages import Media, MessageStatus, Text
from relevo.store import interventions, media
from relevo.store.database import Database
from relevo.testing.builders import SIGNING_SECRET
from relevo.testing.fake_http import Asked, Reply, reply
from tests.couriers.carrying import another_process, carrying, let_leases_end


def content(asked: Asked) -> str:
    """What the customer said, in a webhook."""
    return str(msgspec.json.decode(asked.body)["message"]["content"])


async def test_the_webhook_is_posted_signed_with_the_custom_headers(database: Database) -> None:
    async with carrying(database) as here:
        await here.world.says("agent")
        await here.world.says("Is it in stock?", mid="wamid.1")
        await here.settle_down()

        (asked,) = here.posted()
        assert (asked.method, content(asked)) == ("POST", "Is it in stock?")
        assert asked.headers["X-Desk-Key"] == "k-123"
        assert asked.headers["relevo-event"] == "message.received"
        assert (asked.headers["relevo-seq"], asked.headers["relevo-epoch"]) == ("1", "1")
        signing.verify([SIGNING_SECRET], asked.headers, asked.body, now=here.world.clock.now())


async def test_one_conversation_is_delivered_in_order(database: Database) -> None:
    async with carrying(database) as here:
        await here.world.says("agent")
        await asyncio.gather(*(here.world.says(f"message {number}") for number in range(20)))
        await here.settle_down()

        assert [content(asked) for asked in here.posted()] == [f"message {number}" for number in range(20)]
        assert [asked.headers["relevo-seq"] for asked in here.posted()] == [str(n) for n in range(1, 21)]


async def test_a_retry_holds_its_lane_and_carries_the_same_id(database: Database) -> None:
    async with carrying(database, [reply(500), reply(), reply()]) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.settle_down()
        await here.world.says("two")
        await here.settle_down()
        assert [content(asked) for asked in here.posted()] == ["one"]

        await here.later(timedelta(seconds=7))

        assert [content(asked) for asked in here.posted()] == ["one", "one", "two"]
        ids = [asked.headers["webhook-id"] for asked in here.posted()]
        assert ids[0] == ids[1] != ids[2]


async def test_a_stuck_conversation_delays_no_other(database: Database) -> None:
    def answer(asked: Asked) -> Reply:
        return reply(500 if "stuck" in content(asked) else 200)

    async with carrying(database, answer) as here:
        for user in ("a", "b"):
            await here.world.says("agent", user_id=user)
        await here.world.says("stuck", user_id="a")
        await here.world.says("fine", user_id="b")
        await here.settle_down()

        assert sorted(content(asked) for asked in here.posted()) == ["fine", "stuck"]
        assert [row.state for row in await here.rows()] == ["waiting", "done"]


async def test_after_the_last_retry_it_is_parked_and_the_lane_goes_on(database: Database) -> None:
    def answer(asked: Asked) -> Reply:
        return reply(500 if content(asked) == "bad" else 200)

    async with carrying(database, answer) as here:
        await here.world.says("agent", channel=here.world.company.web)
        await here.world.says("bad")
        await here.world.says("good")
        for _ in range(12):
            await here.later(timedelta(hours=13))

        rows = await here.rows()
        # The second is sent when the pause of 30 minutes is long over: it was said during it.
        assert [(row.state, row.reason) for row in rows] == [("parked", "schedule_exhausted"), ("done", "")]
        assert rows[0].attempts_made == 9


async def test_retry_after_is_honoured(database: Database) -> None:
    async with carrying(database, [reply(429, headers={"retry-after": "9"}), reply()]) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.settle_down()

        (row,) = await here.rows()
        assert row.due_at - here.world.clock.now() >= timedelta(seconds=7)


async def test_410_gives_up_and_disables_the_endpoint(database: Database) -> None:
    async with carrying(database, [reply(410)]) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.settle_down()
        await here.world.says("two")
        await here.settle_down()

        assert [(row.state, row.reason) for row in await here.rows()] == [
            ("given_up", "endpoint_gone"),
            ("parked", "endpoint_disabled"),
        ]
        endpoint = here.world.catalog.directory.endpoints[here.world.company.endpoint.id]
        assert endpoint.disabled_reason == "endpoint_gone"


async def test_what_a_person_sees_of_an_attempt(database: Database) -> None:
    async with carrying(database, [reply(503, b"later")]) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.settle_down()

        (row,) = await here.rows()
        (attempt,) = await here.attempts(row.id)
        assert attempt.exchange is not None
        assert attempt.exchange.status_code == 503
        assert attempt.exchange.answer_body == "later"
        assert attempt.exchange.address == "192.0.2.1"
        assert (attempt.exchange.answer_is_whole, attempt.exchange.request_body) == (True, None)
        assert (attempt.exchange.looked_up, attempt.exchange.answered) == (
            timedelta(milliseconds=1),
            timedelta(milliseconds=4),
        )
        assert attempt.exchange.request_headers["X-Desk-Key"] == "••••"
        assert isinstance(attempt.verdict, RetryAt)


async def test_a_long_answer_is_cut_at_16_kb_and_says_so(database: Database) -> None:
    async with carrying(database, [reply(503, b"x" * 20_000)]) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.settle_down()

        (row,) = await here.rows()
        (attempt,) = await here.attempts(row.id)
        assert attempt.exchange is not None
        assert attempt.exchange.answer_body == "x" * 16_384
        assert not attempt.exchange.answer_is_whole


async def test_what_a_channel_was_sent_is_kept_since_it_is_not_the_deliverys_body(database: Database) -> None:
    async with carrying(database) as here:
        await here.world.says("agent", channel=here.world.company.apichat)
        await here.settle_down()

        row = (await here.rows("channel"))[0]
        (attempt,) = await here.attempts(row.id)
        assert attempt.exchange is not None
        assert attempt.exchange.request_body is not None
        assert here.posted("https://other.example.com/in")[0].body.decode() == attempt.exchange.request_body


async def test_no_line_of_the_log_has_a_secret_or_what_somebody_wrote(
    database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.root.level)
    logs.set_up("debug", "json", stream := io.StringIO())
    try:
        answers: list[Reply] = [
            reply(503, b"your words: lighthouse"),
            Unreachable("timeout"),
            reply(410, b"lighthouse"),
        ]
        async with carrying(database, answers) as here:
            await here.world.says("agent")
            await here.world.says("lighthouse")
            await here.settle_down()
            for _ in range(2):
                await here.later(timedelta(minutes=1))
    finally:
        structlog.reset_defaults()

    said = stream.getvalue() + "".join(capsys.readouterr())
    assert said.count("webhook.attempted") == 3
    for hidden in ("lighthouse", SIGNING_SECRET, SIGNING_SECRET.removeprefix("whsec_"), "k-123", "Ana"):
        assert hidden not in said


@pytest.mark.parametrize(
    "outcome", [Unreachable("timeout"), Forbidden("10.0.0.1", "private")], ids=["timeout", "forbidden"]
)
async def test_what_never_got_there_is_tried_again(database: Database, outcome: Reply) -> None:
    async with carrying(database, [outcome, reply()]) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.settle_down()
        await here.later(timedelta(seconds=7))

        (row,) = await here.rows()
        attempts = await here.attempts(row.id)
        assert [type(one.outcome) for one in attempts] == [type(outcome), Accepted]
        assert row.state == "done"


async def test_a_person_may_redeliver_what_was_parked(database: Database) -> None:
    async with carrying(database, [reply(410), reply(), reply()]) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.settle_down()
        (row,) = await here.rows()
        async with here.world.database.write() as connection:
            from relevo.store import directory

            await directory.disable_endpoint(connection, here.world.company.endpoint.id, "")
            assert await interventions.redeliver(connection, row.id, here.world.clock.now())
        await here.later(timedelta(seconds=1))

        (row,) = await here.rows()
        assert (row.state, row.attempts_made) == ("done", 2)
        assert len({asked.headers["webhook-id"] for asked in here.posted()}) == 1


async def test_a_redelivered_one_goes_before_younger_ones_that_wait(database: Database) -> None:
    gone = [reply(410)]

    def answer(asked: Asked) -> Reply:
        return gone.pop() if gone else reply()

    async with carrying(database, answer) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.settle_down()
        async with here.world.database.write() as connection:
            from relevo.store import directory

            await directory.disable_endpoint(connection, here.world.company.endpoint.id, "")
            (row,) = await here.rows()
        await here.world.catalog.refresh(at_once=True)
        here.couriers._stopping = True  # what is said now waits
        await here.world.says("two")
        here.couriers._stopping = False
        async with here.world.database.write() as connection:
            await interventions.redeliver(connection, row.id, here.world.clock.now())
        await here.settle_down()

        assert [content(asked) for asked in here.posted()] == ["one", "one", "two"]


async def test_the_customer_gets_what_is_said_and_the_message_knows_it(database: Database) -> None:
    async with carrying(database, lambda _: reply(200, b'{"id": "out-1"}')) as here:
        channel = here.world.company.apichat
        result = await here.world.says("Hi", channel=channel)
        await here.settle_down()

        (asked,) = here.posted("https://other.example.com/in")
        assert msgspec.json.decode(asked.body)["content"].startswith("Hello Ana")
        said = (await here.world.messages(result.conversation_id))[-1]
        assert said.status is MessageStatus.SENT


async def test_a_message_that_cannot_be_brought_is_marked_failed(database: Database) -> None:
    async with carrying(database, lambda _: reply(500)) as here:
        result = await here.world.says("Hi", channel=here.world.company.apichat)
        for _ in range(10):
            await here.later(timedelta(hours=1))

        said = (await here.world.messages(result.conversation_id))[-1]
        assert (said.status, said.error) == (MessageStatus.FAILED, "schedule_exhausted")


async def test_agents_and_bots_words_keep_their_order_while_the_vendor_is_down(database: Database) -> None:
    down = [reply(503)]

    def answer(asked: Asked) -> Reply:
        return down.pop() if down else reply()

    async with carrying(database, answer) as here:
        result = await here.world.says("Hi", channel=here.world.company.apichat)
        await here.settle_down()
        await here.world.submit(
            AgentReplied(to=ByConversation(result.conversation_id), contents=(Text("Luis here"),))
        )
        await here.later(timedelta(seconds=2))

        said = [msgspec.json.decode(asked.body)["content"] for asked in here.http.requests]
        assert [text.split()[0] for text in said] == ["Hello", "Hello", "Luis"]


async def test_a_customers_file_is_fetched_and_kept(database: Database) -> None:
    async with carrying(database, lambda _: reply(200, b"\xff\xd8\xff jpeg")) as here:
        channel = here.world.company.apichat
        await here.world.says(Media("image", "https://vendor.example/p.jpg"), channel=channel)
        await here.settle_down()

        ((media_id, kept),) = here.keeper.files.items()
        assert kept == b"\xff\xd8\xff jpeg"
        async with here.world.database.read() as connection:
            file = await media.find(connection, media_id)
        assert file is not None
        assert (file.state, file.mime_type, file.size) == ("stored", "image/jpeg", 8)


async def test_a_retry_comes_in_time_although_the_clock_is_set_back(database: Database) -> None:
    async with carrying(database, [reply(500), reply()]) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.settle_down()

        here.world.clock.step(timedelta(hours=-1))
        await here.couriers._follow_clock()
        await here.later(timedelta(seconds=10))

        assert [content(asked) for asked in here.posted()] == ["one", "one"]


async def test_what_a_dead_process_claimed_is_carried_by_another(database: Database) -> None:
    hanging: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    async def hang(_: Asked) -> Reply:
        return await hanging

    async with carrying(database, hang) as here:
        await here.world.says("agent")
        await here.world.says("one")  # in flight, and never answered
        async with another_process(here.world) as (other, http):
            assert not await other.claim_due()
            assert http.requests == []

            await let_leases_end(here.world)  # the first process renews no more
            await other._renew()
            await other.claim_due()
            await other.until_idle()

            assert [content(asked) for asked in http.requests] == ["one"]


async def test_a_late_outcome_of_a_lost_claim_is_refused(database: Database) -> None:
    hanging: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    async def hang(_: Asked) -> Reply:
        return await hanging

    async with carrying(database, hang) as here:
        await here.world.says("agent")
        await here.world.says("one")
        async with another_process(here.world, [reply(500)]) as (other, _):
            await let_leases_end(here.world)
            await other._renew()
            await other.claim_due()
            await other.until_idle()  # failed there, and waits for its retry

            hanging.set_result(reply())  # now the first one's answer comes
            await here.couriers.until_idle()

        (row,) = await here.rows()
        assert (row.state, row.attempts_made) == ("waiting", 1)


async def test_places_at_one_destination_leave_room_for_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More lanes than places wait in the database, and are carried when there is room."""
    monkeypatch.setattr(gates, "PLACES", 3)
    async with carrying(database) as here:
        for user in range(10):
            await here.world.says("agent", user_id=f"u{user}")
        await asyncio.gather(*(here.world.says("one", user_id=f"u{user}") for user in range(10)))
        for _ in range(4):
            await here.settle_down()

        assert len(here.posted()) == 10


async def test_a_courier_that_breaks_counts_as_a_failed_attempt(database: Database) -> None:
    def broken(_: Asked) -> Reply:
        raise RuntimeError("a fault of ours")

    async with carrying(database, broken) as here:
        await here.world.says("agent")
        await here.world.says("one")
        await here.settle_down()

        (row,) = await here.rows()
        (attempt,) = await here.attempts(row.id)
        assert attempt.outcome == Unreachable("fault")
        assert row.state == "waiting"


def test_verdicts_that_end_a_delivery_have_a_name_for_their_state() -> None:
    assert {Park, GiveUp} <= set(rooms._STATE)
