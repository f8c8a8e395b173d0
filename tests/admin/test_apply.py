"""Applying a workspace file: what it makes, what it leaves alone, and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import msgspec
import pytest

from relevo.admin import endpoints, members, workspaces
from relevo.admin.apply import Change, Refused, apply
from relevo.admin.changing import Means, reading
from relevo.admin.channels import channel_types
from relevo.domain.configuring import EndpointWish, MemberWish, WorkspaceWish
from relevo.domain.emails import Mailbox
from relevo.domain.signing import check_secret
from relevo.domain.workspace_file import FlowText, WorkspacePlan, parse
from relevo.domain.workspaces import Endpoint, LiveChatMode, Role
from relevo.store.database import Database
from relevo.testing.clock import FakeClock

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
OTHER_SECRET = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="
ENVIRON = {"DESK_KEY": "k-123456", "DESK_SECRET": SECRET, "DESK_PATH": "very-private-path"}

SUPPORT = "version: 1\nflow: support\nstart: welcome\nsubflows:\n  welcome: [end]\n"

FILE = """\
version: 1
workspace: Acme
endpoints:
  - name: desk
    url: http://127.0.0.1:9100/uchat
    headers: {X-Desk-Key: "{{ env.DESK_KEY }}"}
    secret: "{{ env.DESK_SECRET }}"
agents:
  - {name: Luis, email: luis@example.com}
flows:
  - support.flow.yaml
channels:
  - {name: site, type: web, flow: support, live_chat: {mode: webhook, endpoint: desk}}
  - name: other
    type: apichat
    flow: support
    webhook_url: http://127.0.0.1:9200/in
    live_chat: {mode: webhook, endpoint: desk}
