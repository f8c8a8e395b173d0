"""The link in e-mails: looking changes nothing, the button does."""

from __future__ import annotations

import pytest

from relevo.domain.emails import unsubscribe_url
from relevo.domain.events import ByConversation, SubscriberChanged
from relevo.domain.subscribers import Profile
from relevo.testing.builders import World
from relevo.web.unsubscribing import TEXTS
from tests.web.console.markup import parsed
from tests.web.exchanges import Client


async def test_looking_at_the_link_changes_nothing_and_its_button_does(world: World, client: Client) -> None:
    id_ = (await world.says("Hello")).conversation_id
    path = unsubscribe_url("", id_, b"")

    page = await client.get(path)
    assert page.status_code == 200
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert not (await world.conversation(id_)).refuses_email

    done = await client.post(path, data={"List-Unsubscribe": "One-Click"})
    again = await client.get(path)
    assert done.status_code == 200
    assert (await world.conversation(id_)).refuses_email
    assert TEXTS["en"].done in done.text
    assert TEXTS["en"].done in again.text


async def test_a_link_that_is_nobodys_is_not_found(world: World, client: Client) -> None:
    id_ = (await world.says("Hello")).conversation_id

    assert (await client.post(unsubscribe_url("", id_, b"")[:-1])).status_code == 404
    assert (await client.get(unsubscribe_url("", type(id_)(id_ + 1), b""))).status_code == 404


@pytest.mark.parametrize(
    ("profile", "language"),
    [
        (Profile(), "en"),
        (Profile(language="de"), "de"),
        (Profile(locale="es_MX"), "es"),
        (Profile(language="fr-CA", locale="en"), "fr"),
        (Profile(language="pt-BR"), "pt"),
        (Profile(language="ja"), "en"),
    ],
)
async def test_the_page_speaks_the_persons_language_and_names_the_company(
    world: World, client: Client, profile: Profile, language: str
) -> None:
    id_ = (await world.says("Hello")).conversation_id
    await world.submit(SubscriberChanged(to=ByConversation(id_), profile=profile))

    page = parsed((await client.get(unsubscribe_url("", id_, b""))).text)

    assert page.one("html").get("lang") == language
    said = f"Acme {TEXTS[language].question} {TEXTS[language].button}"
    assert page.one("main").text.split() == said.split()
