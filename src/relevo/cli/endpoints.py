"""Commands about endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import click

from relevo.admin import deleting, trying
from relevo.admin import endpoints as admin
from relevo.admin.changing import Means, Saved
from relevo.admin.health import Picture, percent, pictures
from relevo.admin.trying import Trial
from relevo.cli.deleting import give_up_waiting, tell_deleted
from relevo.cli.installation import (
    endpoint_named,
    everything,
    opened,
    read_settings,
    run,
    workspace_named,
    workspace_option,
)
from relevo.cli.tables import print_table
from relevo.couriers.attempts import outcome_name, status_of
from relevo.couriers.webhook import try_endpoint
from relevo.domain import audiences, rotating
from relevo.domain.configuring import OPTIONAL_EVENTS
from relevo.domain.deliveries import Accepted
from relevo.domain.ids import EndpointId
from relevo.domain.workspaces import Endpoint, EventType
from relevo.domain.yaml_reading import quoted, read_duration
from relevo.http_client.client import HttpClient
from relevo.store.directory import Directory

SAMPLES = (EventType.TEST, *OPTIONAL_EVENTS)
_name = click.argument("name", metavar="NAME")


class Duration(click.ParamType[timedelta]):
    """`30m`, `24h`, `7d`; `0` for none."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        length = timedelta() if value == "0" else read_duration(value)
        if length is None:
            self.fail(f"{quoted(value)} is not a duration; write one like 30m, 24h or 7d, or 0", param, ctx)
        return length


@click.group()
def endpoints() -> None:
    """List, look after and delete endpoints."""


@endpoints.command("list")
@workspace_option
def list_(workspace: str | None) -> None:
    """List the endpoints.

    Which channels' live chat goes there, what they listen to besides, and whose secret is being replaced.
    """

    async def read() -> tuple[Directory, datetime]:
        async with opened() as means:
            return await everything(means), means.clock.now()

    found, now = run(read())
    within = workspace_named(found, workspace).id if workspace else None
    listed = [one for one in found.endpoints.values() if within in (None, one.workspace_id)]
    headings = ("name", "url", "live chat of", "listens to", "events", "secret", "status")
    rows = [_row(one, found, now) for one in listed]
    print_table(headings, rows, "There are no endpoints yet; `relevo apply FILE` makes some.")


@endpoints.command()
@_name
@click.option(
    "--keep-old",
    metavar="DURATION",
    type=Duration(),
    default="24h",
    help="How long the present secret signs too: 30m, 24h, 7d; 0 for not at all.",
)
@workspace_option
def rotate(name: str, keep_old: timedelta, workspace: str | None) -> None:
    """Replace the signing secret without a gap.

    The new secret stands alone on stdout, this once. The present one signs beside it for a time.
    """

    async def replace() -> Saved[Endpoint]:
        async with opened() as means:
            one = endpoint_named(await everything(means), name, workspace)
            return await admin.rotate_secret(means, one.workspace_id, one.id, keep_old)

    saved = run(replace())
    click.echo(saved.secret)
    until = saved.thing.old_secret_until
    too = f"too until {rotating.stamp(until)}" if until else "no more"
    click.echo(f"The old secret signs {too}.", err=True)


@endpoints.command()
@_name
@workspace_option
def retire(name: str, workspace: str | None) -> None:
    """Let the old secret sign no more.

    Ends at once what `relevo endpoints rotate` began.
    """

    async def end() -> bool:
        async with opened() as means:
            one = endpoint_named(await everything(means), name, workspace)
            await admin.retire_secret(means, one.workspace_id, one.id)
            return len(one.signing_secrets(means.clock.now())) > 1

    was_rotating = run(end())
    what = "The old secret signs no more" if was_rotating else "There was no old secret"
    click.echo(f"{what}: {name} is signed with one secret.", err=True)


@endpoints.command()
@_name
@click.option(
    "--event",
    metavar="TYPE",
    type=click.Choice([event.value for event in SAMPLES]),
    default=EventType.TEST.value,
    help="What it is a sample of: a type of event, as message.received.",
)
@workspace_option
def test(name: str, event: str, workspace: str | None) -> None:
    """Send a test event, and show the request and the answer.

    With every header, custom ones masked. Nothing is stored. The exit code is 0 when it is accepted.
    """
    settings = read_settings()

    async def post() -> Trial:
        async with opened(settings) as means:
            return await _try(means, name, EventType(event), workspace, settings.webhook_timeout)

    trial = run(post())
    click.echo("\n".join(_shown(trial)))
    if not isinstance(trial.outcome, Accepted):
        raise click.ClickException(f"{outcome_name(trial.outcome)}: {status_of(trial.outcome)}")


