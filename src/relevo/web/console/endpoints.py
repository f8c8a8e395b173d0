"""Integrations → Webhooks: where the platform listens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from relevo.admin import deleting as admin_deleting
from relevo.admin import endpoints, health, trying
from relevo.domain import rotating
from relevo.domain.configuring import OPTIONAL_EVENTS, EndpointWish
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import EndpointId
from relevo.domain.workspaces import Channel, Endpoint, EventType
from relevo.web.console import deleting, forms
from relevo.web.console.forms import Form
from relevo.web.console.notices import Notice
from relevo.web.console.visits import Page, TheVisit, Visit

EMPTY_ROWS = 1
KEEP_OLD_HOURS = (
    (1, "1 hour"),
    (24, "24 hours"),
    (72, "3 days"),
    (168, "7 days"),
    (720, "30 days"),
    (0, "not at all"),
)
"""How long the old secret may go on signing, in hours: what the form offers."""
MOST_HOURS = 100_000  # the longest that is looked at; what may be is the rotation's business
SECRET_NAME = "Signing secret"
SAMPLES = (EventType.TEST, *OPTIONAL_EVENTS)
"""What a test may be a sample of."""


# Looking


@get("/endpoints")
async def listing(visit: TheVisit) -> Page:
    mine = [one for one in visit.directory.endpoints.values() if one.workspace_id == visit.workspace_id]
    async with visit.services.database.read() as connection:
        pictures = await health.pictures(connection, mine, visit.when.now)
    return visit.page(
        "endpoints.html",
        title="Webhooks",
        endpoints=mine,
        pictures=pictures,
        channels={one.id: _channels_of(visit, one) for one in mine},
    )


@get("/endpoints/new")
async def new(visit: TheVisit) -> Page:
    return await _page(visit, None, forms.filled(listening="none"))


@get("/endpoints/{endpoint_id:int}")
async def show(visit: TheVisit, endpoint_id: FromPath[int]) -> Page:
    endpoint = _find(visit, endpoint_id)
    return await _page(visit, endpoint, _filled(visit, endpoint))


def _find(visit: Visit, endpoint_id: int) -> Endpoint:
    found = visit.directory.endpoints.get(EndpointId(endpoint_id))
    if found is None or found.workspace_id != visit.workspace_id:
        raise NotFound("There is no such endpoint in this workspace.")
    return found


def _channels_of(visit: Visit, endpoint: Endpoint) -> list[Channel]:
    return [one for one in visit.directory.channels.values() if one.live_chat.endpoint_id == endpoint.id]


def _channels(visit: Visit) -> list[Channel]:
    return [one for one in visit.directory.channels.values() if one.workspace_id == visit.workspace_id]


async def _page(visit: Visit, endpoint: Endpoint | None, form: Form, status: int = 200) -> Page:
    return visit.page(
        "endpoint.html",
        title=endpoint.name if endpoint else "New webhook",
        status=status,
        endpoint=endpoint,
        form=form,
        headers=_header_rows(form),
        events=OPTIONAL_EVENTS,
        all_channels=_channels(visit),
        signing=rotating.secrets_of(endpoint, visit.services.clock.now()) if endpoint else None,
        keep_old_hours=KEEP_OLD_HOURS,
        event=EventType.TEST.value,
        sample_events=SAMPLES,
        channels=_channels_of(visit, endpoint) if endpoint else [],
        deleting=await deleting.of_endpoint(visit, endpoint) if endpoint else None,
        can_try=visit.services.try_endpoint is not None,
        health=await _health(visit, endpoint) if endpoint else None,
    )


async def _health(visit: Visit, endpoint: Endpoint) -> health.Close:
    async with visit.services.database.read() as connection:
        return await health.close(connection, endpoint, visit.when.now)


def _filled(visit: Visit, endpoint: Endpoint) -> Form:
    """What there is; the values of headers stay masked, and secrets are not there at all."""
    shown = endpoints.masked(endpoint.headers)
    return forms.filled(
        name=endpoint.name,
        url=endpoint.url,
        header_name=list(shown),
        header_value=list(shown.values()),
        events=[event.value for event in endpoint.events],
        listening="all" if endpoint.channels == "all" else "some" if endpoint.channels else "none",
        channels=_names_listened_to(visit, endpoint),
        max_in_flight=str(endpoint.max_in_flight or ""),
        max_per_second=str(endpoint.max_per_second or ""),
    )


def _names_listened_to(visit: Visit, endpoint: Endpoint) -> list[str]:
    if endpoint.channels == "all":
        return []
    return [one.name for one in _channels(visit) if one.id in endpoint.channels]


class HeaderRow(msgspec.Struct, frozen=True):
    """A header in the form. `value` is what was typed, or the mask of what is stored."""

    name: str
    value: str
    problems: tuple[str, ...] = ()


def _header_rows(form: Form) -> list[HeaderRow]:
    rows = [
        HeaderRow(name, value, tuple(form.problems(f"headers.{name}"))) for name, value in _header_pairs(form)
    ]
    more = EMPTY_ROWS + (1 if form.get("action") == "add_header" else 0)
    return [*rows, *(HeaderRow("", "") for _ in range(more))]


def _header_pairs(form: Form) -> list[tuple[str, str]]:
    pairs = zip(form.all("header_name"), form.all("header_value"), strict=False)
    return [(name, value) for name, value in pairs if name or value]


# Saving


@post("/endpoints/new")
async def create(visit: TheVisit) -> Response[Any]:
    return await _save(visit, None)


@post("/endpoints/{endpoint_id:int}")
async def change(visit: TheVisit, endpoint_id: FromPath[int]) -> Response[Any]:
    return await _save(visit, _find(visit, endpoint_id))


async def _save(visit: Visit, endpoint: Endpoint | None) -> Response[Any]:
    form = await visit.form()
    if form.get("action") == "add_header":
        return await _page(visit, endpoint, form)
    try:
        _check_repeated(form)
        id_ = endpoint.id if endpoint else None
        saved = await endpoints.save(visit.means, visit.workspace_id, _wish(form), id_)
    except InvalidInput as error:
        return await _page(visit, endpoint, form.refused(error, secrets="secret"), status=422)
    notice = Notice("The webhook is saved.", secret=saved.secret, secret_name=SECRET_NAME)
    return visit.go(f"/console/endpoints/{saved.thing.id}", notice)


def _wish(form: Form) -> EndpointWish:
    chosen = {event for event in OPTIONAL_EVENTS if form.has("events", event.value)}
    secret = form.get("secret")
    return EndpointWish(
        name=form.get("name"),
        url=form.get("url"),
        headers=dict(_header_pairs(form)),
        secrets=(secret,) if secret else None,
        events=frozenset(chosen),
        channels=_listening(form),
        max_in_flight=_limit(form, "max_in_flight"),
        max_per_second=_limit(form, "max_per_second"),
    )


def _limit(form: Form, field: str) -> int:
    """Nothing is no limit."""
    text = form.get(field)
    number = form.number(field) if text else 0
    if number is None:
        raise InvalidInput({field: [f"{text!r} is not a whole number; leave it empty for no limit"]})
    return number


def _listening(form: Form) -> tuple[str, ...] | Literal["all"]:
    match form.get("listening"):
        case "all":
            return "all"
        case "some":
            return _chosen(form)
        case _:
            return ()


def _chosen(form: Form) -> tuple[str, ...]:
    if not form.all("channels"):
        what = "no channel is chosen; choose at least one, or *No other channel*"
        raise InvalidInput({"channels": [what]})
    return tuple(form.all("channels"))


def _check_repeated(form: Form) -> None:
    """A form can hold what a wish cannot: the very same name twice."""
    names = [name for name, _ in _header_pairs(form)]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InvalidInput(
            {f"headers.{name}": [f"the header {name} is given twice; keep one of them"] for name in twice}
        )


@post("/endpoints/{endpoint_id:int}/enable")
async def enable(visit: TheVisit, endpoint_id: FromPath[int]) -> Response[Any]:
    endpoint = _find(visit, endpoint_id)
    await endpoints.enable(visit.means, visit.workspace_id, endpoint.id)
    what = "The webhook is in use again. What was given up meanwhile can be redelivered from its delivery."
    return visit.go(f"/console/endpoints/{endpoint.id}", what)


@post("/endpoints/{endpoint_id:int}/disable")
async def disable(visit: TheVisit, endpoint_id: FromPath[int]) -> Response[Any]:
    endpoint = _find(visit, endpoint_id)
    reason = f"by {visit.member.name}"
    await endpoints.disable(visit.means, visit.workspace_id, endpoint.id, reason)
    return visit.go(f"/console/endpoints/{endpoint.id}", Notice("Nothing is posted there now.", "warn"))


@post("/endpoints/{endpoint_id:int}/secret")
async def replace_secret(visit: TheVisit, endpoint_id: FromPath[int]) -> Response[Any]:
    endpoint, form = _find(visit, endpoint_id), await visit.form()
    hours = form.number("keep_old_hours") if form.get("keep_old_hours") else None
    keep_old_for = rotating.ROTATION if hours is None else timedelta(hours=min(hours, MOST_HOURS))
    saved = await endpoints.rotate_secret(visit.means, visit.workspace_id, endpoint.id, keep_old_for)
    until = saved.thing.old_secret_until
    too = (
        f"The old one signs too, until {visit.when.short(until)}." if until else "The old one signs no more."
    )
    notice = Notice(f"There is a new signing secret. {too}", secret=saved.secret, secret_name=SECRET_NAME)
    return visit.go(f"/console/endpoints/{endpoint.id}", notice)


@post("/endpoints/{endpoint_id:int}/secret/retire")
async def retire_secret(visit: TheVisit, endpoint_id: FromPath[int]) -> Response[Any]:
    endpoint = _find(visit, endpoint_id)
    await endpoints.retire_secret(visit.means, visit.workspace_id, endpoint.id)
    return visit.go(f"/console/endpoints/{endpoint.id}", "The old signing secret signs no more.")


@post("/endpoints/{endpoint_id:int}/delete")
async def delete(visit: TheVisit, endpoint_id: FromPath[int]) -> Response[Any]:
    endpoint, may = _find(visit, endpoint_id), (await visit.form()).has("give_up_waiting", "yes")
    await admin_deleting.delete_endpoint(visit.means, visit.workspace_id, endpoint.id, give_up_waiting=may)
    return visit.go("/console/endpoints", f"The webhook {endpoint.name} is deleted.")


# Trying


@post("/endpoints/{endpoint_id:int}/test", status_code=200)
async def send_test(visit: TheVisit, endpoint_id: FromPath[int]) -> Page:
    """Nothing is changed by it, so its answer is a page and not a redirect."""
    endpoint, form = _find(visit, endpoint_id), await visit.form()
    if visit.services.try_endpoint is None:
        raise NotFound("This server cannot send test events.")
    delivery = trying.sample_delivery(
        visit.directory,
        endpoint,
        trying.event_type_of(form.get("event")),
        now=visit.services.clock.now(),
        chance=visit.services.chance,
        by=visit.member.name,
    )
    return visit.page(
        "endpoint_test.html",
        title=f"Test of {endpoint.name}",
        endpoint=endpoint,
        trial=await visit.services.try_endpoint(endpoint, delivery),
        event=delivery.event_type,
        sample_events=SAMPLES,
    )
