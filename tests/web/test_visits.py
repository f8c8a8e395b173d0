"""The web chat's calls: a visitor is known again, says things once, and uploads files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relevo.domain.errors import Unavailable
from relevo.domain.events import AgentReplied, ByConversation, NoteWritten, SubscriberChanged
from relevo.domain.flows.runs import SetField
from relevo.domain.ids import ConversationId
from relevo.domain.messages import Interactive, Location, Media, MessageStatus, MessageType, Text
from relevo.store import conversations
from relevo.store.database import Database
from relevo.testing.builders import World, make_engine
from relevo.web.app import create_app
from relevo.web.front_door import FrontDoor
from relevo.web.services import Edge, Services
from tests.web.exchanges import Client, client_of, exchanging

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
def base(world: World) -> str:
    return f"/web/{world.company.web.key}"


@pytest.fixture
async def bearer(client: Client, base: str) -> dict[str, str]:
    """A new visitor's token."""
    return {"authorization": f"Bearer {(await client.post(f'{base}/session', json={})).json()['token']}"}


@pytest.fixture
async def opened(client: Client, base: str, bearer: dict[str, str]) -> dict[str, str]:
    """The token of a visitor who has opened the chat: the bot has greeted them."""
    await client.post(f"{base}/open", json={}, headers=bearer)
    return bearer


async def only_conversation(world: World) -> ConversationId | None:
    """The visitor's, if they have one."""
    async with world.database.read() as connection:
        found = await conversations.find(connection, ConversationId(1))
    return found.id if found else None


async def listed(client: Client, base: str, bearer: dict[str, str], after: int = 0) -> list[dict[str, Any]]:
    answer = await client.get(f"{base}/messages?after={after}", headers=bearer)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["messages"]
    return found


# Sessions


async def test_a_new_visitor_gets_a_token_and_no_conversation(
    world: World, client: Client, base: str
) -> None:
    answer = await client.post(f"{base}/session", json={})

    session = answer.json()
    assert answer.status_code == 200
    assert (session["user_ns"], session["after"]) == ("", 0)
    assert session["upload_limit"] == 25_000_000
    assert session["capabilities"]["events"] is True
    assert await only_conversation(world) is None


async def test_a_visitor_who_comes_back_is_the_same_one(
    world: World, client: Client, base: str, opened: dict[str, str]
) -> None:
    world.clock.advance(timedelta(days=300))
    token = opened["authorization"].removeprefix("Bearer ")
    session = (await client.post(f"{base}/session", json={"token": token})).json()

    assert session["user_ns"] == f"f{world.company.flow.id}u{await only_conversation(world)}"
    assert session["token"] != token
    again = {"authorization": f"Bearer {session['token']}"}
    assert len(await listed(client, base, again)) == 1


@pytest.mark.parametrize("token", ["", "nonsense", "v1.visitor-1.1893499200." + "x" * 43])
async def test_a_token_of_nobody_is_answered_with_a_new_visitor_s(
    client: Client, base: str, token: str
) -> None:
    session = (await client.post(f"{base}/session", json={"token": token})).json()

    assert session["user_ns"] == ""
    bearer = {"authorization": f"Bearer {session['token']}"}
    assert await listed(client, base, bearer) == []


async def test_what_a_site_says_of_a_visitor_it_knows_is_remembered(
    world: World, client: Client, base: str, opened: dict[str, str]
) -> None:
    token = opened["authorization"].removeprefix("Bearer ")
    profile = {"name": "Ana Diaz", "email": "ana@example.com", "locale": "es-AR"}
    await client.post(f"{base}/session", json={"token": token, "profile": profile})

    told = (await world.conversation(ConversationId(1))).subscriber.profile
    assert (told.name, told.email, told.language) == ("Ana Diaz", "ana@example.com", "es")


async def test_a_visitor_who_comes_back_keeps_the_language_that_was_found_out(
    world: World, client: Client, base: str, opened: dict[str, str]
) -> None:
    spoken = SetField("language", "de")
    await world.engine.submit(SubscriberChanged(to=ByConversation(ConversationId(1)), acts=(spoken,)))

    token = opened["authorization"].removeprefix("Bearer ")
    profile = {"locale": "en-US"}
    await client.post(f"{base}/session", json={"token": token, "profile": profile})
    await client.post(f"{base}/open", json={"profile": profile}, headers=opened)

    told = (await world.conversation(ConversationId(1))).subscriber.profile
    assert (told.language, told.locale) == ("de", "en_US")