"""


def plan(text: str = FILE, *, flow: str = SUPPORT, environ: Mapping[str, str] = ENVIRON) -> WorkspacePlan:
    parsed = parse(
        text,
        file="relevo.yaml",
        environ=environ,
        types=channel_types(),
        read_flow=lambda path: FlowText(path, flow),
    )
    assert parsed.plan is not None, parsed.problems
    return parsed.plan


def told(changes: tuple[Change, ...]) -> list[str]:
    return [f"{change.action} {change.kind} {change.name} {change.detail}".strip() for change in changes]


async def test_everything_in_the_file_is_made(means: Means) -> None:
    changes = await apply(means, plan())
    found = await reading(means)

    assert told(changes) == [
        "created workspace Acme",
        "created endpoint desk",
        "created agent luis@example.com",
        "created flow support version 1",
        "created channel site",
        "created channel other",
    ]
    (acme,) = found.workspaces.values()
    (desk,) = found.endpoints.values()
    (luis,) = found.members.values()
    (support,) = found.flows.values()
    site, other = found.channels.values()
    assert (desk.url, desk.headers, desk.secrets) == (
        "http://127.0.0.1:9100/uchat",
        {"X-Desk-Key": "k-123456"},
        (SECRET,),
    )
    assert (luis.name, luis.role, luis.workspace_id) == ("Luis", Role.AGENT, acme.id)
    assert support.subflows == {"welcome": 1}
    for channel in (site, other):
        assert (channel.flow_id, channel.live_chat.mode) == (support.id, LiveChatMode.WEBHOOK)
        assert channel.live_chat.endpoint_id == desk.id
    assert other.config["webhook_url"] == "http://127.0.0.1:9200/in"


async def test_twice_is_once(means: Means) -> None:
    await apply(means, plan())
    before = await reading(means)

    changes = await apply(means, plan())

    assert {change.action for change in changes} == {"unchanged"}
    assert not any(change.secret for change in changes)
    assert await reading(means) == before


async def test_only_what_is_different_is_changed(means: Means) -> None:
    await apply(means, plan())
    text = (
        FILE.replace("uchat", "new")
        .replace("Luis", "Luis P")
        .replace("{mode: webhook, endpoint: desk}}", "{mode: inbox}}")
    )

    changes = await apply(means, plan(f"{text}timezone: Europe/Madrid\n", flow=f"{SUPPORT}  more: [end]\n"))

    assert told(changes) == [
        "updated workspace Acme time zone",
        "updated endpoint desk URL",
        "updated agent luis@example.com name",
        "updated flow support version 2",
        "updated channel site live chat",
        "unchanged channel other",
    ]


async def test_secrets_that_were_made_are_told_once(means: Means) -> None:
    text = FILE.replace('    secret: "{{ env.DESK_SECRET }}"\n', "")

    made = {change.name: change.secret for change in await apply(means, plan(text)) if change.secret}
    again = await apply(means, plan(text))

    assert list(made) == ["desk", "other"]
    assert all(check_secret(secret) is None for secret in made.values())
    assert not any(change.secret for change in again)
    assert made["desk"] not in repr(await apply(means, plan(text)))


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(means: Means) -> None:
    before = await reading(means)
    text = FILE.replace('    secret: "{{ env.DESK_SECRET }}"\n', "")

    dry = await apply(means, plan(text), dry_run=True)

    assert await reading(means) == before
    assert told(dry)[:3] == [
        "created workspace Acme",
        "created endpoint desk a secret would be made",
        "created agent luis@example.com",
    ]
    assert not any(change.secret for change in dry)
    assert [change.action for change in dry] == [change.action for change in await apply(means, plan(text))]


async def test_what_is_not_in_the_file_is_left_alone_and_listed(means: Means) -> None:
    await apply(means, plan())
    before = await reading(means)

    changes = await apply(means, plan("version: 1\nworkspace: Acme\n"))

    assert told(changes) == [
        "unchanged workspace Acme",
        "kept endpoint desk",
        "kept agent luis@example.com",
        "kept flow support",
        "kept channel site",
        "kept channel other",
    ]
    assert await reading(means) == before


async def test_what_the_file_leaves_out_of_an_object_stays(means: Means) -> None:
    await apply(means, plan())
    before = await reading(means)
    text = "version: 1\nworkspace: Acme\nendpoints: [{name: desk, url: http://127.0.0.1:9100/uchat}]\n"

    assert "unchanged endpoint desk" in told(await apply(means, plan(text)))
    assert await reading(means) == before


async def test_another_workspace_is_none_of_its_business(means: Means) -> None:
    await apply(means, plan())

    changes = await apply(means, plan(FILE.replace("Acme", "Other")))

    assert {change.action for change in changes} == {"created"}
    found = await reading(means)
    assert [len(things) for things in (found.workspaces, found.endpoints, found.flows, found.channels)] == [
        2,
        2,
        2,
        4,
    ]


async def test_the_workspace_of_the_first_member_takes_the_name_of_the_file(means: Means) -> None:
    ana = (await members.save(means, None, MemberWish(email="ana@example.com", role=Role.OWNER))).thing

    changes = await apply(means, plan())

    assert told(changes)[0] == "updated workspace Acme name"
    assert list((await reading(means)).workspaces) == [ana.workspace_id]
    assert not any(change.name == ana.email for change in changes)


async def test_a_workspace_that_somebody_named_or_used_keeps_its_name(means: Means) -> None:
    named = (await workspaces.save(means, WorkspaceWish(name="Named"))).thing
    assert told(await apply(means, plan()))[0] == "created workspace Acme"
    used = (await workspaces.save(means, WorkspaceWish(name=workspaces.FIRST_NAME))).thing
    await endpoints.save(means, used.id, EndpointWish(name="x", url="https://desk.example.com"))

    await apply(means, plan(FILE.replace("Acme", "Third")))

    names = [one.name for one in (await reading(means)).workspaces.values()]
    assert names == [named.name, "Acme", used.name, "Third"]


async def test_the_only_workspace_keeps_its_name_once_it_is_used(means: Means) -> None:
    used = (await workspaces.save(means, WorkspaceWish(name=workspaces.FIRST_NAME))).thing
    await endpoints.save(means, used.id, EndpointWish(name="x", url="https://desk.example.com"))

    assert told(await apply(means, plan()))[0] == "created workspace Acme"


async def test_an_agent_who_is_a_member_already_keeps_role_and_password(means: Means) -> None:
    acme = (await workspaces.save(means, WorkspaceWish(name="Acme"))).thing
    wish = MemberWish(email="LUIS@example.com", name="Luis", role=Role.ADMIN)
    luis = (await members.save(means, acme.id, wish, password="a long password")).thing

    changes = await apply(means, plan(FILE.replace("luis@example.com", "Luis@Example.com")))

    assert "unchanged agent luis@example.com" in told(changes)
    assert await members.verify(means, "luis@example.com", "a long password") == luis


async def test_a_disabled_endpoint_is_said_to_be(means: Means) -> None:
    await apply(means, plan())
    desk = next(iter((await reading(means)).endpoints.values()))
    await endpoints.disable(means, desk.workspace_id, desk.id, "it answered 410")

    assert "unchanged endpoint desk disabled: it answered 410" in told(await apply(means, plan()))


async def test_a_name_without_an_address_is_accepted_and_said(means: Means) -> None:
    text = FILE.replace("http://127.0.0.1:9100", "https://soon.example.com")

    assert "created endpoint desk its host has no address now" in told(await apply(means, plan(text)))


async def test_forbidden_addresses_are_refused_at_their_place_and_nothing_is_changed(means: Means) -> None:
    text = FILE.replace("http://127.0.0.1:9100/uchat", '"http://10.0.0.1/{{ env.DESK_PATH }}"').replace(
        "127.0.0.1", "169.254.169.254"
    )
    before = await reading(means)

    with pytest.raises(Refused) as refusal:
        await apply(means, plan(text))

    assert [str(problem) for problem in refusal.value.problems] == [
        "relevo.yaml:5:10: http://10.0.0.1/{{ env.DESK_PATH }} leads to 10.0.0.1, which is private; "
        "use a public address, or add its network to RELEVO_ALLOWED_NETWORKS (10.0.0.1 is enough)",
        "relevo.yaml:17:18: http://169.254.169.254:9200/in leads to 169.254.169.254, which is "
        "the metadata service of a cloud; use a public address, or add its network to "
        "RELEVO_ALLOWED_NETWORKS (169.254.169.254 is enough)",
    ]
    assert await reading(means) == before


async def test_what_does_not_fit_what_is_there_is_refused_at_its_place_all_at_once(means: Means) -> None:
    await apply(means, plan())
    before = await reading(means)
    swapped = FILE.replace("name: site, type: web,", "name: other, type: web,").replace(
        "- name: other", "- name: site"
    )
    changed = swapped.replace("9100/uchat", "9100/new")

    with pytest.raises(Refused) as refusal:
        await apply(means, plan(changed))

    places = [(problem.line, problem.column) for problem in refusal.value.problems]
    assert (13, 25) in places  # type: web
    assert (15, 11) in places  # type: apichat
    assert str(refusal.value).startswith("relevo.yaml:13:")
    assert await reading(means) == before


@pytest.mark.parametrize("database_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def test_two_at_once_are_one_after_the_other(means: Means, swept_database_url: str) -> None:
    database = Database(swept_database_url)
    other = msgspec.structs.replace(means, database=database)
    try:
        both = await asyncio.gather(apply(means, plan()), apply(other, plan()))
    finally:
        await database.close()

    assert sorted([sorted({change.action for change in changes}) for changes in both]) == [
        ["created"],
        ["unchanged"],
    ]


LISTENING = FILE.replace(
    "agents:\n",
    """\
  - name: crm
    url: https://other.example.com/crm
    events: [message.received, message.sent]
    channels: [site]
