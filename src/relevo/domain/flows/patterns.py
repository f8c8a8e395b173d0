"""Patterns that keywords may be: a safe part of regular expressions.

A pattern is walked along all its ways at once (Thompson's construction), so that no text and no pattern
makes it take longer than their lengths multiplied: there is no backtracking. What is left out is what would
need it: back references and looking around. Letters compare without regard to case and accents.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import msgspec

from relevo.domain.flows.folding import folded

MAX_PATTERN = 200
"""Characters of a pattern."""
MAX_PARTS = 400
"""Parts of a pattern once its repetitions are written out."""
MAX_LOOKED_AT = 500
"""Characters of a message that a pattern looks at."""
MAX_WORK = 20_000
"""Characters tried on one message; a pattern that would need more does not match."""

Test = Callable[[str], bool]
Edge = Literal["^", "$", "b", "B"]


class BadPattern(Exception):
    """It cannot be read. The text says why; `index` is the character where."""

    def __init__(self, what: str, index: int) -> None:
        super().__init__(what)
        self.what = what
        self.index = index


class One(msgspec.Struct, frozen=True):
    """A character that passes the test, then `to`."""

    test: Test
    to: int


class Ways(msgspec.Struct, frozen=True):
    """Any of these, without a character."""

    to: tuple[int, ...]


class At(msgspec.Struct, frozen=True):
    """Only at an edge: of the text, or of a word."""

    edge: Edge
    to: int


Part = One | Ways | At | None
"""None: the pattern has matched."""


class Pattern:
    """A compiled pattern. Equal to another with the same source."""

    __slots__ = ("_parts", "_start", "source")

    def __init__(self, source: str, parts: list[Part], start: int) -> None:
        self.source = source
        self._parts = parts
        self._start = start

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"Pattern({self.source!r})"

    def is_in(self, text: str) -> bool:
        """Whether it is anywhere in a folded text (`words.folded`)."""
        text = text[:MAX_LOOKED_AT]
        places: set[int] = set()
        work = 0
        for index in range(len(text) + 1):
            reached = self._reached({*places, self._start}, text, index)
            if reached is None:
                return True
            work += len(reached)
            if work > MAX_WORK or index == len(text):
                break
            places = {part.to for part in reached if part.test(text[index])}
        return False

    def _reached(self, places: set[int], text: str, index: int) -> list[One] | None:
        """What waits for the next character, at all that can be reached without one; None: it has matched."""
        seen: set[int] = set()
        waiting: list[One] = []
        left = list(places)
        while left:
            at = left.pop()
            if at in seen:
                continue
            seen.add(at)
            part = self._parts[at]
            if part is None:
                return None
            if isinstance(part, One):
                waiting.append(part)
            elif isinstance(part, Ways):
                left += part.to
            elif _is_edge(part.edge, text, index):
                left.append(part.to)
        return waiting


def _is_edge(edge: Edge, text: str, index: int) -> bool:
    match edge:
        case "^":
            return index == 0
        case "$":
            return index == len(text)
        case _:
            before = index > 0 and _is_word(text[index - 1])
            after = index < len(text) and _is_word(text[index])
            return (before != after) is (edge == "b")


def compiled(source: str) -> Pattern:
    """Raises BadPattern."""
    if len(source) > MAX_PATTERN:
        raise BadPattern(f"it has {len(source)} characters, and may have {MAX_PATTERN}", MAX_PATTERN)
    return _Compiler(source).pattern()


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


_CLASSES: dict[str, Test] = {
    "d": str.isdigit,
    "D": lambda char: not char.isdigit(),
    "w": _is_word,
    "W": lambda char: not _is_word(char),
    "s": str.isspace,
    "S": lambda char: not char.isspace(),
}
_SIGNS = {"n": "\n", "t": "\t", "r": "\r"}
_COUNT = re.compile(r"\{(\d{1,3})(?:(,)(\d{1,3})?)?\}")
_SPECIAL = frozenset("|)")


class _Compiler:
    """Reads a pattern from left to right and builds its parts from right to left: each piece is a function
    that is told what follows it, and says where it begins."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._parts: list[Part] = [None]

    def pattern(self) -> Pattern:
        build = self._ways(0)
        if self._at < len(self._source):
            raise BadPattern("a ) closes nothing", self._at)
        return Pattern(self._source, self._parts, build(0))

    # Reading

    def _ways(self, depth: int) -> _Build:
        if depth > 20:
            raise BadPattern("it is nested too deep", self._at)
        ways = [self._row(depth)]
        while self._take("|"):
            ways.append(self._row(depth))
        return ways[0] if len(ways) == 1 else lambda to: self._add(Ways(tuple(way(to) for way in ways)))

    def _row(self, depth: int) -> _Build:
        pieces: list[_Build] = []
        while self._at < len(self._source) and self._source[self._at] not in _SPECIAL:
            pieces.append(self._piece(depth))

        def build(to: int) -> int:
            for piece in reversed(pieces):
                to = piece(to)
            return to

        return build

    def _piece(self, depth: int) -> _Build:
        start = self._at
        atom = self._atom(depth)
        bounds = self._count()
        if bounds is None:
            return atom
        self._take("?")  # whether it takes little or much makes no difference to whether it matches
        least, most = bounds
        if most is not None and most < least:
            raise BadPattern(f"from {least} to {most} times is no range", start)
        return lambda to: self._repeated(atom, least, most, to)

    def _count(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        match = _COUNT.match(self._source, self._at)
        if match is None:
            return None
        self._at = match.end()
        least = int(match[1])
        return least, (int(match[3]) if match[3] else None) if match[2] else least

    def _atom(self, depth: int) -> _Build:
        char = self._source[self._at]
        self._at += 1
        match char:
            case "(":
                return self._group(depth)
            case "[":
                return self._one(self._set())
            case ".":
                return self._one(lambda _: True)
            case "^" | "$":
                edge: Edge = "^" if char == "^" else "$"
                return lambda to: self._add(At(edge, to))
            case "\\":
                return self._escaped()
            case "*" | "+" | "?":
                raise BadPattern(f"a {char} has nothing before it to repeat", self._at - 1)
            case _:
                return self._letters(char)

    def _group(self, depth: int) -> _Build:
        opened = self._at - 1
        if self._take("?") and not self._take(":"):
            raise BadPattern("looking around and names of groups are left out", self._at)
        inner = self._ways(depth + 1)
        if not self._take(")"):
            raise BadPattern("a ( is not closed", opened)
        return inner

    def _escaped(self) -> _Build:
        char = self._next("a \\ stands at the end")
        if char in _CLASSES:
            return self._one(_CLASSES[char])
        if char in ("b", "B"):
            edge: Edge = "b" if char == "b" else "B"
            return lambda to: self._add(At(edge, to))
        if char in _SIGNS:
            return self._letters(_SIGNS[char])
        if char.isalnum():
            raise BadPattern(f"\\{char} is left out", self._at - 2)
        return self._letters(char)

    def _set(self) -> Test:
        opened = self._at - 1
        is_not = self._take("^")
        tests: list[Test] = []
        while not tests or not self._take("]"):
            if self._at >= len(self._source):
                raise BadPattern("a [ is not closed", opened)
            tests.append(self._member())
        return lambda char: any(test(char) for test in tests) is not is_not

    def _member(self) -> Test:
        char = self._source[self._at]
        self._at += 1
        if char == "\\":
            char = self._next("a \\ stands at the end")
            if char in _CLASSES:
                return _CLASSES[char]
            char = _SIGNS.get(char, char)
        first = folded(char) or char
        if not self._source.startswith("-", self._at) or self._source.startswith("-]", self._at):
            return lambda one: one in first
        self._at += 1
        last = self._next("a range has no end")
        last = folded(last) or last
        if last < first:
            raise BadPattern(f"{first}-{last} is no range", self._at - 3)
        return lambda one: first <= one <= last

    def _next(self, missing: str) -> str:
        if self._at >= len(self._source):
            raise BadPattern(missing, self._at)
        self._at += 1
        return self._source[self._at - 1]

    def _take(self, sign: str) -> bool:
        is_there = self._source.startswith(sign, self._at)
        self._at += is_there
        return is_there

    # Building

    def _add(self, part: Part) -> int:
        if len(self._parts) >= MAX_PARTS:
            raise BadPattern(f"it has more than {MAX_PARTS} parts, with repetitions written out", 0)
        self._parts.append(part)
        return len(self._parts) - 1

    def _one(self, test: Test) -> _Build:
        return lambda to: self._add(One(test, to))

    def _letters(self, char: str) -> _Build:
        """A character as it stands in a folded text, where it may be several, or none of its own."""
        letters = folded(char) or char

        def build(to: int) -> int:
            for letter in reversed(letters):
                to = self._add(One(letter.__eq__, to))
            return to

        return build

    def _repeated(self, atom: _Build, least: int, most: int | None, to: int) -> int:
        if most is None:
            loop = self._add(None)
            self._parts[loop] = Ways((atom(loop), to))
            to = loop
        else:
            for _ in range(most - least):
                to = self._add(Ways((atom(to), to)))
        for _ in range(least):
            to = atom(to)
        return to


_Build = Callable[[int], int]
