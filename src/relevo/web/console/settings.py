"""Settings → General of the workspace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal
from zoneinfo import available_timezones

from litestar import Response, get, post

from relevo.admin import workspaces
from relevo.domain import hours_reading, signing
from relevo.domain.configuring import LONGEST_PAUSE, WorkspaceWish
from relevo.domain.errors import InvalidInput
from relevo.domain.hours import WEEKDAYS, Holiday, Hours, Span, Weekday
from relevo.domain.hours_reading import NoHours
from relevo.domain.workspaces import PausedAutomation
from relevo.web.console import forms
from relevo.web.console.forms import Form
from relevo.web.console.visits import Page, TheVisit, Visit

WEEKDAY_NAMES = dict(
    zip(WEEKDAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)
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
        **_hours_shown(workspace.written_hours or Hours()),
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
        weekdays=WEEKDAY_NAMES,
    )


def _wish(form: Form) -> WorkspaceWish:
    return WorkspaceWish(
        name=form.get("name"),
        timezone=form.get("timezone"),
        agent_reply_pauses_for=_pause(form.get("agent_reply_pauses_for")),
        paused_automation=_option(form.get("paused_automation")),
        operations_url=form.get("operations_url"),
        written_hours=_hours(form),
    )


def _hours_shown(hours: Hours) -> dict[str, str]:
    week = {f"hours.{day}": hours_reading.in_words(hours.week.get(day, ())) for day in WEEKDAYS}
    holidays = hours_reading.holidays_in_words(hours.holidays)
    return {"hours.zone": hours.zone, **week, "hours.holidays": holidays}


def _hours(form: Form) -> Hours | Literal["always"]:
    """Nothing in any field: always. Raises InvalidInput."""
    wrong: dict[str, list[str]] = {}
    holidays: tuple[Holiday, ...] = ()
    week: dict[Weekday, tuple[Span, ...]] = {}
    for day in WEEKDAYS:
        try:
            if spans := hours_reading.spans(form.get(f"hours.{day}")):
                week[day] = spans
        except NoHours as error:
            wrong[f"hours.{day}"] = [str(error)]
    try:
        holidays = hours_reading.holidays(form.raw("hours.holidays"))
    except NoHours as error:
        wrong["hours.holidays"] = [str(error)]
    if wrong:
        raise InvalidInput(wrong)
    return Hours(zone=form.get("hours.zone"), week=week, holidays=holidays) if week else "always"


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
