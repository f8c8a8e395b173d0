"""YAML with places: a file becomes values that know their line, and every mistake is collected.

    problems = Problems("support.flow.yaml")
    root = read(text, problems)                    # None: not even YAML; problems says why
    top = root.mapping(known=("version", "flow"))  # a key outside `known` is reported
    flow = top.need("flow")                        # a missing key too, …
    name = flow and flow.text()                    # … and a value that is no text
    problems.found                                 # all of it, in the order of the file

Every accessor answers with the value, or reports a problem and answers None (or nothing in it),
so a reader goes on and the user sees all the mistakes at once. Whoever reads a file asks
`problems.found` at the end: values that were read along with problems are not to be used.

What plain (unquoted) text means is narrower than in YAML 1.1, where `no` is false, `12:30` is a
number and `on` is not `on`: numbers, `true`, `false` and `null` are as in JSON, all else is text.
Whatever text is asked for, `text()` gives it as it was written: `words: [yes, 0400]` is two words.

Safe for files of strangers: no object is ever constructed, and size, depth and what aliases
expand to are bounded.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import yaml

try:
    from yaml import CBaseLoader as _Loader
except ImportError:  # PyYAML without libyaml: the same language, about ten times slower
    from yaml import BaseLoader as _Loader  # type: ignore[assignment]

MAX_BYTES = 1_000_000
MAX_DEPTH = 60
MAX_VALUES = 200_000
"""How many values a file may have once its aliases are written out."""

_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_DURATION = re.compile(r"(\d{1,6}) ?(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MOST_NAMES = 20
_LONGEST_DURATION = timedelta(days=366)

Literal = str | int | float | bool | None


class Place(NamedTuple):
    """Line and column, both counted from 1."""

    line: int
    column: int


class Problem(msgspec.Struct, frozen=True):
    """One mistake, where it is, and what would be right."""

    file: str
    line: int
    column: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.what}; {self.remedy}"


class Problems:
    """The mistakes of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[Problem, None] = {}  # ordered, and each told once though aliases repeat it

    def add(self, place: Place, what: str, remedy: str) -> None:
        self._found[Problem(self.file, place.line, place.column, what, remedy)] = None

    @property
    def found(self) -> tuple[Problem, ...]:
        """In the order of the file."""
        return tuple(sorted(self._found, key=lambda problem: (problem.line, problem.column)))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that somebody most likely meant."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.65)
    return by_lower[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A remedy for a word that is not one of the known ones."""
    names = list(known)
    if (close := nearest(word, names)) is not None:
        return f'did you mean "{close}"?'
    if len(names) == 1:
        return f"only {names[0]} is known here"
    return f"use one of: {', '.join(names[:_MOST_NAMES])}{', …' if names[_MOST_NAMES:] else ''}"


def quoted(value: object) -> str:
    """A value as error texts show it: as JSON, cut when long."""
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 60 else shown[:57] + "…" + shown[-1]


# What a file consists of. `size` counts the values inside, with aliases written out.


def read_duration(text: str) -> timedelta | None:
    """`30s`, `10m`, `2h` or `1d` as a duration; None for anything else."""
    match = _DURATION.fullmatch(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


Span = tuple[int, int]
"""The characters from and up to which something stands in a file."""


class _Scalar(msgspec.Struct, frozen=True):
    place: Place
    text: str
    style: str  # "" is plain; ' and " are quoted; | and > are blocks
    span: Span
    size: int = 1


class _List(msgspec.Struct, frozen=True):
    place: Place
    items: list[_Node]
    size: int
    span: Span


class _Map(msgspec.Struct, frozen=True):
    place: Place
    entries: dict[str, tuple[Place, _Node]]
    size: int
    span: Span


_Node = _Scalar | _List | _Map


def read(text: str, problems: Problems) -> Value | None:
    """The value that a file holds; None, with the reason in `problems`, when there is none to be had."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        problems.add(
            Place(1, 1), f"the file is larger than {MAX_BYTES:,} bytes", "split it into smaller files"
        )
        return None
    try:
        node = _Composer(yaml.parse(text, Loader=_Loader), problems).document()
    except _Refused:
        return None
    except yaml.MarkedYAMLError as error:
        problems.add(
            _place(error.problem_mark), f"this is not YAML: {_in_words(error)}", _syntax_remedy(error)
        )
        return None
    except yaml.reader.ReaderError as error:
        _report_character(text, text.find(chr(int(error.character))), problems)
        return None
    except UnicodeEncodeError as error:
        _report_character(text, error.start, problems)
        return None
    return Value(node, "the file", problems, text)


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def _index(mark: Any) -> int:
    return mark.index if mark else 0