async def test_what_a_site_says_of_a_new_visitor_is_known_to_the_greeting(
    client: Client, base: str, bearer: dict[str, str]
) -> None:
    await client.post(f"{base}/open", json={"profile": {"name": "Ana Diaz"}}, headers=bearer)

    (greeting,) = await listed(client, base, bearer)
    assert greeting["content"]["text"].startswith("Hello Ana.")


async def test_another_channel_s_visitor_is_nobody_here(
    world: World, client: Client, bearer: dict[str, str]
) -> None:
    other = await world.add_company("Other")

    answer = await client.get(f"/web/{other.web.key}/messages", headers=bearer)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("POST", "open"),
        ("POST", "messages"),
        ("POST", "uploads"),
        ("POST", "typing"),
        ("POST", "receipts"),
        ("GET", "messages"),
        ("GET", "events"),
    ],
)
async def test_nothing_is_answered_without_a_token(
    world: World, client: Client, base: str, method: str, call: str
) -> None:
    for headers in ({}, {"authorization": "Bearer nobody's"}):
        answer = await client.request(method, f"{base}/{call}", headers=headers)
        assert (answer.status_code, answer.json()["message"]) == (401, "Unauthenticated.")

    assert await only_conversation(world) is None


async def test_a_chat_that_does_not_exist_is_not_found(client: Client, world: World) -> None:
    for key in ("nobody", world.company.apichat.key):
        answer = await client.post(f"/web/{key}/session", json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# Saying


async def test_opening_the_chat_greets_once(client: Client, base: str, opened: dict[str, str]) -> None:
    await client.post(f"{base}/open", json={}, headers=opened)

    (greeting,) = await listed(client, base, opened)
    assert (greeting["seq"], greeting["type"], greeting["username"]) == (1, "out", "Bot")
    assert greeting["content"]["kind"] == "text"


async def test_a_message_is_answered_with_its_seq_once_it_is_stored(
    client: Client, base: str, opened: dict[str, str]
) -> None:
    said = {"id": "w_0000001", "text": "Is it in stock?"}
    answer = await client.post(f"{base}/messages", json=said, headers=opened)
    again = await client.post(f"{base}/messages", json=said, headers=opened)

    assert (answer.status_code, answer.json()) == (200, {"seq": 2, "duplicate": False, "ok": True})
    assert again.json() == {"seq": 2, "duplicate": True, "ok": True}
    mine = [message for message in await listed(client, base, opened) if message["type"] == "in"]
    assert [(message["mid"], message["content"]["text"]) for message in mine] == [
        ("w_0000001", "Is it in stock?")
    ]


LATER = """\
version: 1
flow: later
start: welcome
subflows:
  welcome:
    - wait: 30s
    - send: "Are you still there?"
"""


async def test_the_seq_is_that_of_the_visitor_s_own_message_and_not_of_what_the_bot_says_before(
    database: Database,
) -> None:
    async with make_engine(database, flow=LATER) as world, client_of(create_app(world.services())) as client:
        base = f"/web/{world.company.web.key}"
        token = (await client.post(f"{base}/session", json={})).json()["token"]
        bearer = {"authorization": f"Bearer {token}"}
        await client.post(f"{base}/open", json={}, headers=bearer)
        world.clock.advance(timedelta(seconds=30))  # and no timer has noticed

        said = {"id": "w_0000001", "text": "yes"}
        answer = await client.post(f"{base}/messages", json=said, headers=bearer)

        assert [one["type"] for one in await listed(client, base, bearer)] == ["out", "in"]
        assert answer.json()["seq"] == 2


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ({"press": {"id": "b1", "title": "Yes"}}, Interactive("Yes", "b1")),
        ({"location": {"latitude": 1.5, "longitude": -2.5}}, Location(1.5, -2.5)),
        ({"text": "hello"}, Text("hello")),
    ],
)
async def test_presses_and_places_are_said_as_well(
    world: World, client: Client, base: str, bearer: dict[str, str], part: dict[str, Any], content: object
) -> None:
    await client.post(f"{base}/messages", json={"id": "w_0000001", **part}, headers=bearer)

    assert (await world.messages(ConversationId(1)))[0].content == content


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "w_0000001"},
        {"id": "w_0000001", "text": ""},
        {"id": "w_0000001", "text": "a", "press": {"title": "b"}},
        {"id": "short", "text": "a"},
        {"id": "w_0000001", "text": 5},
        {"id": "w_0000001", "upload": {"media_id": "nobody's"}},
    ],
)
async def test_what_is_not_a_message_is_refused_and_nothing_stored(
    world: World, client: Client, base: str, bearer: dict[str, str], body: dict[str, Any]
) -> None:
    answer = await client.post(f"{base}/messages", json=body, headers=bearer)

    assert (answer.status_code, answer.json()["code"]) == (400, "foreign_payload")
    assert await only_conversation(world) is None