async def _try(
    means: Means,
    name: str,
    event: EventType,
    workspace: str | None,
    timeout: timedelta,  # noqa: ASYNC109
) -> Trial:
    found, now = await everything(means), means.clock.now()
    endpoint = endpoint_named(found, name, workspace)
    delivery = trying.sample_delivery(
        found, endpoint, event, now=now, chance=means.chance, by="relevo endpoints test"
    )
    http = HttpClient(means.guard, means.clock.monotonic)
    try:
        return await try_endpoint(endpoint, delivery, http, means.clock, timeout)
    finally:
        await http.close()


def _shown(trial: Trial) -> list[str]:
    """The request and its answer as they stood on the wire."""
    lines = [trial.line, *_headers(trial.headers), "", trial.body.decode(), ""]
    if trial.answer is None:
        return [*lines, f"(no answer, after {_ms(trial.took)})"]
    took = f"begun after {_ms(trial.answer.after)}, whole after {_ms(trial.took)}"
    line = f"{trial.answer.line} (from {trial.answer.address}, {took})"
    return [*lines, line, *_headers(trial.answer.headers), "", trial.answer.body]


def _ms(of: timedelta) -> str:
    return f"{of / timedelta(milliseconds=1):.0f} ms"


def _headers(headers: Mapping[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]


@endpoints.command()
@_name
@give_up_waiting
@workspace_option
def delete(name: str, give_up_waiting: bool, workspace: str | None) -> None:
    """Delete an endpoint.

    Not while the live chat of a channel goes there, and not while deliveries wait, unless you say so.
    The log of deliveries stays; headers and secrets are forgotten.
    """

    async def end() -> int:
        async with opened() as means:
            one = endpoint_named(await everything(means), name, workspace)
            return await deleting.delete_endpoint(
                means, one.workspace_id, one.id, give_up_waiting=give_up_waiting
            )

    tell_deleted(name, run(end()))


@endpoints.command()
@workspace_option
def health(workspace: str | None) -> None:
    """Show how the endpoints are.

    Their state, what the attempts of the last hour came to, and what waits.
    """

    async def look() -> tuple[list[Endpoint], dict[EndpointId, Picture], datetime]:
        async with opened() as means:
            found, now = await everything(means), means.clock.now()
            within = workspace_named(found, workspace).id if workspace else None
            listed = [one for one in found.endpoints.values() if within in (None, one.workspace_id)]
            async with means.database.read() as connection:
                return listed, await pictures(connection, listed, now), now

    listed, seen, now = run(look())
    headings = ("name", "state", "since", "last failure", "attempts", "ok", "p50", "p95", "waiting", "oldest")
    rows = [[one.name, *_health_row(seen[one.id], now)] for one in listed]
    print_table(headings, rows, "There are no endpoints yet; `relevo apply FILE` makes some.")


def _health_row(one: Picture, now: datetime) -> list[str]:
    return [
        one.state.value,
        rotating.stamp(one.standing.since) if one.standing.since else "-",
        one.standing.failure or "-",
        str(one.hour.attempts),
        percent(one.hour.success_rate),
        _milliseconds(one.hour.quantile(0.5)),
        _milliseconds(one.hour.quantile(0.95)),
        str(one.waiting),
        f"{max((now - one.oldest).total_seconds(), 0):.0f} s" if one.oldest else "-",
    ]


def _milliseconds(of: timedelta | None) -> str:
    return "-" if of is None else f"{of / timedelta(milliseconds=1):.0f} ms"


def _row(one: Endpoint, found: Directory, now: datetime) -> list[str]:
    return [
        one.name,
        one.url,
        _names(found, [id_ for id_, it in found.channels.items() if audiences.is_live_chat(one, it)]),
        "all" if one.channels == "all" else _names(found, sorted(one.channels)),
        ", ".join(sorted(one.events)) or "-",
        _secret(one, now),
        f"disabled: {one.disabled_reason}" if one.disabled_reason else "active",
    ]


def _names(found: Directory, ids: list[Any]) -> str:
    return ", ".join(found.channels[id_].name for id_ in ids if id_ in found.channels) or "-"


def _secret(one: Endpoint, now: datetime) -> str:
    signing = rotating.secrets_of(one, now)
    if len(signing.all) == 1:
        return "one"
    return f"two until {rotating.stamp(signing.old_until)}" if signing.old_until else "two"