def _in_words(error: yaml.MarkedYAMLError) -> str:
    if error.context is None:
        return error.problem or "unreadable"
    since = f" (from line {_place(error.context_mark).line})" if error.context_mark else ""
    return f"{error.context}{since}, {error.problem}"


def _syntax_remedy(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or ""
    if "mapping values" in problem:
        return 'a text with ": " in it needs quotes; otherwise check the indentation'
    if "cannot start any token" in problem:
        return "indent with spaces, not tabs; a text that starts with a special character needs quotes"
    return "check the indentation, and that brackets and quotes are closed"


def _report_character(text: str, index: int, problems: Problems) -> None:
    before = text[: max(index, 0)]
    place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
    problems.add(place, f"U+{ord(text[index]):04X} is a character that YAML does not allow", "leave it out")


class _Refused(Exception):
    """The file cannot be read further; the problem is reported."""


class _Composer:
    """Events of the parser become nodes.

    PyYAML's own composer overflows the C stack, and so ends the process, on a file of some
    hundred kilobytes of `- - - - -`; this one refuses what is deeper than MAX_DEPTH.
    """

    def __init__(self, events: Iterator[yaml.Event], problems: Problems) -> None:
        self._events = events
        self._problems = problems
        self._anchors: dict[str, _Node | None] = {}  # None while its value is still open
        self._values = 0
        self._ended = 0

    def document(self) -> _Node:
        next(self._events)  # the stream starts
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise self._refused(Place(1, 1), "the file is empty", "write something into it")
        node = self._node(next(self._events), 1)
        next(self._events)  # the document ends
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            what = "a second document starts here"
            self._problems.add(
                _place(after.start_mark), what, 'leave out the "---": a file holds one document'
            )
        return node

    def _refused(self, place: Place, what: str, remedy: str) -> _Refused:
        self._problems.add(place, what, remedy)
        return _Refused()

    def _node(self, event: yaml.Event, depth: int) -> _Node:
        place = _place(event.start_mark)
        if depth > MAX_DEPTH:
            raise self._refused(place, f"this is nested more than {MAX_DEPTH} deep", "nest it less")
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event.anchor or "", place)
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        self._check_tag(event.tag, place)
        if event.anchor:
            self._anchors[event.anchor] = None
        self._count(1, place)
        node = self._fresh(event, place, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _fresh(self, event: yaml.Event, place: Place, depth: int) -> _Node:
        if isinstance(event, yaml.ScalarEvent):
            return _Scalar(
                place, event.value, event.style or "", (_index(event.start_mark), _index(event.end_mark))
            )
        if isinstance(event, yaml.SequenceStartEvent):
            items = [self._node(item, depth + 1) for item in self._until(yaml.SequenceEndEvent)]
            size = 1 + sum(item.size for item in items)
            return _List(place, items, size, self._span(event, items))
        entries = self._entries(depth)
        values = [value for _, value in entries.values()]
        size = 1 + sum(value.size for value in values)
        return _Map(place, entries, size, self._span(event, values))

    def _span(self, start: yaml.Event, values: list[_Node]) -> Span:
        """Of one without brackets the parser knows the end only from what comes next, comments included."""
        has_brackets = isinstance(start, yaml.CollectionStartEvent) and start.flow_style
        end = self._ended if has_brackets or not values else values[-1].span[1]
        return _index(start.start_mark), end

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        while not isinstance(event := next(self._events), end):
            yield event
        self._ended = _index(event.end_mark)

    def _entries(self, depth: int) -> dict[str, tuple[Place, _Node]]:
        entries: dict[str, tuple[Place, _Node]] = {}
        for event in self._until(yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(key, _Scalar):
                what, remedy = (
                    "a list or a mapping cannot be a key",
                    'put text that starts with "{" or "[" in quotes',
                )
                self._problems.add(key.place, what, remedy)
            elif key.text in entries:
                first = entries[key.text][0].line
                what = f"{quoted(key.text)} is given twice, first in line {first}"
                self._problems.add(key.place, what, "keep one of them")
            else:
                entries[key.text] = (key.place, value)
        return entries

    def _aliased(self, anchor: str, place: Place) -> _Node:
        if anchor not in self._anchors:
            remedy = f"a text that starts with * needs quotes; otherwise define &{anchor} above"
            raise self._refused(place, f"there is no anchor for *{anchor}", remedy)
        node = self._anchors[anchor]
        if node is None:
            raise self._refused(place, f"*{anchor} stands inside what it names", "write it out")
        self._count(node.size, place)
        return node

    def _count(self, more: int, place: Place) -> None:
        self._values += more
        if self._values > MAX_VALUES:
            raise self._refused(
                place, f"the file holds more than {MAX_VALUES:,} values", "write less, or use fewer aliases"
            )

    def _check_tag(self, tag: str | None, place: Place) -> None:
        if tag:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            self._problems.add(place, f"{shown} is a YAML tag, which means nothing here", "leave it out")


class Value:
    """One value of the file. `name` is what error texts call it: its key, as a rule."""

    __slots__ = ("_node", "_problems", "_source", "name")

    def __init__(self, node: _Node, name: str, problems: Problems, source: str) -> None:
        self._node = node
        self._problems = problems
        self._source = source
        self.name = name

    @property
    def place(self) -> Place:
        return self._node.place

    @property
    def span(self) -> Span:
        return self._node.span

    @property
    def is_list(self) -> bool:
        return isinstance(self._node, _List)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self._node, _Map)

    @property
    def is_null(self) -> bool:
        """Nothing, `~` or `null` was written."""
        node = self._node
        return isinstance(node, _Scalar) and node.style == "" and node.text in ("", "~", "null")

    @property
    def shown(self) -> str:
        """The value as error texts show it."""
        match self._node:
            case _Scalar():
                return "nothing" if self.is_null else quoted(self._literal())
            case _List(items=[]):
                return "an empty list"
            case _List():
                return "a list"
            case _Map(entries=entries):
                keys = list(entries)
                return (
                    f"a mapping with {', '.join(keys[:5])}{' …' if keys[5:] else ''}"
                    if keys
                    else "an empty mapping"
                )

    def problem(self, what: str, remedy: str) -> None:
        """Report something about this value."""
        self._problems.add(self.place, what, remedy)

    def problem_in_text(self, index: int | None, what: str, remedy: str) -> None:
        """Report something about the character `index` of this text."""
        place = self.place if index is None else self._place_in_text(index)
        self._problems.add(place, what, remedy)

    def mismatch(self, wanted: str, remedy: str) -> None:
        """Report that this value is not what it must be: `minutes must be a number, not "soon"`."""
        self.problem(f"{self.name} must be {wanted}, not {self.shown}", remedy)

    def text(self, remedy: str = "write a text") -> str | None:
        """The text exactly as written, whatever it looks like (`yes`, `0400`); empty text is refused."""
        node = self._node
        if isinstance(node, _Scalar) and not self.is_null and node.text.strip():
            return node.text
        self.mismatch("text", remedy)
        return None

    def texts(self, remedy: str = "write a text or a list of texts") -> tuple[str, ...]:
        """A list of texts, or one text alone."""
        if not self.is_list:
            alone = self.text(remedy)
            return () if alone is None else (alone,)
        return tuple(text for item in self.items(remedy) if (text := item.text(remedy)) is not None)

    def literal(self, remedy: str = "write a text, a number, true, false or null") -> Literal:
        """A text, a number, true, false or null, as JSON would have it; None also for a mismatch."""
        if not isinstance(self._node, _Scalar):
            self.mismatch("a single value", remedy)
        return self._literal()

    def _literal(self) -> Literal:
        node = self._node
        if not isinstance(node, _Scalar) or self.is_null:
            return None
        if node.style:
            return node.text
        if node.text in ("true", "false"):
            return node.text == "true"
        if _INTEGER.fullmatch(node.text):
            return int(node.text)
        return float(node.text) if _NUMBER.fullmatch(node.text) else node.text

    def integer(self, *, least: int, most: int) -> int | None:
        """A whole number within bounds."""
        value = self._literal()
        if type(value) is int and least <= value <= most:
            return value
        self.mismatch(f"a whole number from {least} to {most}", f"for example {least}")
        return None

    def number(self) -> int | float | None:
        value = self._literal()
        if type(value) is int or type(value) is float:
            return value
        self.mismatch("a number", "for example 1.5")
        return None

    def boolean(self) -> bool | None:
        value = self._literal()
        if type(value) is bool:
            return value
        self.mismatch("true or false", "write true or false")
        return None

    def duration(self) -> timedelta | None:
        """`30s`, `10m`, `2h` or `1d`: a number and its unit; more than nothing, at most 366 days."""
        node = self._node
        length = read_duration(node.text) if isinstance(node, _Scalar) else None
        if length is not None and timedelta() < length <= _LONGEST_DURATION:
            return length
        self.mismatch(
            "a duration of 1s to 366d", "write a number and its unit, s, m, h or d: 30s, 10m, 2h, 1d"
        )
        return None

    def one_of(self, known: Sequence[str]) -> str | None:
        """One of the known words; the nearest of them is suggested for another."""
        node = self._node
        if isinstance(node, _Scalar) and node.text in known:
            return node.text
        word = node.text if isinstance(node, _Scalar) else ""
        self.mismatch(f"one of {', '.join(known)}" if known[1:] else known[0], did_you_mean(word, known))
        return None

    def items(self, remedy: str = "write a list") -> list[Value]:
        """The values of a list; none when it is not a list."""
        if not isinstance(self._node, _List):
            self.mismatch("a list", remedy)
            return []
        name = f"an entry of {self.name}"
        return [Value(item, name, self._problems, self._source) for item in self._node.items]

    def mapping(
        self, known: Iterable[str] | None = None, remedy: str = "write it as key: value"
    ) -> Mapping | None:
        """The entries of a mapping. Keys outside `known` are reported; None allows any."""
        if not isinstance(self._node, _Map):
            self.mismatch("a mapping", remedy)
            return None
        mapping = Mapping(self._node, self.name, self._problems, self._source)
        if known is not None:
            mapping.only(known)
        return mapping

    def _place_in_text(self, index: int) -> Place:
        """Where the character `index` of the text stands in the file; where that cannot be told
        (folded or escaped text), where the text starts."""
        node = self._node
        if not isinstance(node, _Scalar):
            return node.place
        before = node.text[:index]
        if node.style == "|":
            return self._place_in_block(node, before.count("\n"), len(before) - before.rfind("\n") - 1)
        start = node.place.column + (1 if node.style in ("'", '"') else 0)
        is_verbatim = self._line(node.place.line)[start - 1 :].startswith(node.text)
        return Place(node.place.line, start + index) if is_verbatim else node.place

    def _place_in_block(self, node: _Scalar, line: int, column: int) -> Place:
        source = self._line(node.place.line + 1 + line)
        written = node.text.split("\n")[line]
        indent = len(source) - len(written)
        is_verbatim = indent >= 0 and source.endswith(written)
        return Place(node.place.line + 1 + line, indent + column + 1) if is_verbatim else node.place

    def _line(self, number: int) -> str:
        lines = self._source.split("\n", number)
        return lines[number - 1].rstrip("\r") if len(lines) >= number else ""


class Mapping:
    """The entries of a mapping, in the order of the file."""

    __slots__ = ("_node", "_problems", "_source", "name")

    def __init__(self, node: _Map, name: str, problems: Problems, source: str) -> None:
        self._node = node
        self._problems = problems
        self._source = source
        self.name = name

    @property
    def place(self) -> Place:
        return self._node.place

    def __contains__(self, key: object) -> bool:
        return key in self._node.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._node.entries)

    def __len__(self) -> int:
        return len(self._node.entries)

    def __bool__(self) -> bool:
        """True, also for an empty mapping: `if mapping` asks whether there is one."""
        return True

    def problem(self, what: str, remedy: str) -> None:
        """Report something about the whole mapping."""
        self._problems.add(self.place, what, remedy)

    def problem_at(self, key: str, what: str, remedy: str) -> None:
        """Report something about a key that is there."""
        self._problems.add(self._node.entries[key][0], what, remedy)

    def key_place(self, key: str) -> Place:
        """Where a key that is there stands."""
        return self._node.entries[key][0]

    def get(self, key: str) -> Value | None:
        if key not in self:
            return None
        return self[key]

    def __getitem__(self, key: str) -> Value:
        """The value of a key that is known to be there."""
        return Value(self._node.entries[key][1], key, self._problems, self._source)

    def need(self, key: str, remedy: str = "") -> Value | None:
        """The value of a key that must be there."""
        value = self.get(key)
        if value is None:
            self.problem(f"{quoted(key)} is missing", remedy or f"add {key}: …")
        return value

    def items(self) -> list[tuple[str, Value]]:
        return [
            (key, Value(node, key, self._problems, self._source))
            for key, (_, node) in self._node.entries.items()
        ]

    def only(self, known: Iterable[str]) -> None:
        """Report every key that is not one of the known ones."""
        names = list(known)
        for key in self:
            if key not in names:
                self.problem_at(key, f"unknown key {quoted(key)}", did_you_mean(key, names))
