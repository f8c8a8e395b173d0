"""The processes of `relevo serve --workers` are one to whoever asks: they count, and limit, together."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from bench.processes import children
from relevo.testing.ports import until_open
from tests.faults.installation import Installation
from tests.faults.processes import shared_folder, two_children

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.parametrize(
        "database_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)], scope="function"
    ),
]

NOBODY = "http://127.0.0.1:9/hook"


class Served:
    """Two workers, of which one can be asked by itself."""

    def __init__(self, here: Installation, parent: int) -> None:
        self.here, self.parent = here, parent
        self._scrapes: list[dict[str, float]] = []

    def ask(self, path: str, token: str = "") -> tuple[int, Mapping[str, str], str]:
        """Over a connection of its own, which any worker may take."""
        connection = HTTPConnection("127.0.0.1", self.here.port, timeout=20)
        try:
            connection.request("GET", path, headers={"authorization": f"Bearer {token}"} if token else {})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, told, answer.read().decode()
        finally:
            connection.close()

    @contextmanager
    def only(self, pid: int) -> Iterator[None]:
        """The others do not take connections meanwhile."""
        others = [child for child in children(self.parent) if child != pid]
        for other in others:
            os.kill(other, signal.SIGSTOP)
        try:
            yield
        finally:
            for other in others:
                os.kill(other, signal.SIGCONT)

    def scrape(self) -> dict[str, float]:
        """Every series, once each; no counter has ever been more before."""
        status, _, text = self.ask("/metrics")
        assert status == 200
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        found = {name: float(value) for name, _, value in lines}
        assert len(found) == len(lines)
        for before in self._scrapes:
            fewer = {name for name in before if _counts(name) and found.get(name, 0) < before[name]}
            assert not fewer
        self._scrapes.append(found)
        return found


def _counts(name: str) -> bool:
    return name.partition("{")[0].endswith(("_total", "_count", "_sum", "_bucket"))


@asynccontextmanager
async def serving(here: Installation) -> AsyncIterator[Served]:
    parent = await here.start("--workers", "2")
    try:
        served = Served(here, parent.pid)
        for pid in await two_children(parent.pid):
            with served.only(pid):
                await asyncio.to_thread(served.ask, "/healthz")
        yield served
    finally:
        parent.terminate()
        await asyncio.to_thread(parent.wait, 30)
        parent.kill()


HEALTH = 'relevo_http_requests_total{area="health",status="200"}'


async def test_a_scrape_of_any_worker_shows_all_of_them_and_those_who_were_killed(
    database_url: str, tmp_path: Path
) -> None:
    here = Installation(tmp_path, database_url, NOBODY)
    vendor = here.set_up()
    async with serving(here) as served:
        await vendor.hand_over(2)
        first, second = await two_children(served.parent)
        begun = served.scrape()[HEALTH]
        for pid, times in ((first, 5), (second, 7)):
            with served.only(pid):
                assert [served.ask("/healthz")[0] for _ in range(times)] == [200] * times
        for pid in (first, second):
            with served.only(pid):
                found = served.scrape()
            assert found[HEALTH] == begun + 12
            assert found['relevo_endpoint_state{endpoint="1"}'] == 0
            assert found['relevo_messages_total{type="in"}'] == 2

        os.kill(first, signal.SIGKILL)
        assert served.scrape()[HEALTH] == begun + 12

        (third,) = set(await two_children(served.parent, without=first)) - {second}
        with served.only(third):
            assert [served.ask("/healthz")[0] for _ in range(3)] == [200] * 3
            assert served.scrape()[HEALTH] == begun + 15
        folder = shared_folder(second)
        assert len(list(folder.glob("counter_*.db"))) == 2  # the third goes on in the file of the first
    assert not folder.exists()


async def test_a_token_has_its_limit_for_all_workers_together(database_url: str, tmp_path: Path) -> None:
    here = Installation(tmp_path, database_url, NOBODY, RELEVO_RATE_LIMIT="10")
    here.set_up()
    token = here.command("token", "create", "--flow", "support").strip()
    async with serving(here) as served:
        first, second = await two_children(served.parent)
        with served.only(first):
            answers = [served.ask("/api/me", token) for _ in range(6)]
        with served.only(second):
            answers += [served.ask("/api/me", token) for _ in range(6)]
        assert [status for status, _, _ in answers] == [200] * 10 + [429] * 2
        left = [int(headers["x-ratelimit-remaining"]) for _, headers, _ in answers]
        assert left == [*range(9, -1, -1), 0, 0]
        assert 0 < int(answers[-1][1]["retry-after"]) <= 360

        os.kill(second, signal.SIGKILL)
        (third,) = set(await two_children(served.parent, without=second)) - {first}
        with served.only(third):
            assert served.ask("/api/me", token)[0] == 429


async def test_a_process_that_only_carries_says_what_it_counts(database_url: str, tmp_path: Path) -> None:
    here = Installation(tmp_path, database_url, NOBODY)
    here.set_up()
    process = here.run("work", "--port", str(here.port))
    try:
        await until_open(here.port)
        alone = Served(here, process.pid)
        assert alone.scrape()["relevo_lanes_carried"] == 0
        assert alone.ask("/readyz")[0] == 200
        assert alone.ask("/api/me")[0] == 404
        process.terminate()
        assert await asyncio.to_thread(process.wait, 20) == 0
    finally:
        process.kill()
