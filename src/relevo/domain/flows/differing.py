"""What is different between two texts of a flow, step by step, in the words of whoever wrote them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal

import msgspec
import yaml

Kind = Literal["added", "removed", "changed"]
_LISTS = ("do", "then", "else")
"""The keys under which a step holds steps of its own."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is new, gone or another. `where` in words, `person, step 2`; the texts as they stand
    in the files, "" where there is none."""

    where: str
    kind: Kind
    before: str = ""
    after: str = ""


class _Text:
    """A text as nodes, each of which knows what stands there."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.root = yaml.compose(source, Loader=yaml.BaseLoader)

    def shown(self, node: yaml.Node | None) -> str:
        """As it was written, without the indentation."""
        if node is None:
            return ""
        start, end = node.start_mark, node.end_mark
        text = " " * start.column + self._source[start.index : end.index]
        lines = textwrap.dedent(text).rstrip().splitlines()
        while lines and lines[-1].lstrip().startswith("#"):
            lines.pop()
        return "\n".join(lines)


def differences(before: str, after: str) -> tuple[Difference, ...]:
    """What somebody has to read to know what a version changes. Both texts are those of flows that were
    published: of one that is not even YAML, all is different."""
    try:
        old, new = _Text(before), _Text(after)
    except yaml.YAMLError:
        return (Difference(where="the whole text", kind="changed", before=before, after=after),)
    return tuple(_Comparison(old, new).all())


class _Comparison:
    def __init__(self, old: _Text, new: _Text) -> None:
        self._old, self._new = old, new

    def all(self) -> Iterator[Difference]:
        old, new = _entries(self._old.root), _entries(self._new.root)
        for name in [*old, *(name for name in new if name not in old)]:
            if name == "subflows":
                yield from self._subflows(old.get(name), new.get(name))
            else:
                yield from self._values(name, old.get(name), new.get(name))

    def _subflows(self, old: yaml.Node | None, new: yaml.Node | None) -> Iterator[Difference]:
        before, after = _entries(old), _entries(new)
        for name in [*before, *(name for name in after if name not in before)]:
            yield from self._values(name, before.get(name), after.get(name), item="step")

    def _values(
        self, where: str, old: yaml.Node | None, new: yaml.Node | None, item: str = ""
    ) -> Iterator[Difference]:
        if _plain(old) == _plain(new):
            return
        if isinstance(old, yaml.SequenceNode) and isinstance(new, yaml.SequenceNode):
            yield from self._lists(where, old.value, new.value, item or _item_of(where))
        else:
            yield self._difference(where, old, new)

    def _lists(
        self, where: str, old: list[yaml.Node], new: list[yaml.Node], item: str
    ) -> Iterator[Difference]:
        """Steps that stand at the same place and are of the same kind are one step that was changed."""
        matcher = SequenceMatcher(None, [_plain(one) for one in old], [_plain(one) for one in new], False)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            if tag == "equal":
                continue
            both = min(i2 - i1, j2 - j1)
            for index in range(both):
                yield from self._items(f"{where}, {item} {j1 + index + 1}", old[i1 + index], new[j1 + index])
            for index in range(i1 + both, i2):
                yield self._difference(f"{where}, {item} {index + 1}", old[index], None)
            for index in range(j1 + both, j2):
                yield self._difference(f"{where}, {item} {index + 1}", None, new[index])

    def _items(self, where: str, old: yaml.Node, new: yaml.Node) -> Iterator[Difference]:
        if _kind(old) != _kind(new):
            yield self._difference(where, old, None)
            yield self._difference(where, None, new)
        elif inner := _only_lists(old, new):
            for path, before, after in inner:
                yield from self._lists(f"{where}, {path}", before, after, "step")
        else:
            yield self._difference(where, old, new)

    def _difference(self, where: str, old: yaml.Node | None, new: yaml.Node | None) -> Difference:
        kind: Kind = "added" if old is None else "removed" if new is None else "changed"
        return Difference(where=where, kind=kind, before=self._old.shown(old), after=self._new.shown(new))


_Inner = tuple[str, list[yaml.Node], list[yaml.Node]]


def _only_lists(old: yaml.Node, new: yaml.Node, path: str = "") -> list[_Inner]:
    """The lists of steps in which two steps differ, if they differ in nothing else; else none."""
    before, after = _entries(old), _entries(new)
    if not before or before.keys() != after.keys():
        return []
    found: list[_Inner] = []
    for name, one in before.items():
        other, inner = after[name], f"{path}, {name}" if path else name
        if _plain(one) == _plain(other):
            continue
        if name in _LISTS and isinstance(one, yaml.SequenceNode) and isinstance(other, yaml.SequenceNode):
            found.append((inner.removesuffix(", do"), one.value, other.value))
        elif deeper := _only_lists(one, other, inner):
            found += deeper
        else:
            return []
    return found


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): value for key, value in node.value}


def _kind(node: yaml.Node) -> str:
    """What a step is, or a trigger: its first key, which is its word."""
    if isinstance(node, yaml.MappingNode) and node.value:
        return str(node.value[0][0].value)
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _item_of(where: str) -> str:
    return {"triggers": "trigger", "languages": "language"}.get(where, "entry")


def _plain(node: yaml.Node | None) -> object:
    """What it says, however it is written."""
    match node:
        case yaml.MappingNode():
            return ("map", *((_plain(key), _plain(value)) for key, value in node.value))
        case yaml.SequenceNode():
            return ("list", *map(_plain, node.value))
        case yaml.ScalarNode():
            return node.value
        case _:
            return None
