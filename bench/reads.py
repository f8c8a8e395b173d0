"""What the API's reads take when the database has a long life behind it, against a young one.

python -m bench.reads --subscribers 1000000 --messages 10000000
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import msgspec
import uvloop

from bench.load import Load
from bench.processes import Server, receiver, relevo
from bench.stock import MESSAGES_EACH, age, occupy

DAY = 24 * 3600

Questions = dict[str, tuple[str, Mapping[str, Any]]]


class Timed(msgspec.Struct, frozen=True):
    """Milliseconds of one question."""

    middle: float
    worst: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.reads", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    sizes = {"young": 1000, "aged": given.subscribers}
    with receiver() as url, contextlib.ExitStack() as stack:
        asked = {}
        for name, subscribers in sizes.items():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            messages = given.messages if name == "aged" else subscribers * MESSAGES_EACH
            stocked(name, url, folder, subscribers=subscribers, messages=messages)
            server = stack.enter_context(relevo(name, url, folder))
            asked[name] = ask_everything(server, subscribers, given.rounds)
    _print(asked)


def stocked(name: str, receiver_url: str, folder: Path, *, subscribers: int, messages: int) -> None:
    """Set a server up, have one of each kind happen, end it, and multiply that."""
    with relevo(name, receiver_url, folder) as server:
        uvloop.run(_first_steps(server, name))
        _have_one_of_each(server)
        time.sleep(1)  # until the last delivery is done
    (file,) = (folder / "data").glob("*.db")
    began = time.monotonic()
    age(file, subscribers=subscribers, messages=messages)
    occupy(file, each=subscribers)
    size, took = file.stat().st_size / 1e9, time.monotonic() - began
    print(f"{name}: {subscribers:,} subscribers, {messages:,} messages: {size:.1f} GB in {took:.0f} s")


async def _first_steps(server: Server, name: str) -> None:
    load = Load(server.target, users=1, connections=1, prefix=f"{name}-first")
    await load.connect()
    for _ in range(2):
        await load.each_once(in_flight=1)


def _have_one_of_each(server: Server) -> None:
    """A custom event, a closed conversation, and a step that is not there, which is a problem."""
    (person,) = _ask(server, "/subscribers")["data"]
    whom = {"user_ns": person["user_ns"]}
    _ask(server, "/subscriber/log-custom-event", whom | {"event_name": "bought", "text_value": "mug"})
    _ask(server, "/subscriber/move-chat-to", whom | {"status": "done"})
    _ask(server, "/subscriber/send-email", whom | {"subject": "Hi", "content": "Hi"})


def ask_everything(server: Server, subscribers: int, rounds: int) -> dict[str, Timed]:
    """Each question `rounds` times, about the middle of what there is; the first time does not count."""
    questions = _questions(server, subscribers)
    return {words: _timed(server, path, query, rounds) for words, (path, query) in questions.items()}


def _questions(server: Server, subscribers: int) -> Questions:
    now = int(time.time())
    someone = f"f{_flow(server)}u{subscribers // 2}"
    event = _ask(server, "/flow/custom-events")["data"][0]["event_ns"]
    of_event = {"event_ns": event}
    return {
        "subscribers": ("/subscribers", {"limit": 100}),
        "subscribers, page 9": ("/subscribers", {"limit": 100, "page": 9}),
        "subscribers, the last page that UChat has": (
            "/subscribers",
            {"limit": 100, "page": min(1000, subscribers // 100)},
        ),
        "subscribers by name": ("/subscribers", {"name": "Aged 77"}),
        "subscribers by an event": ("/subscribers", of_event),
        "subscribers of a day": ("/subscribers", {"is_interacted_in_last_24h": "yes"}),
        "get-info": ("/subscriber/get-info", {"user_ns": someone}),
        "chat-messages": ("/subscriber/chat-messages", {"user_ns": someone, "include_bot": 1, "limit": 100}),
        "chat-messages, page 2 of all that was said": (
            "/subscriber/chat-messages",
            {"user_ns": someone, "include_bot": 1, "limit": MESSAGES_EACH // 2, "page": 2},
        ),
        "bot-users-count": ("/flow/bot-users-count", {}),
        "custom-events/data": ("/flow/custom-events/data", {**of_event, "limit": 100}),
        "custom-events/data, a month": (
            "/flow/custom-events/data",
            {**of_event, "limit": 100, "start_time": now - 60 * DAY, "end_time": now - 30 * DAY},
        ),
        "custom-events/summary": ("/flow/custom-events/summary", {**of_event, "range": "yesterday"}),
        "custom-events/summary, 3 months": (
            "/flow/custom-events/summary",
            {**of_event, "range": "last_3_months"},
        ),
        "conversations/data": ("/flow/conversations/data", {"limit": 100}),
        "conversations/data of one": ("/flow/conversations/data", {"user_ns": someone}),
        "agent-activity-log": ("/flow/agent-activity-log/data", {"limit": 100}),
        "error-logs": ("/flow/error-logs/data", {"limit": 100}),
        "error-logs, searched": ("/flow/error-logs/data", {"limit": 100, "search": "nothing like it"}),
    }


def _flow(server: Server) -> int:
    return int(_ask(server, "/me")["data"]["flow_ns"][1:])


def _timed(server: Server, path: str, query: Mapping[str, Any], rounds: int) -> Timed:
    took = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        _ask(server, f"{path}?{urlencode(query)}")
        took.append((time.perf_counter() - began) * 1000)
    return Timed(median(took[1:]), max(took[1:]))


def _ask(server: Server, path: str, body: Mapping[str, Any] | None = None) -> Any:
    base = server.target.url.partition("/hooks")[0]
    headers = {"authorization": f"Bearer {server.target.token}", "content-type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{base}/api{path}", data, headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def _print(asked: dict[str, dict[str, Timed]]) -> None:
    print("\n| read | young, ms | aged, ms | worst, ms |\n|---|---|---|---|")
    for line in _lines(asked["young"], asked["aged"]):
        print(line)


def _lines(young: dict[str, Timed], aged: dict[str, Timed]) -> Iterator[str]:
    for words, one in aged.items():
        yield f"| {words} | {young[words].middle:.1f} | {one.middle:.1f} | {one.worst:.1f} |"


if __name__ == "__main__":
    main()