async def test_typing_and_receipts_before_the_first_word_begin_no_conversation(
    world: World, client: Client, base: str, bearer: dict[str, str]
) -> None:
    read = {"status": "read", "up_to_seq": 3}
    assert (await client.post(f"{base}/typing", json={}, headers=bearer)).status_code == 200
    assert (await client.post(f"{base}/receipts", json=read, headers=bearer)).status_code == 200

    assert await only_conversation(world) is None


async def test_what_the_visitor_has_read_is_read(
    world: World, client: Client, base: str, opened: dict[str, str]
) -> None:
    await client.post(f"{base}/receipts", json={"status": "read", "up_to_seq": 1}, headers=opened)

    assert (await world.messages(ConversationId(1)))[0].status is MessageStatus.READ


async def test_a_body_over_the_limit_is_refused(world: World, base: str) -> None:
    app = create_app(world.services(edge=Edge(public_url="https://relevo.example.com", max_body=100)))
    async with client_of(app) as client:
        answer = await client.post(f"{base}/session", json={"token": "x" * 200})

    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


# Uploads


async def test_an_uploaded_file_is_kept_and_said(
    world: World, services: Services, client: Client, base: str, bearer: dict[str, str]
) -> None:
    headers = bearer | {"content-type": "text/html"}  # not believed
    answer = await client.post(f"{base}/uploads?name=a/b/cat.png", content=PNG, headers=headers)

    uploaded = answer.json()
    assert (uploaded["type"], uploaded["mime_type"], uploaded["size"]) == ("image", "image/png", len(PNG))
    said = {"id": "w_0000001", "upload": {"media_id": uploaded["media_id"]}, "caption": "My cat"}
    await client.post(f"{base}/messages", json=said, headers=bearer)

    content = (await world.messages(ConversationId(1)))[0].content
    assert content == Media(
        type="image",
        url=uploaded["url"],
        mime_type="image/png",
        size=len(PNG),
        title="cat.png",
        caption="My cat",
        media_id=uploaded["media_id"],
    )
    assert (await client.get(uploaded["url"])).content == PNG
    assert kept(services.media_folder) == [uploaded["media_id"]]


async def test_nobody_says_what_another_has_uploaded(
    world: World, client: Client, base: str, bearer: dict[str, str]
) -> None:
    uploaded = (await client.post(f"{base}/uploads", content=PNG, headers=bearer)).json()
    token = (await client.post(f"{base}/session", json={})).json()["token"]

    said = {"id": "w_0000001", "upload": {"media_id": uploaded["media_id"]}}
    answer = await client.post(f"{base}/messages", json=said, headers={"authorization": f"Bearer {token}"})

    assert answer.status_code == 400
    assert await only_conversation(world) is None


@pytest.mark.parametrize("says_so", [True, False])
async def test_an_upload_over_the_limit_is_refused_before_it_is_read_whole(
    world: World, base: str, tmp_path: Path, says_so: bool
) -> None:
    edge = Edge(public_url="https://relevo.example.com", max_upload=10_000)
    services = world.services(edge=edge, media_folder=tmp_path / "media")
    app = create_app(services)
    async with client_of(app) as client:
        token = (await client.post(f"{base}/session", json={})).json()["token"]
    headers = {"authorization": f"Bearer {token}"} | ({"content-length": "20000"} if says_so else {})
    pieces = [bytes(1000)] * 20

    async with exchanging(app, "POST", f"{base}/uploads", headers=headers, pieces=pieces) as exchange:
        status, said = await exchange.start()

        assert (status, said["connection"]) == (413, "close")
        assert exchange.taken == (0 if says_so else 11)
    assert kept(services.media_folder) == []


async def test_an_upload_may_be_larger_than_other_bodies(
    world: World, client: Client, base: str, bearer: dict[str, str]
) -> None:
    answer = await client.post(f"{base}/uploads", content=bytes(2_000_000), headers=bearer)

    assert (answer.status_code, answer.json()["type"]) == (200, "file")


