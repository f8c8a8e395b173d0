"""The vendor's own description of its API. It is not ours to ship: it is read from beside the project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from relevo.web.not_ours import why_not

DOCUMENT = Path(__file__).parents[3].parent / "shared" / "uchat-openapi.json"

Json = dict[str, Any]


class Operation(NamedTuple):
    method: str
    path: str
    told: Json

    @property
    def body(self) -> Json:
        """The schema of what is sent as JSON; empty for none."""
        schema: Json = self.told.get("requestBody", {}).get("content", {}).get("application/json", {})
        return dict(schema.get("schema", {}))

    @property
    def answer(self) -> Json:
        """The schema of what is answered."""
        return dict(self.told["responses"]["200"]["content"]["application/json"]["schema"])

    @property
    def is_ours(self) -> bool:
        return not why_not(self.path)


def vendors_document() -> Json:
    """Skips the test where it is not there."""
    if not DOCUMENT.exists():
        pytest.skip(f"the vendor's document is not beside the project: {DOCUMENT}")
    document: Json = msgspec.json.decode(DOCUMENT.read_bytes())
    return document


def operations_of(document: Json) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, told in item.items():
            yield Operation(method.upper(), path, resolved(document, told))


def resolved(document: Json, value: Any) -> Any:
    """The same with what it refers to in its place."""
    match value:
        case {"$ref": str(ref)}:
            return resolved(document, document["components"]["schemas"][ref.rpartition("/")[2]])
        case dict():
            return {key: resolved(document, inner) for key, inner in value.items()}
        case list():
            return [resolved(document, inner) for inner in value]
        case _:
            return value


def nullable(schema: Any) -> Any:
    """The schema with null for any value, and no text for one of several: that is what stands for whatever
    is not known, though the document does not say so."""
    match schema:
        case {"properties": dict(properties)}:
            inner = {name: nullable(one) for name, one in properties.items()}
            return schema | {"properties": inner, "type": ["object", "null"]}
        case {"items": items}:
            return schema | {"items": nullable(items)}
        case {"type": str(kind)}:
            allowed = {"enum": [*schema["enum"], "", None]} if "enum" in schema else {}
            return schema | {"type": [kind, "null"]} | allowed
        case _:
            return schema
