"""What every request gets: an id, headers, one line in the log; and what nobody gets."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import structlog
from litestar import Response, get
from litestar.exceptions import HTTPException
from litestar.response import Stream
from structlog.testing import capture_logs

from relevo.metrics import REGISTRY
from relevo.testing.builders import PUBLIC_URL, World
from relevo.web.api import CALLS
from relevo.web.app import create_app
from relevo.web.compressing import accepts_gzip
from relevo.web.front_door import FrontDoor
from relevo.web.not_ours import NOT_OURS
from relevo.web.refusals import small_page
from relevo.web.security import AREAS, WITHOUT_API, area_of
from relevo.web.services import Edge, Services
from tests.web.exchanges import Client, Exchange, exchanging


@pytest.fixture
def database_kind() -> str:
    """All of this is the same on any database."""
    return "sqlite"


@get("/extra/long")
async def long_text() -> Response[str]:
    return Response("word " * 1000, media_type="text/plain")


@get("/extra/short")
async def short_text() -> Response[str]:
    return Response("word", media_type="text/plain")


@get("/extra/bytes")
async def long_bytes() -> Response[bytes]:
    return Response(bytes(5000), media_type="application/octet-stream")


@get("/extra/stream")
async def stream() -> Stream:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"word " * 1000
        yield b"word " * 1000

    return Stream(pieces(), media_type="text/plain")


@get("/extra/teapot")
async def teapot() -> Response[str]:
    raise HTTPException(status_code=503, detail="the secret plan")


@get("/extra/broken")
async def broken() -> Response[str]:
    raise RuntimeError("the secret plan")


EXTRA = [long_text, short_text, long_bytes, stream, teapot, broken]


def requests_counted(area: str, status: str) -> float:
    return REGISTRY.get_sample_value("relevo_http_requests_total", {"area": area, "status": status}) or 0


@pytest.fixture
def app(services: Services) -> FrontDoor:
    return create_app(services, extra_routes=EXTRA)


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """What is logged, at every level."""
    structlog.reset_defaults()
    with capture_logs() as captured:
        yield captured


# Paths


async def test_the_first_page_leads_to_the_console(client: Client) -> None:
    answer = await client.get("/")

    assert (answer.status_code, answer.headers["location"]) == (302, "/console")


@pytest.mark.parametrize("path", ["/api/nothing", "/web", "/web/nobody/nothing", "/hooks", "/hooks/x/y/z"])
async def test_machines_hear_in_json_that_there_is_nothing(client: Client, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


async def test_people_see_a_page_that_says_that_there_is_nothing(client: Client) -> None:
    answer = await client.get("/nothing/<b>here")

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "There is nothing here" in answer.text
    assert "<b>here" not in answer.text


async def test_a_method_that_a_path_does_not_take_is_refused(client: Client) -> None:
    assert (await client.delete("/healthz")).status_code == 405


@pytest.mark.parametrize("path", ["/extra/broken", "/extra/teapot"])
async def test_a_fault_of_ours_is_logged_whole_and_told_to_nobody(
    client: Client, lines: list[Any], path: str
) -> None:
    answer = await client.get(path)

    assert answer.status_code == 500
    assert "secret plan" not in answer.text
    (failed,) = [line for line in lines if line["event"] == "http.failed"]
    assert "secret plan" in str(failed["exc_info"])


# Headers


async def test_a_page_that_says_more_of_itself_says_it_once(client: Client) -> None:
    answer = await client.get("/nothing")

    (policy,) = answer.headers.get_list("content-security-policy")
    assert "style-src 'sha256-" in policy


def test_a_small_page_holds_no_markup_of_others() -> None:
    page = small_page("<script>", '"><script>alert(1)</script>')

    assert "<script" not in page


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/nothing", "/healthz", "/extra/short"])
async def test_every_answer_forbids_what_it_does_not_need(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers

    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


async def test_a_hook_answers_machines_without_what_only_pages_need(client: Client) -> None:
    headers = (await client.get("/hooks/a/b")).headers

    assert headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" not in headers
    assert "access-control-allow-origin" not in headers


async def test_only_the_console_has_forms_and_nobody_frames_it(client: Client) -> None:
    policy = (await client.get("/console/nothing")).headers["content-security-policy"]

    assert "frame-ancestors 'none'" in (await client.get("/console")).headers["content-security-policy"]
    assert "default-src 'none'" in policy


async def test_the_chat_page_may_be_framed_anywhere_and_runs_only_our_script(
    world: World, client: Client
) -> None:
    answer = await client.get(f"/chat/{world.company.web.key}")

    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert "frame-ancestors *" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "x-frame-options" not in answer.headers
    assert f'src="{PUBLIC_URL}/widget.js"' in answer.text
    assert f'data-channel="{world.company.web.key}"' in answer.text


async def test_a_chat_page_of_nobody_is_not_found(client: Client) -> None:
    assert (await client.get("/chat/nobody")).status_code == 404


def test_every_area_has_a_name_for_its_paths() -> None:
    assert {area_of(f"/{part}/x") for part in AREAS} == set(AREAS.values())
    assert area_of("/apis") == area_of("/") == area_of("/x/api") == "other"


def test_whatever_the_api_has_may_be_asked_for_without_its_name() -> None:
    ours = {path for handler in CALLS for path in handler.paths}
    theirs = {path for paths in NOT_OURS.values() for path in paths}

    assert {path.split("/")[1] for path in ours | theirs} == WITHOUT_API
    assert not WITHOUT_API & AREAS.keys()


@pytest.mark.parametrize("base", ["", "/api", "/api/api"])
async def test_the_base_url_of_a_client_has_the_name_of_the_api_or_not(
    world: World, client: Client, base: str
) -> None:
    headers = {"authorization": f"Bearer {await world.add_token()}"}
    me = await client.get(f"{base}/me", headers=headers)
    people = await client.get(f"{base}/subscribers", headers=headers, params={"limit": 5})
    shop = await client.get(f"{base}/shop/products", headers=headers)

    assert (me.status_code, me.json()["data"]["flow_ns"]) == (200, "f1001")
    assert people.json()["links"]["first"] == "https://relevo.example.com/api/subscribers?limit=5&page=1"
    assert (shop.status_code, "not part of Relevo" in shop.json()["message"]) == (404, True)
    assert (await client.get("/")).headers["location"] == "/console"


# Sites


async def test_the_widget_may_be_used_from_any_site(world: World, client: Client) -> None:
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    preflight = await client.options(f"/web/{world.company.web.key}/messages", headers=asked)
    refused = await client.get(f"/web/{world.company.web.key}/messages", headers=asked)

    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-headers"] == "authorization, content-type"
    assert preflight.headers["access-control-allow-methods"] == "GET, POST"
    assert "access-control-allow-credentials" not in preflight.headers
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "*")


async def test_the_script_is_served_with_a_name_for_its_version(client: Client) -> None:
    answer = await client.get("/widget.js")
    etag = answer.headers["etag"]
    again = await client.get("/widget.js", headers={"if-none-match": f'"x", {etag}'})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


# Ids and lines


async def test_a_request_keeps_the_id_that_it_came_with(client: Client) -> None:
    answer = await client.get("/healthz", headers={"x-request-id": "proxy-1"})

    assert answer.headers["x-request-id"] == "proxy-1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>"])
async def test_an_id_that_could_harm_a_log_is_replaced(client: Client, given: str) -> None:
    answer = await client.get("/healthz", headers={"x-request-id": given})

    assert len(answer.headers["x-request-id"]) == 24


async def test_a_request_is_one_line_with_its_ids_first(
    world: World, client: Client, lines: list[Any]
) -> None:
    session = await client.post(f"/web/{world.company.web.key}/session", json={})

    (line,) = [line for line in lines if line["event"] == "http.answered"]
    assert next(iter(line)) == "channel"
    assert line == {
        "event": "http.answered",
        "log_level": "info",
        "channel": world.company.web.id,
        "method": "POST",
        "path": f"/web/{world.company.web.key}/session",
        "status": 200,
        "took_ms": 0.0,
        "client": "127.0.0.1",
    }
    assert session.headers["x-request-id"]


async def test_no_line_holds_a_secret_or_what_somebody_said(
    world: World, client: Client, lines: list[Any]
) -> None:
    token = await world.add_token()
    bearer = {"authorization": f"Bearer {token}"}
    said = {"content": "my card is 4111", "sender": {"id": "u-1"}}
    await client.post(f"/hooks/apichat/{world.company.apichat.key}?secret=4222", json=said, headers=bearer)
    await client.post(f"/hooks/apichat/{world.company.apichat.key}/", json=said, headers=bearer)
    await client.get("/media/abcdefgh?s=4333")
    await client.get(f"/web/{world.company.web.key}/events?token=4444")
    await client.get("/nothing?password=4555")

    written = str(lines)
    assert len([line for line in lines if line["event"] == "http.answered"]) == 5
    for secret in ("4111", "4222", "4333", "4444", "4555", token, world.company.apichat.key, "abcdefgh"):
        assert secret not in written


async def test_the_successes_of_machines_are_logged_for_whoever_looks_for_them(
    world: World, client: Client, lines: list[Any]
) -> None:
    bearer = {"authorization": f"Bearer {await world.add_token()}"}
    hook = f"/hooks/apichat/{world.company.apichat.key}"
    await client.post(hook, json={"content": "hello", "sender": {"id": "u-1"}}, headers=bearer)
    await client.post(hook, json={"content": "hello"}, headers=bearer)

    levels = [(line["status"], line["log_level"]) for line in lines if line["event"] == "http.answered"]
    assert levels == [(200, "debug"), (400, "info")]


async def test_a_refusal_is_named_in_its_line(world: World, client: Client, lines: list[Any]) -> None:
    await client.post(f"/hooks/web/{world.company.web.key}", json={})

    (line,) = [line for line in lines if line["event"] == "http.answered"]
    assert (line["refused"], line["reason"]) == ("bad_signature", "the channel has no secret")


async def test_a_client_that_goes_before_its_answer_is_counted_all_the_same(
    world: World, app: FrontDoor, lines: list[Any]
) -> None:
    bearer = {"authorization": f"Bearer {await world.add_token()}"}
    hook = f"/hooks/apichat/{world.company.apichat.key}"
    async with exchanging(app, "POST", hook, headers=bearer, pieces=[b"{"], ends=False) as exchange:
        before = requests_counted("hooks", "0")
        exchange.leave()

    assert [line["status"] for line in lines if line["event"] == "http.answered"] == [0]
    assert requests_counted("hooks", "0") == before + 1


async def test_whoever_reads_an_answer_finds_it_counted(app: FrontDoor) -> None:
    counted: list[float] = []
    before = requests_counted("health", "200")
    exchange: Any = Exchange(app, "GET", "/healthz")

    async def read(_message: Any) -> None:
        counted.append(requests_counted("health", "200"))

    await app(exchange.scope, exchange.receive, read)
    assert counted == [before + 1, before + 1]  # at the headers already


# Addresses


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # not a proxy of ours: not believed
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.9, 198.51.100.1", "198.51.100.1"),  # what stands before may be made up
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        (None, "198.51.100.1", "unknown"),
    ],
)
async def test_the_client_is_seen_through_our_own_proxies_only(
    world: World, lines: list[Any], peer: str | None, forwarded: str, client: str
) -> None:
    edge = Edge(public_url=PUBLIC_URL, trusted_proxies=(ip_network("10.0.0.0/8"),))
    app = create_app(world.services(edge=edge))
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    address = (peer, 1) if peer else None
    async with exchanging(app, "GET", "/nothing", headers=headers, client=address) as exchange:
        await exchange.start()

    assert [line["client"] for line in lines if line["event"] == "http.answered"] == [client]


# Compression


async def test_long_texts_are_compressed_for_those_who_can_read_it(app: FrontDoor) -> None:
    async with exchanging(app, "GET", "/extra/long", headers={"accept-encoding": "br, gzip"}) as exchange:
        _, headers = await exchange.start()
        body = await exchange.body()

    assert gzip.decompress(body) == b"word " * 1000
    assert (headers["content-encoding"], headers["vary"]) == ("gzip", "accept-encoding")
    assert headers["content-length"] == str(len(body))


@pytest.mark.parametrize(
    ("path", "accepted"),
    [
        ("/extra/long", "br"),
        ("/extra/long", "gzip;q=0"),
        ("/extra/short", "gzip"),
        ("/extra/bytes", "gzip"),
        ("/extra/stream", "gzip"),
    ],
)
async def test_what_is_short_or_a_stream_or_no_text_or_not_wanted_so_is_sent_as_it_is(
    app: FrontDoor, path: str, accepted: str
) -> None:
    async with exchanging(app, "GET", path, headers={"accept-encoding": accepted}) as exchange:
        _, headers = await exchange.start()

    assert "content-encoding" not in headers


@pytest.mark.parametrize(
    ("accepted", "does"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("", False),
        ("*", False),
        ("gzip; q=0", False),
        ("gzip;q=0.0", False),
        ("x-gzip", False),
    ],
)
def test_who_takes_gzip(accepted: str, does: bool) -> None:
    assert accepts_gzip(accepted) == does
