"""What the workers of one `relevo serve` share."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values

from relevo import metrics
from relevo.system.notes import SharedNotes
from relevo.system.workers import NOTES, forget_levels, shared_folder, taking_part


class Worker:
    """Counts three things, as a process of its own would."""

    def __init__(self) -> None:
        mine = CollectorRegistry()
        self.said = Counter("said", "What was said.", ["by"], registry=mine)
        self.seconds = Histogram("seconds", "How long.", buckets=(1, 5), registry=mine)
        self.waiting = Gauge("waiting", "What waits.", registry=mine, multiprocess_mode="livesum")


Begin = Callable[[int], Worker]


@pytest.fixture
def folder() -> Iterator[Path]:
    with shared_folder() as folder:
        yield folder


@pytest.fixture
def standing_by(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The standard input of a worker; the end that the process above holds."""
    read, write = os.pipe()
    with os.fdopen(read) as ours:
        monkeypatch.setattr(sys, "stdin", ours)
        yield write


@pytest.fixture
def begin(folder: Path, standing_by: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)  # whatever we do to it is undone
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")

    def begin(number: int) -> Worker:
        with taking_part(folder, number):
            return Worker()

    yield begin
    values.close_all_multiprocess_files()  # type: ignore[no-untyped-call]
    os.close(standing_by)


def scraped() -> dict[str, float]:
    lines = [line.rpartition(" ") for line in metrics.exposition().decode().splitlines() if line[0] != "#"]
    assert len({name for name, _, _ in lines}) == len(lines)
    return {name: float(value) for name, _, value in lines}


def test_what_workers_count_is_added_up(begin: Begin) -> None:
    first, second = begin(1), begin(2)
    first.said.labels("bot").inc(2)
    second.said.labels("bot").inc(3)
    second.said.labels("agent").inc()
    first.seconds.observe(0.5)
    second.seconds.observe(3)

    found = scraped()
    assert (found['said_total{by="bot"}'], found['said_total{by="agent"}']) == (5, 1)
    assert (found['seconds_bucket{le="1.0"}'], found['seconds_bucket{le="5.0"}']) == (1, 2)
    assert (found["seconds_count"], found["seconds_sum"]) == (2, 3.5)


def test_one_that_is_started_again_goes_on_where_it_was_killed(begin: Begin, folder: Path) -> None:
    begin(1).said.labels("bot").inc(2)
    begin(2).said.labels("bot").inc(3)
    begin(1).said.labels("bot").inc(4)

    assert scraped()['said_total{by="bot"}'] == 9
    assert len(list(folder.glob("counter_*"))) == 2


def test_a_level_is_that_of_those_who_live(begin: Begin, folder: Path) -> None:
    first, second = begin(1), begin(2)
    first.waiting.set(5)
    first.said.labels("bot").inc()
    second.waiting.set(7)
    assert scraped()["waiting"] == 12

    forget_levels(folder, 1)
    assert (scraped()["waiting"], scraped()['said_total{by="bot"}']) == (7, 1)


def test_what_comes_from_the_database_is_not_added_up(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "FIGURES", CollectorRegistry())
    figures = metrics.Figures("lanes", "How many.", "to")
    for number in (1, 2):
        begin(number)
        figures.show({"endpoint:1": 3, "endpoint:2": 4})
    assert scraped()['lanes{to="endpoint:1"}'] == 3

    figures.show({"endpoint:1": 5})
    assert {name: value for name, value in scraped().items() if re.match("lanes", name)} == {
        'lanes{to="endpoint:1"}': 5
    }


def test_a_level_is_read_when_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    registry, waiting = CollectorRegistry(), [3]
    monkeypatch.setattr(metrics, "REGISTRY", registry)
    monkeypatch.setattr(metrics, "_LEVELS", {})
    metrics.shows(Gauge("waiting", "What waits.", registry=registry), lambda: len(waiting))
    assert scraped()["waiting"] == 1

    waiting.clear()
    assert scraped()["waiting"] == 0


def test_the_folder_is_nobody_elses_and_goes_with_the_process_that_made_it() -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(shared_folder())
        assert folder.stat().st_mode & 0o777 == 0o700
        SharedNotes(folder / NOTES, b"key").close()
        assert folder.exists()
    assert not folder.exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_worker_removes_the_folder_when_nobody_else_can(
    folder: Path, begin: Begin, standing_by: int, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    with taking_part(folder, 1):
        if not is_there:
            os.dup2(os.open(os.devnull, os.O_WRONLY), standing_by)  # nobody holds the pipe any more
    assert folder.exists() is is_there
