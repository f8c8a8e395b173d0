"""Replacing a signing secret: what signs when, and what a workspace file makes of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from relevo.domain import rotating
from relevo.domain.rotating import Secrets
from relevo.domain.workspaces import Endpoint
from relevo.testing.clock import NOON
from tests.domain.scenes import ENDPOINT

LATER = NOON + timedelta(hours=1)
DAY = NOON + rotating.ROTATION


def endpoint(*secrets: str, until: datetime | None = None) -> Endpoint:
    return msgspec.structs.replace(ENDPOINT, secrets=secrets, old_secret_until=until)


@pytest.mark.parametrize(
    ("there", "signing"),
    [
        (endpoint("a"), Secrets(("a",))),
        (endpoint("a", "b"), Secrets(("a", "b"))),
        (endpoint("a", "b", until=LATER), Secrets(("a", "b"), LATER)),
        (endpoint("a", "b", until=NOON), Secrets(("a",))),
    ],
)
def test_the_old_secret_signs_until_its_time_is_over(there: Endpoint, signing: Secrets) -> None:
    assert rotating.secrets_of(there, NOON) == signing
    assert there.signing_secrets(NOON) == signing.all


@pytest.mark.parametrize(
    ("there", "secret", "becomes"),
    [
        (endpoint("a"), "a", Secrets(("a",))),
        (endpoint("a"), "b", Secrets(("b", "a"), DAY)),
        (endpoint("b", "a", until=LATER), "b", Secrets(("b", "a"), LATER)),
        (endpoint("b", "a", until=LATER), "a", Secrets(("b", "a"), LATER)),
        (endpoint("b", "a", until=NOON), "a", Secrets(("a", "b"), DAY)),
        (endpoint("b", "a"), "b", Secrets(("b",))),
        (endpoint("b", "a"), "a", Secrets(("a",))),
    ],
)
def test_a_file_that_names_one_secret_rotates_and_never_stops_a_rotation(
    there: Endpoint, secret: str, becomes: Secrets
) -> None:
    assert rotating.wished(there, secret, NOON) == becomes


def test_while_one_is_replaced_another_is_not() -> None:
    assert rotating.why_not_now(endpoint("a"), NOON) is None
    assert rotating.why_not_now(endpoint("b", "a", until=NOON), NOON) is None
    assert str(rotating.why_not_now(endpoint("b", "a", until=LATER), NOON)) == (
        "the secret of desk is being replaced: the one before signs too, until 2030-01-01 13:00 UTC; "
        "wait for that, or end it first"
    )
    assert "signs too, still" in str(rotating.why_not_now(endpoint("b", "a"), NOON))
