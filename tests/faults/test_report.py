"""The faults suite would notice: what its ledger and its lines say of a server that breaks its promises."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from bench.ledger import Ledger
from bench.processes import SECRET
from faults.customers import Customers
from faults.platform import Platform
from faults.report import Line, line, overtakings
from faults.telling import compared
from relevo.domain import signing

AT = datetime(2030, 1, 1, tzinfo=UTC)


def webhook(mid: str, seq: int, *, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    body = msgspec.json.encode({"meta": {"user_ns": "f1u1"}, "message": {"mid": mid}})
    return {**signing.headers([secret], f"msg_{mid}", AT, body), "relevo-seq": str(seq)}, body


def result(*webhooks: tuple[dict[str, str], bytes], accepted: int) -> Line:
    customers, platform = Customers("desk", [], users=1, pause=0), Platform("desk")
    for number in range(accepted):
        customers.sent[f"desk-0-{number}"] = customers.accepted[f"desk-0-{number}"] = 0.0
    for headers, body in webhooks:
        platform.ledger.take("desk", headers, body)
    return line("a scenario", customers, platform, 0.0)


def test_what_came_in_order_is_good() -> None:
    found = result(webhook("desk-0-0", 1), webhook("desk-0-1", 2), webhook("desk-0-1", 2), accepted=2)

    assert (found.delivered, found.lost, found.reordered, found.duplicated) == (2, 0, 0, 1)
    assert found.is_good


def test_what_never_came_is_lost() -> None:
    found = result(webhook("desk-0-0", 1), accepted=2)

    assert (found.delivered, found.lost, found.is_good) == (1, 1, False)


def test_what_overtook_is_reordered() -> None:
    found = result(webhook("desk-0-1", 2), webhook("desk-0-0", 1), accepted=2)

    assert (found.delivered, found.reordered, found.is_good) == (2, 1, False)


def test_numbers_in_order_do_not_hide_messages_out_of_order() -> None:
    assert overtakings(["desk-0-1", "desk-1-0", "desk-0-0", "desk-0-2"]) == 1


def test_a_wrong_signature_is_not_good() -> None:
    found = result(webhook("desk-0-0", 1, secret="whsec_" + "A" * 32), accepted=1)

    assert found.broken == ("1 badly signed",)


def test_nothing_sent_is_not_good() -> None:
    assert result(accepted=0).broken == ("nothing was sent",)


@pytest.mark.parametrize("check_every", [1, 2])
def test_a_ledger_counts_gaps(check_every: int) -> None:
    ledger = Ledger(SECRET, check_every=check_every)
    for number in (1, 3, 4):
        ledger.take("desk", *webhook(f"desk-0-{number}", number))

    assert (ledger.report.gaps, ledger.report.checked) == (1, 3 // check_every)


def told(stored: dict[str, int], came: dict[str, list[str]]) -> Line:
    return compared("a scenario", ["f1u1-1", "f1u1-2"], stored, came, seconds=0.0, kills=1)


def test_what_everybody_was_told_once_is_good() -> None:
    found = told({"f1u1-1": 1, "f1u1-2": 1}, {"f1u1-1": ["a", "a"], "f1u1-2": ["b"]})

    assert (found.accepted, found.delivered, found.lost, found.duplicated) == (2, 2, 0, 1)
    assert found.is_good


def test_what_was_decided_twice_or_came_under_two_ids_is_not_good() -> None:
    found = told({"f1u1-1": 2, "f1u1-2": 1}, {"f1u1-1": ["a", "c"], "f1u1-2": ["b"]})

    assert found.broken == ("1 decided twice", "1 came under two ids")


def test_whoever_was_not_told_is_lost_and_others_must_not_be_told() -> None:
    found = told({"f1u1-1": 1, "f1u2-1": 1}, {"f1u1-1": ["a"]})

    assert (found.accepted, found.lost, found.broken) == (1, 1, ("others were told",))
