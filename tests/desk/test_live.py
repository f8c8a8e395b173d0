from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from relevo.desk.book import CustomerTypes
from relevo.desk.live import BACKLOG, Everything, Live


def everything() -> Everything:
    return Everything(7, [])


async def next_type(events: AsyncIterator[bytes]) -> str:
    event = await anext(events)
    data = event.rpartition(b"data: ")[2]
    return str(msgspec.json.decode(data)["type"])


async def test_a_page_is_told_everything_and_then_each_change() -> None:
    live = Live()
    page = live.follow(everything)

    assert await next_type(page) == "everything"
    live.publish(CustomerTypes("f1u1"))
    assert await anext(page) == b'data: {"type":"typing","user_ns":"f1u1"}\n\n'


async def test_every_page_is_told() -> None:
    live = Live()
    pages = [live.follow(everything) for _ in range(3)]
    for page in pages:
        await anext(page)

    live.publish(CustomerTypes("f1u1"))

    assert [await next_type(page) for page in pages] == ["typing"] * 3


async def test_a_page_that_is_too_slow_begins_anew_and_holds_nobody() -> None:
    live = Live()
    page = live.follow(everything)
    await anext(page)

    for _ in range(BACKLOG + 2):
        live.publish(CustomerTypes("f1u1"))

    assert [await next_type(page), await next_type(page)] == ["everything", "typing"]


async def test_closing_ends_the_stream() -> None:
    live = Live()
    page = live.follow(everything)
    await anext(page)

    live.close()

    assert [event async for event in page] == []


async def test_a_page_that_has_gone_is_forgotten() -> None:
    live = Live()
    page = live.follow(everything)
    await anext(page)

    await page.aclose()

    assert live._pages == set()


async def test_silence_is_broken_by_a_comment() -> None:
    live = Live()
    page = live.follow(everything, heartbeat=0)
    await anext(page)

    assert (await anext(page)).startswith(b":")
