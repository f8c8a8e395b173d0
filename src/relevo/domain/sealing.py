"""Texts with secrets in them that are not there yet.

What a flow sends elsewhere is written down before it is sent, and a secret must not be written down. So
where one belongs a mark stands, between two NUL characters, and whoever sends the text fills it in. A
customer cannot write a mark: NUL is taken out of whatever else becomes part of such a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""What a secret may be called."""

_MARK = re.compile(r"\0(\w+)\0")

Secrets = Mapping[str, str]


class KeptSecrets(dict[str, str]):
    """The secrets of one workspace, of which nothing shows more than the names by accident."""

    def __repr__(self) -> str:
        return f"KeptSecrets({', '.join(sorted(self))})"


class UnknownSecret(Exception):
    """A text names a secret that the workspace does not have."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


class Mark(str):
    """Stands for a secret in a template. As a text it is nothing."""

    secret: str

    def __new__(cls, secret: str) -> Mark:
        made = super().__new__(cls, "")
        made.secret = secret
        return made


class Marks(Mapping[str, Mark]):
    """`secret` in a template: whatever the name, its mark."""

    def __getitem__(self, name: str) -> Mark:
        return Mark(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)


def mark(name: str) -> str:
    """What stands in a text for the secret of this name."""
    return f"\0{name}\0"


def clean(text: str) -> str:
    """A text of anybody's, in which no mark can be."""
    return text.replace("\0", "")


def filled(text: str, secrets: Secrets) -> str:
    """A text with its secrets. Raises UnknownSecret."""
    return _MARK.sub(lambda found: _secret(found[1], secrets), text) if "\0" in text else text


def filled_in(value: Any, secrets: Secrets) -> Any:
    """The same, of every text in a JSON value. Raises UnknownSecret."""
    return _each(value, lambda text: filled(text, secrets))


def shown(text: str) -> str:
    """A text as people may see it: with the names of its secrets."""
    return _MARK.sub(lambda found: f"{{{{ secret.{found[1]} }}}}", text)


def shown_in(value: Any) -> Any:
    """The same, of every text in a JSON value."""
    return _each(value, shown)


def _each(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case dict():
            return {key: _each(item, change) for key, item in value.items()}
        case list() | tuple():
            return [_each(item, change) for item in value]
        case _:
            return value


def _secret(name: str, secrets: Secrets) -> str:
    if name not in secrets:
        raise UnknownSecret(name)
    return secrets[name]
