"""Settings → General of the workspace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import available_timezones

from litestar import Response, get, post

from relevo.admin import workspaces
from relevo.domain import signing
from relevo.domain.configuring import LONGEST_PAUSE, WorkspaceWish
from relevo.domain.errors import InvalidInput
from relevo.domain.workspaces import PausedAutomation
from relevo.web.console import forms
from relevo.web.console.forms import Form
from relevo.web.console.visits import Page, TheVisit, Visit

_MINUTE = timedelta(minutes=1)


@get("/settings")
async def show(visit: TheVisit) -> Page:
    workspace = visit.workspace
    form = forms.filled(
        name=workspace.name,
        timezone=workspace.timezone,
        agent_reply_pauses_for=f"{workspace.agent_reply_pauses_for / _MINUTE:g}",
        paused_automation=workspace.paused_automation.value,
        operations_url=workspace.operations_url,
    )
    return _page(visit, form)


@post("/settings")
async def save(visit: TheVisit) -> Response[Any]:
    form = await visit.form()
    try:
        await workspaces.save(visit.means, _wish(form), visit.workspace_id)
    except InvalidInput as error:
        return _page(visit, form.refused(error), status=422)
    return visit.go("/console/settings", "The settings are saved.")


def _page(visit: Visit, form: Form, status: int = 200) -> Page:
    return visit.page(
        "settings.html",
        title="General",
        status=status,
        form=form,
        options=list(PausedAutomation),
        zones=sorted(available_timezones()),
        operations_secret=_operations_secret(visit),
    )


def _wish(form: Form) -> WorkspaceWish:
    return WorkspaceWish(
        name=form.get("name"),
        timezone=form.get("timezone"),
        agent_reply_pauses_for=_pause(form.get("agent_reply_pauses_for")),
        paused_automation=_option(form.get("paused_automation")),
        operations_url=form.get("operations_url"),
    )


def _operations_secret(visit: Visit) -> str:
    """What signs notices; "" where none are posted."""
    url = visit.workspace.operations_url
    key = visit.services.operations_key
    return signing.derived_secret(key, f"{visit.workspace_id} {url}") if url and key else ""


def _pause(text: str) -> timedelta:
    most = int(LONGEST_PAUSE / _MINUTE)
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        what = f"{text!r} is not a number of minutes; write one from 1 to {most}"
        raise InvalidInput({"agent_reply_pauses_for": [what]})
    return int(text) * _MINUTE


def _option(text: str) -> PausedAutomation:
    try:
        return PausedAutomation(text)
    except ValueError:
        raise InvalidInput({"paused_automation": ["choose one of the two"]}) from None
