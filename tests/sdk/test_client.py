from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from relevo.sdk.client import Client
from relevo.sdk.errors import (
    ApiError,
    Invalid,
    NotFound,
    RateLimited,
    Refused,
    ScopeRequired,
    ServerError,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from relevo.sdk.transport import Awaited
from tests.sdk.fake_api import HANG_UP, OK, Answer, FakeApi, serving
from tests.sdk.webhooks import ANA


class Naps(Awaited):
    """Does not sleep, and remembers for how long it should have."""

    def __init__(self, url: str, timeout: float = 15.0) -> None:
        super().__init__(url, "token-of-f1001", timedelta(seconds=timeout))
        self.taken: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with serving() as api:
        yield api


@pytest.fixture
def naps(api: FakeApi) -> Naps:
    return Naps(api.url)


@pytest.fixture
async def client(api: FakeApi, naps: Naps) -> AsyncIterator[Client]:
    async with Client(api.url, "token-of-f1001", transport=naps) as client:
        yield client


# Where and as whom


@pytest.mark.parametrize("suffix", ["", "/", "/api", "/api/"])
async def test_the_base_url_may_have_api_or_not(api: FakeApi, suffix: str) -> None:
    async with Client(api.url + suffix, "token") as client:
        await client.resume_bot(ANA)

    assert [request.path for request in api.requests] == ["/api/subscriber/resume-bot"]


def test_a_server_below_a_path_is_found() -> None:
    assert Client("https://acme.example/chat/", "token").base_url == "https://acme.example/chat/api"


@pytest.mark.parametrize("url", ["", "relevo.example.com", "ftp://relevo.example.com", "http://"])
def test_a_base_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="https://relevo"):
        Client(url, "token")


async def test_every_call_carries_the_token(api: FakeApi, client: Client) -> None:
    await client.me()
    await client.resume_bot(ANA)

    assert {r.headers["authorization"] for r in api.requests} == {"Bearer token-of-f1001"}


async def test_a_redirect_is_refused_and_not_followed(api: FakeApi, client: Client) -> None:
    api.answer("/api/me", Answer(302, headers={"location": f"{api.url}/elsewhere"}))

    with pytest.raises(Refused, match="302"):
        await client.me()
    assert api.asked("/elsewhere") == []


# Reading


async def test_me_may_be_bare_or_in_an_envelope(api: FakeApi, client: Client) -> None:
    api.answer("/api/me", {"id": 7, "name": "Luis"}, {"data": {"id": 8, "name": "Eva"}, "status": "ok"})

    assert [(await client.me()).name for _ in range(2)] == ["Luis", "Eva"]


async def test_a_subscriber_is_told_with_what_the_server_knows(api: FakeApi, client: Client) -> None:
    api.answer(
        "/api/subscriber/get-info",
        {
            "data": {
                "user_ns": ANA,
                "name": "Ana Diaz",
                "email": None,
                "paused_diff_seconds": -1,
                "tags": [{"name": "lead", "tag_ns": "f1001t7"}],
                "user_fields": [{"name": "size", "var_type": "number", "value": "42"}],
                "news": 1,
            },
            "status": "ok",
        },
    )

    ana = await client.get_info(ANA)

    assert (ana.name, ana.email, ana.is_paused) == ("Ana Diaz", "", True)
    assert (ana.tags[0].name, ana.user_fields[0].value) == ("lead", "42")
    assert api.requests[0].query == {"user_ns": ANA}


async def test_a_subscriber_is_found_by_the_id_in_the_channel(api: FakeApi, client: Client) -> None:
    api.answer("/api/subscriber/get-info-by-user-id", {"data": {"user_ns": ANA}})

    assert (await client.get_info_by_user_id("61400000000")).user_ns == ANA
    assert api.requests[0].query == {"user_id": "61400000000"}


async def test_the_counts_go_by_status(api: FakeApi, client: Client) -> None:
    rows = [{"status": "open", "num": 3}, {"status": "done", "num": "9"}]
    api.answer("/api/flow/bot-users-count", {"data": rows, "status": "ok"})

    assert await client.bot_users_count() == {"open": 3, "done": 9}


