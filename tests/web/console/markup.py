"""Pages as a browser, or somebody who cannot see them, takes them apart."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

INLINE = frozenset({"a", "abbr", "b", "code", "em", "i", "kbd", "small", "span", "strong", "time", "u"})
"""What stands in a line; between all else there is a pause when it is read."""
VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})


class Element:
    """An element, its attributes (without a value: ""), and what is in it."""

    def __init__(self, name: str, attributes: dict[str, str], parent: Element | None) -> None:
        self.name, self.attributes, self.parent = name, attributes, parent
        self.children: list[Element | str] = []

    def get(self, attribute: str) -> str:
        return self.attributes.get(attribute, "")

    @property
    def text(self) -> str:
        """What is read, its white space as single spaces."""
        return " ".join(self._raw().split())

    def _raw(self) -> str:
        inside = "".join(child if isinstance(child, str) else child._raw() for child in self.children)
        return inside if self.name in INLINE else f" {inside} "

    @property
    def elements(self) -> Iterator[Element]:
        """Everything in it, in order."""
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.elements

    def all(self, *names: str, **attributes: str) -> list[Element]:
        """The elements in it with one of these names and all of these attributes."""
        return [
            one
            for one in self.elements
            if (not names or one.name in names)
            and all(
                one.attributes.get(key.rstrip("_").replace("_", "-")) == value
                for key, value in attributes.items()
            )
        ]

    def one(self, *names: str, **attributes: str) -> Element:
        found = self.all(*names, **attributes)
        assert len(found) == 1, f"{len(found)} times {names} {attributes}"
        return found[0]

    def within(self, name: str) -> bool:
        """Whether it stands in an element of this name."""
        return self.parent is not None and (self.parent.name == name or self.parent.within(name))


def parsed(html: str) -> Element:
    """A page, as a tree."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.root


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self._open = Element("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(made)
        if tag not in VOID:
            self._open = made

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(made)

    def handle_endtag(self, tag: str) -> None:
        closed: Element | None = self._open
        while closed is not None and closed.name != tag:
            closed = closed.parent
        assert closed is not None, f"</{tag}> closes nothing"
        assert closed is self._open, f"</{tag}> while <{self._open.name}> is open"
        assert closed.parent is not None
        self._open = closed.parent

    def handle_data(self, data: str) -> None:
        self._open.children.append(data)
