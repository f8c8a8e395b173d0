"""Publishing flows."""

from __future__ import annotations

import pytest

from relevo.admin import flows
from relevo.admin.changing import Means, reading
from relevo.domain.errors import InvalidInput, NotFound, VersionChanged
from relevo.domain.ids import FIRST_FLOW_ID, FlowId
from relevo.domain.workspaces import Workspace
from relevo.engine.catalog import Catalog
from relevo.store import configuring, directory, tables


def text(name: str, *subflows: str) -> str:
    steps = "".join(f"  {subflow}: [end]\n" for subflow in subflows)
    return f"version: 1\nflow: {name}\nstart: {subflows[0]}\nsubflows:\n{steps}"


async def source(means: Means, flow_id: FlowId) -> str:
    async with means.database.read() as connection:
        found = await directory.flow_source(connection, (await reading(means)).flows[flow_id].version_id)
    assert found is not None
    return found[1]


async def test_flows_are_numbered_from_1001(means: Means, acme: Workspace) -> None:
    ids = [(await flows.publish(means, acme.id, text(name, "a"))).thing.id for name in ("support", "sales")]

    assert ids == [FIRST_FLOW_ID, FIRST_FLOW_ID + 1]


async def test_a_text_is_published_as_a_version_once(means: Means, acme: Workspace) -> None:
    first = await flows.publish(means, acme.id, text("support", "a"))
    same = await flows.publish(means, acme.id, text("support", "a"), flow_id=first.thing.id)
    other = await flows.publish(means, acme.id, text("support", "a", "b"), flow_id=first.thing.id)

    assert [(one.action, one.changed) for one in (first, same, other)] == [
        ("created", ("version 1",)),
        ("unchanged", ()),
        ("updated", ("version 2",)),
    ]
    assert same.thing == first.thing
    assert await source(means, first.thing.id) == text("support", "a", "b")


async def test_going_back_to_an_older_text_is_a_new_version(means: Means, acme: Workspace) -> None:
    id_ = (await flows.publish(means, acme.id, text("support", "a"))).thing.id
    for subflows in (("a", "b"), ("a",)):
        await flows.publish(means, acme.id, text("support", *subflows), flow_id=id_)

    async with means.database.read() as connection:
        assert [one.number for one in await configuring.versions_of(connection, id_)] == [3, 2, 1]
    assert await source(means, id_) == text("support", "a")


async def test_the_number_of_a_subflow_is_never_given_to_another_name(means: Means, acme: Workspace) -> None:
    entry = (await flows.publish(means, acme.id, text("support", "a", "b", "c"))).thing
    assert entry.subflows == {"a": 1, "b": 2, "c": 3}

    for subflows in (("a", "d"), ("d", "b", "e")):
        entry = (await flows.publish(means, acme.id, text("support", *subflows), flow_id=entry.id)).thing

    assert entry.subflows == {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}
    assert (await reading(means)).flows[entry.id] == entry


async def test_a_text_with_mistakes_is_refused_and_the_running_version_stays(
    means: Means, acme: Workspace
) -> None:
    id_ = (await flows.publish(means, acme.id, text("support", "a"))).thing.id
    wrong = text("support", "a").replace("start: a", "start: b")

    with pytest.raises(flows.InvalidFlow) as refusal:
        await flows.publish(means, acme.id, wrong, file="support.flow.yaml", flow_id=id_)

    assert [str(problem) for problem in refusal.value.problems] == refusal.value.errors["source"]
    assert refusal.value.errors["source"][0].startswith("support.flow.yaml:3:8: ")
    assert await source(means, id_) == text("support", "a")


async def test_a_flow_bears_the_name_that_its_text_gives_it_unless_another_does(
    means: Means, acme: Workspace
) -> None:
    support = (await flows.publish(means, acme.id, text("support", "a"))).thing
    await flows.publish(means, acme.id, text("sales", "a"))

    renamed = (await flows.publish(means, acme.id, text("service", "a"), flow_id=support.id)).thing
    assert renamed.name == (await reading(means)).flows[support.id].name == "service"

    for flow_id in (None, support.id):
        with pytest.raises(InvalidInput, match="there is already a flow sales"):
            await flows.publish(means, acme.id, text("sales", "a", "b"), flow_id=flow_id)
    with pytest.raises(NotFound):
        await flows.publish(means, acme.id, text("new", "a"), flow_id=FlowId(7))
    with pytest.raises(InvalidInput, match="characters; write at most 200"):
        await flows.publish(means, acme.id, text("n" * 201, "a"))


async def test_a_version_says_why_and_who(means: Means, acme: Workspace) -> None:
    why = flows.Why("prices are new", "Olga")
    id_ = (await flows.publish(means, acme.id, text("support", "a"), why=why)).thing.id

    async with means.database.read() as connection:
        (version,) = await configuring.versions_of(connection, id_)
    assert (version.message, version.author) == ("prices are new", "Olga")


async def test_a_message_has_an_end(means: Means, acme: Workspace) -> None:
    with pytest.raises(InvalidInput, match="the message has 501 characters"):
        await flows.publish(means, acme.id, text("support", "a"), why=flows.Why("x" * 501))


async def test_a_version_that_somebody_has_changed_is_not_run(means: Means, acme: Workspace) -> None:
    """By hand, in the database: nothing of Relevo does."""
    flow = (await flows.publish(means, acme.id, text("support", "a"))).thing
    async with means.database.write() as connection:
        await connection.execute(tables.flow_versions.update().values(source=text("support", "b")))

    with pytest.raises(VersionChanged):
        await source(means, flow.id)
    catalog = Catalog(means.database, means.cipher, means.clock)
    await catalog.load_flows([flow.version_id])
    assert catalog.flows == {}


async def test_a_version_of_an_older_relevo_has_no_hash_and_runs(means: Means, acme: Workspace) -> None:
    flow = (await flows.publish(means, acme.id, text("support", "a"))).thing
    async with means.database.write() as connection:
        await connection.execute(tables.flow_versions.update().values(hash=None))

    assert await source(means, flow.id) == text("support", "a")


async def test_an_earlier_version_is_rolled_back_to(means: Means, acme: Workspace) -> None:
    id_ = (await flows.publish(means, acme.id, text("support", "a"))).thing.id
    await flows.publish(means, acme.id, text("support", "a", "b"), flow_id=id_)

    back = await flows.roll_back(means, acme.id, id_, 1, flows.Why(author="Olga"))

    assert back.changed == ("version 3",)
    assert await source(means, id_) == text("support", "a")
    async with means.database.read() as connection:
        newest = (await configuring.versions_of(connection, id_))[0]
        assert (newest.message, newest.author) == ("Back to version 1", "Olga")
        assert [one.where for one in await flows.compare(connection, back.thing, 2, 3)] == ["b"]


async def test_there_is_no_going_back_to_what_was_never_there(means: Means, acme: Workspace) -> None:
    id_ = (await flows.publish(means, acme.id, text("support", "a"))).thing.id

    with pytest.raises(NotFound, match="The flow support has no version 7"):
        await flows.roll_back(means, acme.id, id_, 7)
