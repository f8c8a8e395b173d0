from __future__ import annotations

from datetime import timedelta

import pytest

from relevo.desk import create_desk
from relevo.desk.desk import Desk
from tests.desk.conftest import Clock, Relevo, talking_to
from tests.sdk.fake_api import Answer, FakeApi
from tests.sdk.webhooks import ANA, NOON, SECRET, event_body, headers, message_body

NOON_MS = int(NOON.timestamp() * 1000)


def texts(desk: Desk) -> list[str]:
    return [line.text for line in desk.book.lines(ANA)]


async def test_a_customers_message_opens_a_conversation(relevo: Relevo, desk: Desk) -> None:
    assert await relevo.message() == 200

    [ana] = desk.book.conversations()
    assert (ana.user_ns, ana.name, ana.control, ana.status, ana.unread) == (
        ANA,
        "Ana Diaz",
        "agent",
        "open",
        1,
    )
    assert ana.paused_until == NOON_MS + 1_800_000
    assert (ana.last_text, ana.last_who) == ("Is it in stock?", "customer")
    assert texts(desk) == ["Is it in stock?"]


async def test_a_pause_without_end_has_no_end(relevo: Relevo, desk: Desk) -> None:
    await relevo.message(paused_diff_seconds=-1)

    assert desk.book.get(ANA).paused_until is None


async def test_the_same_webhook_again_changes_nothing(relevo: Relevo, desk: Desk) -> None:
    await relevo.post(message_body(), id_="once")

    assert await relevo.post(message_body(), id_="once") == 200
    assert desk.book.get(ANA).unread == 1


async def test_the_same_message_under_another_id_is_not_unread_twice(relevo: Relevo, desk: Desk) -> None:
    await relevo.message()
    await relevo.message()

    assert (desk.book.get(ANA).unread, len(texts(desk))) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Webhook-Signature": "v1,AAAA"}, 401),
        ({"Webhook-Id": ""}, 400),
        ({"Webhook-Timestamp": "0"}, 401),
    ],
)
async def test_what_is_not_genuine_is_refused(
    relevo: Relevo, desk: Desk, changes: dict[str, str], status: int
) -> None:
    assert await relevo.post(message_body(), changed=changes) == status
    assert desk.book.conversations() == []


async def test_an_old_webhook_is_refused(relevo: Relevo, desk: Desk, clock: Clock) -> None:
    clock.now = NOON + timedelta(minutes=6)

    assert await relevo.message() == 401
    assert desk.book.conversations() == []


async def test_the_custom_header_must_be_there_and_right(api: FakeApi, clock: Clock) -> None:
    app = create_desk(api.url, "token", SECRET, custom_header=("X-Desk-Key", "key"), clock=clock)
    body = message_body()

    async with talking_to(app) as http:
        tries: list[dict[str, str]] = [{}, {"X-Desk-Key": "other"}]
        refused = [await http.post("/uchat", content=body, headers=headers(body) | each) for each in tries]
        taken = await http.post("/uchat", content=body, headers=headers(body) | {"X-Desk-Key": "key"})

    assert [response.status_code for response in refused] == [401, 401]
    assert "X-Desk-Key" in refused[0].json()["message"]
    assert taken.status_code == 200


async def test_a_body_over_the_limit_is_refused(relevo: Relevo) -> None:
    assert await relevo.message(content="x" * 1_100_000) == 413


async def test_an_event_of_an_unexpected_form_may_come_again(relevo: Relevo, desk: Desk) -> None:
    broken = event_body("handoff.requested", until="tomorrow", epoch=1)

    assert await relevo.post(broken, id_="x") == 400
    assert desk.book.conversations() == []
    assert await relevo.post(event_body("handoff.requested", until=None, epoch=1), id_="x") == 200
    assert desk.book.get(ANA).control == "agent"


