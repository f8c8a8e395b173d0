from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from ipaddress import ip_address, ip_network
from itertools import cycle

import pytest

from relevo import __version__
from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.http_client.client import ANSWER_LIMIT, READ_LIMIT, Answer, HttpClient, Trace
from relevo.http_client.egress_guard import Address, EgressGuard
from relevo.testing.clock import FakeClock
from tests.http_client.loopback import Loopback, answer

SHORT = timedelta(milliseconds=150)
LONG = timedelta(seconds=20)
NOBODY = "127.0.0.9"


class Names:
    """The name service of these tests; what it says can be changed."""

    def __init__(self) -> None:
        self.known: Mapping[str, Sequence[str]] = {"desk.test": ["127.0.0.1"]}
        self.asked: list[str] = []
        self.was_asked = asyncio.Event()
        self.opened = asyncio.Event()
        self.opened.set()

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        self.was_asked.set()
        await self.opened.wait()
        if host not in self.known:
            raise OSError("Name or service not known")
        return [ip_address(text) for text in self.known[host]]


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def make_client(names: Names, clock: FakeClock, *allowed: str, **options: int) -> HttpClient:
    guard = EgressGuard([ip_network(network) for network in allowed or ("127.0.0.0/8",)], names)
    return HttpClient(guard, clock.monotonic, **options)  # type: ignore[arg-type]  # all of these are numbers


@pytest.fixture
async def http(names: Names, clock: FakeClock) -> AsyncIterator[HttpClient]:
    client = make_client(names, clock)
    yield client
    await client.close()


async def post(
    http: HttpClient,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"{}",
    timeout: timedelta = LONG,  # noqa: ASYNC109
) -> Answer | Unreachable | Forbidden:
    return await http.request("POST", url, headers or {}, body, timeout)


async def answered(http: HttpClient, url: str, headers: Mapping[str, str] | None = None) -> Answer:
    outcome = await post(http, url, headers)
    assert isinstance(outcome, Answer), outcome
    return outcome


async def _never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


# The request and its answer


async def test_a_request_goes_out_as_given_and_its_answer_comes_back(http: HttpClient) -> None:
    async with Loopback(answer(b'{"ok":1}', "Content-Type: application/json", status="201 Created")) as desk:
        outcome = await answered(http, f"{desk.url}?a=%20b", {"webhook-id": "msg_1", "X-Desk-Key": "ñ"})

    assert outcome == Answer(
        status_code=201,
        headers={"content-type": "application/json", "content-length": "8"},
        body=b'{"ok":1}',
        address="127.0.0.1",
        took=timedelta(),
    )
    head, body = desk.requests[0].decode().split("\r\n\r\n")
    first, *rest = head.split("\r\n")
    assert first == "POST /uchat?a=%20b HTTP/1.1"
    assert sorted(line.lower() for line in rest) == [
        "accept: */*",
        "content-length: 2",
        f"host: desk.test:{desk.port}",
        f"user-agent: relevo/{__version__}",
        "webhook-id: msg_1",
        "x-desk-key: ñ",
    ]
    assert body == "{}"


async def test_what_a_request_went_through_is_told_also_where_no_answer_came(
    http: HttpClient, names: Names
) -> None:
    answered, refused, unknown = Trace(), Trace(), Trace()
    async with Loopback(answer(b"ok")) as desk:
        await http.request("POST", f"{desk.url}/in", {}, b"{}", LONG, trace=answered)
        port = desk.url.rpartition(":")[2]
    names.known = {**names.known, "gone.test": [NOBODY]}
    await http.request("POST", f"http://gone.test:{port}", {}, b"{}", LONG, trace=refused)
    await http.request("POST", "http://nobody.test", {}, b"{}", LONG, trace=unknown)

    assert (answered.address, answered.looked_up, answered.answered) == (
        "127.0.0.1",
        timedelta(),
        timedelta(),
    )
    assert (refused.address, refused.looked_up, refused.answered) == ("", timedelta(), None)
    assert unknown == Trace()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_an_empty_body_says_that_it_is_empty(http: HttpClient, method: str) -> None:
    async with Loopback() as desk:
        await http.request(method, desk.url, {}, b"", LONG)

    assert b"\r\nContent-Length: 0\r\n" in desk.requests[0]