def page(*ids: int, last: int | None = None) -> dict[str, Any]:
    meta = {} if last is None else {"meta": {"last_page": last}}
    return {"data": [{"id": id_, "type": "in", "sub_flow_ns": f"f1s{id_}"} for id_ in ids], **meta}


async def ids_of(client: Client, limit: int = 2) -> list[int]:
    return [message.id async for message in client.chat_messages(ANA, limit=limit)]


async def test_all_pages_are_read(api: FakeApi, client: Client) -> None:
    api.answer("/api/subscriber/chat-messages", page(5, 4, last=3), page(3, 2, last=3), page(1, last=3))

    assert await ids_of(client) == [5, 4, 3, 2, 1]
    assert [request.query["page"] for request in api.requests] == ["1", "2", "3"]
    assert api.requests[0].query == {
        "user_ns": ANA,
        "include_bot": "1",
        "include_note": "0",
        "include_system": "0",
        "limit": "2",
        "page": "1",
    }


async def test_without_a_last_page_a_short_page_is_the_last(api: FakeApi, client: Client) -> None:
    api.answer("/api/subscriber/chat-messages", page(3, 2), page(1))

    assert await ids_of(client) == [3, 2, 1]
    assert len(api.requests) == 2


async def test_a_server_that_ignores_the_page_does_not_hold_us_forever(api: FakeApi, client: Client) -> None:
    api.answer("/api/subscriber/chat-messages", page(3, 2))

    assert await ids_of(client) == [3, 2]


async def test_what_a_new_message_pushes_to_the_next_page_comes_once(api: FakeApi, client: Client) -> None:
    api.answer("/api/subscriber/chat-messages", page(4, 3, last=2), page(3, 2, last=2))

    assert await ids_of(client) == [4, 3, 2]


async def test_no_more_pages_are_asked_for_than_are_read(api: FakeApi, client: Client) -> None:
    api.answer("/api/subscriber/chat-messages", page(4, 3, last=9))

    async for message in client.chat_messages(ANA, limit=2):
        if message.id == 3:
            break

    assert len(api.requests) == 1


async def test_agents_subflows_and_subscribers_are_lists_too(api: FakeApi, client: Client) -> None:
    api.answer("/api/flow/agents", {"data": [{"id": 5, "name": "Luis", "is_online": 1}]})
    api.answer("/api/flow/subflows", page(1))
    api.answer("/api/subscribers", {"data": [{"user_ns": ANA}]})

    assert [agent.is_online async for agent in client.agents()] == [True]
    assert [subflow.sub_flow_ns async for subflow in client.subflows()] == ["f1s1"]
    assert [person.user_ns async for person in client.subscribers(name="Ana")] == [ANA]
    assert api.asked("/api/subscribers")[0].query["name"] == "Ana"


async def test_more_than_a_hundred_mids_are_asked_for_in_parts(api: FakeApi, client: Client) -> None:
    api.answer("/api/subscriber/chat-messages-by-mids", page(1), page(2))

    found = await client.chat_messages_by_mids([f"m{number}" for number in range(150)])

    assert [message.id for message in found] == [1, 2]
    assert [len(body["mids"]) for body in api.bodies("/api/subscriber/chat-messages-by-mids")] == [100, 50]


# Writing


WRITES: list[tuple[Callable[[Client], Awaitable[None]], str, dict[str, Any]]] = [
    (lambda c: c.send_text(ANA, "Hi"), "subscriber/send-text", {"content": "Hi"}),
    (
        lambda c: c.send_content(ANA, {"messages": []}, send_as_agent=True),
        "subscriber/send-content",
        {"data": {"version": "v1", "content": {"messages": []}}, "send_as_agent": 1},
    ),
    (
        lambda c: c.send_text(ANA, "Hi", agent_id=55),
        "subscriber/send-text",
        {"content": "Hi", "agent_id": 55},
    ),
    (
        lambda c: c.send_text(ANA, "Hi", send_as_agent=False),
        "subscriber/send-text",
        {"content": "Hi", "send_as_agent": 0},
    ),
    (lambda c: c.pause_bot(ANA), "subscriber/pause-bot", {"minutes": 30}),
    (lambda c: c.pause_bot(ANA, None), "subscriber/pause-bot", {"minutes": 0}),
    (lambda c: c.resume_bot(ANA), "subscriber/resume-bot", {}),
    (lambda c: c.accept_handoff(ANA, agent_id=55, epoch=1), "handoff/accept", {"agent_id": 55, "epoch": 1}),
    (
        lambda c: c.return_handoff(ANA, reason="solved", note="A refund.", outcome="refunded"),
        "handoff/return",
        {"reason": "solved", "note": "A refund.", "outcome": "refunded"},
    ),
    (lambda c: c.assign_agent(ANA, 55), "subscriber/assign-agent", {"agent_id": 55}),
    (lambda c: c.unassign_agent(ANA), "subscriber/unassign-agent", {}),
    (lambda c: c.move_chat_to(ANA, "done"), "subscriber/move-chat-to", {"status": "done"}),
    (lambda c: c.typing(ANA), "handoff/typing", {}),
    (lambda c: c.seen(ANA), "handoff/seen", {}),
]