agents:
""",
)


async def test_an_endpoint_may_listen_to_channels_that_are_made_after_it(means: Means) -> None:
    first = await apply(means, plan(LISTENING))
    again = await apply(means, plan(LISTENING))
    more = await apply(means, plan(LISTENING.replace("[site]", "all").replace("/crm", "/new")))

    assert "created endpoint crm" in told(first)
    assert {change.action for change in again} == {"unchanged"}
    assert "updated endpoint crm channels, URL" in told(more)
    crm = next(one for one in (await reading(means)).endpoints.values() if one.name == "crm")
    assert crm.channels == "all"


async def test_the_channels_alone_are_a_change(means: Means) -> None:
    await apply(means, plan(LISTENING))

    changes = await apply(means, plan(LISTENING.replace("[site]", "[site, other]")))

    assert [line for line in told(changes) if "unchanged" not in line] == ["updated endpoint crm channels"]


async def test_to_listen_to_nothing_is_a_mistake(means: Means) -> None:
    text = LISTENING.replace("    events: [message.received, message.sent]\n", "")

    with pytest.raises(Refused, match="it listens to channels, but to no events of theirs; choose at least"):
        await apply(means, plan(text))


async def desk_of(means: Means) -> Endpoint:
    return next(one for one in (await reading(means)).endpoints.values() if one.name == "desk")


async def test_another_secret_in_the_file_is_a_rotation(means: Means, clock: FakeClock) -> None:
    await apply(means, plan())
    environ = {**ENVIRON, "DESK_SECRET": OTHER_SECRET}

    changes = await apply(means, plan(environ=environ))
    again = await apply(means, plan(environ=environ))

    until = "the old secret signs too until 2030-01-02 12:00 UTC"
    assert told(changes)[1] == f"updated endpoint desk signing secret, end of the old secret, {until}"
    assert told(again)[1] == f"unchanged endpoint desk {until}"
    assert (await desk_of(means)).signing_secrets(clock.now()) == (OTHER_SECRET, SECRET)
    clock.advance(timedelta(hours=24))
    assert told(await apply(means, plan(environ=environ)))[1] == "unchanged endpoint desk"
    assert (await desk_of(means)).signing_secrets(clock.now()) == (OTHER_SECRET,)


async def test_a_file_that_lags_behind_a_rotation_does_not_stop_it(means: Means, clock: FakeClock) -> None:
    await apply(means, plan())
    desk = await desk_of(means)
    new = (await endpoints.rotate_secret(means, desk.workspace_id, desk.id)).secret

    (_, change, *_) = await apply(means, plan())

    assert change.action == "unchanged"
    assert change.detail == (
        "this secret is being replaced and signs until 2030-01-02 12:00 UTC: put the new one here"
    )
    assert (await desk_of(means)).signing_secrets(clock.now()) == (new, SECRET)


async def test_a_third_secret_waits_for_the_end_of_the_rotation(means: Means) -> None:
    await apply(means, plan())
    desk = await desk_of(means)
    await endpoints.rotate_secret(means, desk.workspace_id, desk.id)

    with pytest.raises(Refused, match=r"yaml:7:13: the secret of desk is being replaced.*end it first"):
        await apply(means, plan(environ={**ENVIRON, "DESK_SECRET": OTHER_SECRET}))


async def test_a_list_of_secrets_says_what_signs_and_ends_what_does_not(means: Means) -> None:
    await apply(means, plan())
    listed = FILE.replace('"{{ env.DESK_SECRET }}"', f'[{OTHER_SECRET}, "{{{{ env.DESK_SECRET }}}}"]')

    await apply(means, plan(listed))
    both = await desk_of(means)
    await apply(means, plan(FILE.replace('"{{ env.DESK_SECRET }}"', OTHER_SECRET)))
    one = await desk_of(means)

    assert (both.secrets, both.old_secret_until) == ((OTHER_SECRET, SECRET), None)
    assert (one.secrets, one.old_secret_until) == ((OTHER_SECRET,), None)


INBOUND = """\
inbound_webhooks:
  - name: orders
    flow: support
    channel: site
    map: {customer.phone: phone, 'order.items[0].sku': [tag, field.sku]}
    tags: [buyer]
    start: welcome
    key: order.id