async def test_requests_to_one_place_share_a_connection(http: HttpClient) -> None:
    async with Loopback() as desk:
        for path in ("a", "b?c", "d"):
            await answered(http, f"{desk.url}/{path}")

    assert (len(desk.requests), desk.connections) == (3, 1)


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
async def test_no_redirect_is_followed(http: HttpClient, status: str) -> None:
    async with Loopback(answer(b"", "location: /elsewhere", status=status)) as desk:
        outcome = await answered(http, desk.url)

    assert (outcome.status_code, outcome.headers["location"]) == (int(status[:3]), "/elsewhere")
    assert len(desk.requests) == 1


async def test_no_proxy_of_the_environment_is_used(
    names: Names, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Loopback() as proxy, Loopback() as desk:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        http = make_client(names, clock)

        await answered(http, desk.url)
        await http.close()

    assert (proxy.connections, desk.connections) == (0, 1)


async def test_no_cookie_is_kept(http: HttpClient) -> None:
    async with Loopback(answer(b"", "set-cookie: a=1", "set-cookie: b=2")) as desk:
        first = await answered(http, desk.url)
        await answered(http, desk.url)

    assert first.headers["set-cookie"] == "a=1, b=2"
    assert b"ookie" not in desk.requests[1]


async def test_an_answer_is_not_decompressed(http: HttpClient) -> None:
    bomb = gzip.compress(b"\0" * 1_000_000)
    async with Loopback(answer(bomb, "content-encoding: gzip")) as desk:
        outcome = await answered(http, desk.url)

    assert outcome.body == bomb
    assert b"ccept-encoding" not in desk.requests[0].lower()


async def test_a_header_that_is_not_text_is_left_out(http: HttpClient) -> None:
    raw = b"HTTP/1.1 200 OK\r\nx-bad: \xff\xfe\r\nx-good: 1\r\ncontent-length: 0\r\n\r\n"
    async with Loopback(raw) as desk:
        outcome = await answered(http, desk.url)

    assert outcome.headers == {"x-good": "1", "content-length": "0"}


# What may not be sent


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"x-a": "secret\r\nX-B: c"}, "the value of x-a has a line break or another control character"),
        ({"x-a": "secret\nX-B: c"}, "the value of x-a has a line break or another control character"),
        ({"x-a": "secret\0"}, "the value of x-a has a line break or another control character"),
        ({"x-a": "secret\ud800"}, "the value of x-a has a line break or another control character"),
        ({"x a": "b"}, "'x a' is not a header name: letters, digits and - are"),
        ({"x-a\r\nx-b": "b"}, "'x-a\\r\\nx-b' is not a header name: letters, digits and - are"),
        ({"": "b"}, "'' is not a header name: letters, digits and - are"),
        ({"é": "b"}, "'é' is not a header name: letters, digits and - are"),
        ({"Host": "elsewhere"}, "Host is set by Relevo itself"),
        ({"content-length": "500"}, "content-length is set by Relevo itself"),
        ({"Transfer-Encoding": "chunked"}, "Transfer-Encoding is set by Relevo itself"),
        ({"x-good": "1", "Connection": "upgrade"}, "Connection is set by Relevo itself"),
    ],
)
async def test_a_header_that_would_change_the_request_is_refused(
    http: HttpClient, headers: dict[str, str], reason: str
) -> None:
    async with Loopback() as desk:
        outcome = await post(http, desk.url, headers)

    assert outcome == Forbidden(address="", reason=reason)
    assert desk.connections == 0


async def test_what_is_no_method_is_refused(http: HttpClient) -> None:
    async with Loopback() as desk:
        outcome = await http.request("GET / HTTP/1.1\r\nX-A: b", desk.url, {}, b"", LONG)

    assert isinstance(outcome, Forbidden)
    assert "is not an HTTP method" in outcome.reason
    assert desk.connections == 0


async def test_what_is_no_url_is_refused(http: HttpClient) -> None:
    assert await post(http, "ftp://desk.test/") == Forbidden(
        address="", reason="it begins with ftp:, not with https: or http:"
    )


async def test_to_a_forbidden_address_no_connection_is_made(names: Names, clock: FakeClock) -> None:
    http = make_client(names, clock, "10.0.0.0/8")
    async with Loopback() as desk:
        by_name = await post(http, desk.url)
        by_address = await post(http, f"http://127.0.0.1:{desk.port}/")

    assert by_name == by_address == Forbidden(address="127.0.0.1", reason="loopback")
    assert desk.connections == 0


# The checked address is the one connected to


