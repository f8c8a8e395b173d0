"""Secrets of flows in the console: set and removed, never shown."""

from __future__ import annotations

import pytest

from relevo.admin.changing import reading
from relevo.testing.builders import World
from relevo.web.services import Services
from tests.web.console.browsing import Browser, means_of

KEY = "k-very-secret 123"


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


async def kept(services: Services, world: World) -> dict[str, str]:
    found = await reading(means_of(services))
    return dict(found.secrets.get(world.company.workspace.id, {}))


async def test_a_secret_is_set_and_listed_by_name_and_never_shown(
    browser: Browser, services: Services, world: World
) -> None:
    assert "No secret" in (await browser.get("/console/secrets")).text

    done = await browser.send("/console/secrets/new", {"name": "SHOP_KEY", "value": KEY})
    page, again = await browser.follow(done), await browser.get("/console/secrets/new?name=SHOP_KEY")

    assert await kept(services, world) == {"SHOP_KEY": KEY}
    assert "The secret SHOP_KEY is set." in page.text
    assert page.main.one("tbody").one("tr").text.startswith("SHOP_KEY {{ secret.SHOP_KEY }} 12:00")
    assert again.field("name").get("value") == "SHOP_KEY"
    assert KEY not in page.html + again.html


async def test_a_secret_of_the_same_name_is_replaced_and_one_that_is_removed_is_gone(
    browser: Browser, services: Services, world: World
) -> None:
    await browser.send("/console/secrets/new", {"name": "SHOP_KEY", "value": KEY})
    await browser.send("/console/secrets/new", {"name": "SHOP_KEY", "value": "new"})
    assert await kept(services, world) == {"SHOP_KEY": "new"}

    page = await browser.follow(await browser.send("/console/secrets/SHOP_KEY/remove"))

    assert await kept(services, world) == {}
    assert "The secret SHOP_KEY is removed." in page.text
    assert (await browser.send("/console/secrets/SHOP_KEY/remove")).status == 404


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SHOP-KEY", KEY, '"SHOP-KEY" is no name for a secret; use letters, digits and _, at most 64'),
        ("SHOP_KEY", "", "The secret is empty; write it."),
        ("SHOP_KEY", "x" * 8001, "The secret has 8001 characters; at most 8000 are possible."),
        ("SHOP_KEY", "a\0b", "The secret has a NUL character; leave it out."),
    ],
)
async def test_a_mistake_stands_beside_its_field_and_the_secret_does_not(
    browser: Browser, services: Services, world: World, name: str, value: str, says: str
) -> None:
    page = await browser.send("/console/secrets/new", {"name": name, "value": value})

    assert page.status == 422
    assert page.problems[0].startswith(says)
    assert page.field("value").get("value") == ""
    assert await kept(services, world) == {}


async def test_there_are_two_hundred_secrets_at_most(
    browser: Browser, services: Services, world: World
) -> None:
    for number in range(200):
        await browser.send("/console/secrets/new", {"name": f"KEY_{number}", "value": "x"})

    one_more = await browser.send("/console/secrets/new", {"name": "KEY_200", "value": "x"})
    replaced = await browser.send("/console/secrets/new", {"name": "KEY_7", "value": "y"})

    assert one_more.problems == ["There are 200 secrets; at most 200 are possible."]
    assert replaced.goes_to
    assert (await kept(services, world))["KEY_7"] == "y"


async def test_a_secret_may_have_several_lines(browser: Browser, services: Services, world: World) -> None:
    lines = "-----BEGIN PRIVATE KEY-----\r\nMIIB\r\n-----END PRIVATE KEY-----\r\n"

    await browser.send("/console/secrets/new", {"name": "KEY", "value": lines})

    kept_lines = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"
    assert await kept(services, world) == {"KEY": kept_lines}
