"""Channels: made, changed, and what is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from relevo.admin import channels, endpoints, flows
from relevo.admin.changing import Means, Saved, reading
from relevo.channels.registry import ADAPTERS
from relevo.domain.configuring import MASK, ChannelWish, EndpointWish
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import ChannelId
from relevo.domain.signing import check_secret
from relevo.domain.workspaces import Channel, LiveChat, LiveChatMode, Workspace

FLOW = "version: 1\nflow: {name}\nstart: a\nsubflows: {{a: [end]}}\n"
IN = "https://other.example.com/in"


@pytest.fixture(autouse=True)
async def surroundings(means: Means, acme: Workspace) -> None:
    """Two flows and an endpoint."""
    for name in ("support", "sales"):
        await flows.publish(means, acme.id, FLOW.format(name=name))
    await endpoints.save(means, acme.id, EndpointWish(name="desk", url="https://desk.example.com/hook"))


async def saved(
    means: Means, acme: Workspace, id_: ChannelId | None = None, /, **wish: Any
) -> Saved[Channel]:
    return await channels.save(means, acme.id, ChannelWish(**wish), id_)


async def site(means: Means, acme: Workspace) -> Channel:
    wish = {
        "name": "site",
        "type": "web",
        "flow": "support",
        "mode": LiveChatMode.WEBHOOK,
        "endpoint": "desk",
    }
    return (await saved(means, acme, **wish, config={"title": "Acme"})).thing


async def test_a_channel_is_stored_as_asked_for(means: Means, acme: Workspace) -> None:
    channel = await site(means, acme)
    found = await reading(means)

    assert found.channels == {channel.id: channel}
    assert found.flows[channel.flow_id].name == "support"
    assert channel.live_chat.endpoint_id is not None
    assert found.endpoints[channel.live_chat.endpoint_id].name == "desk"
    assert (channel.name, channel.type, channel.config["title"]) == ("site", "web", "Acme")


async def test_keys_cannot_be_guessed_and_stay(means: Means, acme: Workspace) -> None:
    first = await site(means, acme)
    second = (await saved(means, acme, name="two", type="web", flow="support")).thing
    again = (await saved(means, acme, first.id, name="renamed")).thing

    assert len(first.key) == len(second.key) == 32
    assert first.key != second.key
    assert again.key == first.key


async def test_a_channel_gets_a_secret_and_who_must_know_it_is_told(means: Means, acme: Workspace) -> None:
    other = await saved(means, acme, name="other", type="apichat", flow="support", config={"webhook_url": IN})
    own = await saved(means, acme, name="site", type="web", flow="support")

    assert other.secret == other.thing.config["secret"]
    assert own.secret == ""  # nobody but us uses it
    assert check_secret(other.secret) is None
    assert check_secret(own.thing.config["secret"]) is None
    again = await saved(means, acme, other.thing.id, name="other")
    assert (again.action, again.secret) == ("unchanged", "")


async def test_a_channel_may_be_asked_to_have_no_secret(means: Means, acme: Workspace) -> None:
    config = {"webhook_url": IN, "secret": None}
    first = await saved(means, acme, name="other", type="apichat", flow="support", config=config)
    again = await saved(means, acme, first.thing.id, name="other", config=config)

    assert first.thing.config == {"webhook_url": IN}
    assert again.action == "unchanged"


async def test_what_is_left_out_stays_and_what_is_none_goes(means: Means, acme: Workspace) -> None:
    before = await site(means, acme)

    more = (
        await saved(means, acme, before.id, name="site", config={"color": "#102030", "secret": MASK})
    ).thing
    less = (await saved(means, acme, before.id, name="site", config={"title": None})).thing

    assert more == channel_with(before, config={**before.config, "color": "#102030"})
    assert less == channel_with(before, config={"color": "#102030", "secret": before.config["secret"]})
    assert (await reading(means)).channels[before.id] == less


def channel_with(channel: Channel, **changes: Any) -> Channel:
    return msgspec.structs.replace(channel, **changes)


async def test_live_chat_and_flow_can_be_changed(means: Means, acme: Workspace) -> None:
    before = await site(means, acme)

    inbox = await saved(means, acme, before.id, name="site", mode=LiveChatMode.INBOX)
    assert (inbox.changed, inbox.thing.live_chat) == (("live chat",), LiveChat(LiveChatMode.INBOX))

    with pytest.raises(InvalidInput, match="live chat by webhook needs an endpoint"):
        await saved(means, acme, before.id, name="site", mode=LiveChatMode.WEBHOOK)
    back = await saved(means, acme, before.id, name="site", mode=LiveChatMode.WEBHOOK, endpoint="desk")
    assert back.thing.live_chat == before.live_chat

    sales = await saved(means, acme, before.id, name="site", flow="sales", mode=LiveChatMode.WEBHOOK)
    assert sales.changed == ("flow",)
    assert (await reading(means)).flows[sales.thing.flow_id].name == "sales"


@pytest.mark.parametrize(
    ("wish", "errors"),
    [
        (
            {"name": "site"},
            {
                "type": [f"the type is missing; use one of: {', '.join(ADAPTERS)}"],
                "flow": ["the flow is missing; use one of: support, sales"],
            },
        ),
        (
            {"name": "site", "type": "wbe", "flow": "suport"},
            {
                "type": ['there is no channel type "wbe"; did you mean "web"?'],
                "flow": ['there is no flow "suport"; did you mean "support"?'],
            },
        ),
        (
            {
                "name": "site",
                "type": "web",
                "flow": "support",
                "mode": LiveChatMode.WEBHOOK,
                "endpoint": "dsk",
            },
            {"live_chat": ['there is no endpoint "dsk"; did you mean "desk"?']},
        ),
        (
            {
                "name": "other",
                "type": "apichat",
                "flow": "support",
                "config": {"webhook_url": "http://10.1.1.1/"},
            },
            {
                "webhook_url": [
                    "http://10.1.1.1/ leads to 10.1.1.1, which is private; use a public address, "
                    "or add its network to RELEVO_ALLOWED_NETWORKS (10.1.1.1 is enough)"
                ]
            },
        ),
    ],
)
async def test_what_cannot_be_is_refused_by_field_and_nothing_is_stored(
    means: Means, acme: Workspace, wish: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await saved(means, acme, **wish)

    assert refusal.value.errors == errors
    assert (await reading(means)).channels == {}


async def test_options_are_checked_by_the_type_together_with_those_that_are_stored(
    means: Means, acme: Workspace
) -> None:
    with pytest.raises(InvalidInput) as missing:
        await saved(means, acme, name="other", type="apichat", flow="support")
    other = await saved(means, acme, name="other", type="apichat", flow="support", config={"webhook_url": IN})
    with pytest.raises(InvalidInput) as unknown:
        await saved(means, acme, other.thing.id, name="other", config={"webhok_url": IN})

    assert list(missing.value.errors) == ["webhook_url"]
    assert list(unknown.value.errors) == ["webhok_url"]


async def test_the_type_of_a_channel_stays(means: Means, acme: Workspace) -> None:
    before = await site(means, acme)

    with pytest.raises(InvalidInput, match="the channel site is of type web, and that cannot change"):
        await saved(
            means, acme, before.id, name="site", type="apichat", config={"webhook_url": IN, "title": None}
        )


async def test_a_name_is_taken_once_and_ids_are_the_workspace_s_own(means: Means, acme: Workspace) -> None:
    await site(means, acme)

    with pytest.raises(InvalidInput, match="there is already a channel site"):
        await saved(means, acme, name="site", type="web", flow="support")
    with pytest.raises(NotFound):
        await saved(means, acme, ChannelId(77), name="x")


async def test_a_channel_can_be_disabled_and_enabled(means: Means, acme: Workspace) -> None:
    before = await site(means, acme)

    assert (await channels.disable(means, acme.id, before.id, "moving")).disabled_reason == "moving"
    assert (await saved(means, acme, before.id, name="site")).thing.disabled_reason == "moving"
    assert await channels.disable(means, acme.id, before.id, "") == before


@pytest.mark.parametrize("type_", ADAPTERS)
def test_what_a_made_secret_is_for_is_an_option_of_the_type(type_: str) -> None:
    """A type that takes no `secret` says so, and then gets none."""
    problems = ADAPTERS[type_].check_config({"secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="})

    assert "secret" not in problems or "unknown" in problems["secret"].lower()
