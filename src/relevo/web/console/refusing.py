"""What goes wrong in the console, as pages."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from litestar.exceptions import HTTPException

from relevo.domain.errors import RelevoError
from relevo.web.console.guarding import SignInFirst
from relevo.web.console.visits import AnyRequest, Caller, Console, Page
from relevo.web.front_door import note
from relevo.web.refusals import refusal_of

SIGN_IN = "/console/sign-in"

_TITLES = {
    401: "Sign in first",
    403: "This is not possible",
    404: "There is nothing here",
    409: "Somebody was faster",
    422: "That cannot be",
    429: "Too many requests",
    503: "One moment",
}


def handlers_of(console: Console) -> dict[type[Exception], object]:
    """What the router does about exceptions. Faults of ours are the application's business."""

    def refuse(request: AnyRequest, error: Exception) -> object:
        return _refused(console, request, error)

    return {RelevoError: refuse, HTTPException: refuse}


def _refused(console: Console, request: AnyRequest, error: Exception) -> object:
    if isinstance(error, HTTPException) and error.status_code >= 500:
        raise error
    refusal = refusal_of(error)
    note(request.scope, refused=refusal.code)
    caller: Caller = getattr(request.state, "console_caller", None) or Caller(console, request)
    if isinstance(error, SignInFirst):
        return caller.go(_sign_in_for(request))
    page = _page(caller, refusal.status, refusal.message)
    if refusal.retry_after is not None:
        page.headers["retry-after"] = str(refusal.retry_after)
    return page


def _page(caller: Caller, status: int, message: str) -> Page:
    title = _TITLES.get(status, HTTPStatus(status).phrase)
    return caller.page("refused.html", title=title, status=status, message=message)


def _sign_in_for(request: AnyRequest) -> str:
    """Where to sign in, and to come back to what was asked for."""
    if request.method != "GET" or request.headers.get("accept", "").startswith("text/event-stream"):
        return SIGN_IN
    query = request.url.query
    wanted = request.url.path + (f"?{query}" if query else "")
    return SIGN_IN if wanted == "/console" else f"{SIGN_IN}?next={quote(wanted, safe='/')}"
