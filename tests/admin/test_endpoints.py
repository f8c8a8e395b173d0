"""Endpoints: made, changed, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from relevo.admin import channels, endpoints, flows, workspaces
from relevo.admin.changing import Means, changing, reading
from relevo.domain.configuring import MASK, ChannelWish, EndpointWish, WorkspaceWish, check_header
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.signing import check_secret
from relevo.domain.workspaces import Channel, Endpoint, EventType, Workspace
from relevo.http_client.headers import RESERVED, check_headers
from relevo.store import tables
from relevo.testing.builders import SUPPORT
from relevo.testing.clock import FakeClock

URL = "https://desk.example.com/hook"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
OTHER_SECRET = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="


NAMES = sorted({*RESERVED, "X-Key", "authorization", "content-type", "webhook-id", "relevo-seq"})


async def desk(means: Means, acme: Workspace, **more: Any) -> Endpoint:
    wish = EndpointWish(name="desk", url=URL, headers={"X-Key": "k-1"}, secrets=(SECRET,))
    return (await endpoints.save(means, acme.id, wish, **more)).thing


async def test_an_endpoint_is_stored_as_asked_for(means: Means, acme: Workspace) -> None:
    wish = EndpointWish(
        name="desk",
        url=URL,
        headers={"X-Key": "k-1"},
        secrets=(SECRET, OTHER_SECRET),
        events=frozenset({EventType.MESSAGE_SENT}),
    )

    saved = await endpoints.save(means, acme.id, wish)

    assert (saved.action, saved.secret) == ("created", "")
    assert (await reading(means)).endpoints == {saved.thing.id: saved.thing}
    assert saved.thing == Endpoint(
        id=saved.thing.id,
        workspace_id=acme.id,
        name="desk",
        url=URL,
        headers={"X-Key": "k-1"},
        secrets=(SECRET, OTHER_SECRET),
        events=frozenset({EventType.MESSAGE_SENT}),
    )


async def test_one_without_a_secret_gets_one_that_is_told_once(means: Means, acme: Workspace) -> None:
    saved = await endpoints.save(means, acme.id, EndpointWish(name="desk", url=URL))

    assert check_secret(saved.secret) is None
    assert saved.thing.secrets == (saved.secret,)
    again = await endpoints.save(means, acme.id, EndpointWish(name="desk", url=URL), saved.thing.id)
    assert (again.action, again.secret, again.thing) == ("unchanged", "", saved.thing)


async def test_what_is_left_out_stays_as_it_is(means: Means, acme: Workspace) -> None:
    before = await desk(means, acme)

    saved = await endpoints.save(means, acme.id, EndpointWish(name="front desk"), before.id)

    assert saved.changed == ("name",)
    assert (saved.thing.url, saved.thing.headers, saved.thing.secrets) == (URL, {"X-Key": "k-1"}, (SECRET,))
    assert (await reading(means)).endpoints[before.id] == saved.thing


async def test_limits_are_kept_until_they_are_taken_away(means: Means, acme: Workspace) -> None:
    before = await desk(means, acme)
    limited = EndpointWish(name="desk", max_in_flight=3, max_per_second=20)

    saved = await endpoints.save(means, acme.id, limited, before.id)
    assert saved.changed == ("attempts at a time", "attempts a second")
    await endpoints.save(means, acme.id, EndpointWish(name="desk", url=URL), before.id)
    assert (await reading(means)).endpoints[before.id] == saved.thing

    free = EndpointWish(name="desk", max_in_flight=0, max_per_second=0)
    assert (await endpoints.save(means, acme.id, free, before.id)).thing == before


@pytest.mark.parametrize(("field", "most"), [("max_in_flight", 200), ("max_per_second", 10_000)])
async def test_a_limit_that_cannot_be_is_refused(
    means: Means, acme: Workspace, field: str, most: int
) -> None:
    for limit in (-1, most + 1):
        wish = msgspec.structs.replace(EndpointWish(name="desk", url=URL), **{field: limit})
        with pytest.raises(InvalidInput) as refused:
            await endpoints.save(means, acme.id, wish)
        assert refused.value.errors == {
            field: [f"{field} is {limit}; write a number from 1 to {most}, or 0 for no limit"]
        }


async def test_a_header_that_comes_back_masked_keeps_its_value_and_one_that_does_not_come_back_goes(
    means: Means, acme: Workspace
) -> None:
    before = await desk(means, acme)
    shown = endpoints.masked(before.headers)
    assert shown == {"X-Key": MASK}

    wish = EndpointWish(name="desk", headers={**shown, "X-New": "n"})
    changed = (await endpoints.save(means, acme.id, wish, before.id)).thing
    assert changed.headers == {"X-Key": "k-1", "X-New": "n"}

    emptied = (await endpoints.save(means, acme.id, EndpointWish(name="desk", headers={}), before.id)).thing
    assert emptied.headers == {}


@pytest.mark.parametrize(
    ("wish", "errors"),
    [
        (
            EndpointWish(name="desk"),
            {"url": ["the URL is missing; write one like https://desk.example.com/hook"]},
        ),
        (
            EndpointWish(name=" ", url="nowhere"),
            {"url": ['"nowhere" is not an http or https URL; write one like https://desk.example.com/hook']},
        ),
        (
            EndpointWish(name="a\nb", url=URL, headers={"Host": "x"}),
            {
                "name": ['the name "a\\nb" has a line break or a control character; leave it out'],
                "headers.Host": ["the header Host is set by Relevo itself; leave it out"],
            },
        ),
        (
            EndpointWish(name="desk", url=URL, headers={"X-Key": MASK}),
            {"headers.X-Key": ["the header X-Key has no stored value; write it"]},
        ),
        (
            EndpointWish(name="desk", url="https://inside.example.com/x"),
            {
                "url": [
                    "https://inside.example.com/x leads to 10.0.0.5, which is private; use a public address, "
                    "or add its network to RELEVO_ALLOWED_NETWORKS (10.0.0.5 is enough)"
                ]
            },
        ),
        (
            EndpointWish(name="desk", url="http://metadata.google.internal/"),
            {
                "url": [
                    "Relevo cannot call http://metadata.google.internal/: metadata.google.internal is the "
                    "metadata service of a cloud; write one like https://desk.example.com/hook"
                ]
            },
        ),
    ],
)
async def test_what_cannot_be_is_refused_by_field_and_nothing_is_stored(
    means: Means, acme: Workspace, wish: EndpointWish, errors: dict[str, list[str]]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await endpoints.save(means, acme.id, wish)

    assert refusal.value.errors == errors
    assert (await reading(means)).endpoints == {}


async def test_an_allowed_network_and_a_name_that_has_no_address_yet_are_accepted(
    means: Means, acme: Workspace
) -> None:
    for name, url in (("here", "http://127.0.0.1:9100/uchat"), ("soon", "http://soon.example.com/")):
        assert (await endpoints.save(means, acme.id, EndpointWish(name=name, url=url))).action == "created"


async def test_a_name_is_taken_within_its_workspace_only(means: Means, acme: Workspace) -> None:
    first = await desk(means, acme)
    other = (await workspaces.save(means, WorkspaceWish(name="Other"))).thing
    second = (await endpoints.save(means, acme.id, EndpointWish(name="second", url=URL))).thing

    for existing in (None, second.id):
        with pytest.raises(InvalidInput, match="there is already an endpoint desk; choose another"):
            await endpoints.save(means, acme.id, EndpointWish(name="desk", url=URL), existing)
    assert (await desk(means, other)).workspace_id == other.id
    assert (await desk(means, acme, endpoint_id=first.id)).id == first.id


async def test_an_endpoint_listens_to_channels_by_name(means: Means, acme: Workspace) -> None:
    site = await channel(means, acme, "site")
    events = frozenset({EventType.MESSAGE_SENT})
    crm = EndpointWish(name="crm", url=URL, events=events, channels=("site",))

    made = (await endpoints.save(means, acme.id, crm)).thing
    assert made.channels == frozenset({site.id})
    every = EndpointWish(name="crm", channels="all")
    assert (await endpoints.save(means, acme.id, every, made.id)).changed == ("channels",)
    assert (await reading(means)).endpoints[made.id].channels == "all"


@pytest.mark.parametrize(
    ("wish", "errors"),
    [
        (
            EndpointWish(name="crm", url=URL, channels=("sit",)),
            {"channels": ['there is no channel "sit"; did you mean "site"?']},
        ),
        (
            EndpointWish(name="crm", url=URL, channels="all", events=frozenset()),
            {"events": ["it listens to channels, but to no events of theirs; choose at least one"]},
        ),
    ],
)
async def test_who_cannot_hear_anything_is_refused(
    means: Means, acme: Workspace, wish: EndpointWish, errors: dict[str, list[str]]
) -> None:
    await channel(means, acme, "site")

    with pytest.raises(InvalidInput) as refusal:
        await endpoints.save(means, acme.id, wish)

    assert refusal.value.errors == errors
    assert (await reading(means)).endpoints == {}


async def channel(means: Means, acme: Workspace, name: str) -> Channel:
    async with changing(means) as change:
        flow = await flows.put(change, acme.id, SUPPORT, file="support.flow.yaml")
        wish = ChannelWish(name=name, type="web", flow=flow.thing.name)
        return (await channels.put(change, acme.id, wish)).thing


async def test_an_endpoint_of_another_workspace_is_not_found(means: Means, acme: Workspace) -> None:
    other = (await workspaces.save(means, WorkspaceWish(name="Other"))).thing
    theirs = await desk(means, other)

    with pytest.raises(NotFound):
        await endpoints.save(means, acme.id, EndpointWish(name="desk"), theirs.id)
    with pytest.raises(NotFound):
        await endpoints.rotate_secret(means, acme.id, theirs.id)


async def test_while_a_secret_is_replaced_both_sign_for_a_day(means: Means, acme: Workspace) -> None:
    before = await desk(means, acme)
    now = means.clock.now()

    saved = await endpoints.rotate_secret(means, acme.id, before.id)

    rotating = (await reading(means)).endpoints[before.id]
    assert rotating == saved.thing
    assert rotating.signing_secrets(now) == (saved.secret, SECRET)
    assert rotating.old_secret_until == now + timedelta(hours=24)
    assert rotating.signing_secrets(now + timedelta(hours=24)) == (saved.secret,)
    assert saved.secret not in repr(saved)


async def test_how_long_the_old_secret_signs_is_chosen(means: Means, acme: Workspace) -> None:
    id_ = (await desk(means, acme)).id

    week = await endpoints.rotate_secret(means, acme.id, id_, timedelta(days=7))
    assert week.thing.old_secret_until == means.clock.now() + timedelta(days=7)
    await endpoints.retire_secret(means, acme.id, id_)

    at_once = await endpoints.rotate_secret(means, acme.id, id_, timedelta())
    assert (at_once.thing.secrets, at_once.thing.old_secret_until) == ((at_once.secret,), None)
    for period in (timedelta(days=31), timedelta(seconds=-1)):
        with pytest.raises(InvalidInput, match="for example 24h; 0 for not at all, at most 30d"):
            await endpoints.rotate_secret(means, acme.id, id_, period)


async def test_a_rotation_is_ended_at_once_and_none_begins_within_another(
    means: Means, acme: Workspace, clock: FakeClock
) -> None:
    id_ = (await desk(means, acme)).id
    first = await endpoints.rotate_secret(means, acme.id, id_)

    with pytest.raises(InvalidInput, match="wait for that, or end it first"):
        await endpoints.rotate_secret(means, acme.id, id_)
    ended = await endpoints.retire_secret(means, acme.id, id_)
    assert (ended.secrets, ended.old_secret_until) == ((first.secret,), None)
    assert (await reading(means)).endpoints[id_] == ended

    second = await endpoints.rotate_secret(means, acme.id, id_)
    clock.advance(timedelta(hours=24))
    third = await endpoints.rotate_secret(means, acme.id, id_)
    assert third.thing.secrets == (third.secret, second.secret)


async def test_a_secret_whose_time_is_over_is_forgotten_with_the_next_change(
    means: Means, acme: Workspace, clock: FakeClock
) -> None:
    id_ = (await desk(means, acme)).id
    new = (await endpoints.rotate_secret(means, acme.id, id_)).secret
    clock.advance(timedelta(hours=24))

    assert (await endpoints.save(means, acme.id, EndpointWish(name="desk"), id_)).action == "unchanged"
    changed = await endpoints.save(means, acme.id, EndpointWish(name="front desk"), id_)

    assert changed.changed == ("name",)
    assert (changed.thing.secrets, changed.thing.old_secret_until) == ((new,), None)


async def test_a_disabled_endpoint_works_again_once_enabled_or_moved(means: Means, acme: Workspace) -> None:
    id_ = (await desk(means, acme)).id

    assert (await endpoints.disable(means, acme.id, id_, "gone")).disabled_reason == "gone"
    unchanged = await endpoints.save(means, acme.id, EndpointWish(name="desk", url=URL), id_)
    assert (unchanged.action, unchanged.thing.disabled_reason) == ("unchanged", "gone")
    assert (await endpoints.enable(means, acme.id, id_)).disabled_reason == ""

    await endpoints.disable(means, acme.id, id_, "gone")
    moved = await endpoints.save(means, acme.id, EndpointWish(name="desk", url=URL + "/new"), id_)
    assert (moved.changed, moved.thing.disabled_reason) == (("URL", "enabled"), "")


async def test_every_change_and_no_other_raises_the_version(means: Means, acme: Workspace) -> None:
    version = (await reading(means)).version

    id_ = (await desk(means, acme)).id
    assert (created := (await reading(means)).version) > version
    await desk(means, acme, endpoint_id=id_)
    assert (await reading(means)).version == created
    await endpoints.disable(means, acme.id, id_, "for now")
    assert (await reading(means)).version > created


async def test_secrets_are_not_in_the_database_in_the_clear(means: Means, acme: Workspace) -> None:
    await desk(means, acme)

    async with means.database.read() as connection:
        row = (await connection.execute(select(tables.endpoints))).one()
    assert b"k-1" not in row.headers_encrypted
    assert b"whsec_" not in row.secrets_encrypted


@given(st.from_regex(r"[ -~]{1,30}", fullmatch=True) | st.sampled_from(NAMES), st.text(max_size=30))
def test_a_header_that_is_accepted_can_be_sent(name: str, value: str) -> None:
    """Here it is refused by field, there every attempt would be."""
    if check_header(name, value) is None:
        assert check_headers({name: value}) == {}
