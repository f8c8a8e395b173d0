"""One memory of webhooks is like the other; the one in a file outlives the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from relevo.sdk import InMemorySeen, Seen, SQLiteSeen
from tests.sdk.webhooks import ANA

OTHER = "f1001u35"


@pytest.fixture(params=["memory", "sqlite"])
def seen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Seen]:
    if request.param == "memory":
        yield InMemorySeen()
    else:
        store = SQLiteSeen(tmp_path / "seen.db")
        yield store
        store.close()


def test_the_first_webhook_has_nothing_before_it(seen: Seen) -> None:
    assert seen.remember("a", ANA, 1) == 0


def test_each_later_one_has_the_highest_of_its_conversation_before_it(seen: Seen) -> None:
    assert [seen.remember(f"{seq}", ANA, seq) for seq in (1, 2, 5)] == [0, 1, 2]
    assert seen.remember("x", OTHER, 9) == 0


def test_one_that_comes_late_does_not_set_the_conversation_back(seen: Seen) -> None:
    assert [seen.remember(f"{seq}", ANA, seq) for seq in (5, 3, 6)] == [0, 5, 5]


def test_an_id_counts_once(seen: Seen) -> None:
    seen.remember("a", ANA, 1)

    assert seen.remember("a", ANA, 1) is None
    assert seen.remember("b", ANA, 2) == 1


def test_what_was_forgotten_is_new_again_with_what_was_before_it(seen: Seen) -> None:
    seen.remember("a", ANA, 1)
    seen.remember("b", ANA, 2)
    seen.forget("b")

    assert seen.remember("b", ANA, 2) == 1


def test_forgetting_an_older_one_leaves_the_conversation_where_it_is(seen: Seen) -> None:
    seen.remember("a", ANA, 1)
    seen.remember("b", ANA, 2)
    seen.forget("a")

    assert seen.remember("c", ANA, 3) == 2


def test_forgetting_what_never_came_does_nothing(seen: Seen) -> None:
    seen.remember("a", ANA, 1)
    seen.forget("never")

    assert seen.remember("b", ANA, 2) == 1


def test_of_several_threads_one_is_the_first(seen: Seen) -> None:
    told: list[int | None] = []
    threads = [threading.Thread(target=lambda: told.append(seen.remember("a", ANA, 1))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told, key=str) == [0, *[None] * 7]


# In a file


def test_the_file_outlives_the_process(tmp_path: Path) -> None:
    before = SQLiteSeen(tmp_path / "seen.db")
    before.remember("a", ANA, 4)
    before.close()

    after = SQLiteSeen(tmp_path / "seen.db")

    assert after.remember("a", ANA, 4) is None
    assert after.remember("b", ANA, 5) == 4
    after.close()


def test_two_processes_share_the_file(tmp_path: Path) -> None:
    one, other = (SQLiteSeen(tmp_path / "seen.db") for _ in range(2))

    assert one.remember("a", ANA, 1) == 0
    assert other.remember("a", ANA, 1) is None
    one.close()
    other.close()


@pytest.mark.parametrize(("later", "told"), [(29, None), (31, 1)])
def test_ids_are_kept_for_a_while_and_places_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: int, told: int | None
) -> None:
    monkeypatch.setattr("relevo.sdk.sqlite_seen._FORGETS_EVERY", 0)
    clock = Clock()
    seen = SQLiteSeen(tmp_path / "seen.db", kept_for=timedelta(days=30), now=clock)
    seen.remember("a", ANA, 1)
    clock.days = later

    assert seen.remember("a", ANA, 1) == told
    seen.close()


class Clock:
    days = 0

    def __call__(self) -> float:
        return 1_795_341_600.0 + self.days * 86_400
