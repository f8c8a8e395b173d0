"""What an agent does, over the desk's own HTTP, and what Relevo is asked for it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from relevo.desk.book import CustomerTypes, Line
from relevo.desk.desk import Desk
from relevo.sdk import Unreachable
from tests.desk.conftest import Clock, Relevo
from tests.sdk.fake_api import OK, Answer, FakeApi
from tests.sdk.webhooks import ANA, NOON

NOON_MS = int(NOON.timestamp() * 1000)
SEND_TEXT = "/api/subscriber/send-text"
BUSY = Answer(503, {"message": "Cannot store."}, headers={"retry-after": "60"})


class Page:
    """The calls that the page makes."""

    def __init__(self, http: httpx.AsyncClient, desk: Desk) -> None:
        self._http = http
        self._desk = desk

    async def ask(self, action: str, body: Any = None, *, of: str = ANA) -> httpx.Response:
        response = await self._http.post(f"/conversations/{of}/{action}", json=body or {})
        await self._desk.settled()
        return response

    async def say(self, text: str, *, id_: str = "r1") -> Line:
        await self.ask("replies", {"id": id_, "text": text})
        line = self._desk.book.find_line(ANA, id_)
        assert line is not None
        return line


@pytest.fixture
async def page(http: httpx.AsyncClient, desk: Desk, relevo: Relevo) -> Page:
    """With one conversation, that an agent controls."""
    await relevo.message()
    return Page(http, desk)


# Saying something


async def test_an_answer_goes_to_the_customer_as_the_agent(page: Page, desk: Desk, api: FakeApi) -> None:
    line = await page.say("Yes, two left.")

    assert (line.state, line.who, line.text) == ("sent", "agent", "Yes, two left.")
    assert api.bodies(SEND_TEXT) == [{"user_ns": ANA, "content": "Yes, two left."}]
    assert desk.book.get(ANA).last_text == "Yes, two left."


async def test_an_image_goes_to_the_customer_as_the_agent(page: Page, desk: Desk, api: FakeApi) -> None:
    url = "https://shop.example/mug.jpg"

    answer = await page.ask("replies", {"id": "r1", "image_url": url})

    assert answer.json()["state"] == "sent"
    [body] = api.bodies("/api/subscriber/send-content")
    assert body["data"]["content"] == {"messages": [{"type": "image", "url": url}]}
    assert body["send_as_agent"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"id": "r1"},
        {"id": "r1", "text": " \n"},
        {"id": "", "text": "Hi"},
        {"id": "r1", "image_url": "javascript:alert(1)"},
        {"id": "r1", "image_url": "photo.jpg"},
        {"text": "Hi"},
    ],
)
async def test_an_answer_that_says_nothing_is_refused(
    page: Page, desk: Desk, api: FakeApi, body: dict[str, str]
) -> None:
    answer = await page.ask("replies", body)

    assert answer.status_code == 400
    assert answer.json()["message"]
    assert len(desk.book.lines(ANA)) == 1


async def test_an_answer_to_nobody_is_refused(page: Page, api: FakeApi) -> None:
    answer = await page.ask("replies", {"id": "r1", "text": "Hi"}, of="f1001u99")

    assert (answer.status_code, answer.json()["message"]) == (404, "the desk has no conversation 'f1001u99'")


async def test_the_same_answer_posted_twice_is_said_once(page: Page, api: FakeApi) -> None:
    await page.say("Hi", id_="r1")
    await page.say("Hi", id_="r1")

    assert len(api.asked(SEND_TEXT)) == 1


async def test_an_answer_that_fails_says_why(page: Page, api: FakeApi) -> None:
    api.answer(SEND_TEXT, Answer(422, {"message": "The subscriber has left."}))

    line = await page.say("Hi")

    assert (line.state, line.problem) == ("failed", "The subscriber has left.")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(401), "Relevo does not accept the token of this desk."),
        (
            Answer(404, {"message": "No such subscriber."}),
            "Relevo does not know this (any more): No such",
        ),
    ],
)
async def test_a_failure_is_told_in_the_agents_words(
    page: Page, api: FakeApi, answer: Answer, problem: str
) -> None:
    api.answer(SEND_TEXT, answer)

    assert (await page.say("Hi")).problem.startswith(problem)


async def test_a_server_that_is_not_there_is_named(desk: Desk, api: FakeApi) -> None:
    assert desk.reason(Unreachable("…")) == f"Relevo cannot be reached at {api.url}/api."


async def test_an_answer_that_failed_can_be_sent_again(page: Page, desk: Desk, api: FakeApi) -> None:
    api.answer(SEND_TEXT, Answer(422, {"message": "No."}), OK)
    await page.say("Hi")

    line = await page.say("")

    assert (line.state, line.problem) == ("sent", "")
    assert [body["content"] for body in api.bodies(SEND_TEXT)] == ["Hi", "Hi"]
    assert len(desk.book.lines(ANA)) == 2


async def test_after_a_doubtful_end_the_same_key_is_used_so_that_nothing_is_said_twice(
    page: Page, api: FakeApi
) -> None:
    api.answer(SEND_TEXT, BUSY, OK)
    await page.say("Hi")
    await page.say("")

    first, again = (request.headers["idempotency-key"] for request in api.asked(SEND_TEXT))
    assert first == again


async def test_after_a_refusal_another_key_is_used_so_that_the_refusal_is_not_repeated(
    page: Page, api: FakeApi
) -> None:
    api.answer(SEND_TEXT, Answer(422, {"message": "No."}), OK)
    await page.say("Hi")
    await page.say("")

    first, again = (request.headers["idempotency-key"] for request in api.asked(SEND_TEXT))
    assert first != again


async def test_two_answers_have_two_keys(page: Page, api: FakeApi) -> None:
    await page.say("Hi", id_="r1")
    await page.say("Hi", id_="r2")

    assert len({request.headers["idempotency-key"] for request in api.asked(SEND_TEXT)}) == 2


async def test_answers_leave_in_the_order_in_which_they_were_given(page: Page, api: FakeApi) -> None:
    said = [str(number) for number in range(10)]

    await asyncio.gather(*(page.say(text, id_=f"r{text}") for text in said))

    assert [body["content"] for body in api.bodies(SEND_TEXT)] == said


async def test_an_answer_waits_for_the_one_before_it(
    page: Page, http: httpx.AsyncClient, api: FakeApi
) -> None:
    release = api.hold(SEND_TEXT)
    first = asyncio.create_task(page.say("1", id_="r1"))
    await api.arrival(SEND_TEXT)
    second = asyncio.create_task(page.say("2", id_="r2"))
    await http.get("/agents")  # the second has had time to leave, and has not

    assert len(api.asked(SEND_TEXT)) == 1
    release.set()
    await asyncio.gather(first, second)
    assert [body["content"] for body in api.bodies(SEND_TEXT)] == ["1", "2"]


async def test_an_answer_to_the_bots_conversation_takes_it_over(
    page: Page, desk: Desk, relevo: Relevo
) -> None:
    await relevo.event("handoff.returned", reason="time", epoch=2)

    await page.say("One more thing")

    ana = desk.book.get(ANA)
    assert (ana.control, ana.paused_until) == ("agent", NOON_MS + 1_800_000)
    assert desk.book.lines(ANA)[-1].text == "The bot is paused: you have replied."


async def test_our_answer_that_relevo_tells_back_is_one_line(page: Page, desk: Desk, relevo: Relevo) -> None:
    await page.say("Hi", id_="r1")
    await page.say("Hi", id_="r2")

    for number in (900002, 900003):
        told = {
            "id": number,
            "type": "agent",
            "content": "Hi",
            "timestamp": NOON_MS + number,
            "username": "Luis",
        }
        await relevo.event("message.sent", message=told)

    lines = desk.book.lines(ANA)[1:]
    assert [(line.id, line.message_id, line.name) for line in lines] == [
        ("r1", 900002, "Luis"),
        ("r2", 900003, "Luis"),
    ]


async def test_an_answer_that_seemed_lost_and_was_said_is_not_lost(
    page: Page, desk: Desk, relevo: Relevo, api: FakeApi
) -> None:
    api.answer(SEND_TEXT, BUSY)
    assert (await page.say("Hi")).state == "failed"

    told = {"id": 900002, "type": "agent", "content": "Hi", "timestamp": NOON_MS + 5000}
    await relevo.event("message.sent", message=told)

    assert [line.state for line in desk.book.lines(ANA)] == ["sent", "sent"]


async def test_an_answer_has_the_name_of_the_agent_in_charge(page: Page, api: FakeApi) -> None:
    await page.ask("assign", {"agent_id": 5, "name": "Luis"})

    assert (await page.say("Hi")).name == "Luis"
    assert api.bodies(SEND_TEXT) == [{"user_ns": ANA, "content": "Hi", "agent_id": 5}]


async def test_an_answer_is_repeated_in_the_name_in_which_it_was_given(page: Page, api: FakeApi) -> None:
    api.answer(SEND_TEXT, BUSY, OK)
    await page.say("Hi")
    await page.ask("assign", {"agent_id": 5, "name": "Luis"})
    await page.say("")

    first, again = api.asked(SEND_TEXT)
    assert (first.json, first.headers["idempotency-key"]) == (again.json, again.headers["idempotency-key"])


# Reading and typing


async def test_reading_is_told_once(page: Page, desk: Desk, api: FakeApi) -> None:
    assert (await page.ask("read")).status_code == 202
    await page.ask("read")

    assert desk.book.get(ANA).unread == 0
    assert api.bodies("/api/handoff/seen") == [{"user_ns": ANA}]


async def test_answering_is_reading(page: Page, desk: Desk) -> None:
    await page.say("Hi")

    assert desk.book.get(ANA).unread == 0


async def test_typing_is_told(page: Page, api: FakeApi) -> None:
    assert (await page.ask("typing")).status_code == 202

    assert api.bodies("/api/handoff/typing") == [{"user_ns": ANA}]


async def test_a_server_without_typing_and_seen_is_no_trouble(page: Page, api: FakeApi) -> None:
    api.answer("/api/handoff/typing", Answer(404))
    api.answer("/api/handoff/seen", Answer(404))

    assert [(await page.ask(action)).status_code for action in ("typing", "read")] == [202, 202]


# Who answers


async def test_resolving_gives_the_bot_control_and_the_work_is_done(
    page: Page, desk: Desk, api: FakeApi
) -> None:
    answer = await page.ask("resolve")

    assert (answer.json()["status"], answer.json()["control"], answer.json()["unread"]) == ("done", "bot", 0)
    assert api.bodies("/api/handoff/return") == [{"user_ns": ANA, "outcome": "resolved"}]
    assert api.bodies("/api/subscriber/move-chat-to") == [{"user_ns": ANA, "status": "done"}]
    paths = [request.path for request in api.requests]
    assert paths.index("/api/handoff/return") < paths.index("/api/subscriber/move-chat-to")


async def test_a_resolve_that_fails_says_why_and_changes_nothing(
    page: Page, desk: Desk, api: FakeApi
) -> None:
    api.answer("/api/handoff/return", Answer(403, {"message": "Scope required: Manage Flow"}))

    answer = await page.ask("resolve")

    assert (answer.status_code, answer.json()["message"]) == (502, "Scope required: Manage Flow")
    assert (desk.book.get(ANA).status, desk.book.get(ANA).control) == ("open", "agent")


async def test_a_resolve_that_fails_half_way_shows_what_was_done(
    page: Page, desk: Desk, api: FakeApi
) -> None:
    api.answer("/api/subscriber/move-chat-to", Answer(422, {"message": "No."}), OK)

    assert (await page.ask("resolve")).status_code == 502
    assert (desk.book.get(ANA).status, desk.book.get(ANA).control) == ("open", "bot")

    assert (await page.ask("resolve")).status_code == 200
    assert desk.book.get(ANA).status == "done"


async def test_a_server_that_knows_no_return_resumes_the_bot(page: Page, desk: Desk, api: FakeApi) -> None:
    api.answer("/api/handoff/return", Answer(404, {"message": "Not Found"}))

    await page.ask("resolve")

    assert api.bodies("/api/subscriber/resume-bot") == [{"user_ns": ANA}]
    assert desk.book.get(ANA).status == "done"


async def test_a_handoff_is_accepted_by_the_agent_in_charge(
    page: Page, desk: Desk, relevo: Relevo, api: FakeApi
) -> None:
    await relevo.event("handoff.requested", reason="flow", until=None, epoch=3)
    assert not desk.book.get(ANA).is_accepted
    await page.ask("assign", {"agent_id": 55, "name": "Luis"})

    await page.ask("accept")

    assert api.bodies("/api/handoff/accept") == [{"user_ns": ANA, "agent_id": 55}]
    assert desk.book.get(ANA).is_accepted


async def test_that_somebody_else_has_accepted_is_heard(desk: Desk, page: Page, relevo: Relevo) -> None:
    await relevo.event("handoff.requested", reason="flow", until=None, epoch=3)

    await relevo.event("handoff.accepted", agent_id=5, agent_name="Luis", by="api", epoch=3)

    assert desk.book.get(ANA).is_accepted


async def test_pausing_takes_the_conversation_from_the_bot(page: Page, desk: Desk, api: FakeApi) -> None:
    await page.ask("resolve")

    answer = await page.ask("pause")

    assert (answer.json()["status"], answer.json()["control"]) == ("open", "agent")
    assert answer.json()["paused_until"] == NOON_MS + 1_800_000
    assert api.bodies("/api/subscriber/pause-bot") == [{"user_ns": ANA, "minutes": 30}]
    assert len(api.asked("/api/subscriber/chat-messages")) == 2  # what was said to the bot meanwhile


async def test_what_we_did_ourselves_is_noted_once(page: Page, desk: Desk, relevo: Relevo) -> None:
    await page.ask("resolve")
    await relevo.event("handoff.returned", reason="api", epoch=2)
    await page.ask("pause")
    await relevo.event("handoff.requested", reason="api", until=None, epoch=3)

    notes = [line.text for line in desk.book.lines(ANA) if line.who == "system"]
    assert notes == [
        "You resolved the conversation. The bot answers again.",
        "You paused the bot for 30 minutes.",
    ]
    assert desk.book.get(ANA).unread == 0


async def test_pausing_a_paused_bot_does_not_hide_its_return(page: Page, desk: Desk, relevo: Relevo) -> None:
    await page.ask("pause")

    await relevo.event("handoff.returned", reason="time", epoch=2)

    assert desk.book.get(ANA).control == "bot"
    assert desk.book.lines(ANA)[-1].text == "The bot answers again: the pause is over."


async def test_a_message_that_crossed_our_resolve_leaves_control_to_the_bot(
    page: Page, desk: Desk, relevo: Relevo
) -> None:
    await page.ask("resolve")

    await relevo.message(epoch=1, id=900002, content="Wait", payload={"text": "Wait"})

    assert (desk.book.get(ANA).control, desk.book.get(ANA).status) == ("bot", "open")


async def test_assigning_names_the_agent_and_unassigning_nobody(page: Page, desk: Desk, api: FakeApi) -> None:
    answer = await page.ask("assign", {"agent_id": 5, "name": "Luis"})
    assert (answer.json()["agent_id"], answer.json()["agent_name"]) == (5, "Luis")

    await page.ask("assign", {"agent_id": 0})
    assert desk.book.get(ANA).agent_id == 0

    assert api.bodies("/api/subscriber/assign-agent") == [{"user_ns": ANA, "agent_id": 5}]
    assert api.bodies("/api/subscriber/unassign-agent") == [{"user_ns": ANA}]


async def test_a_pause_that_has_run_out_is_asked_about(
    page: Page, desk: Desk, api: FakeApi, clock: Clock
) -> None:
    clock.now = NOON + timedelta(minutes=31)
    info = {"user_ns": ANA, "paused_diff_seconds": 0}
    api.answer("/api/subscriber/get-info", {"data": info | {"paused_diff_seconds": 900}}, {"data": info})

    longer = (await page.ask("check-pause")).json()
    over = (await page.ask("check-pause")).json()
    await page.ask("check-pause")

    assert (longer["control"], longer["paused_until"]) == ("agent", NOON_MS + (31 + 15) * 60_000)
    assert (over["control"], over["paused_until"]) == ("bot", None)
    notes = [line.text for line in desk.book.lines(ANA) if line.who == "system"]
    assert notes == ["The bot answers again: the pause is over."]


async def test_the_past_can_be_read_again(page: Page, desk: Desk, api: FakeApi) -> None:
    assert (await page.ask("history")).status_code == 202

    assert len(api.asked("/api/subscriber/chat-messages")) == 2


async def test_agents_are_listed(page: Page, http: httpx.AsyncClient, api: FakeApi) -> None:
    api.answer("/api/flow/agents", {"data": [{"id": 5, "name": "Luis"}]}, Answer(401))

    assert [agent["name"] for agent in (await http.get("/agents")).json()] == ["Luis"]

    refused = await http.get("/agents")
    assert (refused.status_code, refused.json()["message"]) == (
        502,
        "Relevo does not accept the token of this desk.",
    )


async def test_a_conversation_is_told_with_its_lines(page: Page, http: httpx.AsyncClient) -> None:
    answer = (await http.get(f"/conversations/{ANA}")).json()

    assert (answer["conversation"]["name"], answer["lines"][0]["text"]) == ("Ana Diaz", "Is it in stock?")


# Who may


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://desk.test", 200), ("https://evil.example", 403), ("http://desk.test:81", 403), ("null", 403)],
)
async def test_only_our_own_page_may_act(
    page: Page, http: httpx.AsyncClient, desk: Desk, origin: str, status: int
) -> None:
    url = f"/conversations/{ANA}/resolve"

    answer = await http.post(url, json={}, headers={"origin": origin})

    assert answer.status_code == status
    assert (desk.book.get(ANA).status == "done") == (status == 200)


async def test_while_a_page_is_open_its_agent_is_online(desk: Desk, api: FakeApi, clock: Clock) -> None:
    api.answer("/api/me", {"data": {"id": 55, "name": "Luis"}})
    events = desk.follow()

    await anext(events)
    for seconds in (30, 30):
        clock.now += timedelta(seconds=seconds)
        desk.live.publish(CustomerTypes(ANA))
        await anext(events)
    await desk.settled()
    await events.aclose()
    desk.live.publish(CustomerTypes(ANA))

    assert api.bodies("/api/handoff/presence") == [{"agent_id": 55, "online": 1, "minutes": 2}] * 2
    assert desk.live._pages == set()


@pytest.mark.parametrize("me", [{"data": {"id": 0}}, Answer(401)], ids=["of nobody", "refused"])
async def test_without_an_agent_nobody_is_online(desk: Desk, api: FakeApi, me: Any) -> None:
    api.answer("/api/me", me)
    events = desk.follow()

    assert (await anext(events)).startswith(b"retry")
    await desk.settled()
    await events.aclose()

    assert api.bodies("/api/handoff/presence") == []
