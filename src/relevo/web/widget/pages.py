"""The widget's script, and the chat as a page of its own."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Template

from relevo.web.addresses import network_of
from relevo.web.widget.visits import AnyRequest, channel_of

FOLDER = Path(__file__).parent
TEMPLATES = FOLDER / "templates"
SCRIPT = FOLDER / "static" / "widget.js"
SCRIPT_KEPT_FOR = 300
"""Seconds that browsers use the script without asking: how long an upgrade takes to arrive."""


@cache
def _script() -> tuple[bytes, str]:
    """The script and its ETag; weak, since it may be compressed on the way."""
    text = SCRIPT.read_bytes()
    return text, f'W/"{sha256(text).hexdigest()[:32]}"'


@get("/widget.js", include_in_schema=False)
async def widget_script(request: AnyRequest) -> Response[bytes]:
    text, etag = _script()
    headers = {"etag": etag, "cache-control": f"public, max-age={SCRIPT_KEPT_FOR}"}
    is_known = etag in (known.strip() for known in request.headers.get("if-none-match", "").split(","))
    return Response(
        b"" if is_known else text,
        status_code=304 if is_known else 200,
        media_type="text/javascript",
        headers=headers,
    )


@get("/chat/{channel_key:str}", include_in_schema=False)
async def chat_page(request: AnyRequest, channel_key: FromPath[str]) -> Template:
    """A page that is nothing but the chat: to link to, or to put into a frame."""
    widget = request.app.state.widget
    widget.limits.calls_of_address.take(network_of(request.scope["state"]["address"]))
    channel = await channel_of(widget.services, channel_key)
    return Template(
        template_name="chat.html",
        context={
            "public_url": widget.services.edge.public_url,
            "channel_key": channel.key,
            "title": channel.config.get("title") or channel.name,
        },
        headers={"cache-control": "no-store"},
    )
