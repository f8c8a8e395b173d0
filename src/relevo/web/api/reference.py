"""The API as a page to read and to try it: the OpenAPI document, arranged for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from relevo.web.api.operations import Json

TEMPLATES = Path(__file__).parent / "templates"

DEEPEST = 6
"""How deep fields are followed into fields."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter, or a field of a body. `kind` is its type in words, `variants` the forms of its parts."""

    name: str
    kind: str
    required: bool = False
    description: str = ""
    choices: tuple[str, ...] = ()
    default: str = ""
    example: str = ""
    fields: tuple[Field, ...] = ()
    variants: tuple[tuple[str, tuple[Field, ...]], ...] = ()


class Example(msgspec.Struct, frozen=True):
    name: str
    text: str


class Answer(msgspec.Struct, frozen=True):
    status: str
    description: str
    example: str


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    method: str
    path: str
    title: str
    description: str
    parameters: tuple[Field, ...]
    headers: tuple[Field, ...]
    body: tuple[Field, ...]
    examples: tuple[Example, ...]
    answer_fields: tuple[Field, ...]
    answers: tuple[Answer, ...]


class Group(msgspec.Struct, frozen=True):
    name: str
    description: str
    operations: tuple[Operation, ...]


def make_page(document: Json, *, script: str, style: str, icon: str) -> bytes:
    """The page, as HTML. `script`, `style` and `icon` are the addresses of its files."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown"] = _markdown
    page = environment.get_template("reference.html").render(
        title=document["info"]["title"],
        version=document["info"]["version"],
        about=document["info"]["description"],
        server=document["servers"][0]["url"],
        groups=list(groups(document)),
        script=script,
        style=style,
        icon=icon,
    )
    return page.encode()


_MARKDOWN = MarkdownIt("commonmark", {"html": False})


def _markdown(text: str) -> Markup:
    return Markup(_MARKDOWN.render(text))


# From the document


def groups(document: Json) -> Iterator[Group]:
    """The operations by their tags, in the order of the document."""
    reader = _Reader(document)
    operations = [
        (operation["tags"][0], reader.operation(method, path, operation))
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    for tag in document["tags"]:
        ours = tuple(operation for name, operation in operations if name == tag["name"])
        yield Group(tag["name"], tag["description"], ours)


class _Reader:
    """Follows references, and puts schemas into words."""

    def __init__(self, document: Json) -> None:
        self._document = document

    def operation(self, method: str, path: str, told: Json) -> Operation:
        parameters = told.get("parameters", [])
        body = told.get("requestBody", {"content": {"application/json": {}}})["content"]["application/json"]
        answer = told["responses"]["200"]["content"]["application/json"]
        return Operation(
            id=told["operationId"],
            method=method.upper(),
            path=path,
            title=told["summary"],
            description=" ".join(told["description"].split()),
            parameters=tuple(self._parameter(one) for one in parameters if one["in"] == "query"),
            headers=tuple(self._parameter(one) for one in parameters if one["in"] == "header"),
            body=self.fields(body["schema"]) if "schema" in body else (),
            examples=_examples(body),
            answer_fields=self.fields(answer["schema"]),
            answers=tuple(_answer(status, one) for status, one in sorted(told["responses"].items())),
        )

    def _parameter(self, told: Json) -> Field:
        example = str(told.get("example", ""))
        return self._field(
            told["name"], {**told["schema"], "description": told["description"]}, told["required"], example
        )

    def fields(self, schema: Json, depth: int = 0) -> tuple[Field, ...]:
        """The fields of an object; none of what is no object, or too deep."""
        schema = self._resolved(schema)
        if depth > DEEPEST:
            return ()
        required = schema.get("required", [])
        return tuple(
            self._field(name, inner, name in required, depth=depth)
            for name, inner in schema.get("properties", {}).items()
        )

    def _field(self, name: str, schema: Json, required: bool, example: str = "", depth: int = 0) -> Field:
        told, plain = schema, self._resolved(schema)
        items = self._resolved(plain["items"]) if "items" in plain else {}
        return Field(
            name=name,
            kind=self._kind(plain),
            required=required,
            description=told.get("description") or plain.get("description") or "",
            choices=tuple(str(one) for one in plain.get("enum", ())),
            default=_as_text(told["default"]) if told.get("default") not in (None, "") else "",
            example=example or _as_text(told.get("examples", [""])[0]),
            fields=self.fields(plain, depth + 1) or self.fields(items, depth + 1),
            variants=self._variants(items, depth + 1),
        )

    def _variants(self, items: Json, depth: int) -> tuple[tuple[str, tuple[Field, ...]], ...]:
        kinds = [self._resolved(one) for one in items.get("oneOf", [])]
        return tuple((one.get("title", ""), self.fields(one, depth)) for one in kinds)

    def _kind(self, schema: Json) -> str:
        """`text of at most 200 characters`, `whole number from 1 to 100`, `list of texts, at most 10` …"""
        if "const" in schema:
            return _as_text(schema["const"])
        if "enum" in schema:
            return " or ".join(str(one) for one in schema["enum"])
        if schema.get("type") == "array":
            most = f", at most {schema['maxItems']}" if "maxItems" in schema else ""
            return f"list{most}"
        return _KINDS.get(schema.get("type", ""), "anything") + _bounds(schema)

    def _resolved(self, schema: Json) -> Json:
        """What a reference leads to; of "this or null", this."""
        while True:
            kinds = [one for one in schema.get("oneOf", []) if one != {"type": "null"}]
            if "$ref" in schema:
                schema = self._found(schema["$ref"])
            elif len(kinds) == 1:
                schema = {**kinds[0], **{name: told for name, told in schema.items() if name != "oneOf"}}
            else:
                return schema

    def _found(self, ref: str) -> Json:
        found: Any = self._document
        for name in ref.removeprefix("#/").split("/"):
            found = found[name]
        return dict(found)


_KINDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false",
          "object": "object"}  # fmt: skip


def _bounds(schema: Json) -> str:
    match schema:
        case {"minimum": least, "maximum": most} if most < 10**9:
            return f" from {least} to {most}"
        case {"maxLength": most} if most < 1000:
            return f", at most {most} characters"
        case _:
            return ""


def _examples(body: Json) -> tuple[Example, ...]:
    return tuple(Example(name, _as_text(one["value"])) for name, one in body.get("examples", {}).items())


def _answer(status: str, told: Json) -> Answer:
    example = next(iter(told["content"]["application/json"]["examples"].values()))["value"]
    return Answer(status, told["description"], _as_text(example))


def _as_text(value: Any) -> str:
    """JSON, indented; a text as it is."""
    if isinstance(value, str):
        return value
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