async def test_an_upload_that_breaks_off_leaves_nothing(
    app: FrontDoor, services: Services, base: str, bearer: dict[str, str]
) -> None:
    pieces = [bytes(1000)]
    async with exchanging(
        app, "POST", f"{base}/uploads", headers=bearer, pieces=pieces, ends=False
    ) as exchange:
        exchange.leave()

    assert kept(services.media_folder) == []


async def test_a_drawing_that_is_a_program_is_a_file(
    client: Client, base: str, bearer: dict[str, str]
) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    uploaded = (await client.post(f"{base}/uploads", content=svg, headers=bearer)).json()

    assert uploaded["type"] == "file"
    shown = await client.get(uploaded["url"])
    assert shown.headers["content-disposition"].startswith("attachment")


def kept(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


# Fetching


async def test_messages_come_in_order_after_a_seq_and_notes_are_passed_over(
    world: World, client: Client, base: str, opened: dict[str, str]
) -> None:
    to = ByConversation(ConversationId(1))
    await world.submit(NoteWritten(to=to, text="a difficult one"))
    await world.submit(AgentReplied(to=to, contents=(Text("Hi"), Text("there"))))
    await world.submit(NoteWritten(to=to, text="done"))

    answer = (await client.get(f"{base}/messages?after=1", headers=opened)).json()

    assert [message["content"]["text"] for message in answer["messages"]] == ["Hi", "there"]
    assert answer["next"] == 5
    assert (await client.get(f"{base}/messages?after=5", headers=opened)).json() == {
        "messages": [],
        "next": 5,
    }


async def test_a_long_conversation_comes_in_pages_without_a_gap(
    world: World, client: Client, base: str, opened: dict[str, str]
) -> None:
    to = ByConversation(ConversationId(1))
    await world.submit(AgentReplied(to=to, contents=tuple(Text(f"{n}") for n in range(250))))

    seqs, after = [], 0
    while page := (await client.get(f"{base}/messages?after={after}", headers=opened)).json():
        seqs += [message["seq"] for message in page["messages"]]
        if page["next"] == after:
            break
        after = page["next"]

    assert seqs == list(range(1, 252))


@pytest.mark.parametrize("query", ["after=-1", "after=x", "wait=-1", "after=99999999999999999999"])
async def test_a_query_that_makes_no_sense_is_refused(
    client: Client, base: str, bearer: dict[str, str], query: str
) -> None:
    assert (await client.get(f"{base}/messages?{query}", headers=bearer)).status_code == 400


# Limits


async def test_a_visitor_who_says_too_much_is_told_when_to_go_on(
    world: World, client: Client, base: str, bearer: dict[str, str]
) -> None:
    statuses = [(await client.post(f"{base}/typing", json={}, headers=bearer)).status_code for _ in range(70)]
    assert statuses == [200] * 60 + [429] * 10

    answer = await client.post(f"{base}/typing", json={}, headers=bearer)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    world.clock.advance(timedelta(seconds=1))
    assert (await client.post(f"{base}/typing", json={}, headers=bearer)).status_code == 200


async def test_an_address_begins_so_many_sessions_and_no_more(client: Client, base: str) -> None:
    statuses = [(await client.post(f"{base}/session", json={})).status_code for _ in range(65)]

    assert statuses == [200] * 60 + [429] * 5


# When Relevo cannot


async def test_what_cannot_be_stored_is_to_be_sent_again(
    world: World, services: Services, base: str, bearer: dict[str, str]
) -> None:
    class Full:
        waiting = 0

        async def submit(self, event: object) -> Any:
            raise Unavailable(cause="disk full")

    engine: Any = Full()
    async with client_of(create_app(msgspec.structs.replace(services, engine=engine))) as client:
        said = {"id": "w_0000001", "text": "hello"}
        answer = await client.post(f"{base}/messages", json=said, headers=bearer)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert await only_conversation(world) is None


async def test_a_disk_that_is_full_takes_no_upload(
    world: World, base: str, bearer: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "not-a-folder").write_text("")
    app = create_app(world.services(media_folder=tmp_path / "not-a-folder"))
    async with client_of(app) as client:
        answer = await client.post(f"{base}/uploads", content=PNG, headers=bearer)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_every_message_that_was_said_is_from_the_visitor(
    world: World, client: Client, base: str, bearer: dict[str, str]
) -> None:
    await client.post(f"{base}/messages", json={"id": "w_0000001", "text": "hello"}, headers=bearer)

    stored = await world.messages(ConversationId(1))
    assert stored[0].type is MessageType.IN
