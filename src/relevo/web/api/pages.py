"""What of `/api` needs no token: the page to read and to try it, and the OpenAPI document."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from relevo.web.api.document import make_document
from relevo.web.api.reference import make_page
from relevo.web.routers import OwnRouter

FILES = Path(__file__).parent / "static"
KINDS = {
    "reference.js": "text/javascript",
    "reference.css": "text/css",
    "icon.svg": "image/svg+xml",
}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
KEPT_FOR_GOOD = "public, max-age=31536000, immutable"
ASKED_AGAIN = "no-cache"

AnyRequest = Request[Any, Any, Any]


def create_pages(calls: list[HTTPRouteHandler], public_url: str) -> OwnRouter:
    """The document and the page are made when somebody first asks for them."""

    @cache
    def document() -> bytes:
        return msgspec.json.encode(make_document(calls, public_url))

    @cache
    def page() -> bytes:
        return make_page(
            msgspec.json.decode(document()),
            script=_address_of("reference.js"),
            style=_address_of("reference.css"),
            icon=_address_of("icon.svg"),
        )

    @get("/", include_in_schema=False)
    async def reference(request: AnyRequest) -> Response[bytes]:
        return _kept(request, page(), "text/html", {"content-security-policy": POLICY})

    @get("/openapi.json", include_in_schema=False)
    async def openapi(request: AnyRequest) -> Response[bytes]:
        # Tools on other sites may read it: there is nothing in it that is not public.
        return _kept(request, document(), "application/json", {"access-control-allow-origin": "*"})

    return OwnRouter("/api", route_handlers=[reference, openapi, docs, static_file])


@get("/docs", include_in_schema=False)
async def docs() -> Redirect:
    """Where many look for it."""
    return Redirect("/api")


@get("/static/{name:str}", include_in_schema=False)
async def static_file(name: FromPath[str]) -> Response[bytes]:
    if name not in KINDS:
        raise NotFoundException
    return Response(_file(name)[0], media_type=KINDS[name], headers={"cache-control": KEPT_FOR_GOOD})


@cache
def _file(name: str) -> tuple[bytes, str]:
    """The bytes of a file, and what they are known by."""
    content = (FILES / name).read_bytes()
    return content, sha256(content).hexdigest()[:12]


def _address_of(name: str) -> str:
    return f"/api/static/{name}?v={_file(name)[1]}"


def _kept(request: AnyRequest, content: bytes, kind: str, headers: dict[str, str]) -> Response[bytes]:
    """An answer that browsers keep, and ask about each time."""
    etag = f'W/"{sha256(content).hexdigest()[:32]}"'
    known = {one.strip() for one in request.headers.get("if-none-match", "").split(",")}
    return Response(
        b"" if etag in known else content,
        status_code=304 if etag in known else 200,
        media_type=kind,
        headers={**headers, "etag": etag, "cache-control": ASKED_AGAIN},
    )
