"""Channels and their Live Chat Settings."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from relevo.admin.changing import reading
from relevo.channels.adapter import Findings, SetUp
from relevo.channels.registry import ADAPTERS
from relevo.domain.approved_templates import Template
from relevo.domain.configuring import MASK
from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.domain.workspaces import Channel, LiveChatMode
from relevo.testing.builders import PUBLIC_URL, World
from relevo.web.console.channel_options import options_of
from relevo.web.console.channels import guide
from relevo.web.services import Services
from tests.web.console.browsing import Browser, means_of
from tests.web.console.markup import parsed

NEW_WEB = {
    "type": "web",
    "name": "site",
    "flow": "support",
    "mode": "webhook",
    "endpoint": "desk",
    "option.title": "Acme",
    "option.subtitle": "",
    "option.color": "#2f5bea",
    "option.secret": "",
}
NEW_APICHAT = {
    "type": "apichat",
    "name": "app",
    "flow": "support",
    "mode": "inbox",
    "endpoint": "",
    "option.webhook_url": "https://other.example.com/in",
    "option.secret": "",
    "option.verification_key": "",
}


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


async def channel(services: Services, name: str) -> Channel:
    found = await reading(means_of(services))
    return next(one for one in found.channels.values() if one.name == name)


async def test_a_web_chat_is_made_and_says_what_to_put_into_the_page(
    browser: Browser, services: Services, world: World
) -> None:
    page = await browser.follow(await browser.send("/console/channels/new", NEW_WEB))

    made = await channel(services, "site")
    assert made.live_chat.mode is LiveChatMode.WEBHOOK
    assert made.live_chat.endpoint_id == world.company.endpoint.id
    assert made.config["title"] == "Acme"
    shown = [one.text for one in page.main.all("code")]
    assert f'<script type="module" src="{PUBLIC_URL}/widget.js" data-channel="{made.key}"></script>' in shown
    assert f"{PUBLIC_URL}/chat/{made.key}" in shown
    assert made.config["secret"] not in page.html  # nobody needs it


async def test_an_api_chat_is_made_and_its_secret_is_shown_once(browser: Browser, services: Services) -> None:
    made = await browser.send("/console/channels/new", NEW_APICHAT)
    page, again = await browser.follow(made), await browser.follow(made)

    app = await channel(services, "app")
    assert app.config["webhook_url"] == "https://other.example.com/in"
    assert f"{PUBLIC_URL}/hooks/apichat/{app.key}" in page.text
    assert app.config["secret"] in page.html
    assert app.config["secret"] not in again.html
    assert again.main.one("input", name="option.secret").get("value") == MASK


async def test_live_chat_settings_are_changed(browser: Browser, services: Services, world: World) -> None:
    address = f"/console/channels/{world.company.web.id}"
    form = {"name": "web", "flow": "support", "mode": "inbox", "endpoint": "desk", "option.secret": ""}

    await browser.send(address, form)
    inbox = await channel(services, "web")
    await browser.send(address, {**form, "mode": "none"})
    none = await channel(services, "web")
    refused = await browser.send(address, {**form, "mode": "webhook", "endpoint": ""})
    await browser.send(address, {**form, "mode": "webhook"})
    webhook = await channel(services, "web")

    assert (inbox.live_chat.mode, inbox.live_chat.endpoint_id) == (LiveChatMode.INBOX, None)
    assert none.live_chat.mode is LiveChatMode.NONE
    assert refused.status == 422
    assert "Live chat by webhook needs an endpoint" in refused.problems[0]
    assert (webhook.live_chat.mode, webhook.live_chat.endpoint_id) == (
        LiveChatMode.WEBHOOK,
        world.company.endpoint.id,
    )


async def test_a_secret_that_is_left_masked_or_empty_stays(browser: Browser, services: Services) -> None:
    made = await browser.send("/console/channels/new", {**NEW_APICHAT, "option.verification_key": "k-9"})
    before = await channel(services, "app")
    page = await browser.follow(made)
    assert "k-9" not in page.html

    for secret in (MASK, ""):
        changed = {**NEW_APICHAT, "option.secret": secret, "option.verification_key": secret}
        await browser.send(made.goes_to, changed)
        assert (await channel(services, "app")).config == before.config


async def test_an_option_that_is_emptied_is_taken_away(browser: Browser, services: Services) -> None:
    made = await browser.send("/console/channels/new", NEW_WEB)

    await browser.send(made.goes_to, {**NEW_WEB, "option.title": "", "option.color": "#112233"})

    config = (await channel(services, "site")).config
    assert "title" not in config
    assert config["color"] == "#112233"


@pytest.mark.parametrize(
    ("form", "field", "says"),
    [
        ({**NEW_WEB, "name": ""}, "name", "The name is empty"),
        ({**NEW_WEB, "name": "web"}, "name", "There is already a channel web"),
        ({**NEW_WEB, "option.color": "blue"}, "option.color", "is not a colour; write one like"),
        ({**NEW_WEB, "flow": "sales"}, "flow", 'There is no flow "sales"'),
        ({**NEW_WEB, "endpoint": ""}, "endpoint", "needs an endpoint"),
        ({**NEW_WEB, "endpoint": "dusk"}, "endpoint", 'There is no endpoint "dusk"'),
        ({**NEW_APICHAT, "option.webhook_url": ""}, "option.webhook_url", "ebhook"),
        (
            {**NEW_APICHAT, "option.webhook_url": "https://inside.example.com/"},
            "option.webhook_url",
            "leads to 10.0.0.5, which is private",
        ),
    ],
)
async def test_a_mistake_stands_beside_its_field(
    browser: Browser, form: dict[str, str], field: str, says: str
) -> None:
    page = await browser.send("/console/channels/new", form)

    assert page.status == 422
    assert len(page.problems) == 1, page.problems
    assert says in page.problems[0]
    assert page.field(field).get("aria-describedby").endswith("-problem")


async def test_nonsense_is_refused(browser: Browser) -> None:
    assert (await browser.send("/console/channels/new", {**NEW_WEB, "type": "fax"})).status == 404
    assert (await browser.send("/console/channels/new", {**NEW_WEB, "mode": "fax"})).status == 422
    assert (await browser.get("/console/channels/new?type=fax")).main.one("h1").text == "New channel"


async def test_a_channel_is_disabled_and_enabled(browser: Browser, services: Services, world: World) -> None:
    address = f"/console/channels/{world.company.web.id}"

    page = await browser.follow(await browser.send(f"{address}/disable"))
    assert "Disabled. By Olga." in page.text
    assert (await channel(services, "web")).disabled_reason == "by Olga"
    await browser.send(f"{address}/enable")
    assert (await channel(services, "web")).disabled_reason == ""


@pytest.mark.parametrize("type_", list(ADAPTERS))
def test_every_channel_type_has_its_fields_its_words_and_its_guide(type_: str) -> None:
    """A new type would otherwise have a page on which nothing can be set."""
    asked = {option.name for option in options_of(type_)}
    told = {"webhook_url": "https://x.example", "title": "x", "subtitle": "x", "color": "#000000"}
    told |= {"account_sid": "AC" + "a" * 32, "sender": "ACME", "media": "link", "keywords": "off"}
    told |= {"phone_number_id": "106540352242922", "waba_id": "102290129340398", "graph_version": "v25.0"}
    told |= {"access_token": "EAAJB" + "x" * 40, "app_secret": "0" * 32, "list_button": "Choose"}
    told |= dict.fromkeys(("page_id", "account_id", "app_id"), "1234567890123456") | {"version": "v25.0"}
    told |= {"bot_token": "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "api_url": "https://x.example"}
    told |= {"login": "instagram", "per_second": "20"}
    given = {name: told.get(name, "whsec_" + "A" * 43 + "=") for name in asked}

    assert asked
    assert ADAPTERS[type_].check_config(given) == {}
    assert set(ADAPTERS[type_].check_config({**given, "unknown": 1})) == {"unknown"}
    assert ADAPTERS[type_].summary
    headings = parsed(guide(type_)).all("h1", "h2", "h3")
    assert headings[0].name == "h2"
    assert "<table>" in guide(type_)


def test_a_guide_holds_no_html_of_its_own() -> None:
    assert "&lt;script type=&quot;module&quot;" in guide("web")
    assert "<script" not in guide("web")


async def test_the_list_shows_where_live_chat_goes(browser: Browser) -> None:
    rows = [row.text for row in (await browser.get("/console/channels")).main.one("tbody").all("tr")]

    assert rows[0] == "web Web chat support Webhook: desk – In use"
    assert rows[1] == "apichat API Chat support Webhook: desk – In use"


async def test_a_deleted_channel_is_gone_and_its_conversations_are_not(
    browser: Browser, services: Services, world: World
) -> None:
    conversation = (await world.conversation((await world.says("Hello")).conversation_id)).user_ns
    address = f"/console/channels/{world.company.web.id}"
    assert "Its conversations stay, and can be read." in (await browser.get(address)).text

    gone = await browser.follow(await browser.send(f"{address}/delete"))

    assert "The channel web is deleted. Its conversations stay." in gone.text
    assert (await browser.get(address)).status == 404
    page = await browser.get(f"/console/conversations/{conversation}")
    assert "web (deleted, no. 1)" in page.text
    assert "The channel is disabled: it was deleted." in page.text
    assert (await browser.get("/console/conversations")).status == 200


# Asking the vendor


BOT = {
    "type": "telegram",
    "name": "bot",
    "flow": "support",
    "mode": "none",
    "endpoint": "",
    "option.bot_token": "7204201543:AAE-a_token_that_nobody_has_ever-had",
    "option.api_url": "",
    "option.secret": "",
}


def asked(services: Services, said: Findings | Unreachable | Forbidden) -> list[str]:
    """Have the vendor say this; the places of the calls that it was asked with first."""
    places: list[str] = []

    async def ask(dialogue: SetUp, hidden: tuple[str, ...]) -> Findings | Unreachable | Forbidden:
        if not hidden:
            return cast(Findings, "")  # we have reached ourselves
        assert BOT["option.bot_token"] in hidden
        places.append(next(dialogue).url.rpartition("/")[2])
        return said

    services_of_the_page = cast(Any, services)
    msgspec.structs.force_setattr(services_of_the_page, "ask_vendor", ask)
    return places


@pytest.mark.parametrize(("button", "call"), [("connect", "setWebhook"), ("check", "getMe")])
async def test_a_bot_is_connected_and_checked_with_a_button(
    browser: Browser, services: Services, button: str, call: str
) -> None:
    made = await browser.send("/console/channels/new", BOT)
    places = asked(services, Findings(facts=(("Link", "https://t.me/acme_bot"),)))

    page = await browser.send(f"{made.goes_to}/{button}", {})

    assert places == [call]
    assert "All is well." in page.text
    assert page.main.one("a", href="https://t.me/acme_bot").text == "https://t.me/acme_bot"
    assert BOT["option.bot_token"] not in page.html


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Findings(problems=("the token is wrong; copy it again",)), "The token is wrong; copy it again."),
        (Unreachable("timeout"), "The vendor did not answer (timeout)"),
        (Forbidden("10.0.0.1", "it is private"), "Relevo does not connect to 10.0.0.1: it is private"),
    ],
)
async def test_what_is_wrong_with_a_channel_is_told(
    browser: Browser, services: Services, said: Findings | Unreachable | Forbidden, words: str
) -> None:
    made = await browser.send("/console/channels/new", BOT)
    asked(services, said)

    assert words in (await browser.send(f"{made.goes_to}/check", {})).text


async def test_without_a_way_to_vendors_there_is_no_button(browser: Browser, services: Services) -> None:
    made = await browser.send("/console/channels/new", BOT)

    page = await browser.get(made.goes_to)

    assert not page.main.all("form", action=f"{made.goes_to}/connect")
    assert (await browser.send(f"{made.goes_to}/check", {})).status == 404


# Templates

NUMBER = {
    "type": "whatsapp",
    "name": "number",
    "flow": "support",
    "mode": "none",
    "endpoint": "",
    "option.phone_number_id": "106540352242922",
    "option.waba_id": "102290129340398",
    "option.access_token": "EAAJB" + "x" * 40,
    "option.app_secret": "0123456789abcdef" * 2,
}


def vendor(services: Services, *templates: Template, problem: str = "") -> None:
    """Have Meta tell of these templates, or say no to everything."""

    async def ask(dialogue: Any, _: tuple[str, ...]) -> Any:
        name = dialogue.gi_code.co_name
        if problem:
            return problem
        return {"every": templates, "make": NEW, "drop": None, "ask": ""}.get(name, Findings())

    msgspec.structs.force_setattr(cast(Any, services), "ask_vendor", ask)


SENT = Template(name="order_sent", lang="en_US", components=({"type": "BODY", "text": "Hi {{1}}"},))
NEW = Template(name="sale", lang="de", status="PENDING", components=({"type": "BODY", "text": "Nur heute"},))
WANTED = {
    "name": "sale",
    "lang": "de",
    "category": "MARKETING",
    "components": '[{"type": "BODY", "text": "Nur heute"}]',
}


async def test_templates_are_synced_made_and_deleted(browser: Browser, services: Services) -> None:
    made = await browser.send("/console/channels/new", NUMBER)
    page = f"{made.goes_to}/templates"
    vendor(services, SENT)

    await browser.send(f"{page}/sync", {})
    shown = await browser.get(page)
    assert "Hi {{1}}" in shown.text
    assert "BODY_{{1}}" in shown.text

    await browser.send(page, WANTED)
    shown = await browser.get(page)
    assert "Nur heute" in shown.text
    assert "Pending" in shown.text

    await browser.send(f"{page}/delete", {"delete": "order_sent"})
    assert "order_sent" not in (await browser.get(page)).main.one("table").text


async def test_what_is_to_be_copied_is_shown_at_once(browser: Browser) -> None:
    made = await browser.send("/console/channels/new", NUMBER)

    page = await browser.get(made.goes_to)

    copied = [one.attributes["data-copy"] for one in page.main.all("button") if "data-copy" in one.attributes]
    first, second = map(str, copied)
    assert "/hooks/whatsapp/" in first
    assert len(second) == 40
    assert "Verify token, where WhatsApp asks for it" in page.text


async def test_connecting_a_number_syncs_its_templates(browser: Browser, services: Services) -> None:
    made = await browser.send("/console/channels/new", NUMBER)
    vendor(services, SENT, NEW)

    page = await browser.send(f"{made.goes_to}/connect", {})

    assert "Templates: 1 of 2" in page.text
    assert "order_sent" in (await browser.get(f"{made.goes_to}/templates")).text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"components": "{"}, "This is no JSON list of components"),
        ({"category": "LETTER"}, "'LETTER' is no category"),
        ({}, "Meta answered 400: 100 The text is too long."),
    ],
)
async def test_a_template_that_is_not_taken_stays_in_its_form(
    browser: Browser, services: Services, change: dict[str, str], words: str
) -> None:
    made = await browser.send("/console/channels/new", NUMBER)
    vendor(services, problem="Meta answered 400: 100 The text is too long")

    page = await browser.send(f"{made.goes_to}/templates", {**WANTED, **change})

    assert page.status == 422
    assert words in page.text
    assert page.main.one("input", name="name").attributes["value"] == "sale"


async def test_a_channel_without_templates_says_so(browser: Browser) -> None:
    made = await browser.send("/console/channels/new", BOT)

    assert "This channel has no templates" in (await browser.get(f"{made.goes_to}/templates")).text
    assert (await browser.send(f"{made.goes_to}/templates/sync", {})).status == 404