@pytest.mark.parametrize(("write", "path", "body"), WRITES)
async def test_a_write_says_what_it_should(
    api: FakeApi,
    client: Client,
    write: Callable[[Client], Awaitable[None]],
    path: str,
    body: dict[str, Any],
) -> None:
    await write(client)

    assert [(r.method, r.path, r.json) for r in api.requests] == [
        ("POST", f"/api/{path}", {"user_ns": ANA, **body})
    ]


@pytest.mark.parametrize(("write", "path", "body"), WRITES)
async def test_a_repeated_write_has_the_same_key_and_another_write_another(
    api: FakeApi,
    client: Client,
    write: Callable[[Client], Awaitable[None]],
    path: str,
    body: dict[str, Any],
) -> None:
    api.answer(f"/api/{path}", HANG_UP, Answer(503), OK, OK)

    await write(client)
    await write(client)

    keys = [request.headers["idempotency-key"] for request in api.requests]
    assert keys[0] == keys[1] == keys[2] != keys[3]


async def test_a_key_of_your_own_is_used(api: FakeApi, client: Client) -> None:
    await client.send_text(ANA, "Hi", idempotency_key="reply-7")

    assert api.requests[0].headers["idempotency-key"] == "reply-7"


async def test_a_question_has_no_key(api: FakeApi, client: Client) -> None:
    await client.me()

    assert "idempotency-key" not in api.requests[0].headers


# Deliveries


async def test_deliveries_are_read_page_by_page(api: FakeApi, client: Client) -> None:
    rows: list[dict[str, Any]] = [{"id": id_, "user_ns": ANA, "due_at": None} for id_ in (9, 8, 7)]
    first = {"data": rows[:2], "meta": {"next": 8}}
    api.answer("/api/handoff/deliveries", first, {"data": rows[2:], "meta": {"next": None}})

    found = [one async for one in client.deliveries(limit=2, state="parked")]

    assert [one.id for one in found] == [9, 8, 7]
    assert [request.query.get("before_id") for request in api.requests] == [None, "8"]
    assert {request.query["state"] for request in api.requests} == {"parked"}


async def test_what_is_done_with_deliveries_is_repeated_with_its_key(api: FakeApi, client: Client) -> None:
    begun = {"data": {"count": None, "redelivery_id": 3}}
    api.answer("/api/handoff/redeliver-many", HANG_UP, begun)
    api.answer("/api/handoff/skip", Answer(503), OK)

    assert await client.redeliver_many(from_delivery_id=7, idempotency_key="again") == 3
    await client.skip(7, "told by phone")

    keys = [request.headers["idempotency-key"] for request in api.requests]
    assert keys[:2] == ["again", "again"]
    assert keys[2] == keys[3]
    assert [request.json for request in api.requests[1::2]] == [
        {"from_delivery_id": 7},
        {"delivery_id": 7, "reason": "told by phone"},
    ]


async def test_an_answer_without_the_number_is_an_error(api: FakeApi, client: Client) -> None:
    api.answer("/api/handoff/redeliver-many", {"data": {"count": None}})

    with pytest.raises(ServerError, match="no redelivery_id under data"):
        await client.redeliver_many()


