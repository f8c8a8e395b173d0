"""A conversation by pages, and messages by the channel's ids."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from relevo.domain.events import ByConversation, NoteWritten
from relevo.domain.ids import user_ns
from relevo.domain.messages import Media
from relevo.testing.builders import World
from relevo.testing.clock import NOON
from tests.web.api.conftest import Ana
from tests.web.api.validating import Api

NOON_SECONDS = int(NOON.timestamp())


async def contents(api: Api, ana: Ana, **query: Any) -> list[str]:
    answer = await api.get("/subscriber/chat-messages", user_ns=ana.user_ns, **query)
    assert answer.status_code == 200, answer.text
    return [row["content"] for row in answer.json()["data"]]


GREETING = "Hello Ana. Write *agent* to talk to a person."


async def test_a_message_is_told_as_the_webhook_tells_it(api: Api, ana: Ana) -> None:
    stored = (await ana.messages())[0]

    told = (await api.get("/subscriber/chat-messages", user_ns=ana.user_ns)).json()

    assert told["data"] == [
        {
            "_id": stored.object_id,
            "id": stored.id,
            "mid": "",
            "user_ns": ana.user_ns,
            "type": "in",
            "msg_type": "text",
            "sender_id": ana.user_ns,
            "agent_id": 0,
            "assigned_agent_id": 0,
            "payload": {"text": "Hello"},
            "content": "Hello",
            "username": "Ana Diaz",
            "date": "2030-01-01 12:00:00",
            "timestamp": NOON_SECONDS * 1000,
            "ts": NOON_SECONDS,
            "is_delivered": 1,
            "seen": "",
            "paused_diff_seconds": 0,
        }
    ]


async def test_the_bot_notes_and_relevo_are_told_on_request(api: Api, ana: Ana, world: World) -> None:
    await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi"})
    luis = world.company.agent.id
    await world.submit(NoteWritten(to=ByConversation(ana.id), text="A VIP", member_id=luis))

    assert await contents(api, ana) == ["Hi", "Hello"]
    for yes in ("1", "true", "yes"):
        assert await contents(api, ana, include_bot=yes) == ["Hi", GREETING, "Hello"]
    assert await contents(api, ana, include_bot=0, include_note=1) == ["A VIP", "Hi", "Hello"]
    assert await contents(api, ana, include_system=1) == ["Hi", "Hello"]


async def test_an_agents_message_has_its_agent(api: Api, ana: Ana, world: World) -> None:
    await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi"})

    newest = (await api.get("/subscriber/chat-messages", user_ns=ana.user_ns)).json()["data"][0]

    assert (newest["type"], newest["sender_id"], newest["username"]) == ("agent", "bot", "Olga")
    assert newest["agent_id"] == world.company.owner.id
    assert newest["paused_diff_seconds"] == 1800


async def test_seconds_of_pause_are_those_of_the_messages_time(api: Api, ana: Ana, world: World) -> None:
    await api.post("/subscriber/pause-bot", {"user_ns": ana.user_ns, "minutes": 30})
    world.clock.advance(timedelta(minutes=10))
    await world.says("Anybody there?")

    async def told() -> list[int]:
        answer = await api.get("/subscriber/chat-messages", user_ns=ana.user_ns, include_bot=1)
        return [row["paused_diff_seconds"] for row in answer.json()["data"]]

    # The first two were said in the very moment of the pause.
    assert await told() == [1200, 1800, 1800]
    world.clock.advance(timedelta(minutes=20))
    assert await told() == [0, 0, 0]


async def test_a_conversation_has_pages(api: Api, ana: Ana, world: World) -> None:
    for number in range(1, 6):
        await world.says(f"message {number}")

    told = (await api.get("/subscriber/chat-messages", user_ns=ana.user_ns, limit=2, page=2)).json()

    assert [row["content"] for row in told["data"]] == ["message 3", "message 2"]
    assert (told["meta"]["total"], told["meta"]["last_page"], told["meta"]["from"]) == (6, 3, 3)
    assert told["links"]["next"].endswith(f"?user_ns={ana.user_ns}&limit=2&page=3")
    assert await contents(api, ana, limit=2, page=3) == ["message 1", "Hello"]
    assert await contents(api, ana, limit=2, page=4) == []


async def test_messages_of_some_time_and_of_some_kind(api: Api, ana: Ana, world: World) -> None:
    world.clock.advance(timedelta(seconds=60, milliseconds=500))
    await world.says(Media(type="image", url="https://cdn.example.com/a.jpg", caption="This one"))

    minute = NOON_SECONDS + 60
    assert await contents(api, ana, start_time=minute) == ["This one"]
    assert await contents(api, ana, end_time=minute) == ["This one", "Hello"]
    assert await contents(api, ana, end_time=minute - 1) == ["Hello"]
    assert await contents(api, ana, start_time=minute + 1) == []
    assert await contents(api, ana, msg_type="image") == ["This one"]
    assert await contents(api, ana, msg_type="text") == ["Hello"]
    assert await contents(api, ana, msg_type="") == ["This one", "Hello"]


async def test_a_conversation_is_found_by_the_channels_id(api: Api, ana: Ana) -> None:
    told = (await api.get("/subscriber/chat-messages", user_id="visitor-1")).json()

    assert [row["user_ns"] for row in told["data"]] == [ana.user_ns]


async def test_what_is_wrong_with_a_question_is_said(api: Api, ana: Ana) -> None:
    missing = await api.get("/subscriber/chat-messages", subscriber_id=ana.user_ns)
    assert missing.status_code == 422
    assert missing.json()["errors"] == {
        "user_ns": ["The user ns field is required when user id is not present."],
        "user_id": ["The user id field is required when user ns is not present."],
    }
    for query, field in WRONG:
        answer = await api.get("/subscriber/chat-messages", user_ns=ana.user_ns, **query)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"include_bot": "perhaps"}, "include_bot"),
    ({"msg_type": "gif"}, "msg_type"),
    ({"start_time": "yesterday"}, "start_time"),
    ({"end_time": 10**12}, "end_time"),
    ({"limit": 1000}, "limit"),
]


# By the channel's ids


async def test_messages_are_found_by_the_channels_ids(api: Api, ana: Ana, world: World) -> None:
    bo = await world.says("Hi", user_id="bo", name="Bo", mid="wamid.B")
    await world.says("One", mid="wamid.1")
    await world.says("Two", mid="wamid.2")

    answer = await api.post("/subscriber/chat-messages-by-mids", {"mids": ["wamid.1", "wamid.B", "nothing"]})

    assert [(row["mid"], row["user_ns"], row["content"]) for row in answer.json()["data"]] == [
        ("wamid.1", ana.user_ns, "One"),
        ("wamid.B", user_ns(bo.flow_id, bo.conversation_id), "Hi"),
    ]


async def test_an_empty_id_finds_nothing(api: Api, ana: Ana) -> None:
    assert (await api.post("/subscriber/chat-messages-by-mids", {"mids": [""]})).json()["data"] == []


async def test_ids_may_stand_in_the_address(api: Api, ana: Ana, world: World) -> None:
    await world.says("One", mid="wamid.1")

    answer = await api.send("POST", "/subscriber/chat-messages-by-mids?mids[]=wamid.1&mids[]=x")

    assert [row["content"] for row in answer.json()["data"]] == ["One"]


async def test_what_is_wrong_with_ids_is_said(api: Api) -> None:
    for body, errors in (
        ({}, {"mids": ["The mids field is required."]}),
        ({"mids": []}, {"mids": ["The mids field is required."]}),
        ({"mids": "a"}, {"mids": ["The mids must be an array; it is 'a'."]}),
        ({"mids": ["a"] * 101}, {"mids": ["The mids must not have more than 100 items; it has 101."]}),
        ({"mids": ["a", None]}, {"mids": ["The mids.1 must be a string; it is None."]}),
    ):
        answer = await api.post("/subscriber/chat-messages-by-mids", body)
        assert (answer.status_code, answer.json()["errors"]) == (422, errors)