"""


async def test_inbound_webhooks_are_made_and_kept_with_their_addresses(means: Means) -> None:
    first = await apply(means, plan(FILE + INBOUND))
    again = await apply(means, plan(FILE + INBOUND))
    changed = await apply(means, plan(FILE + INBOUND.replace("buyer", "customer")))
    kept = await apply(means, plan())

    assert [one.action for one in (first[-1], again[-1], changed[-1], kept[-1])] == [
        "created",
        "unchanged",
        "updated",
        "kept",
    ]
    assert changed[-1].detail == "tags"
    (webhook,) = (await reading(means)).inbound_webhooks.values()
    assert webhook.mappings == (
        ("customer.phone", "phone"),
        ("order.items[0].sku", "tag"),
        ("order.items[0].sku", "field.sku"),
    )
    assert (webhook.start, webhook.key_path, webhook.tags) == ("welcome", "order.id", ("customer",))


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (("customer.phone: phone, ", ""), "no path says who it is about"),
        (("field.sku", "feild.sku"), '"feild.sku" is nowhere a value can go'),
        (("start: welcome", "start: wellcome"), 'there is no subflow "wellcome" in support'),
        (("channel: site", "channel: sight"), 'there is no channel "sight" in this file'),
        (("flow: support\n    channel: site", "flow: sales"), 'there is no flow "sales" in this file'),
        (("key: order.id", "key: order id"), '"order id" is not a path into JSON'),
    ],
)
async def test_an_inbound_webhook_that_cannot_be_is_told_with_its_place(
    means: Means, wrong: tuple[str, str], what: str
) -> None:
    text = FILE + INBOUND.replace(*wrong)
    parsed = parse(
        text,
        file="relevo.yaml",
        environ=ENVIRON,
        types=channel_types(),
        read_flow=lambda path: FlowText(path, SUPPORT),
    )
    if parsed.plan is None:
        problems = parsed.problems
    else:
        with pytest.raises(Refused) as refused:
            await apply(means, parsed.plan)
        problems = refused.value.problems

    assert [problem.what for problem in problems] == [what]
    assert problems[0].line > FILE.count("\n")


MAIL = """\
version: 1
workspace: Acme
secrets:
  SHOP_KEY: "{{ env.SHOP_KEY }}"
  BASE: https://shop.example.com