# What goes wrong


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (Answer(401, {"message": "Unauthenticated."}), Unauthenticated, "Unauthenticated."),
        (
            Answer(403, {"message": "Scope required: Manage Flow"}),
            ScopeRequired,
            "Scope required: Manage Flow",
        ),
        (Answer(404, {"message": "No query results"}), NotFound, "No query results"),
        (Answer(404, text="<html>Not found</html>"), NotFound, "not found: is the base URL right?"),
        (Answer(422, {"message": "The content is required."}), Invalid, "The content is required."),
        (Answer(400, {"error": "No."}), Refused, "No."),
        (Answer(409, {"detail": "Taken."}), Refused, "Taken."),
        (Answer(413, text=""), Refused, "the server answered with 413"),
        (Answer(500, {"message": "Oh."}), ServerError, "Oh."),
        (Answer(502, text="<html>"), ServerError, "the server failed with 502"),
        (Answer(200, {"status": "error", "message": "Bot is blocked."}), Refused, "Bot is blocked."),
        (Answer(200, text="<html>Sign in</html>"), ServerError, "is not a JSON object"),
        (Answer(200, json=[1]), ServerError, "is not a JSON object"),
    ],
)
async def test_errors_go_by_class_and_are_not_repeated(
    api: FakeApi, client: Client, answer: Answer, error: type[ApiError], message: str
) -> None:
    api.answer("/api/subscriber/send-text", answer)

    with pytest.raises(error) as refusal:
        await client.send_text(ANA, "Hi")

    assert message in str(refusal.value)
    assert type(refusal.value) is error
    assert refusal.value.status == answer.status
    assert len(api.requests) == 1


async def test_what_is_invalid_is_told_by_field(api: FakeApi, client: Client) -> None:
    errors = {"user_ns": ["The user ns format is invalid."]}
    api.answer("/api/subscriber/send-text", Answer(422, {"message": "Invalid.", "errors": errors}))

    with pytest.raises(Invalid) as refusal:
        await client.send_text("ana", "Hi")

    assert refusal.value.errors == errors


async def test_an_answer_of_an_unexpected_form_is_the_servers_error(api: FakeApi, client: Client) -> None:
    api.answer("/api/subscriber/get-info", {"data": {"name": "nobody"}})
    api.answer("/api/flow/agents", {"status": "ok"})

    with pytest.raises(ServerError, match="user_ns"):
        await client.get_info(ANA)
    with pytest.raises(ServerError, match="no list"):
        _ = [agent async for agent in client.agents()]


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_waited_for(api: FakeApi, client: Client, naps: Naps, status: int) -> None:
    busy = Answer(status, {"message": "Later."}, headers={"retry-after": "3"})
    api.answer("/api/subscriber/resume-bot", busy, busy, OK)

    await client.resume_bot(ANA)

    assert naps.taken == [3.0, 3.0]


async def test_too_many_attempts_under_200_are_too_many_attempts(
    api: FakeApi, client: Client, naps: Naps
) -> None:
    api.answer("/api/subscriber/resume-bot", {"message": "Too Many Attempts."}, OK)

    await client.resume_bot(ANA)

    assert len(naps.taken) == 1


async def test_a_longer_wait_than_the_longest_is_the_callers_business(
    api: FakeApi, client: Client, naps: Naps
) -> None:
    api.answer("/api/me", Answer(429, headers={"retry-after": "11"}))

    with pytest.raises(RateLimited) as refusal:
        await client.me()

    assert refusal.value.retry_after == 11
    assert naps.taken == []


async def test_retry_after_may_be_a_date(api: FakeApi, client: Client, naps: Naps) -> None:
    long_ago = Answer(503, headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})
    api.answer("/api/me", long_ago, Answer(503, headers={"retry-after": "soon"}), {"id": 1})

    await client.me()

    assert naps.taken[0] == 0
    assert naps.taken[1] > 0


async def test_without_retry_after_the_waits_grow(api: FakeApi, naps: Naps) -> None:
    api.answer("/api/me", HANG_UP)

    async with Client(api.url, "token", attempts=5, transport=naps) as client:
        with pytest.raises(Unreachable, match="/api/me"):
            await client.me()

    bounds = [(0.125, 0.375), (0.25, 0.75), (0.5, 1.5), (1.0, 3.0)]
    assert all(low <= nap <= high for nap, (low, high) in zip(naps.taken, bounds, strict=True))


