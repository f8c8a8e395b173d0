"""Whether this process is alive and ready, and what it counts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from relevo.domain.health import State
from relevo.domain.standings import Standing
from relevo.store import endpoint_health
from relevo.store.database import Database
from relevo.testing.builders import SIGNING_SECRET, World
from relevo.web.app import create_app, create_watch
from relevo.web.metrics import REFRESHED_EVERY
from relevo.web.services import Services
from tests.web.exchanges import Client, client_of

NOT_WATCHED = ("/", "/console", "/api/me", "/hooks/web/key", "/chat/key", "/inbound/key")
WATCHED = ("/healthz", "/readyz", "/metrics", *NOT_WATCHED)


async def test_a_process_that_answers_is_alive(client: Client) -> None:
    answer = await client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_process_with_its_database_and_loops_is_ready(client: Client) -> None:
    answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ready", "checks": {"database": "ok", "engine": "ok"}},
    )
    assert answer.headers["cache-control"] == "no-store"


async def test_a_process_whose_loops_have_stopped_is_not_ready(services: Services) -> None:
    async with client_of(create_app(services, is_well=lambda: False)) as client:
        answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()["checks"]) == (503, {"database": "ok", "engine": "stopped"})


async def test_a_process_without_its_tables_is_not_ready(services: Services, tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    try:
        async with client_of(create_app(msgspec.structs.replace(services, database=empty))) as client:
            answer = await client.get("/readyz")
    finally:
        await empty.close()

    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "not migrated")


async def test_a_process_that_only_carries_says_how_it_is_and_nothing_else(services: Services) -> None:
    async with client_of(create_watch(services, is_well=lambda: False)) as client:
        answers = {path: (await client.get(path)).status_code for path in WATCHED}
        assert "relevo_lanes_carried" in (await client.get("/metrics")).text

    assert answers == {"/healthz": 200, "/readyz": 503, "/metrics": 200} | dict.fromkeys(NOT_WATCHED, 404)


# Metrics


async def metrics(client: Client) -> dict[str, float]:
    """Every series and its value."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def hand_over(world: World, user_id: str = "ana") -> None:
    """One delivery to the endpoint (nothing is carried, so it waits)."""
    await world.says("agent", user_id=user_id)


async def test_the_backlog_is_counted_by_destination(world: World, client: Client) -> None:
    await hand_over(world)
    world.clock.advance(timedelta(seconds=90))

    found = await metrics(client)
    endpoint = f'{{destination="endpoint:{world.company.endpoint.id}"}}'
    assert found[f"relevo_deliveries_waiting{endpoint}"] >= 1
    assert found[f"relevo_oldest_waiting_delivery_seconds{endpoint}"] == 90
    assert found["relevo_events_waiting"] == 0


async def test_the_state_of_every_endpoint_is_a_number(world: World, client: Client) -> None:
    id_ = world.company.endpoint.id
    async with world.database.write() as connection:
        await endpoint_health.make_rows(connection, [id_])
        await endpoint_health.save(connection, id_, Standing(state=State.OPEN))
    await world.catalog.refresh(at_once=True)

    found = await metrics(client)

    assert found[f'relevo_endpoint_state{{endpoint="{id_}"}}'] == 2


async def test_the_backlog_is_counted_every_five_seconds_at_most(world: World, client: Client) -> None:
    endpoint = f'relevo_deliveries_waiting{{destination="endpoint:{world.company.endpoint.id}"}}'
    await hand_over(world)
    first = (await metrics(client))[endpoint]

    await hand_over(world, "bea")
    assert (await metrics(client))[endpoint] == first
    world.clock.advance(timedelta(seconds=REFRESHED_EVERY))
    assert (await metrics(client))[endpoint] > first


async def test_requests_are_counted_by_area_and_status(client: Client) -> None:
    series = 'relevo_http_requests_total{area="health",status="200"}'
    before = (await metrics(client)).get(series, 0)
    await client.get("/healthz")

    assert (await metrics(client))[series] == before + 1


async def test_a_path_that_somebody_makes_up_makes_no_series(client: Client) -> None:
    await client.get("/made-up-by-somebody")

    text = (await client.get("/metrics")).text
    assert "made-up" not in text
    assert 'relevo_http_requests_total{area="other",status="404"}' in text


async def test_metrics_hold_no_secret_and_nobody_s_words(world: World, client: Client) -> None:
    await world.says("my card is forty-one", name="Ana Diaz")
    text = (await client.get("/metrics")).text

    for private in ("forty-one", "Ana", SIGNING_SECRET, world.company.web.key, "desk.example.com"):
        assert private not in text


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
async def test_nobody_s_browser_runs_or_frames_them(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
