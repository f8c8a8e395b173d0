"""Which request headers can be sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")

RESERVED = frozenset({
    "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection",
    "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
"""They say where a request goes and where it ends: set by Relevo alone, or one request becomes two."""


def check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The problems, by the header's name. No text shows a value: it may be a secret."""
    problems = {name: _check(name, value) for name, value in headers.items()}
    return {name: problem for name, problem in problems.items() if problem}


def has_reserved(names: Iterable[str]) -> bool:
    return not RESERVED.isdisjoint(map(str.lower, names))


def _check(name: str, value: str) -> str | None:
    if not _NAME.fullmatch(name):
        return f"{name!r} is not a header name: letters, digits and - are"
    if name.lower() in RESERVED:
        return f"{name} is set by Relevo itself"
    if not _VALUE.fullmatch(value):
        return f"the value of {name} has a line break or another control character"
    return None
