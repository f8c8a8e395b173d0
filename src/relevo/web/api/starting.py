"""Having the flow say something: from its start, a subflow's, or the middle of one. Where an agent has
control the flow stays silent, and the problem is kept for people."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.domain import complaints
from relevo.domain.errors import InvalidInput
from relevo.domain.events import AnyEvent, BotTold, ByConversation, Once
from relevo.domain.flows.model import Flow
from relevo.domain.ids import STEPS_OF_A_SUBFLOW, node_ns, user_ns
from relevo.store import conversations
from relevo.web.api.answers import Ok
from relevo.web.api.calls import Call, UserNs, unknown_subscriber
from relevo.web.api.operations import USER_NS, writes
from relevo.web.api.sending import TAG

SubFlowNs = Annotated[str, Meta(max_length=40, description="The subflow.", examples=["f1001s2"])]
UserId = Annotated[
    str,
    Meta(min_length=1, max_length=200, description="The id inside the channel.", examples=["61400000000"]),
]


class ToStart(msgspec.Struct, frozen=True):
    """Whom to tell."""

    user_ns: UserNs


class SendSubflow(msgspec.Struct, frozen=True):
    user_ns: UserNs
    sub_flow_ns: SubFlowNs


class SendSubflowByName(msgspec.Struct, frozen=True):
    user_ns: UserNs
    flow_name: Annotated[str, Meta(max_length=200, description="The subflow's name.", examples=["person"])]


class SendSubflowByUserId(msgspec.Struct, frozen=True):
    user_id: UserId
    sub_flow_ns: SubFlowNs


class SendNode(msgspec.Struct, frozen=True):
    user_ns: UserNs
    node_ns: Annotated[
        str,
        Meta(
            max_length=200,
            description="A step: the number of its subflow, and of itself within it, in three digits. "
            "The second of `f1001s3` is `f1001n3002`. A subflow is taken, too.",
            examples=["f1001n1001"],
        ),
    ]


@writes(
    "/subscriber/send-main-flow",
    tag=TAG,
    title="Start the flow",
    name="sendMainFlow",
    may_conflict=True,
    example={"user_ns": USER_NS},
)
async def send_main_flow(call: NamedDependency[Call], data: JSONBody[ToStart]) -> Ok:
    """Have the flow begin anew, as for somebody who writes for the first time."""
    flow = await call.running()
    start = call.flow.start or (flow.start if flow is not None else "")
    return await call.write(data.user_ns, lambda to, once: BotTold(to=to, once=once, go_to=start))


@writes(
    "/subscriber/send-sub-flow",
    tag=TAG,
    title="Start a subflow",
    name="sendSubFlow",
    may_conflict=True,
    example={"user_ns": USER_NS, "sub_flow_ns": "f1001s1"},
)
async def send_sub_flow(call: NamedDependency[Call], data: JSONBody[SendSubflow]) -> Ok:
    """Leave whatever the flow is doing with the subscriber, and begin a subflow."""
    names = {ns: name for name, ns in (await call.subflows()).items()}
    return await _start(call, data.user_ns, names, "sub_flow_ns", data.sub_flow_ns)


@writes(
    "/subscriber/send-sub-flow-by-flow-name",
    tag=TAG,
    title="Start a subflow by its name",
    name="sendSubFlowByFlowName",
    may_conflict=True,
    example={"user_ns": USER_NS, "flow_name": "welcome"},
)
async def send_sub_flow_by_flow_name(call: NamedDependency[Call], data: JSONBody[SendSubflowByName]) -> Ok:
    """The same, by the name that the subflow has in the flow's file."""
    names = {name: name for name in await call.subflows()}
    return await _start(call, data.user_ns, names, "flow_name", data.flow_name)


@writes(
    "/subscriber/send-sub-flow-by-user-id",
    tag=TAG,
    title="Start a subflow by the channel's id",
    name="sendSubFlowByUserId",
    may_conflict=True,
    example={"user_id": "visitor-1", "sub_flow_ns": "f1001s1"},
)
async def send_sub_flow_by_user_id(call: NamedDependency[Call], data: JSONBody[SendSubflowByUserId]) -> Ok:
    """The same, by the id inside the channel. Of several channels with that id, where they wrote last."""
    async with call.services.database.read() as connection:
        found = await conversations.find_by_flow_user(connection, call.key.flow_id, data.user_id)
    if found is None:
        raise unknown_subscriber(data.user_id)
    names = {ns: name for name, ns in (await call.subflows()).items()}
    who = user_ns(call.key.flow_id, found.id)
    return await _start(call, who, names, "sub_flow_ns", data.sub_flow_ns)


@writes(
    "/subscriber/send-node",
    tag=TAG,
    title="Start at a step",
    name="sendNode",
    may_conflict=True,
    example={"user_ns": USER_NS, "node_ns": "f1001n1001"},
)
async def send_node(call: NamedDependency[Call], data: JSONBody[SendNode]) -> Ok:
    """Begin a subflow at one of its steps."""
    flow, subflows = await call.running(), await call.subflows()
    steps = _steps(call, flow) if flow is not None else {}
    places = {ns: (name, 0) for name, ns in subflows.items()} | {name: (name, 0) for name in subflows} | steps

    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        if data.node_ns not in places:
            raise InvalidInput(
                {"node_ns": [complaints.unknown("node_ns", data.node_ns, "step in this flow")]}
            )
        subflow, at = places[data.node_ns]
        return BotTold(to=to, once=once, go_to=subflow, at_step=at)

    return await call.write(data.user_ns, event)


async def _start(call: Call, who: str, names: dict[str, str], field: str, wanted: str) -> Ok:
    def event(to: ByConversation, once: Once | None) -> AnyEvent:
        if wanted not in names:
            raise InvalidInput({field: [complaints.unknown(field, wanted, "subflow in this flow")]})
        return BotTold(to=to, once=once, go_to=names[wanted])

    return await call.write(who, event)


def _steps(call: Call, flow: Flow) -> dict[str, tuple[str, int]]:
    numbers = call.flow.subflows
    return {
        node_ns(call.key.flow_id, numbers[name], at + 1): (name, at)
        for name, steps in flow.subflows.items()
        if name in numbers
        for at in range(min(len(steps), STEPS_OF_A_SUBFLOW))
    }
