"""`/unsubscribe/{token}`: the link in e-mails, for whoever wants no more of them.

Looking at it changes nothing, as programs look at links as well; pressing its button does, and so does the
button that mail programs show instead (RFC 8058).
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.params import FromPath

from relevo.domain.conversations import Conversation
from relevo.domain.emails import who_unsubscribes
from relevo.domain.errors import NotFound
from relevo.domain.events import ByConversation, SubscriberChanged
from relevo.domain.flows.languages import best
from relevo.domain.flows.runs import OptsOut
from relevo.store import conversations
from relevo.web.console import pages
from relevo.web.services import Services

_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "style-src 'self'; img-src 'self'"
)


class Texts(msgspec.Struct, frozen=True):
    """What the page says, in one language."""

    question: str
    button: str
    done: str
    still: str


TEXTS = {
    "en": Texts(
        "Do you want no more e-mails?",
        "No more e-mails",
        "You get no more e-mails.",
        "You can still write to us in the chat.",
    ),
    "de": Texts(
        "Möchten Sie keine E-Mails mehr?",
        "Keine E-Mails mehr",
        "Sie bekommen keine E-Mails mehr.",
        "Im Chat können Sie uns weiterhin schreiben.",
    ),
    "es": Texts(
        "¿No quiere recibir más correos?",
        "No recibir más correos",
        "Ya no recibirá más correos.",
        "Puede seguir escribiéndonos en el chat.",
    ),
    "fr": Texts(
        "Vous ne voulez plus recevoir d’e-mails\u00a0?",
        "Ne plus recevoir d’e-mails",
        "Vous ne recevrez plus d’e-mails.",
        "Vous pouvez toujours nous écrire dans le chat.",
    ),
    "pt": Texts(
        "Não quer receber mais e-mails?",
        "Não receber mais e-mails",
        "Não receberá mais e-mails.",
        "Pode continuar a escrever-nos no chat.",
    ),
}
"""English is for everybody else."""


@get("/unsubscribe/{token:str}", include_in_schema=False)
async def ask(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
    whose = await _whose(request, token)
    return _page(request, whose, is_done=whose.refuses_email)


@post("/unsubscribe/{token:str}", include_in_schema=False, status_code=200)
async def unsubscribe(request: Request[Any, Any, Any], token: FromPath[str]) -> Response[str]:
    services: Services = request.app.state.services
    whose = await _whose(request, token)
    await services.engine.submit(SubscriberChanged(to=ByConversation(whose.id), acts=(OptsOut("email"),)))
    return _page(request, whose, is_done=True)


async def _whose(request: Request[Any, Any, Any], token: str) -> Conversation:
    services: Services = request.app.state.services
    id_ = who_unsubscribes(token, services.unsubscribe_key)
    if id_ is not None:
        async with services.database.read() as connection:
            found = await conversations.find(connection, id_)
        if found is not None:
            return found
    raise NotFound("This link is not complete.")


def _page(request: Request[Any, Any, Any], whose: Conversation, *, is_done: bool) -> Response[str]:
    services: Services = request.app.state.services
    profile = whose.subscriber.profile
    language = best(profile.language or profile.locale, TEXTS)
    company = services.catalog.directory.workspaces[whose.workspace_id].name
    context = {"language": language, "texts": TEXTS[language], "company": company, "is_done": is_done}
    return Response(
        pages.render("unsubscribe.html", context),
        media_type=MediaType.HTML,
        headers={"content-security-policy": _POLICY, "cache-control": "no-store"},
    )