@pytest.mark.parametrize(
    ("host", "looked_up"),
    [
        ("desk.test", "desk.test"),
        ("DESK.test", "desk.test"),
        ("desk.test.", "desk.test."),
        ("d%65sk.test", "desk.test"),
        ("desk。test", "desk.test"),
        ("de_sk.test", "de_sk.test"),
        ("bücher.test", "xn--bcher-kva.test"),
        ("①.test", "1.test"),
        ("-a-.test", "-a-.test"),
        ("*.test", "*.test"),
        ("a'b~c.test", "a'b~c.test"),
        ("a" * 63 + ".test", "a" * 63 + ".test"),
        ("localhost", "localhost"),
    ],
)
async def test_the_library_never_looks_up_a_name_itself(
    http: HttpClient, names: Names, host: str, looked_up: str
) -> None:
    # 127.0.0.2, which no real name service says: who gets there was sent by ours.
    names.known = {looked_up: ["127.0.0.2"]}
    async with Loopback(address="127.0.0.2") as desk:
        outcome = await answered(http, f"http://{host}:{desk.port}/")

    assert outcome.address == "127.0.0.2"
    assert names.asked == [looked_up]


@pytest.mark.parametrize("host", ["127.0.0.2", "127.2", "0x7f.0.0.2", "2130706434", "[::ffff:127.0.0.2]"])
async def test_an_address_in_the_url_is_connected_to(http: HttpClient, names: Names, host: str) -> None:
    async with Loopback(address="127.0.0.2") as desk:
        assert (await answered(http, f"http://{host}:{desk.port}/")).status_code == 200

    assert names.asked == []


async def test_a_name_that_turns_to_a_forbidden_address_is_never_connected_to(
    names: Names, clock: FakeClock
) -> None:
    http = make_client(names, clock, f"{NOBODY}/32")
    async with Loopback() as desk:
        names.known = {"desk.test": [NOBODY]}
        at_check = await post(http, desk.url)
        names.known = {"desk.test": ["127.0.0.1"]}
        kept = await post(http, desk.url)
        clock.advance(timedelta(seconds=30))
        later = await post(http, desk.url)

    assert (at_check, kept) == (Unreachable("refused"), Unreachable("refused"))
    assert later == Forbidden(address="127.0.0.1", reason="loopback")
    assert desk.connections == 0
    await http.close()


