"""The OpenAPI document: complete, true, and what is served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from relevo.domain import dynamic_content
from relevo.domain.errors import InvalidInput
from relevo.testing.builders import World
from relevo.web.api.content_schema import CONTENT_SCHEMA
from tests.domain.test_dynamic_content import KNOWN, SUBFLOWS
from tests.web.api.conftest import Ana
from tests.web.api.preparing import Preparing
from tests.web.api.validating import Api, Json, Told


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def test_it_is_an_openapi_document(told: Told) -> None:
    """By the rules of the specification; and every default is one of the values that may be sent."""
    found = OpenAPIV31SpecValidator(told.document).iter_errors()

    assert [f"{list(error.absolute_path)}: {error.message}" for error in found] == []


def test_its_schemas_are_schemas(told: Told) -> None:
    assert told.document["openapi"].startswith("3.1")
    for schema in told.document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for _, _, operation in operations(told.document):
        for parameter in operation.get("parameters", []):
            Draft202012Validator.check_schema(parameter["schema"])


def test_every_operation_says_what_a_caller_wants_to_know(told: Told) -> None:
    tags = {tag["name"] for tag in told.document["tags"]}
    assert all(tag["description"] for tag in told.document["tags"])
    for method, path, operation in operations(told.document):
        assert operation["summary"], path
        assert operation["description"].endswith("."), path
        assert set(operation["tags"]) <= tags
        assert {"200", "401", "413", "422", "429", "500", "503"} <= operation["responses"].keys()
        assert ("403" in operation["responses"]) == (path != "/api/me")
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), f"{path} {parameter['name']}"
        if method != "get":
            body = operation["requestBody"]["content"]["application/json"]["schema"]
            for name, field in resolved(told.document, body)["properties"].items():
                assert field.get("description"), f"{path} {name}"
    assert {tag for _, _, operation in operations(told.document) for tag in operation["tags"]} == tags


def resolved(document: Json, schema: Json) -> Json:
    found: Any = document
    for name in schema["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def test_a_token_is_asked_for_everywhere(told: Told) -> None:
    document = told.document

    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert not any("security" in operation for _, _, operation in operations(document))


def test_every_example_is_an_example(told: Told) -> None:
    for _, path, operation in operations(told.document):
        bodies = [*operation["responses"].values()]
        if "requestBody" in operation:
            bodies.append(operation["requestBody"])
        for body in bodies:
            content = body["content"]["application/json"]
            assert content["examples"], path
            for example in content["examples"].values():
                told.check_value(content["schema"]["$ref"], example["value"])
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                Draft202012Validator(parameter["schema"]).validate(parameter["example"])


async def test_every_request_example_is_taken(api: Api, ana: Ana, world: World) -> None:
    async for method, path, body in (await Preparing.of(world, ana)).each(api, besides=set()):
        answer = await api.write(method, path, body)
        assert answer.status_code == 200, (path, answer.text)


# Dynamic content is described by hand


SCHEMA = {"type": "object", "properties": CONTENT_SCHEMA["extra"]["properties"]}

CONTENTS: list[tuple[Json, bool]] = [
    (KNOWN[0], True),
    ({"messages": [{"type": "file", "url": "https://x.example/a", "title": "a.pdf"}]}, True),
    ({"goto": "Main menu"}, True),
    ({"messages": [{"type": "gif", "url": "https://x.example/a"}]}, False),
    ({"messages": [{"type": "image"}]}, False),
    ({"messages": [{"type": "image", "url": "x"}]}, False),
    ({"messages": [{"type": "text", "text": ""}]}, False),
    ({"messages": [{"type": "text", "text": "x"}] * 11}, False),
    ({"messages": [{"type": "text", "text": "x", "buttons": [{"type": "url", "caption": "x"}]}]}, False),
    ({"messages": [{"type": "cards", "elements": []}]}, False),
    ({"messages": [{"type": "cards", "elements": [{"subtitle": "x"}]}]}, False),
    ({"actions": [{"action": "add_tag", "tag_name": "x"}]}, True),
    ({"actions": [{"action": "add_tag"}]}, False),
    ({"actions": [{"action": "set_field_value", "field_name": "x", "value": [1]}]}, True),
    ({"actions": [{"action": "unset_field_value", "field_name": "x"}] * 6}, False),
    ({"version": "v2", "content": {"messages": [{"type": "text", "text": "x"}]}}, False),
]


@pytest.mark.parametrize(("data", "is_right"), CONTENTS)
def test_the_schema_of_dynamic_content_agrees_with_what_is_taken(data: Json, is_right: bool) -> None:
    assert Draft202012Validator(SCHEMA).is_valid(data) is is_right
    assert is_taken(data) is is_right


def is_taken(data: Json) -> bool:
    try:
        dynamic_content.read(data, SUBFLOWS)
    except InvalidInput:
        return False
    return True
