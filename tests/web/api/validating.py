"""A client of the API that compares every answer with the OpenAPI document: status, headers and body.

Fields that the document does not name are an error as well, so that nothing is answered that nobody was
told of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from httpx import Response
from jsonschema import Draft202012Validator

from relevo.web.api import CALLS
from relevo.web.api.document import make_document
from tests.web.exchanges import Client

Json = dict[str, Any]

WRITING = ("POST", "PUT", "DELETE")

_NUMBER = re.compile(r"/[0-9]+$")

OUTSIDE = frozenset({404, 405})
"""What a path or a method that there is not is answered with: no operation can name that."""


class Told:
    """The document, and what it says of answers."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self._components = closed(document["components"])
        self._validators: dict[str, Draft202012Validator] = {}

    def operation(self, method: str, path: str) -> Json | None:
        path = _NUMBER.sub("/{id}", path)
        operation: Json | None = self.document["paths"].get(f"/api{path}", {}).get(method.lower())
        return operation

    def stood_for(self, path: str) -> Json | None:
        """The operation that a POST to a path without one meant."""
        return next(filter(None, (self.operation(one, path) for one in ("GET", "PUT", "DELETE"))), None)

    def writing(self) -> Iterator[tuple[str, str, Json]]:
        """Method, path and operation of all that is not a GET."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method != "get":
                    yield method.upper(), path.removeprefix("/api"), operation

    def check(self, method: str, path: str, answer: Response) -> None:
        path = path.partition("?")[0]
        told = self.operation(method, path)
        if told is None and answer.status_code not in OUTSIDE:
            told = self.stood_for(path)
        if told is None:
            assert answer.status_code in OUTSIDE, (method, path, answer.text)
            return self.check_value("#/components/schemas/Problem", answer.json())
        status = str(answer.status_code)
        assert status in told["responses"], f"{method} {path} answers {status}, which is not told"
        kind = answer.headers["content-type"]
        assert kind == "application/json", f"{method} {path} answers {kind}"
        schema = told["responses"][status]["content"]["application/json"]["schema"]
        self.check_value(schema["$ref"], answer.json())
        if status == "200":
            lacking = {"x-ratelimit-limit", "x-ratelimit-remaining"} - answer.headers.keys()
            assert not lacking, f"{method} {path} answers without {lacking}"

    def check_value(self, ref: str, value: Any) -> None:
        """Compare a value with a schema of the document."""
        if ref not in self._validators:
            schema = {"$ref": ref, "components": self._components}
            self._validators[ref] = Draft202012Validator(schema)
        found = self._validators[ref].iter_errors(value)
        wrong = [f"{error.json_path}: {error.message}" for error in found]
        assert not wrong, "\n".join(wrong)


@cache
def our_document() -> Told:
    """The one that is served."""
    return Told(make_document(CALLS, "https://relevo.example.com"))


class Api:
    """Calls with a token. Answers are httpx responses, compared with the document."""

    def __init__(self, http: Client, told: Told, token: str) -> None:
        self.http, self.told, self.token = http, told, token

    def with_token(self, token: str) -> Api:
        return Api(self.http, self.told, token)

    async def get(self, path: str, **query: Any) -> Response:
        return await self.send("GET", path, params=query)

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> Response:
        return await self.write("POST", path, body, key=key)

    async def write(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Response:
        headers = {"idempotency-key": key} if key is not None else {}
        return await self.send(method, path, json=body, headers=headers)

    async def call(self, path: str, sent: Json) -> Response:
        """Whatever operation the path has; of several, the reading one."""
        if self.told.operation("GET", path) is not None:
            return await self.get(path, **sent)
        method = next(one for one in WRITING if self.told.operation(one, path) is not None)
        return await self.write(method, path, sent)

    async def send(self, method: str, path: str, **about: Any) -> Response:
        headers = {"authorization": f"Bearer {self.token}", **about.pop("headers", {})}
        answer = await self.http.request(method, f"/api{path}", headers=headers, **about)
        self.told.check(method, path, answer)
        return answer


def closed(schema: Any) -> Any:
    """The same schema, in which an object has no other fields than those that are named."""
    match schema:
        case dict():
            inner = {name: closed(value) for name, value in schema.items()}
            if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
                inner.setdefault("additionalProperties", False)
            return inner
        case list():
            return [closed(value) for value in schema]
        case _:
            return schema
