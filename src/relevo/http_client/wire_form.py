"""A request as it stands on the wire, for people to see."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from relevo.domain.errors import ForbiddenAddress
from relevo.http_client.egress_guard import read_url
from relevo.http_client.routes import USER_AGENT


def request_line(method: str, url: str, answered: str) -> str:
    """`POST /uchat?x=1 HTTP/1.1`. `answered`: the version of the answer, "" for none; HTTP/2 is agreed upon
    before the request, and whatever answers an older one was asked in 1.1."""
    version = answered if answered.startswith("HTTP/2") else "HTTP/1.1"
    parts = urlsplit(_as_read(url))
    return f"{method} {parts.path or '/'}{f'?{parts.query}' if parts.query else ''} {version}"


def all_headers(url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The headers with those that the client adds by itself where they are not given, in the order in which
    they are sent."""
    own = {"accept": "*/*", "user-agent": USER_AGENT, "host": urlsplit(_as_read(url)).netloc}
    given = {name.lower() for name in headers}
    added = {name: value for name, value in own.items() if name not in given}
    return {**headers, **added, "content-length": str(len(body))}


def _as_read(url: str) -> str:
    """As the client reads it: hosts in lower case, no port where it goes without saying."""
    try:
        return str(read_url(url).url)
    except ForbiddenAddress:
        return url  # never sent
