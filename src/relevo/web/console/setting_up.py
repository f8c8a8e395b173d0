"""The first run: whoever can read the server's log becomes the first owner."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256
from typing import Any

from litestar import Response, get, post

from relevo.admin import signing_in as accounts
from relevo.admin.changing import reading
from relevo.domain.configuring import MemberWish
from relevo.domain.errors import InvalidInput, NotFound, TooManyRequests
from relevo.web.console.forms import Form
from relevo.web.console.guarding import OPEN
from relevo.web.console.signing_in import let_in, take_attempt
from relevo.web.console.visits import Caller, Page, TheCaller, make_console
from relevo.web.services import Services

GROUPS, OF = 3, 4
WRONG_CODE = "this is not the code; the server prints it in its log when it starts"


async def first_run_code(services: Services) -> str:
    """The code that the set-up page asks for, to be printed in the log; "" when somebody can sign in.

    It is worth nothing once somebody can. All processes of an installation have the same.
    """
    return _code(services) if await accounts.nobody_can(make_console(services).means) else ""


def _code(services: Services) -> str:
    drawn = hmac.new(services.cookie_key, b"console first run", sha256).digest()
    text = base64.b32encode(drawn).decode()
    return "-".join(text[start : start + OF] for start in range(0, GROUPS * OF, OF))


@get("/set-up", opt=OPEN)
async def set_up_page(caller: TheCaller) -> Page:
    await _check_first_run(caller)
    return await _page(caller, Form())


@post("/set-up", opt=OPEN)
async def set_up(caller: TheCaller) -> Response[Any]:
    await _check_first_run(caller)
    form = await caller.form()
    try:
        take_attempt(caller, "")
        _check_code(caller, form)
        wish = MemberWish(email=form.get("email"), name=form.get("name"))
        owner = await accounts.set_up(caller.means, form.get("workspace"), wish, form.raw("password"))
    except InvalidInput as error:
        return await _page(caller, form.refused(error), status=422)
    except TooManyRequests as error:
        return await _page(caller, Form(form.values, {"code": [error.message]}), status=429)
    return await let_in(caller, owner.thing, "/console")


async def _check_first_run(caller: Caller) -> None:
    if not await accounts.nobody_can(caller.means):
        raise NotFound("Relevo is set up. Sign in, or let an owner add you under Members.")


def _check_code(caller: Caller, form: Form) -> None:
    given = form.get("code").upper().replace(" ", "").replace("-", "")
    if not hmac.compare_digest(given.encode(), _code(caller.services).replace("-", "").encode()):
        raise InvalidInput({"code": [WRONG_CODE]})


async def _page(caller: Caller, form: Form, status: int = 200) -> Page:
    """The name of a workspace is asked for unless there is exactly one."""
    workspaces = len((await reading(caller.means)).workspaces)
    return caller.page("set_up.html", title="Set up Relevo", status=status, form=form, workspaces=workspaces)
