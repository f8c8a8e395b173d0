"""The list of problems."""

from __future__ import annotations

import pytest

from relevo.domain.conversations import Conversation
from relevo.store import problems as stored
from relevo.store.problems import Problem
from relevo.testing.builders import World
from relevo.web.console import problems
from tests.web.console.browsing import Browser


async def note(world: World, *codes: str, of: Conversation | None = None, raw: bytes | None = None) -> None:
    new = [
        Problem(
            workspace_id=world.company.workspace.id,
            conversation_id=of.id if of else None,
            channel_id=world.company.web.id,
            code=code,
            detail=f"the detail of {code}",
            at=world.clock.now(),
            raw=raw,
        )
        for code in codes
    ]
    async with world.database.write() as connection:
        await stored.insert_new(connection, new)


async def test_each_says_what_why_and_where(browser: Browser, world: World) -> None:
    result = await world.says("Hello")
    ana = await world.conversation(result.conversation_id)
    await note(world, "too_many_steps", of=ana)
    await note(world, "something_new", raw=b'{"poll":"<b>x</b>"}')

    page = await browser.get("/console/problems")

    rows = [row.text for row in page.main.one("tbody").all("tr")]
    assert rows[0].startswith("Something new something_new the detail of something_new What came in")
    assert '"poll": "<b>x</b>"' in rows[0]
    assert "<b>x" not in page.html
    assert rows[1] == ("The flow ran in a circle too_many_steps the detail of too_many_steps Ana Diaz 12:00")
    only = await browser.get(f"/console/problems?conversation={ana.user_ns}")
    assert len(only.main.one("tbody").all("tr")) == 1


async def test_raw_bytes_that_are_no_text_are_shown_all_the_same(browser: Browser, world: World) -> None:
    await note(world, "unsupported_payload", raw=b"\xff\xfe\x00<b>")

    page = await browser.get("/console/problems")

    assert page.status == 200
    assert "<b>" not in page.html


async def test_pages_go_back(browser: Browser, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "SHOWN", 2)
    await note(world, "a", "b", "c", "d", "e")
    seen: list[str] = []
    address = "/console/problems"

    while address:
        page = await browser.get(address)
        seen += [row.one("code").text for row in page.main.one("tbody").all("tr")]
        further = page.main.all("a", rel="next")
        address = further[0].get("href") if further else ""

    assert seen == ["e", "d", "c", "b", "a"]


async def test_without_any_it_says_so(browser: Browser) -> None:
    assert (await browser.get("/console/problems")).main.one("h2").text == "No problems"
