"""Signing in and out."""

from __future__ import annotations

import re
from typing import Any

from litestar import Response, get, post

from relevo.admin import members, signing_in
from relevo.admin.members import SESSION_FOR
from relevo.domain.errors import TooManyRequests
from relevo.domain.workspaces import Member
from relevo.web.addresses import network_of
from relevo.web.console import cookies
from relevo.web.console.forms import Form
from relevo.web.console.guarding import FOR_EVERYBODY, OPEN, member_of
from relevo.web.console.visits import Caller, Page, TheCaller, TheVisit
from relevo.web.front_door import note

_OURS = re.compile(r"/console(/[\w./-]*)?(\?[\w.=&%+-]*)?")
WRONG = "This e-mail address and this password do not belong together. Check both, and that Caps Lock is off."


@get("/sign-in", opt=OPEN)
async def sign_in_page(caller: TheCaller) -> Response[Any]:
    if await member_of(caller) is not None:
        return caller.go(_next(caller.query))
    if await signing_in.nobody_can(caller.means):
        return caller.go("/console/set-up")
    return _page(caller, Form(caller.query.values))


@post("/sign-in", opt=OPEN)
async def sign_in(caller: TheCaller) -> Response[Any]:
    form = await caller.form()
    email = form.get("email")
    try:
        take_attempt(caller, email.lower())
    except TooManyRequests as error:
        return _page(caller, Form(form.values, {"form": [error.message]}), status=429)
    member = await members.verify(caller.means, email, form.raw("password"))
    if member is None:
        note(caller.request.scope, sign_in="refused")
        return _page(caller, Form(form.values, {"form": [WRONG]}), status=422)
    return await let_in(caller, member, _next(form))


def take_attempt(caller: Caller, email: str) -> None:
    """Count an attempt to get in. Raises `TooManyRequests`."""
    address = network_of(caller.request.scope["state"]["address"])
    caller.console.attempts_of_address.take(address)
    if email:
        caller.console.attempts_with_email.take(email)


async def let_in(caller: Caller, member: Member, path: str) -> Response[Any]:
    """Open a session and go there."""
    note(caller.request.scope, member=member.id, sign_in="done")
    token = await members.open_session(caller.means, member.id)
    session = cookies.cookie("session", token, caller.services, SESSION_FOR)
    return caller.go(path, cookies_too=[session, cookies.gone("form", caller.services)])


@post("/sign-out", opt=FOR_EVERYBODY)
async def sign_out(visit: TheVisit) -> Response[Any]:
    await members.close_session(visit.means, visit.session)
    return visit.go(
        "/console/sign-in", "You are signed out.", cookies_too=[cookies.gone("session", visit.services)]
    )


def _page(caller: Caller, form: Form, status: int = 200) -> Page:
    return caller.page("sign_in.html", title="Sign in", status=status, form=form)


def _next(form: Form) -> str:
    """Where to go afterwards: a page of the console, and nowhere else."""
    wanted = form.get("next")
    return wanted if _OURS.fullmatch(wanted) and "//" not in wanted and ".." not in wanted else "/console"
