"""What of a flow is set apart from its text: which subflow starts, and what went wrong in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from relevo.admin import flows
from relevo.admin.changing import Changing
from relevo.domain import complaints
from relevo.domain.errors import InvalidInput
from relevo.domain.ids import flow_ns, parse_user_ns, sub_flow_ns, user_ns
from relevo.domain.live_chat import local_time
from relevo.store import configuring, directory, problems
from relevo.store.database import AnyRow, Connection
from relevo.web.api.answers import Ok
from relevo.web.api.calls import Call
from relevo.web.api.custom_events import window
from relevo.web.api.flow import TAG
from relevo.web.api.messages import Seconds
from relevo.web.api.operations import USER_NS, reads, writes
from relevo.web.api.redelivering import means

SUB_FLOW_NS = "f1001s3"
MAIN = "main"
"""Instead of a subflow: the one that the flow's own text names as its start."""
ERRORS_WINDOW = timedelta(days=31)

SubFlowNs = Annotated[
    str, Meta(max_length=40, description="The subflow, from the list.", examples=[SUB_FLOW_NS])
]
SubFlowOrMain = Annotated[
    str,
    Meta(
        max_length=40,
        description="The subflow, from the list; `main` is the start that the flow's text names.",
        examples=[MAIN],
    ),
]


class Start(msgspec.Struct, frozen=True):
    """Which subflow starts."""

    sub_flow_ns: SubFlowOrMain


class SubflowToDelete(msgspec.Struct, frozen=True):
    """Which subflow goes."""

    sub_flow_ns: SubFlowNs


class ErrorLogsQuery(msgspec.Struct, frozen=True, kw_only=True):
    user_ns: Annotated[str, Meta(max_length=40, description="Only about this subscriber.")] = ""
    node_ns: Annotated[str, Meta(max_length=40, description="Not supported: `search` for the step.")] = ""
    search: Annotated[str, Meta(max_length=200, description="Any part of the description or code.")] = ""
    start_time: Annotated[Seconds | None, Meta(description="Unix seconds; left out: a month ago.")] = None
    end_time: Annotated[Seconds | None, Meta(description="Unix seconds; left out: now.")] = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="How many to a page.", examples=[100])] = 100
    page: Annotated[int, Meta(ge=1, le=100, description="Which page; 1 is the first.", examples=[1])] = 1


