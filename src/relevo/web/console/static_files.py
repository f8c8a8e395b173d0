"""The stylesheet, the script and the icon: addressed by what is in them, kept by browsers for good."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
TYPES = {
    "console.css": "text/css; charset=utf-8",
    "flow_editor.js": "text/javascript; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@cache
def content(name: str) -> tuple[bytes, str]:
    """The bytes of a file, and their version."""
    text = (FOLDER / name).read_bytes()
    return text, sha256(text).hexdigest()[:12]


def address_of(name: str) -> str:
    return f"/console/static/{name}?v={content(name)[1]}"