async def test_after_the_last_attempt_the_error_is_told(api: FakeApi, client: Client, naps: Naps) -> None:
    api.answer("/api/me", Answer(503, {"message": "Cannot store."}, headers={"retry-after": "2"}))

    with pytest.raises(Unavailable, match="Cannot store"):
        await client.me()

    assert (len(api.requests), len(naps.taken)) == (3, 2)


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    async with serving() as api:
        naps = Naps(api.url)

    async with Client(api.url, "token", transport=naps) as client:
        with pytest.raises(Unreachable, match=r"GET http://127\.0\.0\.1"):
            await client.me()

    assert len(naps.taken) == 2


async def test_a_server_that_says_nothing_is_unreachable(api: FakeApi) -> None:
    api.answer("/api/me", Answer(text="half", headers={"content-length": "9"}))

    async with Client(api.url, "token", attempts=1, timeout=0.2) as client:
        with pytest.raises(Unreachable):
            await client.me()


async def test_a_write_whose_answer_was_lost_is_made_again_only_where_that_is_safe(
    api: FakeApi, naps: Naps
) -> None:
    """UChat knows no Idempotency-Key: made again, it would say the same twice."""
    api.answer("/api/subscriber/send-text", HANG_UP)

    async with Client(api.url, "token", transport=naps, knows_keys=False) as client:
        with pytest.raises(Unreachable):
            await client.send_text(ANA, "Hello")
        assert len(api.asked("/api/subscriber/send-text")) == 1

        api.answer("/api/me", HANG_UP, {"id": 7})
        assert (await client.me()).id == 7  # asking is always safe

        api.answer("/api/subscriber/send-text", Answer(429, headers={"retry-after": "1"}), OK)
        await client.send_text(ANA, "Hello")  # refused is not lost


# What was posted


def posted(seq: int) -> dict[str, Any]:
    numbers = {"id": 100 + seq, "seq": seq, "epoch": 1}
    return {"user_ns": ANA, "webhook_id": f"msg_{seq}", "event": "message.sent", "body": "{}", **numbers}


def events_answer(*seqs: int, next_: int, more: bool) -> dict[str, Any]:
    return {"data": [posted(seq) for seq in seqs], "meta": {"next": next_, "more": more}}


async def test_events_are_read_to_the_last_page(client: Client, api: FakeApi) -> None:
    api.answer(
        "/api/handoff/events",
        events_answer(3, 4, next_=4, more=True),
        events_answer(next_=6, more=True),
        events_answer(7, next_=7, more=False),
    )

    found = [event async for event in client.events(ANA, 2, endpoint="desk", limit=2)]

    assert [event.seq for event in found] == [3, 4, 7]
    assert [request.query["after_seq"] for request in api.requests] == ["2", "4", "6"]
    assert {request.query["endpoint"] for request in api.requests} == {"desk"}


async def test_the_events_of_the_whole_flow_are_read_by_place(client: Client, api: FakeApi) -> None:
    api.answer("/api/handoff/events", events_answer(1, next_=101, more=False))

    [event] = [event async for event in client.all_events(50)]

    assert (event.id, event.webhook_id) == (101, "msg_1")
    assert api.requests[0].query == {"after_id": "50", "limit": "100"}


async def test_an_answer_that_leads_nowhere_is_an_error(client: Client, api: FakeApi) -> None:
    api.answer("/api/handoff/events", {"data": []})

    with pytest.raises(ServerError, match="what comes next"):
        [event async for event in client.all_events()]


# What is more than one call, and what is less than one of Relevo's


async def test_tags_go_out_twenty_a_call_each_with_a_key_of_its_own(api: FakeApi, client: Client) -> None:
    names = [f"tag {number}" for number in range(45)]

    await client.add_tags_by_name(ANA, names, idempotency_key="k")
    await client.remove_tags(ANA, tuple(names[:20]))

    added, removed = (api.asked(f"/api/subscriber/{one}") for one in ("add-tags-by-name", "remove-tags"))
    assert [one["tag_name"] for request in added for one in request.json["data"]] == names
    assert [len(request.json["data"]) for request in added] == [20, 20, 5]
    assert [request.headers["idempotency-key"] for request in added] == ["k", "k-20", "k-40"]
    assert [(request.method, len(request.json["data"])) for request in removed] == [("DELETE", 20)]


