"""Workspaces and their settings."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relevo.admin import workspaces
from relevo.admin.changing import Means, reading
from relevo.domain.configuring import WorkspaceWish
from relevo.domain.errors import InvalidInput, NotFound
from relevo.domain.ids import WorkspaceId
from relevo.domain.workspaces import PausedAutomation, Workspace


async def test_a_workspace_begins_with_the_usual_settings(means: Means) -> None:
    saved = await workspaces.save(means, WorkspaceWish(name="Acme"))

    assert saved.action == "created"
    assert (await reading(means)).workspaces == {saved.thing.id: Workspace(id=saved.thing.id, name="Acme")}


async def test_settings_are_changed_one_by_one(means: Means, acme: Workspace) -> None:
    wish = WorkspaceWish(
        name="Acme",
        timezone="Europe/Madrid",
        agent_reply_pauses_for=timedelta(minutes=45),
        paused_automation=PausedAutomation.AGENT_TRIGGERS_AND_DELAYS,
    )
    changed = await workspaces.save(means, wish, acme.id)
    renamed = await workspaces.save(means, WorkspaceWish(name="Acme Inc."), acme.id)

    assert changed.changed == ("time zone", "pause after an agent's reply", "paused automation")
    assert renamed.changed == ("name",)
    assert (await reading(means)).workspaces[acme.id] == Workspace(
        id=acme.id,
        name="Acme Inc.",
        timezone="Europe/Madrid",
        agent_reply_pauses_for=timedelta(minutes=45),
        paused_automation=PausedAutomation.AGENT_TRIGGERS_AND_DELAYS,
    )


async def test_a_name_is_taken_once(means: Means, acme: Workspace) -> None:
    with pytest.raises(InvalidInput, match="there is already a workspace Acme"):
        await workspaces.save(means, WorkspaceWish(name="Acme"))
    assert (await workspaces.save(means, WorkspaceWish(name="Acme"), acme.id)).action == "unchanged"


async def test_what_cannot_be_is_refused(means: Means, acme: Workspace) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await workspaces.save(means, WorkspaceWish(name="", timezone="Mars"), acme.id)
    with pytest.raises(NotFound):
        await workspaces.save(means, WorkspaceWish(name="x"), WorkspaceId(99))

    assert list(refusal.value.errors) == ["name", "timezone"]
