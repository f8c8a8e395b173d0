"""Lists of subscribers, and one of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from relevo.channels.registry import ADAPTERS
from relevo.domain.events import ByConversation, SubscriberChanged
from relevo.domain.flows.runs import AddLabel, AddTag, SetField
from relevo.domain.segments import Segment, SegmentId
from relevo.domain.subscribers import Profile
from relevo.store import choosing, segments
from relevo.testing.builders import World, add_channel
from tests.web.api.conftest import NUMBER, Ana, park
from tests.web.api.validating import Api

LISTED = "https://relevo.example.com/api/subscribers"


async def names(api: Api, **query: Any) -> list[str]:
    answer = await api.get("/subscribers", **query)
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json()["data"]]


async def add(world: World, *people: str) -> None:
    """Each writes, a minute after the one before."""
    for number, name in enumerate(people):
        world.clock.advance(timedelta(minutes=1))
        await world.says("Hello", user_id=f"{name}-{number}", name=name)


async def test_everything_that_is_known_of_a_subscriber_is_told(api: Api, ana: Ana, world: World) -> None:
    luis = world.company.agent
    profile = Profile(phone="+61400000000", email="ana@example.com", language="en", gender="female")
    acts = (AddTag("lead"), SetField("size", 42.0), SetField("vip", True), SetField("sizes", [1, "L"]))
    await world.submit(SubscriberChanged(to=ByConversation(ana.id), profile=profile, acts=acts))
    await api.post("/subscriber/assign-agent", {"user_ns": ana.user_ns, "agent_id": luis.id})
    world.clock.advance(timedelta(minutes=1))
    await api.post("/subscriber/send-text", {"user_ns": ana.user_ns, "content": "Hi"})

    told = (await api.get("/subscriber/get-info", user_ns=ana.user_ns)).json()

    assert told == {
        "data": {
            "user_ns": ana.user_ns,
            "user_id": "visitor-1",
            "name": "Ana Diaz",
            "first_name": "Ana",
            "last_name": "Diaz",
            "gender": "female",
            "email": "ana@example.com",
            "phone": "+61400000000",
            "locale": "",
            "language": "en",
            "timezone": "",
            "profile_pic": "",
            "channel": "web",
            "status": "open",
            "agent_id": luis.id,
            "agent_name": "Luis",
            "agent_email": "luis@example.com",
            "subscribed": "2030-01-01 12:00:00",
            "opted_in_email": None,
            "opted_in_sms": None,
            "opted_in_through": "chat",
            "last_interaction": "2030-01-01 12:00:00",
            "last_seen": "2030-01-01 12:00:00",
            "last_message_at": "2030-01-01 12:01:00",
            "last_message_type": "agent",
            "last_agent_action_at": "2030-01-01 12:01:00",
            "allow_send_message": True,
            "allow_send_seconds": -1,
            "allow_bot_seconds": -1,
            "paused_diff_seconds": 1800,
            "tags": [{"name": "lead", "tag_ns": ""}],
            "labels": [],
            "user_fields": [
                {"name": "size", "var_ns": "", "var_type": "number", "description": "", "value": "42"},
                {"name": "vip", "var_ns": "", "var_type": "boolean", "description": "", "value": "true"},
                {"name": "sizes", "var_ns": "", "var_type": "array", "description": "", "value": '[1,"L"]'},
            ],
        },
        "status": "ok",
    }


PAGE = {
    "page_id": "102030405060708",
    "app_id": "1234567890123456",
    "access_token": "t" * 40,
    "app_secret": "s" * 32,
}
HOUR = 3600


@pytest.mark.parametrize(
    ("silence", "by_agent", "by_bot"),
    [(1, 167 * HOUR, 23 * HOUR), (25, 143 * HOUR, 0), (169, 0, 0)],
)
async def test_an_agent_may_write_for_longer_than_the_bot_where_the_vendor_has_it_so(
    api: Api, world: World, silence: int, by_agent: int, by_bot: int
) -> None:
    page = await add_channel(world, "messenger", PAGE)
    said = await world.says("hello", user_id="77", channel=page, mid="m_1")
    person = await world.conversation(said.conversation_id)
    world.clock.advance(timedelta(hours=silence))

    told = (await api.get("/subscriber/get-info", user_ns=person.user_ns)).json()["data"]

    assert (told["allow_send_seconds"], told["allow_bot_seconds"]) == (by_agent, by_bot)
    assert told["allow_send_message"] is bool(by_agent)


async def test_a_pause_is_told_in_seconds(api: Api, ana: Ana, world: World) -> None:
    for minutes, seconds in ((30, 1740), (None, -1)):
        await api.post("/subscriber/pause-bot", {"user_ns": ana.user_ns, "minutes": minutes})
        world.clock.advance(timedelta(minutes=1))

        told = (await api.get("/subscriber/get-info", user_ns=ana.user_ns)).json()

        assert told["data"]["paused_diff_seconds"] == seconds


async def test_a_subscriber_is_found_by_the_channels_id(api: Api, ana: Ana) -> None:
    told = (await api.get("/subscriber/get-info-by-user-id", user_id="visitor-1")).json()

    assert told["data"]["user_ns"] == ana.user_ns


async def test_an_unknown_subscriber_is_not_found_in_uchats_words(api: Api, ana: Ana) -> None:
    for path, query, wanted in UNKNOWN:
        answer = await api.get(path, **query)

        words = rf"No query results for model [App\Models\Chatbot\BotUser] {wanted}"
        assert (answer.status_code, answer.json()) == (404, {"message": words})


UNKNOWN: list[tuple[str, dict[str, str], str]] = [
    ("/subscriber/get-info", {"user_ns": "f1001u999"}, "f1001u999"),
    ("/subscriber/get-info", {"user_ns": "f9999u1"}, "f9999u1"),
    ("/subscriber/get-info-by-user-id", {"user_id": "nobody"}, "nobody"),
    ("/subscriber/chat-messages", {"user_ns": "f1001u999"}, "f1001u999"),
    ("/subscriber/chat-messages", {"user_id": "nobody"}, "nobody"),
]


async def test_the_latest_come_first(api: Api, ana: Ana, world: World) -> None:
    await add(world, "Bo", "Cy")
    world.clock.advance(timedelta(minutes=1))
    await world.says("Hello again")

    assert await names(api) == ["Ana Diaz", "Cy", "Bo"]


async def test_a_page_tells_where_it_stands_and_where_the_others_are(
    api: Api, ana: Ana, world: World
) -> None:
    await add(world, "Bo Ng", "Cy Ng", "Di Ng")

    told = (await api.get("/subscribers", name="Ng", limit="2", page="1")).json()

    assert [row["name"] for row in told["data"]] == ["Di Ng", "Cy Ng"]
    assert told["links"] == {
        "first": f"{LISTED}?name=Ng&limit=2&page=1",
        "last": f"{LISTED}?name=Ng&limit=2&page=2",
        "prev": None,
        "next": f"{LISTED}?name=Ng&limit=2&page=2",
    }
    assert told["meta"] == {
        "current_page": 1,
        "from": 1,
        "last_page": 2,
        "path": LISTED,
        "per_page": 2,
        "to": 2,
        "total": 3,
    }


async def test_following_the_links_meets_everybody_once(api: Api, ana: Ana, world: World) -> None:
    await add(world, *"bcdefg")

    seen, query = [], {"limit": "3"}
    while True:
        told = (await api.get("/subscribers", **query)).json()
        seen += [row["name"] for row in told["data"]]
        if told["links"]["next"] is None:
            break
        query = {name: values[0] for name, values in parse_qs(urlsplit(told["links"]["next"]).query).items()}

    assert seen == ["g", "f", "e", "d", "c", "b", "Ana Diaz"]


async def test_past_the_end_there_is_nobody(api: Api, ana: Ana) -> None:
    told = (await api.get("/subscribers", page=3)).json()

    assert told["data"] == []
    assert told["meta"] | {"path": ""} == {
        "current_page": 3,
        "from": None,
        "last_page": 1,
        "path": "",
        "per_page": 10,
        "to": None,
        "total": 1,
    }
    assert told["links"]["next"] is None


async def test_ten_come_to_a_page_and_per_page_is_ignored(api: Api, ana: Ana, world: World) -> None:
    await add(world, *"abcdefghijk")

    assert len(await names(api)) == 10
    assert len(await names(api, per_page=50)) == 10
    assert len(await names(api, limit=50)) == 12


async def test_each_filter_finds_whom_it_says(api: Api, ana: Ana, world: World) -> None:
    profile = Profile(phone="+61400000000", email="ana@example.com")
    await world.submit(SubscriberChanged(to=ByConversation(ana.id), profile=profile))
    world.clock.advance(timedelta(days=2))
    await world.says("Hello", user_id="bo", name="Bo", channel=world.company.apichat)

    for query, found in FILTERS:
        assert await names(api, **query) == found, query


FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({"name": "bo"}, ["Bo"]),
    ({"name": ""}, ["Bo", "Ana Diaz"]),
    ({"phone": "+61400000000"}, ["Ana Diaz"]),
    ({"phone": "400000000"}, []),
    ({"email": "ana@example.com"}, ["Ana Diaz"]),
    ({"user_id": "visitor-1"}, ["Ana Diaz"]),
    ({"is_channel": "web"}, ["Ana Diaz"]),
    ({"is_channel": "apichat"}, ["Bo"]),
    ({"is_channel": "whatsapp"}, []),
    ({"is_interacted_in_last_24h": "yes"}, ["Bo"]),
    ({"is_interacted_in_last_24h": "no"}, ["Ana Diaz"]),
    ({"is_last_message_in_last_24h": "yes"}, ["Bo"]),
    ({"is_last_message_in_last_24h": "no"}, ["Ana Diaz"]),
    ({"is_opt_in_sms": "yes"}, []),
    ({"is_opt_in_email": "no"}, ["Bo", "Ana Diaz"]),
    ({"from_date": "2030-01-01"}, ["Bo", "Ana Diaz"]),
]


async def test_a_segment_says_whom_to_list(api: Api, ana: Ana, world: World) -> None:
    await world.says("Hello", user_id="bo", name="Bo", channel=world.company.apichat)
    await world.submit(SubscriberChanged(to=ByConversation(ana.id), acts=(AddTag("vip"), AddLabel("VIP"))))
    sources = ("{tag: vip}", "{label: VIP}", "{field: first_name, is: bo}", "{not: {tag: vip}}")
    async with world.database.write() as connection:
        for number, source in enumerate(sources):
            one = Segment(
                id=SegmentId(0),
                workspace_id=world.company.workspace.id,
                flow_id=world.company.flow.id,
                name=f"s{number}",
                source=source,
                created_at=world.clock.now(),
            )
            await segments.insert_new(connection, one)

    found = [await names(api, segment_ns=f"f1001sg{number}") for number in range(1, 5)]

    assert found == [["Ana Diaz"], ["Ana Diaz"], ["Bo"], ["Bo"]]
    assert (await names(api, segment_ns="f1001sg4", name="Ana")) == []
    assert (await api.get("/subscribers", segment_ns="f1001sg9")).status_code == 422
    assert (await api.get("/team-bot-users", segment_ns="f1001sg1")).status_code == 422


async def test_a_segment_that_would_be_too_much_work_is_refused(
    api: Api, ana: Ana, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await park(world)
    await world.says("Hello", user_id="bo", name="Bo")
    monkeypatch.setattr(choosing, "LOOKED_AT", 1)
    monkeypatch.setattr("relevo.web.api.subscribers.MOST_LOOKED_AT", 1)
    async with world.database.write() as connection:
        regulars = (await segments.of_flow(connection, world.company.flow.id, [1]))[0]
        await segments.save(connection, msgspec.structs.replace(regulars, source="{field: plan, is_not: x}"))

    answer = await api.get("/subscribers", segment_ns="f1001sg1")

    assert answer.status_code == 422
    assert "too much work" in answer.json()["errors"]["segment_ns"][0]


async def test_a_plus_that_was_not_encoded_is_still_a_plus(api: Api, ana: Ana, world: World) -> None:
    await world.submit(SubscriberChanged(to=ByConversation(ana.id), profile=Profile(phone="+61400000000")))

    answer = await api.send("GET", "/subscribers?phone=+61400000000")

    assert len(answer.json()["data"]) == 1


async def test_a_filter_that_is_not_there_yet_does_not_list_everybody(api: Api, ana: Ana) -> None:
    for name in ("tag_ns", "label_id", "segment_ns", "user_field_ns", "is_bot_interacted_in_last_24h"):
        answer = await api.get("/subscribers", **{name: "x"})

        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == [name]


async def test_what_is_wrong_with_a_filter_is_said(api: Api) -> None:
    for query, field, sentence in WRONG:
        answer = await api.get("/subscribers", **query)

        assert answer.status_code == 422
        assert answer.json() == {"message": sentence, "errors": {field: [sentence]}}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"limit": 0}, "limit", "The limit must be at least 1; it is 0."),
    ({"limit": 101}, "limit", "The limit must not be greater than 100; it is 101."),
    ({"limit": "ten"}, "limit", "The limit must be an integer; it is 'ten'."),
    ({"page": 1001}, "page", "The page must not be greater than 1000; it is 1001."),
    (
        {"is_channel": "fax"},
        "is_channel",
        f"The selected is channel is invalid: 'fax' is none of {', '.join(ADAPTERS)}.",
    ),
    (
        {"is_opt_in_sms": "maybe"},
        "is_opt_in_sms",
        "The selected is opt in sms is invalid: 'maybe' is none of no, yes.",
    ),
    ({"name": "a\0"}, "name", "The name must not contain the character U+0000."),
    ({"name": "x" * 201}, "name", "The name must not be greater than 200 characters; it has 201."),
]


async def test_a_type_of_channel_goes_by_either_name(api: Api, world: World) -> None:
    number = await add_channel(world, "whatsapp", NUMBER)
    await world.says("Hello", user_id="61400000000", channel=number)

    for asked in ("whatsapp_cloud", "whatsapp"):
        (found,) = (await api.get("/subscribers", is_channel=asked)).json()["data"]
        assert (found["user_id"], found["channel"]) == ("61400000000", "whatsapp_cloud")
    assert (await api.get("/subscribers", is_channel="facebook")).json()["data"] == []
