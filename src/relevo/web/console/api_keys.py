"""API keys: tokens of one flow each, shown once."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import tokens
from relevo.domain.errors import InvalidInput
from relevo.domain.ids import ApiKeyId, FlowId, MemberId
from relevo.domain.workspaces import Scope
from relevo.web.console import forms
from relevo.web.console.conversations import members_of
from relevo.web.console.forms import Form
from relevo.web.console.notices import Notice
from relevo.web.console.visits import Page, TheVisit, Visit


@get("/api-keys")
async def listing(visit: TheVisit) -> Page:
    keys = await tokens.listing(visit.means, visit.workspace_id)
    return visit.page(
        "api_keys.html",
        title="API keys",
        keys=[one for one in keys if one.revoked_at is None][::-1],
        revoked=[one for one in keys if one.revoked_at is not None][::-1],
        flows=visit.directory.flows,
        members=members_of(visit),
    )


@get("/api-keys/new")
async def new(visit: TheVisit) -> Page:
    return _page(visit, forms.filled(scopes=[Scope.MANAGE_FLOW.value], member=str(visit.member.id)))


def _page(visit: Visit, form: Form, status: int = 200) -> Page:
    return visit.page(
        "api_key.html",
        title="New API key",
        status=status,
        form=form,
        flows=[one for one in visit.directory.flows.values() if one.workspace_id == visit.workspace_id],
        members=members_of(visit),
        scopes=list(Scope),
    )


@post("/api-keys/new")
async def create(visit: TheVisit) -> Response[Any]:
    form = await visit.form()
    try:
        made = await tokens.create(
            visit.means,
            visit.workspace_id,
            _flow(visit, form),
            name=form.get("name"),
            scopes=[scope for scope in Scope if form.has("scopes", scope.value)],
            member_id=_member(visit, form),
        )
    except InvalidInput as error:
        return _page(visit, form.refused(error), status=422)
    what = "The API key is made. Copy its token now: it is not shown again."
    notice = Notice(what, secret=made.token, secret_name=f"Token of {made.key.name}")
    return visit.go("/console/api-keys", notice)


def _flow(visit: Visit, form: Form) -> FlowId:
    found = visit.directory.flows.get(FlowId(form.number("flow") or 0))
    if found is None or found.workspace_id != visit.workspace_id:
        raise InvalidInput({"flow": ["the flow is missing; choose the one that the token is for"]})
    return found.id


def _member(visit: Visit, form: Form) -> MemberId | None:
    id_ = MemberId(form.number("member") or 0)
    if id_ and id_ not in members_of(visit):
        raise InvalidInput({"member": ["there is no such member; choose one of the list"]})
    return id_ or None


@post("/api-keys/{key_id:int}/revoke")
async def revoke(visit: TheVisit, key_id: FromPath[int]) -> Response[Any]:
    key = await tokens.revoke(visit.means, visit.workspace_id, ApiKeyId(key_id))
    return visit.go("/console/api-keys", f"The API key {key.name} is revoked. It opens nothing any more.")