async def test_a_mistake_of_the_desks_own_costs_no_webhook(
    relevo: Relevo, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("relevo.desk.desk.arrive", lambda *_, **__: 1 / 0)
        assert await relevo.post(message_body(), id_="x") == 500

    assert await relevo.post(message_body(), id_="x") == 200
    assert texts(desk) == ["Is it in stock?"]


async def test_an_event_that_is_new_to_the_desk_is_left_alone(relevo: Relevo, desk: Desk) -> None:
    assert await relevo.event("subscriber.danced", steps=3) == 200
    assert desk.book.conversations() == []


async def test_a_test_of_the_endpoint_is_answered(relevo: Relevo, desk: Desk) -> None:
    assert await relevo.post(b'{"meta": {"user_ns": "", "team_id": 1}, "event": {"type": "test"}}') == 200
    assert desk.book.conversations() == []


# Who the customer is, and what was said before


async def test_the_customer_and_the_past_are_read_once(relevo: Relevo, desk: Desk, api: FakeApi) -> None:
    api.answer(
        "/api/subscriber/get-info",
        {
            "data": {
                "user_ns": ANA,
                "name": "Ana Diaz",
                "channel": "whatsapp",
                "phone": "+61400000000",
                "tags": [{"name": "lead"}],
                "agent_id": 5,
                "agent_name": "Luis",
            }
        },
    )
    said = {"type": "out", "payload": {"text": "Hello"}, "content": "Hello", "username": "Bot"}
    asked = {"type": "in", "payload": {"text": "agent"}, "content": "agent"}
    noted = {"type": "note", "payload": {"text": "VIP"}, "content": "VIP"}
    api.answer(
        "/api/subscriber/chat-messages",
        {
            "data": [
                {**noted, "id": 900000, "ts": NOON_MS // 1000 - 5},
                {**asked, "id": 899999, "ts": NOON_MS // 1000 - 10},
                {**said, "id": 899998, "ts": NOON_MS // 1000 - 20},
            ]
        },
    )

    await relevo.message()
    await relevo.message(id=900002, assigned_agent_id=5, content="Hi?", payload={"text": "Hi?"})

    ana = desk.book.get(ANA)
    assert (ana.channel, ana.phone, ana.tags, ana.agent_name) == (
        "whatsapp",
        "+61400000000",
        ("lead",),
        "Luis",
    )
    assert [line.who for line in desk.book.lines(ANA)] == ["bot", "customer", "note", "customer", "customer"]
    assert ana.history == "loaded"
    assert ana.unread == 2
    assert len(api.asked("/api/subscriber/chat-messages")) == 1
    assert api.asked("/api/subscriber/chat-messages")[0].query["include_note"] == "1"


def posted(seq: int, body: bytes, *, epoch: int = 1) -> dict[str, object]:
    event = {"user_ns": ANA, "webhook_id": f"msg_{seq}", "event": "x", "seq": seq, "epoch": epoch}
    return {**event, "body": body.decode()}


async def test_a_gap_is_healed(relevo: Relevo, desk: Desk, api: FakeApi) -> None:
    """Also of what no message tells: who had control meanwhile."""
    await relevo.message()
    missed = [
        posted(2, event_body("handoff.returned", reason="time", epoch=2), epoch=2),
        posted(3, message_body(id=900002, content="And in blue?", payload={}, timestamp=NOON_MS + 1000)),
    ]
    answer = {"data": missed, "meta": {"endpoint": "desk", "next": 4, "more": False, "forgotten": False}}
    api.answer("/api/handoff/events", answer)
    read_before = len(api.asked("/api/subscriber/chat-messages"))

    body = message_body(id=900003, content="Hello?", payload={"text": "Hello?"}, timestamp=NOON_MS + 2000)
    await relevo.post(body, id_="msg_4", changed={"Relevo-Seq": "4"})

    [asked] = api.asked("/api/handoff/events")
    assert (asked.query["user_ns"], asked.query["after_seq"]) == (ANA, "1")
    assert [text for text in texts(desk) if text.endswith("?")] == [
        "Is it in stock?",
        "And in blue?",
        "Hello?",
    ]
    assert (desk.book.get(ANA).control, desk.book.get(ANA).epoch) == ("bot", 2)
    assert len(api.asked("/api/subscriber/chat-messages")) == read_before
    # And it is no news when it is delivered after all.
    assert await relevo.post(missed[1]["body"].encode(), id_="msg_3") == 200  # type: ignore[attr-defined]
    assert texts(desk).count("And in blue?") == 1


async def test_an_event_that_the_desk_cannot_take_does_not_stop_the_healing(
    relevo: Relevo, desk: Desk, api: FakeApi
) -> None:
    await relevo.message()
    missed = [
        posted(2, event_body("handoff.requested", until="tomorrow", epoch=1)),
        posted(3, message_body(id=900002, content="And in blue?", payload={}, timestamp=NOON_MS + 1000)),
    ]
    api.answer("/api/handoff/events", {"data": missed, "meta": {"next": 3, "more": False}})

    await relevo.post(
        message_body(id=900003, timestamp=NOON_MS + 2000), id_="msg_4", changed={"Relevo-Seq": "4"}
    )

    assert "And in blue?" in texts(desk)


@pytest.mark.parametrize(
    "answer",
    [
        {"data": [], "meta": {"endpoint": "desk", "next": 2, "more": False, "forgotten": True}},
        Answer(status=404, json={"message": "An older Relevo has no such path."}),
    ],
    ids=["forgotten", "not-there"],
)
async def test_what_was_said_is_read_where_a_gap_cannot_be_healed(
    relevo: Relevo, desk: Desk, api: FakeApi, answer: object
) -> None:
    await relevo.message()
    missed = {"id": 900002, "type": "in", "content": "And in blue?", "ts": NOON_MS // 1000 + 1}
    api.answer("/api/subscriber/chat-messages", {"data": [missed]})
    api.answer("/api/handoff/events", answer)

    await relevo.post(message_body(id=900003, timestamp=NOON_MS + 2000), changed={"Relevo-Seq": "3"})

    assert "And in blue?" in texts(desk)


async def test_the_past_is_read_again_after_a_gap(relevo: Relevo, desk: Desk, api: FakeApi) -> None:
    await relevo.message()
    missed = {"id": 900002, "type": "in", "content": "And in blue?", "ts": NOON_MS // 1000 + 1}
    api.answer("/api/subscriber/chat-messages", {"data": [missed]})

    body = message_body(id=900003, content="Hello?", payload={"text": "Hello?"}, timestamp=NOON_MS + 2000)
    await relevo.post(body, changed={"Relevo-Seq": "3"})

    assert texts(desk) == ["Is it in stock?", "And in blue?", "Hello?"]


@pytest.mark.parametrize("how", ["message", "handoff"])
async def test_what_was_said_to_the_bot_meanwhile_is_read(
    relevo: Relevo, desk: Desk, api: FakeApi, how: str
) -> None:
    await relevo.message()
    await relevo.event("handoff.returned", reason="time", epoch=2)
    meanwhile = {"id": 900002, "type": "in", "content": "Opening hours?", "ts": NOON_MS // 1000 + 1}
    api.answer("/api/subscriber/chat-messages", {"data": [meanwhile]})

    if how == "message":
        await relevo.message(epoch=3, id=900003, timestamp=NOON_MS + 2000, content="Hello?")
    else:
        await relevo.event("handoff.requested", reason="flow", until=None, epoch=3)

    assert "Opening hours?" in texts(desk)


async def test_a_past_that_cannot_be_read_says_why(relevo: Relevo, desk: Desk, api: FakeApi) -> None:
    api.answer("/api/subscriber/get-info", Answer(401, {"message": "Unauthenticated."}))

    assert await relevo.message() == 200

    ana = desk.book.get(ANA)
    assert (ana.history, ana.problem) == ("failed", "Relevo does not accept the token of this desk.")
    assert texts(desk) == ["Is it in stock?"]


async def test_at_most_fifty_messages_of_the_past_are_read(relevo: Relevo, desk: Desk, api: FakeApi) -> None:
    def page(first: int) -> dict[str, object]:
        rows = [{"id": first + n, "type": "in", "content": "x", "ts": first + n} for n in range(50)]
        return {"data": rows, "meta": {"last_page": 9}}

    api.answer("/api/subscriber/chat-messages", page(100), page(200))

    await relevo.message()

    assert len(desk.book.lines(ANA)) == 51
    assert len(api.asked("/api/subscriber/chat-messages")) == 1


# The events that an endpoint may opt in to


async def test_a_handoff_shows_the_conversation_before_a_word_is_said(relevo: Relevo, desk: Desk) -> None:
    until = (NOON + timedelta(minutes=30)).isoformat()

    await relevo.event("handoff.requested", reason="flow", until=until, epoch=1)

    ana = desk.book.get(ANA)
    assert (ana.control, ana.paused_until, ana.unread) == ("agent", NOON_MS + 1_800_000, 1)
    assert texts(desk) == ["The customer asks for a person."]


async def test_a_return_gives_control_to_the_bot_and_says_why(relevo: Relevo, desk: Desk) -> None:
    await relevo.message()

    await relevo.event("handoff.returned", reason="time", epoch=2)

    ana = desk.book.get(ANA)
    assert (ana.control, ana.paused_until, ana.status) == ("bot", None, "open")
    assert texts(desk)[-1] == "The bot answers again: the pause is over."


async def test_a_message_of_an_older_epoch_says_nothing_about_control(relevo: Relevo, desk: Desk) -> None:
    await relevo.message()
    await relevo.event("handoff.returned", reason="time", epoch=2)

    await relevo.message(epoch=1, id=900009, content="late", payload={"text": "late"})

    assert desk.book.get(ANA).control == "bot"
    assert "late" in texts(desk)


async def test_an_older_handoff_says_nothing_about_control(relevo: Relevo, desk: Desk) -> None:
    await relevo.message(epoch=3)

    await relevo.event("handoff.returned", reason="api", epoch=2)
    assert desk.book.get(ANA).control == "agent"

    await relevo.event("handoff.returned", reason="api", epoch=4)
    await relevo.event("handoff.requested", reason="api", until=None, epoch=3)
    assert desk.book.get(ANA).control == "bot"


async def test_a_new_message_opens_a_resolved_conversation(relevo: Relevo, desk: Desk) -> None:
    await relevo.message()
    await desk.resolve(ANA)

    await relevo.message(epoch=3, id=900002, content="Once more", payload={"text": "Once more"})

    ana = desk.book.get(ANA)
    assert (ana.status, ana.control) == ("open", "agent")


async def test_what_the_bot_says_is_shown(relevo: Relevo, desk: Desk) -> None:
    await relevo.message()

    message = {"id": 900002, "type": "out", "content": "Bye", "timestamp": NOON_MS + 5000, "username": "Bot"}
    await relevo.event("message.sent", message=message)

    last = desk.book.lines(ANA)[-1]
    assert (last.who, last.text) == ("bot", "Bye")
    assert desk.book.get(ANA).unread == 1


async def test_an_assignment_made_elsewhere_is_shown(relevo: Relevo, desk: Desk) -> None:
    await relevo.message()

    await relevo.event("conversation.assigned", agent_id=6, agent_name="Priya")
    assert (desk.book.get(ANA).agent_id, desk.book.get(ANA).agent_name) == (6, "Priya")

    await relevo.event("conversation.assigned", agent_id=0, agent_name="")
    assert desk.book.get(ANA).agent_id == 0


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("handoff.returned", {"reason": "time", "epoch": 1}),
        ("message.sent", {"message": {"id": 1, "type": "out"}}),
        ("message.status", {"id": 1, "status": "read"}),
        ("conversation.assigned", {"agent_id": 5}),
        ("typing", {}),
    ],
)
async def test_events_of_conversations_never_handed_over_make_none(
    relevo: Relevo, desk: Desk, type_: str, data: dict[str, object]
) -> None:
    assert await relevo.event(type_, **data) == 200
    assert desk.book.conversations() == []


async def test_what_was_said_in_the_same_second_keeps_its_order(
    relevo: Relevo, desk: Desk, api: FakeApi
) -> None:
    rows = [{"id": 900000 - n, "type": "in", "content": str(n), "ts": NOON_MS // 1000 - 1} for n in range(3)]
    api.answer("/api/subscriber/chat-messages", {"data": rows})

    await relevo.message()

    assert texts(desk) == ["2", "1", "0", "Is it in stock?"]


async def test_a_receipt_moves_an_answer_on_and_never_back(relevo: Relevo, desk: Desk) -> None:
    await relevo.message()
    sent = {"id": 900002, "type": "agent", "content": "Yes", "timestamp": NOON_MS + 5000}
    await relevo.event("message.sent", message=sent)

    async def state_after(status: str) -> str:
        await relevo.event("message.status", id=900002, mid="m", status=status, error="")
        return desk.book.lines(ANA)[-1].state

    assert [await state_after(status) for status in ("sent", "delivered", "read", "delivered")] == [
        "sent",
        "delivered",
        "read",
        "read",
    ]
    assert desk.book.lines(ANA)[-1].problem == ""


async def test_an_answer_that_the_channel_refused_says_why(relevo: Relevo, desk: Desk) -> None:
    await relevo.message()
    sent = {"id": 900002, "type": "agent", "content": "Yes", "timestamp": NOON_MS + 5000}
    await relevo.event("message.sent", message=sent)

    await relevo.event("message.status", id=900002, mid="m", status="failed", error="131047 window closed")

    line = desk.book.lines(ANA)[-1]
    assert (line.state, line.problem) == ("failed", "The channel did not take it: 131047 window closed.")
