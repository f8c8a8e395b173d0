"""What went wrong, as it is said to machines (JSON) and to people (a small page). The API has a form of
its own, UChat's: see `web.errors`."""

from __future__ import annotations

import base64
import html
from hashlib import sha256
from http import HTTPStatus

import msgspec
from litestar.exceptions import HTTPException, InternalServerException

from relevo.domain.errors import RelevoError, Unavailable
from relevo.web.asgi import RawHeaders

INTERNAL_ERROR = "internal_error"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """`code` is stable; `message` is for people. `retry_after` in seconds."""

    status: int
    code: str
    message: str
    retry_after: int | None = None

    @property
    def headers(self) -> RawHeaders:
        retry_after = str(self.retry_after).encode() if self.retry_after is not None else None
        # Whoever sends too much is not listened to any longer: the rest of the body would be read.
        closing = ((b"connection", b"close"),) if self.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else ()
        return (*closing, *(((b"retry-after", retry_after),) if retry_after else ()))


_GONE = "client disconnected prematurely"
"""What the framework says of a client that leaves amid its request: that is nobody's fault."""


def refusal_of(error: Exception) -> Refusal:
    """An exception as a caller may know it: of a fault of ours, nothing."""
    match error:
        case RelevoError():
            return Refusal(
                status=error.status,
                code=error.code,
                message=error.message,
                retry_after=_retry_after(error),
            )
        case InternalServerException(detail=detail) if detail == _GONE:
            return Refusal(status=400, code="client_gone", message="The request ended before it was whole.")
        case HTTPException(status_code=status, detail=detail) if status < 500:
            phrase = HTTPStatus(status).phrase
            return Refusal(status=status, code=phrase.lower().replace(" ", "_"), message=detail or phrase)
        case _:
            message = "Something went wrong on our side. It is in the log, under this request's id."
            return Refusal(status=500, code=INTERNAL_ERROR, message=message)


def as_json(refusal: Refusal) -> bytes:
    """`{"status":"error","code":…,"message":…}`"""
    return msgspec.json.encode({"status": "error", "code": refusal.code, "message": refusal.message})


def _retry_after(error: RelevoError) -> int | None:
    if isinstance(error, Unavailable):
        return error.retry_after
    told = error.facts.get("retry_after")
    return told if isinstance(told, int) else None


# Pages

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto 0;padding:0 1.25rem}"
    "h1{font-size:1.4rem;margin:0 0 .5rem}p{margin:0;opacity:.8}a{color:inherit}"
)
_STYLE_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()

PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The Content-Security-Policy of a small page."""


def small_page(title: str, words: str) -> str:
    """A page with a few words and nothing else."""
    title, words = html.escape(title), html.escape(words)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title} · Relevo</title><style>{_STYLE}</style><h1>{title}</h1><p>{words}</p></html>"
    )
