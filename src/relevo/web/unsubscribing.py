"""`/unsubscribe/{token}`: the link in e-mails, for whoever wants no more of them.

Looking at it changes nothing, as programs look at links as well; pressing its button does, and so does the
button that mail programs show instead (RFC 8058).
"""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.params import FromPath

from relevo.domain.emails import who_unsubscribes
from relevo.domain.errors import NotFound
from relevo.domain.events import ByConversation, SubscriberChanged
from relevo.domain.flows.runs import OptsOut
from relevo.domain.ids import ConversationId
from relevo.web.services import Services

_POLICY = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>E-mails</title>
<main><h1>{title}</h1>{body}</main></html>
"""
_BUTTON = '<form method="post"><button>No more e-mails</button></form>'


@get("/unsubscribe/{token:str}", include_in_schema=False)
async def ask(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
    _whose(request, token)
    return _page("Do you want no more e-mails?", _BUTTON)


@post("/unsubscribe/{token:str}", include_in_schema=False, status_code=200)
async def unsubscribe(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
    services: Services = request.app.state.services
    to = ByConversation(_whose(request, token))
    await services.engine.submit(SubscriberChanged(to=to, acts=(OptsOut("email"),)))
    return _page("You get no more e-mails.", "<p>You can still write to us in the chat.</p>")


def _whose(request: Request[Any, Any, Any], token: str) -> ConversationId:
    services: Services = request.app.state.services
    found = who_unsubscribes(token, services.unsubscribe_key)
    if found is None:
        raise NotFound("This link is not complete.")
    return found


def _page(title: str, body: str) -> Response[str]:
    return Response(
        _PAGE.format(title=title, body=body),
        media_type=MediaType.HTML,
        headers={"content-security-policy": _POLICY, "cache-control": "no-store"},
    )
