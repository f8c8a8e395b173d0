"""Places in JSON."""

from __future__ import annotations

from typing import Any

import pytest

from relevo.domain import json_paths
from relevo.domain.json_paths import NoPath

VALUE = {"a": {"b-c": [{"d": 1}, {"d": 2.5}]}, "a b": True, "list": ["x", "y"]}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", VALUE),
        ("", VALUE),
        ("a.b-c[0].d", 1),
        ("$.a.b-c[-1].d", 2.5),
        ('["a b"]', True),
        ("$['a b']", True),
        ("list[1]", "y"),
        ("list[2]", None),
        ("list.x", None),
        ("a[0]", None),
        ("nothing.at.all", None),
    ],
)
def test_places(path: str, found: Any) -> None:
    assert json_paths.at(VALUE, json_paths.parse(path)) == found


@pytest.mark.parametrize("path", ["a..b", "a[", "a[x]", "a b", "[1.5]", "a" * 501, "a[99999999]"])
def test_what_is_no_place(path: str) -> None:
    with pytest.raises(NoPath):
        json_paths.parse(path)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, True),
        (5, 5),
        (2**70, str(2**70)),
        ("a\0b", "ab"),
        ("x" * 30_000, "x" * 20_000),
        ([1, {"a": 2}], [1, '{"a":2}']),
        ({"a": [1]}, '{"a":[1]}'),
    ],
)
def test_as_a_field(value: Any, kept: Any) -> None:
    assert json_paths.as_field(value) == kept
