from __future__ import annotations

from collections import Counter

import pytest

from relevo.domain.agent_groups import (
    AgentGroup,
    AssignMethod,
    GroupId,
    GroupMember,
    OnlineFirst,
    Staff,
    choose,
)
from relevo.domain.ids import ConversationId, MemberId, WorkspaceId

LUIS, EVA, TOM = MemberId(1), MemberId(2), MemberId(3)


def group(method: AssignMethod, online: OnlineFirst = OnlineFirst.ANYBODY, eva: int = 1) -> AgentGroup:
    members = (GroupMember(LUIS), GroupMember(EVA, eva), GroupMember(TOM))
    return AgentGroup(
        id=GroupId(7),
        workspace_id=WorkspaceId(1),
        name="Sales",
        assign_method=method,
        online_first=online,
        members=members,
    )


def chosen(of: AgentGroup, staff: Staff, conversation: int = 1) -> MemberId | None:
    return choose(of, staff, ConversationId(conversation), None)


def test_everybody_has_their_turn() -> None:
    found = [chosen(group(AssignMethod.ROUND_ROBIN), Staff(turn)) for turn in range(6)]

    assert found == [LUIS, EVA, TOM, LUIS, EVA, TOM]


def test_twice_the_weight_is_twice_as_often() -> None:
    found = [chosen(group(AssignMethod.ROUND_ROBIN, eva=2), Staff(turn)) for turn in range(8)]

    assert Counter(found) == {EVA: 4, LUIS: 2, TOM: 2}


def test_whoever_has_least_gets_it() -> None:
    of = group(AssignMethod.LEAST_ASSIGNED)

    assert chosen(of, Staff(0, loads={LUIS: 3, EVA: 1, TOM: 2})) == EVA
    assert chosen(of, Staff(0, loads={LUIS: 1, EVA: 1})) == TOM


def test_twice_the_weight_carries_twice_the_load() -> None:
    of = group(AssignMethod.LEAST_ASSIGNED, eva=2)

    assert chosen(of, Staff(0, loads={LUIS: 2, EVA: 3, TOM: 2})) == EVA


def test_chance_is_fair_and_the_same_for_the_same_question() -> None:
    of = group(AssignMethod.RANDOM)
    found = [chosen(of, Staff(turn), turn) for turn in range(3000)]

    assert found == [chosen(of, Staff(turn), turn) for turn in range(3000)]
    assert all(900 < count < 1100 for count in Counter(found).values())


@pytest.mark.parametrize("method", list(AssignMethod))
@pytest.mark.parametrize(
    ("rule", "online", "possible"),
    [
        (OnlineFirst.ANYBODY, {TOM}, {LUIS, EVA, TOM}),
        (OnlineFirst.ONLINE_FIRST, {EVA, TOM}, {EVA, TOM}),
        (OnlineFirst.ONLINE_FIRST, set[MemberId](), {LUIS, EVA, TOM}),
        (OnlineFirst.ONLINE_ONLY, {TOM}, {TOM}),
        (OnlineFirst.ONLINE_ONLY, set[MemberId](), {None}),
    ],
)
def test_who_is_online_matters_as_the_group_says(
    method: AssignMethod, rule: OnlineFirst, online: set[MemberId], possible: set[MemberId | None]
) -> None:
    loads: dict[MemberId, int] = {}
    found: set[MemberId | None] = set()
    for turn in range(60):
        one = chosen(group(method, rule), Staff(turn, frozenset(online), loads), turn)
        found.add(one)
        if one is not None:
            loads[one] = loads.get(one, 0) + 1

    assert found == possible


def test_whoever_has_it_keeps_it_if_they_could_get_it() -> None:
    online_only = group(AssignMethod.ROUND_ROBIN, OnlineFirst.ONLINE_ONLY)

    assert choose(online_only, Staff(0, frozenset({LUIS, EVA})), ConversationId(1), EVA) == EVA
    assert choose(online_only, Staff(0, frozenset({LUIS})), ConversationId(1), EVA) == LUIS
    assert choose(online_only, Staff(0), ConversationId(1), EVA) is None


def test_a_group_without_members_has_nobody() -> None:
    empty = AgentGroup(id=GroupId(1), workspace_id=WorkspaceId(1), name="Empty")

    assert chosen(empty, Staff(0)) is None
