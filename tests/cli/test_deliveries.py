"""Deliveries at the command line."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from relevo.domain.redeliveries import Redelivery, RedeliveryState
from relevo.store import redeliveries, tables
from relevo.store.database import Database
from tests.cli.conftest import Relevo

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def log(installed: Relevo, environ: dict[str, str]) -> dict[int, str]:
    """Three parked deliveries of a conversation, one after the other; the states as they are, by id."""
    asyncio.run(_fill(environ["RELEVO_DATABASE_URL"]))
    return {1: "parked", 2: "parked", 3: "parked"}


async def _fill(url: str) -> None:
    database = Database(url)
    async with database.write() as connection:
        endpoint = (await connection.execute(select(tables.endpoints.c.id))).scalar_one()
        workspace = (await connection.execute(select(tables.workspaces.c.id))).scalar_one()
        for number in (1, 2, 3):
            row = {
                "id": number, "workspace_id": workspace, "conversation_id": 34, "body": b"{}",
                "destination_kind": "endpoint", "destination_id": endpoint,
                "event_type": "message.received", "webhook_id": f"msg_{number}", "seq": number, "epoch": 1,
                "state": "parked", "reason": "schedule_exhausted", "attempts_made": 9, "attempts_before": 0,
                "finished_at": NOW, "created_at": NOW.replace(hour=number),
            }  # fmt: skip
            await connection.execute(tables.deliveries.insert().values(**row))
    await database.close()


async def _redeliveries(url: str) -> list[Redelivery]:
    database = Database(url)
    async with database.read() as connection:
        workspace = (await connection.execute(select(tables.workspaces.c.id))).scalar_one()
        found = await redeliveries.listing(connection, workspace)
    await database.close()
    return found


def listed(relevo: Relevo, *words: str) -> dict[int, str]:
    result = relevo("deliveries", "list", "--json", *words)
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    return {row["id"]: row["state"] for row in found}


def test_they_are_listed_by_what_they_have_in_common(installed: Relevo, log: dict[int, str]) -> None:
    assert listed(installed) == log
    assert listed(installed, "--since", "2026-11-22T02:00", "--until", "2026-11-22T03:00Z") == {2: "parked"}
    assert listed(installed, "--conversation", "f1001u34", "--endpoint", "desk") == log
    assert listed(installed, "--channel", "site") == {}
    assert listed(installed, "--state", "done", "--state", "skipped") == {}

    lines = installed("deliveries", "list").stdout.splitlines()
    assert lines[1].split()[:4] == ["3", "message.received", "endpoint", "desk"]


def test_one_is_put_back_and_one_is_skipped(installed: Relevo, log: dict[int, str]) -> None:
    put_back, again = installed("deliveries", "redeliver", "2"), installed("deliveries", "redeliver", "2")
    skipped = installed("deliveries", "skip", "3", "--reason", "told by phone")

    assert put_back.stderr == "Delivery 2 is put back.\n"
    assert again.stderr == "Delivery 2 is waiting already.\n"
    assert skipped.stderr == "Delivery 3 is skipped.\n"
    assert listed(installed) == {1: "parked", 2: "waiting", 3: "skipped"}
    refused = installed("deliveries", "skip", "3", "--reason", "x")
    assert (refused.exit_code, "nothing to skip" in refused.stderr) == (1, True)
    assert installed("deliveries", "redeliver", "99").exit_code == 1


def test_many_are_counted_confirmed_begun_and_stopped(
    installed: Relevo, log: dict[int, str], environ: dict[str, str]
) -> None:
    declined = installed("deliveries", "redeliver-many", "--endpoint", "desk", given="n\n")
    begun = installed("deliveries", "redeliver-many", "--endpoint", "desk", "--from-seq", "2", given="y\n")

    assert (declined.exit_code, declined.stdout) == (1, "")
    assert "Redeliver 3?" in declined.stderr
    assert "Redeliver 2?" in begun.stderr
    number = begun.stdout.strip()
    assert number in installed("deliveries", "redeliveries").stdout.splitlines()[1].split()
    assert installed("deliveries", "stop", number).stderr == f"Redelivery {number} is stopped.\n"
    assert "was over already" in installed("deliveries", "stop", number).stderr
    (one,) = asyncio.run(_redeliveries(environ["RELEVO_DATABASE_URL"]))
    assert (one.state, one.selection.from_seq, one.asked_by) == (
        RedeliveryState.STOPPED,
        2,
        "the command line",
    )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--endpoint", "desc"), 'There is no endpoint "desc"; did you mean "desk"?'),
        (("--conversation", "ana"), '"ana" is not a user_ns; use one like f1001u34'),
        (("--since", "noon"), '"noon" is no time; use one like 2026-11-22T10:30'),
        (("--endpoint", "desk", "--channel", "site"), "Say --endpoint or --channel, not both"),
    ],
)
def test_what_cannot_be_understood_is_said(installed: Relevo, words: tuple[str, ...], problem: str) -> None:
    for command in ("list", "redeliver-many"):
        result = installed("deliveries", command, *words)
        assert result.exit_code in (1, 2)
        assert problem in result.stderr


def test_where_none_is_like_that_nothing_begins(installed: Relevo) -> None:
    assert "No delivery is like that" in installed("deliveries", "redeliver-many", "--yes").stderr
    assert "Nobody has redelivered many" in installed("deliveries", "redeliveries").stderr
