"""Integrations → Secrets: what flows send to other servers. Set and removed; never shown."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import secrets
from relevo.domain.errors import InvalidInput
from relevo.web.console import forms
from relevo.web.console.forms import Form
from relevo.web.console.visits import Page, TheVisit, Visit


@get("/secrets")
async def listing(visit: TheVisit) -> Page:
    found = await secrets.listing(visit.means, visit.workspace_id)
    return visit.page("secrets.html", title="Secrets", secrets=found)


@get("/secrets/new")
async def new(visit: TheVisit) -> Page:
    return _page(visit, forms.filled(name=visit.query.get("name")))


def _page(visit: Visit, form: Form, status: int = 200) -> Page:
    return visit.page("secret.html", title="Set a secret", status=status, form=form)


@post("/secrets/new")
async def put(visit: TheVisit) -> Response[Any]:
    form = await visit.form()
    name = form.get("name")
    try:
        await secrets.save(visit.means, visit.workspace_id, name, form.raw("value").removesuffix("\n"))
    except InvalidInput as error:
        return _page(visit, form.refused(error), status=422)
    return visit.go("/console/secrets", f"The secret {name} is set.")


@post("/secrets/{secret_name:str}/remove")
async def remove(visit: TheVisit, secret_name: FromPath[str]) -> Response[Any]:
    await secrets.remove(visit.means, visit.workspace_id, secret_name)
    return visit.go("/console/secrets", f"The secret {secret_name} is removed.")