email:
  host: desk.example.com
  username: acme
  password: "{{ env.MAIL_PASSWORD }}"
  from: Acme <hello@acme.example>
"""
MAIL_ENVIRON = {"SHOP_KEY": "k-shop-123", "MAIL_PASSWORD": "p4ss-w0rd"}


async def test_secrets_and_the_mail_server_are_set_once_and_changed_when_they_differ(means: Means) -> None:
    first = told(await apply(means, plan(MAIL, environ=MAIL_ENVIRON)))
    again = told(await apply(means, plan(MAIL, environ=MAIL_ENVIRON)))
    other = told(await apply(means, plan(MAIL, environ={"SHOP_KEY": "k-new-12", "MAIL_PASSWORD": "n3w"})))
    kept = told(await apply(means, plan("version: 1\nworkspace: Acme\n")))

    names = ["secret SHOP_KEY", "secret BASE", "mail server desk.example.com"]
    assert first[1:] == [f"created {name}" for name in names]
    assert again[1:] == [f"unchanged {name}" for name in names]
    assert other[1:] == [f"updated {names[0]}", f"unchanged {names[1]}", f"updated {names[2]}"]
    assert kept[1:] == [f"kept {name}" for name in (names[1], names[0], names[2])]
    found = await reading(means)
    ((id_, secrets),) = found.secrets.items()
    assert secrets == {"SHOP_KEY": "k-new-12", "BASE": "https://shop.example.com"}
    assert found.mailboxes[id_] == Mailbox(
        host="desk.example.com", username="acme", password="n3w", sender="Acme <hello@acme.example>"
    )


async def test_a_mail_server_that_may_not_be_called_is_refused_where_it_stands(means: Means) -> None:
    text = MAIL.replace("desk.example.com", "inside.example.com")

    with pytest.raises(Refused) as refused:
        await apply(means, plan(text, environ=MAIL_ENVIRON))

    (problem,) = refused.value.problems
    assert str(problem).startswith("relevo.yaml:7:9: inside.example.com leads to 10.0.0.5")
    assert (await reading(means)).secrets == {}


async def test_the_two_hundred_and_first_secret_of_a_file_is_refused(means: Means) -> None:
    lines = "".join(f"  KEY_{number}: x\n" for number in range(201))

    with pytest.raises(Refused) as refused:
        await apply(means, plan(f"version: 1\nworkspace: Acme\nsecrets:\n{lines}"))

    assert "there are 200 secrets; at most 200 are possible" in str(refused.value)
