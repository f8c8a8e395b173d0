"""JSON as people read it: indented, with its parts marked for the stylesheet."""

from __future__ import annotations

import re

import msgspec
from markupsafe import Markup, escape

LONGEST = 64_000
"""Characters that are shown of a body."""

_TOKEN = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<literal>-?\d[\d.eE+-]*|true|false|null)'
)


def pretty(body: bytes | str) -> str:
    """Indented, if it is JSON; else as it is."""
    raw = body.encode() if isinstance(body, str) else body
    try:
        shown = msgspec.json.format(raw, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        shown = raw.decode("utf-8", "replace")
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}\n…"


def highlighted(body: bytes | str) -> Markup:
    """A body for a `<pre>`."""
    text, pieces, end = pretty(body), [], 0
    if not text.lstrip().startswith(("{", "[")):
        return escape(text)
    for match in _TOKEN.finditer(text):
        pieces += [escape(text[end : match.start()]), _marked(match)]
        end = match.end()
    return Markup("").join([*pieces, escape(text[end:])])


def _marked(match: re.Match[str]) -> Markup:
    return Markup('<span class="json-{}">{}</span>').format(match.lastgroup, match[0])
