"""Who may see what. Default deny: a page that says nothing of it is for owners and admins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from relevo.admin import members
from relevo.domain.errors import RelevoError
from relevo.domain.workspaces import Member, Role
from relevo.web.console.visits import AnyRequest, Caller, Console, Visit
from relevo.web.front_door import note

ADMINS: Final = frozenset({Role.OWNER, Role.ADMIN})
STAFF: Final = ADMINS | {Role.MEMBER}
EVERYBODY: Final = frozenset(Role)

FOR_STAFF: Final = {"for": STAFF}
FOR_EVERYBODY: Final = {"for": EVERYBODY}
"""Every member, agents too."""
OPEN: Final = {"for": None}
"""Everybody in the world. Their forms are checked all the same."""

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]


class SignInFirst(RelevoError):
    """Sign in to see this page."""

    code = "sign_in_first"
    status = 401


class NotForThisRole(RelevoError):
    """Your role does not let you see this page. An owner or an admin can change roles, under Members."""

    code = "not_for_this_role"
    status = 403


class ForeignForm(RelevoError):
    """This form was open for too long, or came from another site. Reload the page and send it again."""

    code = "foreign_form"
    status = 403


def guard_of(console: Console) -> Guard:
    """Lets through who may pass, and leaves the `Caller` or `Visit` for the page."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        assert isinstance(connection, Request)
        allowed = handler.opt.get("for", ADMINS)
        caller = Caller(console, connection)
        if allowed is not None:
            caller = await _visit(caller, allowed)
        if connection.method != "GET" and not await caller.sent_our_form():
            raise ForeignForm
        connection.state.console_caller = caller

    return guard


async def _visit(caller: Caller, allowed: frozenset[Role]) -> Visit:
    member = await member_of(caller)
    if member is None:
        raise SignInFirst
    note(caller.request.scope, member=member.id)
    if member.role not in allowed:
        raise NotForThisRole
    catalog = caller.services.catalog
    await catalog.refresh(at_once=True)
    return Visit(caller, member, catalog.directory)


async def member_of(caller: Caller) -> Member | None:
    """Whose session the browser has, while it lasts. They are online, then."""
    found = await members.session_member(caller.means, caller.session) if caller.session else None
    if found is not None:
        await caller.console.sightings.note(found.id)
    return found


async def provide_caller(request: AnyRequest) -> Caller:
    caller: Caller = request.state.console_caller
    return caller


async def provide_visit(request: AnyRequest) -> Visit:
    visit: Visit = request.state.console_caller
    return visit


async def again(visit: Visit) -> Visit | None:
    """The same visit a while later, with what has changed since; None when the member is signed out."""
    member = await member_of(visit)
    if member is None:
        return None
    catalog = visit.services.catalog
    await catalog.refresh(at_once=True)
    return Visit(visit, member, catalog.directory)
