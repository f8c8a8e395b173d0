"""Endpoints: where the platform is told, and how it knows that it is us."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from relevo.admin.addresses import look_up
from relevo.admin.changing import Changing, Means, Saved, changing, named, refuse, refuse_taken, saved
from relevo.domain import rotating, signing
from relevo.domain.configuring import MASK, EndpointWish, Wrong, Wrongs, check_endpoint
from relevo.domain.ids import EndpointId, WorkspaceId
from relevo.domain.workspaces import Channel, Endpoint, Listening
from relevo.domain.yaml_reading import did_you_mean, quoted
from relevo.store import configuring, endpoint_health
from relevo.system.chance import Chance

SECRET_BYTES = 32

_WORDS = {
    "name": "name",
    "url": "URL",
    "headers": "headers",
    "secrets": "signing secret",
    "old_secret_until": "end of the old secret",
    "events": "events",
    "channels": "channels",
    "max_in_flight": "attempts at a time",
    "max_per_second": "attempts a second",
    "disabled_reason": "enabled",
}


def new_secret(chance: Chance) -> str:
    """A signing secret that nobody has."""
    return signing.format_secret(base64.urlsafe_b64decode(chance.token(SECRET_BYTES) + "="))


async def save(
    means: Means, workspace_id: WorkspaceId, wish: EndpointWish, endpoint_id: EndpointId | None = None
) -> Saved[Endpoint]:
    """Make an endpoint, or change the one of this id. One without a secret gets one (`Saved.secret`)."""
    await check_url(means, wish)
    async with changing(means) as change:
        old = None if endpoint_id is None else change.get(Endpoint, workspace_id, endpoint_id)
        refuse_taken("an endpoint", wish.name, change.of(Endpoint, workspace_id), old)
        result = await _write(change, workspace_id, wish, old)
        _check_hearing(result.thing)
        return result


async def put(change: Changing, workspace_id: WorkspaceId, wish: EndpointWish) -> Saved[Endpoint]:
    """Have the endpoint of this name be so, but for what it listens to: `put_channels`, once those are
    there. The URL was looked at before (`check_url`)."""
    wish = msgspec.structs.replace(wish, channels=None)
    return await _write(change, workspace_id, wish, named(change.of(Endpoint, workspace_id), wish.name))


async def put_channels(change: Changing, workspace_id: WorkspaceId, wish: EndpointWish) -> Saved[Endpoint]:
    """Have an endpoint that there is listen to what the wish says."""
    old = named(change.of(Endpoint, workspace_id), wish.name)
    only = EndpointWish(name=wish.name, channels=wish.channels)
    result = await _write(change, workspace_id, only, old)
    _check_hearing(result.thing)
    return result


async def check_url(means: Means, wish: EndpointWish) -> None:
    """Raise `InvalidInput` when Relevo does not connect to where the URL leads."""
    wrong = (await look_up(means.guard, wish.url)).wrong if wish.url is not None else None
    refuse({"url": wrong} if wrong else {})


async def rotate_secret(
    means: Means,
    workspace_id: WorkspaceId,
    endpoint_id: EndpointId,
    keep_old_for: timedelta = rotating.ROTATION,
) -> Saved[Endpoint]:
    """Make a new signing secret (`Saved.secret`). The old one signs too for that long, or until
    `retire_secret`. Raises `InvalidInput` while the one before is still being replaced."""
    secret, now = new_secret(means.chance), means.clock.now()
    async with changing(means) as change:
        old = change.get(Endpoint, workspace_id, endpoint_id)
        wrong = rotating.check_keep_old_for(keep_old_for) or rotating.why_not_now(old, now)
        refuse({"secret": wrong} if wrong else {})
        new = await _update(change, _with(old, rotating.rotated(old, secret, now, keep_old_for)))
    return saved(old, new, _WORDS, secret=secret)


async def retire_secret(means: Means, workspace_id: WorkspaceId, endpoint_id: EndpointId) -> Endpoint:
    """Sign with the newest secret only, from now on."""
    async with changing(means) as change:
        old = change.get(Endpoint, workspace_id, endpoint_id)
        return await _update(change, _with(old, rotating.Secrets(old.secrets[:1])))


def _with(endpoint: Endpoint, secrets: rotating.Secrets) -> Endpoint:
    return msgspec.structs.replace(endpoint, secrets=secrets.all, old_secret_until=secrets.old_until)


async def enable(means: Means, workspace_id: WorkspaceId, endpoint_id: EndpointId) -> Endpoint:
    """Post to it again, whatever the reason was not to. What was known of its health is forgotten."""
    async with changing(means) as change:
        old = change.get(Endpoint, workspace_id, endpoint_id)
        await endpoint_health.forget(change.connection, endpoint_id)
        return await _update(change, msgspec.structs.replace(old, disabled_reason=""))


async def disable(means: Means, workspace_id: WorkspaceId, endpoint_id: EndpointId, reason: str) -> Endpoint:
    async with changing(means) as change:
        old = change.get(Endpoint, workspace_id, endpoint_id)
        return await _update(change, msgspec.structs.replace(old, disabled_reason=reason))


def masked(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as a form shows them; sent back like this, they stay as they are."""
    return dict.fromkeys(headers, MASK)


