"""Commands about deliveries: find them, make them once more, or never."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from relevo.admin import deliveries as administration
from relevo.admin import redeliveries as many
from relevo.admin.changing import Means
from relevo.cli.installation import everything, opened, run, workspace_named, workspace_option
from relevo.cli.tables import print_table
from relevo.domain.deliveries import DeliveryState, Destination
from relevo.domain.ids import DeliveryId, WorkspaceId, parse_user_ns
from relevo.domain.redeliveries import FINISHED, Redelivery, RedeliveryId, Selection
from relevo.domain.yaml_reading import did_you_mean, quoted
from relevo.store import deliveries as store
from relevo.store import redeliveries
from relevo.store.directory import Directory

BY = "the command line"
MOST_COUNTED = 1_000_000

_filters = (
    click.option("--conversation", metavar="USER_NS", help="Of one conversation, as in f1001u34."),
    click.option("--endpoint", metavar="NAME", help="To one endpoint."),
    click.option("--channel", metavar="NAME", help="To one channel."),
    click.option("--since", metavar="TIME", help="Made at this time or later: 2026-11-22T10:30, in UTC."),
    click.option("--until", metavar="TIME", help="Made before this time."),
)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """With the options that select deliveries."""
    for option in reversed((*_filters, workspace_option)):
        command = option(command)
    return command


def states_option(states: tuple[DeliveryState, ...], help_: str) -> Callable[..., Any]:
    return click.option(
        "--state",
        "states",
        multiple=True,
        type=click.Choice([one.value for one in states]),
        metavar="STATE",
        help=help_,
    )


@click.group()
def deliveries() -> None:
    """Find deliveries, redeliver one or many, skip one."""


@deliveries.command("list")
@states_option(tuple(DeliveryState), f"One of {', '.join(DeliveryState)}. Again for more than one.")
@filtered
@click.option("--limit", metavar="NUMBER", type=click.IntRange(1, 10_000), default=50, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list, for programs.")
def list_(states: tuple[str, ...], limit: int, as_json: bool, **filters: str | None) -> None:
    """List deliveries, the newest first."""

    async def read() -> list[dict[str, Any]]:
        async with opened() as means:
            found = await everything(means)
            here, selection = _selected(found, states, filters)
            async with means.database.read() as connection:
                rows = await store.listing(connection, here, selection, limit=limit)
            return [_described(row, found) for row in rows]

    rows = run(read())
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    headings = ("id", "event", "to", "conversation", "seq", "made", "attempts", "state", "reason")
    print_table(
        headings, [[str(row[name]) for name in headings] for row in rows], "No delivery is like that."
    )


@deliveries.command()
@click.argument("delivery_id", metavar="ID", type=int)
@workspace_option
def redeliver(delivery_id: int, workspace: str | None) -> None:
    """Put one delivery back into its lane.

    It keeps its place and its webhook-id.
    """

    async def work(means: Means, here: WorkspaceId) -> bool:
        return await administration.redeliver(means, here, DeliveryId(delivery_id), by=BY)

    done = run(_in_workspace(workspace, work))
    click.echo(f"Delivery {delivery_id} {'is put back' if done else 'is waiting already'}.", err=True)


@deliveries.command()
@click.argument("delivery_id", metavar="ID", type=int)
@click.option("--reason", metavar="TEXT", required=True, help="Why nobody needs it.")
@workspace_option
def skip(delivery_id: int, reason: str, workspace: str | None) -> None:
    """Never make a delivery, and let its lane go on without it."""

    async def work(means: Means, here: WorkspaceId) -> None:
        await administration.skip(means, here, DeliveryId(delivery_id), by=BY, reason=reason)

    run(_in_workspace(workspace, work))
    click.echo(f"Delivery {delivery_id} is skipped.", err=True)


@deliveries.command("redeliver-many")
@states_option(FINISHED, "In this state; left out: parked and given_up. Again for more than one.")
@filtered
@click.option("--from-seq", metavar="NUMBER", type=click.IntRange(0), help="From this relevo-seq on.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def redeliver_many(states: tuple[str, ...], from_seq: int | None, yes: bool, **filters: str | None) -> None:
    """Put many deliveries back into their lanes, in order.

    Says how many they are, asks, and prints the number of the redelivery. A running server works it off.
    """

    async def prepare() -> tuple[WorkspaceId, Selection, int]:
        async with opened() as means:
            here, selection = _selected(await everything(means), states, filters, from_seq or 0)
            selection = many.completed(selection)
            async with means.database.read() as connection:
                return here, selection, await store.count(connection, here, selection, most=MOST_COUNTED)

    async def begin(here: WorkspaceId, selection: Selection) -> RedeliveryId:
        async with opened() as means, means.database.write() as connection:
            return await many.begin(connection, means, here, selection, by=BY)

    here, selection, count = run(prepare())
    if not count:
        click.echo("No delivery is like that.", err=True)
        return
    if not yes:
        click.confirm(
            f"Redeliver {count:,}{' or more' if count == MOST_COUNTED else ''}?", abort=True, err=True
        )
    click.echo(run(begin(here, selection)))


@deliveries.command("redeliveries")
@workspace_option
def list_redeliveries(workspace: str | None) -> None:
    """List what was redelivered many at once, and how far it is."""

    async def work(means: Means, here: WorkspaceId) -> list[Redelivery]:
        async with means.database.read() as connection:
            return await redeliveries.listing(connection, here)

    found = run(_in_workspace(workspace, work))
    headings = ("id", "state", "put back", "of", "a second", "remaining", "asked by", "begun")
    print_table(headings, [_progress(one) for one in found], "Nobody has redelivered many at once yet.")


@deliveries.command()
@click.argument("redelivery_id", metavar="ID", type=int)
@workspace_option
def stop(redelivery_id: int, workspace: str | None) -> None:
    """Put back no more of a redelivery.

    What was put back is delivered all the same.
    """

    async def work(means: Means, here: WorkspaceId) -> bool:
        return await many.stop(means, here, RedeliveryId(redelivery_id), by=BY)

    done = run(_in_workspace(workspace, work))
    click.echo(f"Redelivery {redelivery_id} {'is stopped' if done else 'was over already'}.", err=True)


async def _in_workspace(name: str | None, work: Callable[[Means, WorkspaceId], Any]) -> Any:
    async with opened() as means:
        return await work(means, workspace_named(await everything(means), name).id)


# What the options mean


def _selected(
    found: Directory, states: tuple[str, ...], filters: dict[str, str | None], from_seq: int = 0
) -> tuple[WorkspaceId, Selection]:
    here = workspace_named(found, filters["workspace"]).id
    named, conversation = filters["conversation"], None
    if named is not None:
        conversation = parse_user_ns(named)
        if conversation is None:
            raise click.UsageError(f"{quoted(named)} is not a user_ns; use one like f1001u34")
    return here, Selection(
        states=tuple(DeliveryState(state) for state in states),
        destination=_destination(found, here, filters["endpoint"], filters["channel"]),
        conversation_id=conversation[1] if conversation else None,
        from_seq=from_seq,
        since=_time(filters["since"]),
        until=_time(filters["until"]),
    )


def _destination(
    found: Directory, here: WorkspaceId, endpoint: str | None, channel: str | None
) -> Destination | None:
    if endpoint is not None and channel is not None:
        raise click.UsageError("Say --endpoint or --channel, not both")
    if endpoint is not None:
        return Destination("endpoint", _named("endpoint", endpoint, found.endpoints.values(), here))
    if channel is not None:
        return Destination("channel", _named("channel", channel, found.channels.values(), here))
    return None


def _named(kind: str, name: str, things: Any, here: WorkspaceId) -> int:
    ours = {one.name: int(one.id) for one in things if one.workspace_id == here}
    if name not in ours:
        remedy = did_you_mean(name, ours) if ours else "there is none yet"
        raise click.ClickException(f"There is no {kind} {quoted(name)}; {remedy}")
    return ours[name]


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{quoted(text)} is no time; use one like 2026-11-22T10:30") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


# What is shown


def _described(row: Any, found: Directory) -> dict[str, Any]:
    things: Any = {"endpoint": found.endpoints, "channel": found.channels}.get(row.destination_kind, {})
    to = things.get(row.destination_id)
    return {
        "id": row.id,
        "event": row.event_type,
        "to": f"{row.destination_kind} {to.name if to else row.destination_id}",
        "conversation": row.conversation_id,
        "seq": row.seq,
        "made": f"{row.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "attempts": row.attempts_made,
        "state": row.state,
        "reason": row.reason,
    }


def _progress(one: Redelivery) -> list[str]:
    counted = ("…" if number is None else str(number) for number in (one.total, one.remaining))
    total, remaining = counted
    rate, begun = f"{one.per_second:.1f}", f"{one.created_at:%Y-%m-%dT%H:%M:%SZ}"
    return [str(one.id), one.state, str(one.put_back), total, rate, remaining, one.asked_by, begun]