class ErrorLog(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was dropped, refused or went wrong. `user_ns` is empty where it is about nobody."""

    id: Annotated[int, Meta(examples=[7])]
    flow_ns: Annotated[str, Meta(examples=["f1001"])]
    user_ns: Annotated[str, Meta(examples=[USER_NS])]
    node_ns: Annotated[str, Meta(description="Always empty: `description` names the step.")] = ""
    code: Annotated[str, Meta(description="Does not change when the words do.", examples=["stale_timer"])]
    description: str
    created_at: Annotated[str, Meta(examples=["2026-11-21 14:13:20"])]


class ErrorLogsAnswer(msgspec.Struct, frozen=True):
    """What went wrong, the newest first."""

    data: list[ErrorLog]
    status: Literal["ok"] = "ok"


_ERROR = {
    "id": 7,
    "flow_ns": "f1001",
    "user_ns": USER_NS,
    "node_ns": "",
    "code": "unknown_subflow",
    "description": "there is no subflow 'sales'",
    "created_at": "2026-11-21 14:13:20",
}


@writes(
    "/flow/set-default-start-flow",
    tag=TAG,
    title="Set which subflow starts",
    name="setDefaultStartFlow",
    example={"sub_flow_ns": MAIN},
    about=None,
)
async def set_default_start_flow(call: NamedDependency[Call], data: JSONBody[Start]) -> Ok:
    """The subflow that starts for whoever writes first, instead of the one that the flow's text names."""
    name = await _running(call, data.sub_flow_ns)

    async def work(connection: Connection) -> Ok:
        await configuring.set_start(connection, call.key.flow_id, name)
        return Ok()

    return await call.once(work, Ok)


@writes(
    "/flow/set-web-chat-widget-default-start-flow",
    tag=TAG,
    title="Set which subflow greets in the web chat",
    name="setWidgetStartFlow",
    example={"sub_flow_ns": MAIN},
    about=None,
)
async def set_widget_start_flow(call: NamedDependency[Call], data: JSONBody[Start]) -> Ok:
    """The subflow that starts for whoever opens the web chat, instead of the one that starts elsewhere."""
    name = await _running(call, data.sub_flow_ns)

    async def work(connection: Connection) -> Ok:
        await configuring.set_widget_start(connection, call.key.flow_id, name)
        return Ok()

    return await call.once(work, Ok)


async def _running(call: Call, ns: str) -> str:
    """The name of a subflow of the flow as it runs now; "" for `main`. Raises InvalidInput."""
    if ns == MAIN:
        return ""
    found = next((name for name, one in (await call.subflows()).items() if one == ns), None)
    if found is None:
        raise _unknown(ns)
    return found


def _unknown(ns: str) -> InvalidInput:
    return InvalidInput({"sub_flow_ns": [complaints.unknown("sub_flow_ns", ns, "subflow in this flow")]})


@writes(
    "/flow/delete-sub-flow",
    method="DELETE",
    tag=TAG,
    title="Delete a subflow",
    name="deleteSubflow",
    example={"sub_flow_ns": SUB_FLOW_NS},
    about=None,
)
async def delete_sub_flow(call: NamedDependency[Call], data: JSONBody[SubflowToDelete]) -> Ok:
    """Publish the flow without one of its subflows. Refused while something leads there; one that is gone
    already is gone."""
    key = call.key
    numbers = {sub_flow_ns(key.flow_id, number): name for name, number in call.flow.subflows.items()}
    if data.sub_flow_ns not in numbers:
        raise _unknown(data.sub_flow_ns)

    async def work(connection: Connection) -> Ok:
        await configuring.lock(connection)
        found = await directory.load(connection, call.services.cipher)
        change = Changing(means(call), connection, found)
        await flows.delete_subflow(change, key.workspace_id, key.flow_id, numbers[data.sub_flow_ns])
        return Ok()

    return await call.once(work, Ok)


@reads(
    "/flow/error-logs/data",
    tag=TAG,
    title="List what went wrong",
    name="listErrorLogs",
    asks=ErrorLogsQuery,
    example={"data": [_ERROR], "status": "ok"},
)
async def error_logs(call: NamedDependency[Call], asked: NamedDependency[ErrorLogsQuery]) -> ErrorLogsAnswer:
    """Whatever of the flow was dropped, refused or went wrong within a month, the newest first."""
    if asked.node_ns:
        why = "what went wrong names its step in the description; use search."
        raise InvalidInput({"node_ns": [complaints.not_supported("node_ns", why)]})
    since, until = window(call, asked.start_time, asked.end_time, ERRORS_WINDOW)
    about = parse_user_ns(asked.user_ns) if asked.user_ns else None
    if asked.user_ns and (about is None or about[0] != call.key.flow_id):
        raise InvalidInput({"user_ns": [complaints.bad_format("user_ns")]})
    async with call.services.database.read() as connection:
        rows = await problems.of_flow(
            connection,
            call.key.flow_id,
            since=since,
            until=until,
            conversation_id=about[1] if about else None,
            search=asked.search,
            limit=asked.limit,
            offset=(asked.page - 1) * asked.limit,
        )
    return ErrorLogsAnswer([_error(call, row) for row in rows])


def _error(call: Call, row: AnyRow) -> ErrorLog:
    flow_id = call.key.flow_id
    return ErrorLog(
        id=row.id,
        flow_ns=flow_ns(flow_id),
        user_ns=user_ns(flow_id, row.conversation_id) if row.conversation_id is not None else "",
        code=row.code,
        description=row.detail,
        created_at=local_time(row.created_at, call.workspace.timezone),
    )