async def _write(
    change: Changing, workspace_id: WorkspaceId, wish: EndpointWish, old: Endpoint | None
) -> Saved[Endpoint]:
    wish = _unmasked(wish, old)
    channels, wrongs = _channels(change, workspace_id, wish)
    refuse(check_endpoint(wish) | wrongs)
    if old is None:
        return await _insert(change, workspace_id, wish, channels)
    now = change.means.clock.now()
    old = _with(old, rotating.secrets_of(old, now))  # what is over is no change of anybody's
    new = _resigned(_merged(old, wish, channels), wish, now)
    if new != old:
        await _update(change, new)
    result = saved(old, new, _WORDS)
    return msgspec.structs.replace(result, note=_rotation(new, wish))


def _resigned(endpoint: Endpoint, wish: EndpointWish, now: datetime) -> Endpoint:
    """With the secrets that are asked for."""
    if wish.secrets is not None:
        return _with(endpoint, rotating.Secrets(wish.secrets))
    if wish.secret is None:
        return endpoint
    wrong = rotating.why_not_now(endpoint, now) if wish.secret not in endpoint.signing_secrets(now) else None
    refuse({"secrets": wrong} if wrong else {})
    return _with(endpoint, rotating.wished(endpoint, wish.secret, now))


def _rotation(endpoint: Endpoint, wish: EndpointWish) -> str:
    """What is to be said of a rotation to somebody who names one secret."""
    if wish.secret is None or endpoint.old_secret_until is None:
        return ""
    until = f"until {rotating.stamp(endpoint.old_secret_until)}"
    if wish.secret == endpoint.secrets[0]:
        return f"the old secret signs too {until}"
    return f"this secret is being replaced and signs {until}: put the new one here"


def _channels(
    change: Changing, workspace_id: WorkspaceId, wish: EndpointWish
) -> tuple[Listening | None, Wrongs]:
    """What it is to listen to; None: as it is."""
    if not isinstance(wish.channels, tuple):
        return wish.channels, {}
    ids = {one.name: one.id for one in change.of(Channel, workspace_id)}
    wrongs = [
        Wrong(f"there is no channel {quoted(name)}", did_you_mean(name, list(ids)))
        for name in wish.channels
        if name not in ids
    ]
    known = frozenset(ids[name] for name in wish.channels if name in ids)
    return known, {"channels": wrongs[0]} if wrongs else {}


def _check_hearing(endpoint: Endpoint) -> None:
    if endpoint.channels and not endpoint.events:
        refuse({"events": Wrong("it listens to channels, but to no events of theirs", "choose at least one")})


async def _insert(
    change: Changing, workspace_id: WorkspaceId, wish: EndpointWish, channels: Listening | None
) -> Saved[Endpoint]:
    if wish.url is None:
        refuse({"url": Wrong("the URL is missing", "write one like https://desk.example.com/hook")})
    given = wish.secrets or ((wish.secret,) if wish.secret else ())
    made = "" if given else new_secret(change.means.chance)
    secrets = given or (made,)
    blank = Endpoint(id=EndpointId(0), workspace_id=workspace_id, name=wish.name, url="", secrets=secrets)
    connection, means = change.connection, change.means
    asked = _merged(blank, wish, channels)
    new = await configuring.insert_endpoint(connection, means.cipher, asked, means.clock.now())
    change.note(new)
    return saved(None, new, _WORDS, secret=made)


async def _update(change: Changing, endpoint: Endpoint) -> Endpoint:
    await configuring.update_endpoint(change.connection, change.means.cipher, endpoint)
    change.note(endpoint)
    return endpoint


def _merged(old: Endpoint, wish: EndpointWish, channels: Listening | None) -> Endpoint:
    """An endpoint that was disabled works again once it has another URL."""
    moved = wish.url is not None and wish.url != old.url
    return msgspec.structs.replace(
        old,
        name=wish.name,
        url=old.url if wish.url is None else wish.url,
        headers=old.headers if wish.headers is None else wish.headers,
        events=old.events if wish.events is None else wish.events,
        channels=old.channels if channels is None else channels,
        max_in_flight=old.max_in_flight if wish.max_in_flight is None else wish.max_in_flight,
        max_per_second=old.max_per_second if wish.max_per_second is None else wish.max_per_second,
        disabled_reason="" if moved else old.disabled_reason,
    )


def _unmasked(wish: EndpointWish, old: Endpoint | None) -> EndpointWish:
    """With the stored values of headers that a form sent back masked."""
    stored = old.headers if old else {}
    headers = wish.headers or {}
    unknown = [name for name, value in headers.items() if value == MASK and name not in stored]
    refuse(
        {f"headers.{name}": Wrong(f"the header {name} has no stored value", "write it") for name in unknown}
    )
    if MASK not in headers.values():
        return wish
    shown = {name: stored[name] if value == MASK else value for name, value in headers.items()}
    return msgspec.structs.replace(wish, headers=shown)
