"""The link in e-mails: looking changes nothing, the button does."""

from __future__ import annotations

from relevo.domain.emails import unsubscribe_url
from relevo.testing.builders import World
from tests.web.exchanges import Client


async def test_looking_at_the_link_changes_nothing_and_its_button_does(world: World, client: Client) -> None:
    id_ = (await world.says("Hello")).conversation_id
    path = unsubscribe_url("", id_, b"")

    page = await client.get(path)
    assert page.status_code == 200
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert not (await world.conversation(id_)).refuses_email

    done = await client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert (await world.conversation(id_)).refuses_email
    assert (await client.post(path[:-1])).status_code == 404