async def test_nothing_to_put_on_is_no_call(api: FakeApi, client: Client) -> None:
    await client.add_tags(ANA, [])

    assert api.requests == []


async def test_what_must_happen_together_is_one_call(api: FakeApi, client: Client) -> None:
    await client.set_user_fields(ANA, {f"f1v{number}": number for number in range(30)})
    await client.broadcast([f"f1u{number}" for number in range(300)], "f1s2")

    (fields,) = api.bodies("/api/subscriber/set-user-fields")
    (broadcast,) = api.bodies("/api/subscriber/broadcast")
    assert fields["data"][1] == {"var_ns": "f1v1", "value": 1}
    assert (len(fields["data"]), len(broadcast["user_ns_list"].split(","))) == (30, 300)


async def test_a_cursor_is_followed_until_there_is_none(api: FakeApi, client: Client) -> None:
    pages = [{"data": [{"id": id_}], "next_start_id": following} for id_, following in ((1, 2), (2, None))]
    api.answer("/api/flow/conversations/data", *pages)

    assert [one.id async for one in client.conversations_data(user_ns=ANA, limit=1)] == [1, 2]
    assert [request.query for request in api.requests] == [
        {"user_ns": ANA, "start_id": place, "limit": "1"} for place in ("0", "2")
    ]


@pytest.mark.parametrize("more", [{}, {"next_start_id": 7}], ids=["says nothing", "goes in a circle"])
async def test_a_cursor_that_leads_nowhere_ends(api: FakeApi, client: Client, more: dict[str, int]) -> None:
    api.answer("/api/flow/custom-events/data", {"data": [{"id": 7}], **more})

    found = [one.id async for one in client.custom_event_data("f1e5", start_id=7)]

    assert (found, len(api.requests)) == ([7], 1)


async def test_a_list_that_is_asked_for_with_a_post_has_no_key(api: FakeApi, client: Client) -> None:
    pages = [{"data": [{"name": name}], "meta": {"last_page": 2}} for name in "ab"]
    api.answer("/api/whatsapp-template/list", *pages)

    assert [one.name async for one in client.whatsapp_templates(limit=1)] == ["a", "b"]
    assert api.bodies("/api/whatsapp-template/list") == [{"limit": 1, "page": page} for page in (1, 2)]
    assert not any("idempotency-key" in request.headers for request in api.requests)


async def test_a_server_that_says_less_is_understood(api: FakeApi, client: Client) -> None:
    """As UChat answers: bare, without the number of a broadcast, and with fields that we do not know."""
    api.answer("/api/flow/create-tag", {"name": "lead", "tag_ns": "f1t7", "colour": "red"})
    api.answer("/api/flow/set-bot-field", {"name": "hours", "var_ns": "f1v3", "value": "9 to 5"})
    api.answer("/api/subscriber/update", {"user_ns": ANA, "name": "Ana", "last_seen": None})

    assert (await client.create_tag("lead")).tag_ns == "f1t7"
    assert (await client.set_bot_field("f1v3", "9 to 5")).value == "9 to 5"
    assert (await client.update_subscriber(ANA, name="Ana")).name == "Ana"
    assert await client.broadcast_by_tag(["lead"], "f1s2", max_per_minute=60) == ""


async def test_flags_and_empty_values_are_told_as_the_api_wants_them(api: FakeApi, client: Client) -> None:
    api.answer("/api/subscribers", {"data": []})
    api.answer("/api/subscriber/chat-messages", {"data": []})

    assert [one async for one in client.subscribers(tag_ns="f1t7")] == []
    assert [one async for one in client.chat_messages(user_id="61400000000", include_note=True)] == []
    await client.set_user_field_by_name(ANA, "hurry", False)

    assert api.asked("/api/subscribers")[0].query == {"tag_ns": "f1t7", "limit": "100", "page": "1"}
    flags = {"include_bot": "1", "include_note": "1", "include_system": "0"}
    asked = api.asked("/api/subscriber/chat-messages")[0].query
    assert asked == {"user_id": "61400000000", **flags, "limit": "100", "page": "1"}
    assert api.bodies("/api/subscriber/set-user-field-by-name")[0]["value"] is False