class Rebinding:
    """A name service whose every answer is another one, and is worth nothing a moment later."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = cycle(answers)

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        return [ip_address(text) for text in next(self.answers)]


INSIDE, OUTSIDE = "127.0.0.1", "127.0.0.2"


@pytest.mark.parametrize(
    "answers",
    [
        ([OUTSIDE], [INSIDE]),
        ([INSIDE], [OUTSIDE]),
        ([OUTSIDE, INSIDE], [OUTSIDE]),
        ([OUTSIDE], [INSIDE, OUTSIDE], ["::1"]),
        ([NOBODY, OUTSIDE], [NOBODY, INSIDE]),
    ],
)
async def test_however_a_name_turns_nothing_reaches_what_is_inside(
    clock: FakeClock, answers: Sequence[Sequence[str]]
) -> None:
    """With real servers on both addresses, of which one is allowed."""
    allowed = [ip_network(OUTSIDE), ip_network(NOBODY)]
    http = HttpClient(EgressGuard(allowed, Rebinding(*answers)), clock.monotonic)
    async with Loopback(address=OUTSIDE) as outside, Loopback(address=INSIDE, port=outside.port) as inside:
        outcomes = []
        for _ in range(12):
            outcomes.append(await post(http, f"http://rebind.test:{outside.port}/"))
            clock.advance(timedelta(seconds=31))
    await http.close()

    assert inside.connections == 0
    assert outside.requests
    for outcome in outcomes:
        match outcome:
            case Answer():
                assert outcome.address == OUTSIDE
            case Forbidden():
                assert outcome.address in (INSIDE, "::1")
            case _:
                raise AssertionError(outcome)
    assert {type(outcome) for outcome in outcomes} == {Answer, Forbidden}


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
async def test_a_redirect_to_what_is_inside_leads_nowhere(
    names: Names, clock: FakeClock, status: str
) -> None:
    names.known = {"desk.test": [OUTSIDE]}
    http = make_client(names, clock, f"{OUTSIDE}/32")
    async with Loopback(address=INSIDE) as inside:
        to = f"location: http://{INSIDE}:{inside.port}/secrets"
        async with Loopback(answer(b"", to, status=status), address=OUTSIDE) as desk:
            posted = await post(http, desk.url)
            fetched = await http.fetch(desk.url, 1000, LONG)

    assert isinstance(posted, Answer)
    assert isinstance(fetched, Answer)
    assert posted.status_code == fetched.status_code == int(status[:3])
    assert inside.connections == 0
    await http.close()


async def test_one_forbidden_address_among_good_ones_forbids_the_name(names: Names, clock: FakeClock) -> None:
    names.known = {"desk.test": ["127.0.0.1", "10.0.0.1"]}
    http = make_client(names, clock, "127.0.0.0/8")
    async with Loopback() as desk:
        assert await post(http, desk.url) == Forbidden(address="10.0.0.1", reason="private")

    assert desk.connections == 0


async def test_when_the_address_changes_so_does_the_connection(
    http: HttpClient, names: Names, clock: FakeClock
) -> None:
    async with Loopback() as old, Loopback(address="127.0.0.2", port=old.port) as new:
        await answered(http, old.url)
        names.known = {"desk.test": ["127.0.0.2"]}
        clock.advance(timedelta(seconds=29))
        await answered(http, old.url)
        clock.advance(timedelta(seconds=1))
        outcome = await answered(http, old.url)

    assert outcome.address == "127.0.0.2"
    assert (len(old.requests), len(new.requests)) == (2, 1)


async def test_when_the_address_stays_so_does_the_connection(
    http: HttpClient, names: Names, clock: FakeClock
) -> None:
    async with Loopback() as desk:
        await answered(http, desk.url)
        names.known = {"desk.test": [NOBODY, "127.0.0.1"]}
        clock.advance(timedelta(seconds=30))
        await answered(http, desk.url)

    assert (len(names.asked), desk.connections) == (2, 1)


# Looking names up


async def test_many_requests_share_one_look_up(http: HttpClient, names: Names) -> None:
    names.opened.clear()
    async with Loopback() as desk, asyncio.TaskGroup() as tasks:
        requests = [tasks.create_task(answered(http, f"{desk.url}/{number}")) for number in range(20)]
        await names.was_asked.wait()
        requests[0].cancel()  # whoever began it may leave
        names.opened.set()

    assert names.asked == ["desk.test"]
    assert len(desk.requests) == 19


async def test_an_unknown_name_is_unreachable_and_asked_for_again_later(
    http: HttpClient, names: Names, clock: FakeClock
) -> None:
    async with Loopback() as desk:
        names.known = {}
        outcomes = [await post(http, desk.url), await post(http, desk.url)]
        names.known = {"desk.test": ["127.0.0.1"]}
        clock.advance(timedelta(seconds=5))
        await answered(http, desk.url)

    assert outcomes == [Unreachable("dns"), Unreachable("dns")]
    assert names.asked == ["desk.test", "desk.test"]


async def test_a_name_service_that_does_not_answer_is_not_waited_for(http: HttpClient, names: Names) -> None:
    names.opened.clear()
    async with Loopback() as desk:
        outcome = await post(http, desk.url, timeout=SHORT)
        names.opened.set()

    assert outcome == Unreachable("dns")
    assert desk.connections == 0


async def test_looking_up_is_part_of_the_time_taken(http: HttpClient, names: Names, clock: FakeClock) -> None:
    names.opened.clear()
    async with Loopback() as desk, asyncio.TaskGroup() as tasks:
        request = tasks.create_task(answered(http, desk.url))
        await names.was_asked.wait()
        clock.advance(timedelta(seconds=3))
        names.opened.set()

    assert request.result().took == timedelta(seconds=3)


async def test_a_look_up_that_took_all_the_time_leaves_none_for_the_request(
    http: HttpClient, names: Names, clock: FakeClock
) -> None:
    names.opened.clear()
    async with Loopback() as desk, asyncio.TaskGroup() as tasks:
        request = tasks.create_task(post(http, desk.url, timeout=LONG))
        await names.was_asked.wait()
        clock.advance(LONG)
        names.opened.set()

    assert request.result() == Unreachable("timeout")
    assert desk.connections == 0


async def test_the_origins_not_used_for_longest_are_forgotten(names: Names, clock: FakeClock) -> None:
    names.known = {f"{letter}.test": ["127.0.0.1"] for letter in "abc"}
    http = make_client(names, clock, origins=2)
    async with Loopback() as desk:
        for letter in "abacab":
            await answered(http, f"http://{letter}.test:{desk.port}/")

    assert [name[0] for name in names.asked] == ["a", "b", "c", "b"]
    await http.close()


# Several addresses


async def test_the_next_address_is_tried_when_no_connection_comes_about(
    http: HttpClient, names: Names
) -> None:
    names.known = {"desk.test": [NOBODY, "127.0.0.8", "127.0.0.1"]}
    async with Loopback() as desk:
        first = await answered(http, desk.url)
        second = await answered(http, desk.url)

    assert (first.address, second.address) == ("127.0.0.1", "127.0.0.1")
    assert (len(desk.requests), desk.connections) == (2, 1)


async def test_the_address_that_worked_is_tried_first_from_then_on(http: HttpClient, names: Names) -> None:
    names.known = {"desk.test": [NOBODY, "127.0.0.1"]}
    async with Loopback() as desk:
        await answered(http, desk.url)
        async with Loopback(address=NOBODY, port=desk.port) as awakened:
            await answered(http, desk.url)

    assert (len(desk.requests), awakened.connections) == (2, 0)


async def test_once_something_was_sent_no_other_address_is_tried(http: HttpClient, names: Names) -> None:
    names.known = {"desk.test": ["127.0.0.1", "127.0.0.2"]}

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pass

    async with Loopback(hang_up) as desk, Loopback(address="127.0.0.2", port=desk.port) as other:
        outcome = await post(http, desk.url)

    assert outcome == Unreachable("broken")
    assert (len(desk.requests), other.connections) == (1, 0)


async def test_at_most_three_addresses_are_tried(http: HttpClient, names: Names) -> None:
    names.known = {"desk.test": ["127.0.0.7", "127.0.0.8", NOBODY, "127.0.0.1"]}
    async with Loopback() as desk:
        assert await post(http, desk.url) == Unreachable("refused")
        assert isinstance(await post(http, desk.url), Answer)  # the three are now the last


# What goes wrong


async def test_a_refused_connection(http: HttpClient) -> None:
    async with Loopback() as desk:
        pass

    assert await post(http, desk.url) == Unreachable("refused")


async def test_a_server_that_does_not_take_the_connection(names: Names, clock: FakeClock) -> None:
    guard = EgressGuard([ip_network("127.0.0.0/8")], names)
    http = HttpClient(guard, clock.monotonic, connect_timeout=SHORT)
    with ExitStack() as sockets:
        full = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())

        assert await post(http, f"http://desk.test:{full.getsockname()[1]}/") == Unreachable(
            "connect_timeout"
        )


async def test_a_server_that_does_not_answer_in_time(http: HttpClient) -> None:
    async with Loopback(_never) as desk:
        assert await post(http, desk.url, timeout=SHORT) == Unreachable("timeout")


async def test_a_server_that_does_not_end_its_answer_in_time(http: HttpClient) -> None:
    async def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n.")
        await asyncio.Event().wait()

    async with Loopback(start) as desk:
        assert await post(http, desk.url, timeout=SHORT) == Unreachable("timeout")


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf of it",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhal",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nx-a: " + b"b" * 1_000_000 + b"\r\n\r\n",
    ],
)
async def test_a_server_that_breaks_off_or_talks_nonsense(http: HttpClient, bytes_sent: bytes) -> None:
    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes_sent)
        await writer.drain()

    async with Loopback(send) as desk:
        assert await post(http, desk.url) == Unreachable("broken")


async def test_a_caller_who_gives_up_is_free_at_once(http: HttpClient) -> None:
    async with Loopback(_never) as desk:
        request = asyncio.create_task(post(http, desk.url))
        await desk.arrived.wait()
        request.cancel()
        await asyncio.wait([request])

    assert request.cancelled()


async def test_closing_ends_the_requests_under_way(names: Names, clock: FakeClock) -> None:
    http = make_client(names, clock)
    async with Loopback(_never) as desk, asyncio.TaskGroup() as tasks:
        request = tasks.create_task(post(http, desk.url))
        await desk.arrived.wait()
        await http.close()

    assert request.result() == Unreachable("broken")


async def test_so_many_requests_are_under_way_and_the_others_wait(names: Names, clock: FakeClock) -> None:
    http = make_client(names, clock, connections=2)
    under_way: list[int] = []
    go_on = asyncio.Event()

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way.append(len(desk.requests))
        if len(under_way) == 2:
            go_on.set()
        await go_on.wait()
        writer.write(answer(b"", "connection: close"))
        await writer.drain()

    async with Loopback(count) as desk, asyncio.TaskGroup() as tasks:
        for _ in range(6):
            tasks.create_task(answered(http, desk.url))
        await go_on.wait()
        assert len(desk.requests) == 2

    assert len(desk.requests) == 6
    await http.close()


# How much is read


@pytest.mark.parametrize(
    ("length", "kept", "is_whole"),
    [
        (0, 0, True),
        (ANSWER_LIMIT, ANSWER_LIMIT, True),
        (ANSWER_LIMIT + 1, ANSWER_LIMIT, False),
        (READ_LIMIT, ANSWER_LIMIT, False),
    ],
)
async def test_an_answer_is_cut_and_its_connection_serves_again(
    http: HttpClient, length: int, kept: int, is_whole: bool
) -> None:
    async with Loopback(answer(b"a" * length)) as desk:
        outcome = await answered(http, desk.url)
        await answered(http, desk.url)

    assert (len(outcome.body), outcome.is_whole) == (kept, is_whole)
    assert desk.connections == 1


async def test_an_answer_within_the_read_limit_is_waited_for_to_its_end(http: HttpClient) -> None:
    async def stop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % READ_LIMIT)
        writer.write(b"a" * (READ_LIMIT - 1))
        await asyncio.Event().wait()

    async with Loopback(stop) as desk:
        assert await post(http, desk.url, timeout=SHORT) == Unreachable("timeout")


async def test_an_answer_without_end_is_read_to_the_limit_and_hung_up_on(http: HttpClient) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"2000\r\n" + b"a" * 0x2000 + b"\r\n")
            await writer.drain()

    async with Loopback(flood) as desk:
        outcome = await answered(http, desk.url)
        await desk.gone.wait()

    assert (outcome.status_code, len(outcome.body), outcome.is_whole) == (200, ANSWER_LIMIT, False)


async def test_an_announced_terabyte_takes_no_memory(http: HttpClient) -> None:
    async def boast(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9000000000000000\r\n\r\n" + b"a" * READ_LIMIT)
        await asyncio.Event().wait()

    async with Loopback(boast) as desk:
        outcome = await answered(http, desk.url)

    assert (len(outcome.body), outcome.is_whole) == (ANSWER_LIMIT, False)


async def test_a_caller_may_keep_more(http: HttpClient) -> None:
    async with Loopback(answer(b"a" * 300_000)) as desk:
        outcome = await http.request("GET", desk.url, {}, b"", LONG, answer_limit=300_000)

    assert isinstance(outcome, Answer)
    assert (len(outcome.body), outcome.is_whole) == (300_000, True)


# Files


async def test_a_file_is_fetched_whole(http: HttpClient) -> None:
    picture = bytes(range(256)) * 2000
    async with Loopback(answer(picture, "content-type: image/png")) as desk:
        outcome = await http.fetch(desk.url, len(picture), LONG, {"Authorization": "Bearer t"})

    assert isinstance(outcome, Answer)
    assert outcome.body == picture
    assert outcome.headers["content-type"] == "image/png"
    assert desk.requests[0].startswith(b"GET /uchat HTTP/1.1\r\nAuthorization: Bearer t\r\n")


async def test_a_file_announced_as_too_large_is_not_waited_for(http: HttpClient) -> None:
    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + b"a" * READ_LIMIT)
        await asyncio.Event().wait()

    async with Loopback(begin) as desk:
        assert await http.fetch(desk.url, 100_000, LONG) == Unreachable("too_large")


@pytest.mark.parametrize(("length", "is_too_large"), [(100_000, False), (100_001, True)])
async def test_a_file_of_unannounced_size_is_read_up_to_the_limit(
    http: HttpClient, length: int, is_too_large: bool
) -> None:
    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * length)
        await writer.drain()

    async with Loopback(stream) as desk:
        outcome = await http.fetch(desk.url, 100_000, LONG)

    assert (outcome == Unreachable("too_large")) is is_too_large


async def test_a_file_that_is_not_there_is_an_answer(http: HttpClient) -> None:
    async with Loopback(answer(b"no", status="404 Not Found")) as desk:
        outcome = await http.fetch(desk.url, 100, LONG)

    assert isinstance(outcome, Answer)
    assert outcome.status_code == 404
