"""The examples of the SDK's reference page run, and its tables name what there is."""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import relevo.sdk
from relevo.sdk import ApiError, Client, ClientError
from tests.sdk.fake_api import serving
from tests.sdk.webhooks import ANA, NOON, SECRET, event_body, headers, message_body

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "sdk.md").read_text()
EXAMPLES = Path(__file__).parents[2] / "examples" / "platforms"
RECEIVING, HEALING, CALLING, BLOCKING = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
EXAMPLE_SECRET = re.findall(r'Receiver\("(.*?)"\)', RECEIVING)[0]


def run(example: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "docs/reference/sdk.md", "exec"), names)
    return names


def test_the_example_of_receiving_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relevo.sdk.receiver.TOLERANCE", relevo.sdk.receiver.TOLERANCE * 10**6)
    webhook = run(RECEIVING)["webhook"]
    message, event = message_body(), event_body("handoff.returned", reason="time")

    statuses = [
        webhook(headers(message, id_="a", secret=EXAMPLE_SECRET), message),
        webhook(headers(message, id_="a", secret=EXAMPLE_SECRET), message),
        webhook(headers(event, id_="b", secret=EXAMPLE_SECRET), event),
        webhook(headers(message, id_="c"), message),
    ]

    assert statuses == [200, 200, 200, 401]
    assert capsys.readouterr().out.splitlines() == [
        f"{ANA} Ana Diaz: Is it in stock?",
        f"{ANA} handoff.returned {{'reason': 'time'}}",
    ]


async def test_the_example_of_healing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    example, receiver = run(HEALING), relevo.sdk.Receiver(SECRET)
    numbers = [{"id": 10 + seq, "seq": seq, "webhook_id": f"msg_{seq}"} for seq in (1, 2, 3)]
    rows = [{**one, "user_ns": ANA, "event": "x", "body": message_body().decode()} for one in numbers]
    async with serving() as api, Client(api.url, "TOKEN") as client:
        api.answer("/api/handoff/events", {"data": rows, "meta": {"next": 13, "more": False}})
        body = message_body()
        received = receiver.receive(headers(body, id_="msg_3", seq=3), body, NOON)

        seqs = [one.seq async for one in example["in_order"](receiver, client, received)]
        place = await example["catch_up"](receiver, client, 0)

    assert (seqs, place) == ([1, 2, 3], 13)
    assert capsys.readouterr().out == ""  # all of it had come


async def test_the_example_of_calling_runs(capsys: pytest.CaptureFixture[str]) -> None:
    async with serving() as api:
        api.answer("/api/subscriber/get-info", {"data": {"user_ns": ANA, "first_name": "Ana"}})
        api.answer("/api/subscriber/chat-messages", {"data": [{"type": "in", "content": "Hi"}]})

        await run(CALLING)["main"](api.url, "TOKEN", ANA)

    assert capsys.readouterr().out == "in Hi\n"
    assert api.bodies("/api/subscriber/send-text")[0]["content"] == "Hello Ana, two are left."
    assert api.bodies("/api/subscriber/move-chat-to")[0]["status"] == "done"


async def test_the_example_without_asyncio_runs() -> None:
    async with serving() as api:
        api.answer("/api/subscriber/get-info", {"data": {"user_ns": ANA, "first_name": "Ana"}})

        await asyncio.to_thread(run(BLOCKING)["greet"], api.url, "TOKEN", ANA)

    assert api.bodies("/api/subscriber/send-text")[0]["content"] == "Hello Ana."


def test_every_adapter_of_the_table_has_its_example() -> None:
    named = set(re.findall(r"platforms/(\w+\.py)", PAGE))
    lines = re.findall(r"^\| \w+ \| `(.*?)` \|.*?platforms/(\w+\.py)", PAGE, re.M)

    assert named == {path.name for path in EXAMPLES.glob("*.py")}
    for line, name in lines:
        assert line.replace("handle", "heard") in (EXAMPLES / name).read_text()


def test_the_tables_are_the_calls_by_subject() -> None:
    told = [part.split("\n\n")[0].splitlines()[2:] for part in PAGE.split("| call | answers with |")[1:]]

    assert told == [[row(name) for name in calls_of(subject)] for subject in Client.__bases__]


def calls_of(subject: type) -> list[str]:
    return [name for name, made in vars(subject).items() if inspect.isfunction(made) and name[0] != "_"]


def row(name: str) -> str:
    call = getattr(Client, name)
    signature = inspect.signature(call)
    words = [word for one in signature.parameters.values() if (word := written(one))]
    about = " ".join((call.__doc__ or "").split())
    return f"| `{name}({', '.join(words)})` | {answer(signature.return_annotation)} | {about} |"


def written(one: inspect.Parameter) -> str:
    if one.name in ("self", "limit", "idempotency_key"):
        return ""
    stars = "**" if one.kind is one.VAR_KEYWORD else ""
    default = "" if one.default is one.empty else f"={one.default!r}".replace("'", '"')
    return f"{stars}{one.name}{default}"


def answer(annotation: str) -> str:
    if annotation.startswith("AsyncIterator"):
        return f"every `{annotation[14:-1]}`"
    return "–" if annotation == "None" else f"`{annotation}`"


def test_every_error_is_in_a_table_and_nothing_else() -> None:
    tables = [part.split("\n\n")[0] for part in re.split(r"^\| error \|", PAGE, flags=re.M)[1:]]
    listed = {name for table in tables for row in table.splitlines() for name in names_in(row.split("|")[1])}

    assert listed == {error.__name__ for error in errors()} - {"ReceiveError", "ClientError", "ApiError"}


def test_the_families_of_errors_are_as_the_page_says() -> None:
    outside = {
        error for error in errors() if issubclass(error, ClientError) and not issubclass(error, ApiError)
    }

    assert {error.__name__ for error in outside} == {"ClientError", "Unreachable"}


def errors() -> list[type[Exception]]:
    public = [getattr(relevo.sdk, name) for name in relevo.sdk.__all__]
    return [each for each in public if isinstance(each, type) and issubclass(each, Exception)]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)
