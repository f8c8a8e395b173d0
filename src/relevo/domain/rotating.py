"""Replacing a signing secret without a moment in which the platform cannot verify.

The new secret signs at once, and the one before signs beside it for a time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from relevo.domain.configuring import Wrong
from relevo.domain.workspaces import Endpoint

ROTATION = timedelta(hours=24)
"""How long the old secret signs too, where nobody says otherwise."""
LONGEST_ROTATION = timedelta(days=30)


class Secrets(NamedTuple):
    """What signs, newest first, and when the second stops; None: not by itself."""

    all: tuple[str, ...]
    old_until: datetime | None = None


def secrets_of(endpoint: Endpoint, now: datetime) -> Secrets:
    """What is left of an endpoint's secrets: one whose time is over is gone."""
    signing = endpoint.signing_secrets(now)
    return Secrets(signing, endpoint.old_secret_until if len(signing) > 1 else None)


def rotated(endpoint: Endpoint, secret: str, now: datetime, keep_old_for: timedelta) -> Secrets:
    """With a new secret. `why_not_now` says whether this may be."""
    if not keep_old_for:
        return Secrets((secret,))
    return Secrets((secret, endpoint.secrets[0]), now + keep_old_for)


def wished(endpoint: Endpoint, secret: str, now: datetime) -> Secrets:
    """What a workspace file makes of an endpoint by naming one secret.

    Another secret than those that sign is a rotation. One that signs leaves a rotation alone, the old
    one too: a file may lag behind. It ends one that has no end of its own: a file began that.
    """
    found = secrets_of(endpoint, now)
    if secret not in found.all:
        return rotated(endpoint, secret, now, ROTATION)
    return found if found.old_until is not None else Secrets((secret,))


def why_not_now(endpoint: Endpoint, now: datetime) -> Wrong | None:
    """What speaks against replacing the newest secret: the platform may still know the one before only."""
    found = secrets_of(endpoint, now)
    if len(found.all) == 1:
        return None
    until = f"until {stamp(found.old_until)}" if found.old_until else "still"
    return Wrong(
        f"the secret of {endpoint.name} is being replaced: the one before signs too, {until}",
        "wait for that, or end it first",
    )


def check_keep_old_for(period: timedelta) -> Wrong | None:
    if timedelta() <= period <= LONGEST_ROTATION:
        return None
    remedy = f"for example 24h; 0 for not at all, at most {LONGEST_ROTATION.days}d"
    return Wrong("the old secret cannot sign for that long", remedy)


def stamp(at: datetime | None) -> str:
    """`2026-11-22 10:00 UTC`"""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""
