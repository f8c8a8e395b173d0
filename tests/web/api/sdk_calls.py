"""The calls of the SDK, each with the operation that it makes and arguments made from a body or a query."""

from __future__ import annotations

import inspect
import re
import types
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, Unpack, get_args, get_origin, get_type_hints

import msgspec

from relevo.sdk import Client, GroupMember
from relevo.sdk.transport import Asked, Told
from relevo.web.api import CALLS
from relevo.web.api.document import make_document
from tests.web.api.validating import Json

DOCUMENT = make_document(CALLS, "https://relevo.example.com")

OPERATIONS: dict[tuple[str, str], Json] = {
    (method.upper(), path.removeprefix("/api")): operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}

SUBJECTS: dict[str, list[str]] = {
    base.__name__: [
        name for name, made in vars(base).items() if inspect.isfunction(made) and not name.startswith("_")
    ]
    for base in Client.__bases__
}
NAMES = [name for names in SUBJECTS.values() for name in names]

OUR_WORDS = {"send_text": {"text": "content"}, "send_content": {"content": "data"}}
"""What is called otherwise than in the API."""


class Recorder:
    """A transport that answers as the document's examples do, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    async def send(self, asked: Asked) -> Told:
        self.asked.append(asked)
        example = answer_of(operation_of(asked))
        return Told(200, None, msgspec.json.encode(example))

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing failed")

    async def close(self) -> None:
        pass


def answer_of(operation: tuple[str, str]) -> Json:
    if operation == ("POST", "/handoff/redeliver-many"):
        return {"data": {"count": 5, "redelivery_id": 3}}  # of these, the example has one
    content = OPERATIONS[operation]["responses"]["200"]["content"]["application/json"]
    answer: Json = content["examples"]["example"]["value"]
    return answer


def operation_of(asked: Asked) -> tuple[str, str]:
    path = re.sub(r"/\d+$", "/{id}", asked.url.partition("/api")[2])
    assert (asked.method, path) in OPERATIONS, f"the API has no {asked.method} {path}"
    return asked.method, path


async def operation_of_call(name: str) -> tuple[str, str]:
    return operation_of((await requests_of(name))[0])


async def made(client: Any, name: str, arguments: Json) -> Any:
    """What a call gives; a list for an iterator."""
    found = getattr(client, name)(**arguments)
    return [each async for each in found] if hasattr(found, "__aiter__") else await found


def parameters(name: str) -> dict[str, Any]:
    """The parameters of a call with their types, those of a TypedDict among them."""
    hints = get_type_hints(getattr(Client, name))
    hints.pop("return")
    for each, type_ in [*hints.items()]:
        if get_origin(type_) is Unpack:
            del hints[each]
            hints |= get_type_hints(get_args(type_)[0])
    return hints


def arguments(name: str, sent: Json) -> Json:
    """The same as arguments of a call."""
    hints, ours = parameters(name), OUR_WORDS.get(name, {})
    found = {word: _argument(word, hints[word], ours.get(word, word), sent) for word in hints}
    if any(
        one.kind is one.VAR_KEYWORD for one in inspect.signature(getattr(Client, name)).parameters.values()
    ):
        found = {**sent, **found}
    return {word: value for word, value in found.items() if value is not None}


def _argument(word: str, type_: Any, theirs: str, sent: Json) -> Any:
    rows = sent.get("data")
    if word == "values" and isinstance(rows, list):
        return {next(value for key, value in row.items() if key != "value"): row["value"] for row in rows}
    if theirs in sent:
        return _of_type(type_, sent[theirs])
    if isinstance(rows, list) and any(theirs in row for row in rows if isinstance(row, dict)):
        return [row[theirs] for row in rows]
    return None


def _of_type(type_: Any, value: Any) -> Any:
    match value:
        case str() if type_ is bytes:
            return b64decode(value)
        case str() if type_ == list[str] | tuple[str, ...]:
            return value.split(",")
        case "yes" | "no" if type_ is bool:
            return value == "yes"
        case {"version": "v1", "content": content}:
            return content
        case list() if GroupMember in get_args(type_):
            return [GroupMember(**one) for one in value]
        case _:
            return value


def filled(type_: Any) -> Any:
    """Something of a type."""
    plain = {str: "x", int: 7, float: 1.5, bool: False, bytes: b"x", Any: 1}
    if type_ in plain:
        return plain[type_]
    origin, inside = get_origin(type_), get_args(type_)
    if origin is Literal:
        return inside[0]
    if origin in (types.UnionType, Union):
        return filled(inside[0])
    if origin in (list, tuple):
        return ["x"]
    if origin is Sequence:
        return [{}]
    assert origin is Mapping, type_
    return {"x": "y"}


async def requests_of(name: str) -> list[Asked]:
    """What a call asks for that is given everything that it takes."""
    recorder = Recorder()
    client = Client("https://relevo.example.com", "token", transport=recorder)
    await made(client, name, {word: filled(type_) for word, type_ in parameters(name).items()})
    return recorder.asked


def required(name: str) -> set[str]:
    """What has to be said."""
    of_call = inspect.signature(getattr(Client, name)).parameters.values()
    return {one.name for one in of_call if one.default is one.empty}
