"""Tasks that are used again."""

from __future__ import annotations

import asyncio

import pytest

from relevo.couriers.crew import Crew


async def note(done: list[str], name: str, until: asyncio.Event | None = None) -> None:
    if until is not None:
        await until.wait()
    done.append(name)


async def test_work_is_done_at_the_same_time_and_counted() -> None:
    crew, done, go_on = Crew(), list[str](), asyncio.Event()
    crew.do(note(done, "slow", go_on))
    crew.do(note(done, "fast"))
    await asyncio.wait([asyncio.ensure_future(crew.until_done())], timeout=0)
    while "fast" not in done:
        await asyncio.wait([asyncio.ensure_future(go_on.wait())], timeout=0)
    assert (crew.busy, done) == (1, ["fast"])
    go_on.set()
    await crew.until_done()
    assert (crew.busy, done) == (0, ["fast", "slow"])
    crew.cancel()


async def test_a_task_that_is_done_is_used_again() -> None:
    crew, done = Crew(), list[str]()
    for number in range(5):
        crew.do(note(done, str(number)))
        await crew.until_done()
    assert len(done) == 5
    assert len(crew.cancel()) == 1


async def test_a_fault_ends_its_own_work_only() -> None:
    crew, done = Crew(), list[str]()

    async def fail() -> None:
        raise ValueError

    crew.do(fail())
    crew.do(note(done, "other"))
    hands = [*crew._hands]
    await crew.until_done()
    assert done == ["other"]
    crew.cancel()
    endings = await asyncio.gather(*hands, return_exceptions=True)
    assert {type(one) for one in endings} == {ValueError, asyncio.CancelledError}


@pytest.mark.parametrize("is_begun", [True, False])
async def test_what_is_cancelled_counts_no_more(is_begun: bool) -> None:
    crew, done, never = Crew(), list[str](), asyncio.Event()
    crew.do(note(done, "one", never))
    if is_begun:
        await asyncio.wait([asyncio.ensure_future(never.wait())], timeout=0)
    await asyncio.gather(*crew.cancel(), return_exceptions=True)
    await crew.until_done()
    assert (crew.busy, done) == (0, [])
    crew.do(note(done, "two"))  # as claims are freed after all has been stopped
    await crew.until_done()
    assert done == ["two"]
    crew.cancel()
