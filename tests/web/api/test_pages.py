"""The page to read and to try the API, and the document as it is served."""

from __future__ import annotations

import re

import msgspec

from relevo.testing.builders import World
from relevo.web.api import CALLS
from relevo.web.api.reference import groups, make_page
from relevo.web.app import create_app
from tests.web.api.validating import Told
from tests.web.exchanges import Client, client_of


async def test_the_document_is_served_without_a_token(client: Client, told: Told) -> None:
    answer = await client.get("/api/openapi.json")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == told.document


async def test_what_a_browser_has_is_not_sent_again(client: Client) -> None:
    for path in ("/api", "/api/openapi.json"):
        first = await client.get(path)
        again = await client.get(path, headers={"if-none-match": f'"x", {first.headers["etag"]}'})

        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        assert again.headers["etag"] == first.headers["etag"]


async def test_the_page_is_closed_to_everything_but_its_own_files(world: World) -> None:
    async with client_of(create_app(world.services())) as client:
        page = await client.get("/api")
        policy = page.headers["content-security-policy"]
        script = await client.get("/api/static/reference.js")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"


async def test_the_page_needs_nothing_from_elsewhere(client: Client) -> None:
    page = (await client.get("/api")).text
    loaded = re.findall(r'(?:src|href)="([^"#]+)"', page)

    assert loaded
    assert all(address.startswith("/api/") for address in loaded)
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", page)
    for address in loaded:
        assert (await client.get(address)).status_code == 200, address


async def test_a_file_is_addressed_by_what_is_in_it_and_kept(client: Client) -> None:
    page = (await client.get("/api")).text
    address = re.search(r"/api/static/reference\.css\?v=\w{12}", page)

    assert address is not None
    answer = await client.get(address[0])
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/css")


async def test_there_are_no_other_files(client: Client) -> None:
    for name in ("x", "reference.html", "..%2Freference.py", "%2e%2e%2freading.py"):
        answer = await client.get(f"/api/static/{name}")
        assert (answer.status_code, list(answer.json())) == (404, ["message"])


async def test_where_many_look_for_it_leads_to_it(client: Client) -> None:
    answer = await client.get("/api/docs")

    assert (answer.status_code, answer.headers["location"]) == (302, "/api")


def test_every_call_is_on_the_page_once(told: Told) -> None:
    page = make_page(told.document, script="s", style="c", icon="i").decode()

    calls = [operation for group in groups(told.document) for operation in group.operations]
    assert len(calls) == len(CALLS) == len({call.id for call in calls})
    for call in calls:
        assert page.count(f'id="{call.id}"') == 1
        assert f'data-method="{call.method}" data-path="{call.path}"' in page


def test_what_the_document_says_cannot_become_markup(told: Told) -> None:
    document = msgspec.json.decode(msgspec.json.encode(told.document))
    evil = "<script>alert(1)</script>"
    document["info"] = {"title": evil, "version": evil, "description": evil}
    operation = document["paths"]["/api/me"]["get"]
    operation |= {"summary": evil, "description": f"{evil} [x](javascript:alert(1))"}

    page = make_page(document, script="s", style="c", icon="i").decode()

    assert evil not in page
    assert 'href="javascript:' not in page


def test_types_are_told_in_words(told: Told) -> None:
    calls = {call.id: call for group in groups(told.document) for call in group.operations}

    def kind(call: str, name: str) -> str:
        fields = calls[call].parameters + calls[call].body + calls[call].headers
        return next(field.kind for field in fields if field.name == name)

    assert kind("listSubscribers", "limit") == "whole number from 1 to 100"
    assert kind("listSubscribers", "name") == "text, at most 200 characters"
    assert kind("listAgents", "role") == "admin or agent or member or owner"
    assert kind("pauseBot", "minutes") == "whole number from 0 to 525600"
    assert kind("listMessagesByMids", "mids") == "list, at most 100"
    assert kind("sendContent", "data") == "object"
    data = next(field for field in calls["sendContent"].body if field.name == "data")
    messages = next(field for field in data.fields if field.name == "messages")
    assert [name for name, _ in messages.variants] == ["text", "image", "video", "audio", "file", "cards"]
