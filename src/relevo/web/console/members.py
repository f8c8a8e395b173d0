"""Members: who they are, what they may do, and whether they can sign in."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import members, signing_in
from relevo.domain.configuring import MemberWish
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import MemberId
from relevo.domain.workspaces import Member, Role
from relevo.web.console import forms
from relevo.web.console.conversations import members_of
from relevo.web.console.forms import Form
from relevo.web.console.guarding import NotForThisRole
from relevo.web.console.notices import Notice
from relevo.web.console.visits import Page, TheVisit, Visit

LAST_OWNER = (
    "this is the only owner who can sign in; make somebody else an owner, with a password, before that"
)


# Looking


@get("/members")
async def listing(visit: TheVisit) -> Page:
    return visit.page(
        "members.html",
        title="Members",
        members=sorted(members_of(visit).values(), key=lambda one: (list(Role).index(one.role), one.name)),
        can_sign_in=await signing_in.who_can(visit.means, visit.workspace_id),
    )


@get("/members/new")
async def new(visit: TheVisit) -> Page:
    return await _page(visit, None, forms.filled(role=Role.AGENT.value))


@get("/members/{member_id:int}")
async def show(visit: TheVisit, member_id: FromPath[int]) -> Page:
    one = _find(visit, member_id)
    return await _page(visit, one, forms.filled(name=one.name, email=one.email, role=one.role.value))


def _find(visit: Visit, member_id: int) -> Member:
    found = members_of(visit).get(MemberId(member_id))
    if found is None:
        raise NotFound("There is no such member in this workspace.")
    return found


async def _page(visit: Visit, one: Member | None, form: Form, status: int = 200) -> Page:
    can_sign_in = await signing_in.who_can(visit.means, visit.workspace_id)
    return visit.page(
        "member.html",
        title=one.name if one else "New member",
        status=status,
        one=one,
        form=form,
        roles=_roles(visit),
        can_sign_in=one is not None and one.id in can_sign_in,
        may_change=one is None or _may_change(visit, one),
        shortest=members.SHORTEST_PASSWORD,
    )


def _roles(visit: Visit) -> list[Role]:
    """The roles that this member may give."""
    return [role for role in Role if role is not Role.OWNER or visit.member.role is Role.OWNER]


def _may_change(visit: Visit, one: Member) -> bool:
    """Owners are changed by owners only."""
    return one.role is not Role.OWNER or visit.member.role is Role.OWNER


# Changing


@post("/members/new")
async def create(visit: TheVisit) -> Response[Any]:
    return await _save(visit, None)


@post("/members/{member_id:int}")
async def change(visit: TheVisit, member_id: FromPath[int]) -> Response[Any]:
    one = _find(visit, member_id)
    _check_may_change(visit, one)
    return await _save(visit, one)


def _check_may_change(visit: Visit, one: Member) -> None:
    if not _may_change(visit, one):
        raise NotForThisRole("Only an owner can change an owner.")


async def _save(visit: Visit, one: Member | None) -> Response[Any]:
    form = await visit.form()
    try:
        wish = _wish(visit, form)
        if one is not None and wish.role is not Role.OWNER:
            await _check_not_last_owner(visit, one, "role")
        id_, password = (one.id if one else None), form.raw("password") or None
        saved = await members.save(visit.means, visit.workspace_id, wish, password=password, member_id=id_)
    except InvalidInput as error:
        return await _page(visit, one, form.refused(error), status=422)
    return visit.go("/console/members", _said(saved.thing, password, is_new=one is None))


def _said(member: Member, password: str | None, *, is_new: bool) -> Notice:
    if password is not None and not is_new:
        return Notice(f"{member.name} is saved, has a new password, and is signed out everywhere.")
    return Notice(f"{member.name} is {'added' if is_new else 'saved'}.")


def _wish(visit: Visit, form: Form) -> MemberWish:
    role = form.get("role")
    if role not in _roles(visit):
        roles = ", ".join(_roles(visit))
        raise InvalidInput({"role": [f"this role cannot be given; choose one of: {roles}"]})
    return MemberWish(email=form.get("email"), name=form.get("name") or None, role=Role(role))


async def _check_not_last_owner(visit: Visit, one: Member, field: str) -> None:
    """Somebody must be left who can do everything."""
    can_sign_in = await signing_in.who_can(visit.means, visit.workspace_id)
    owners = {id_ for id_, member in members_of(visit).items() if member.role is Role.OWNER}
    if one.id in owners and not (owners & can_sign_in) - {one.id}:
        raise InvalidInput({field: [LAST_OWNER]})


@post("/members/{member_id:int}/password/remove")
async def remove_password(visit: TheVisit, member_id: FromPath[int]) -> Response[Any]:
    one = _find(visit, member_id)
    _check_may_change(visit, one)
    try:
        await _check_not_last_owner(visit, one, "password")
    except InvalidInput as error:
        form = forms.filled(name=one.name, email=one.email, role=one.role.value).refused(error)
        return await _page(visit, one, form, status=422)
    await signing_in.remove_password(visit.means, visit.workspace_id, one.id)
    return visit.go("/console/members", f"{one.name} cannot sign in any more, and is signed out everywhere.")
