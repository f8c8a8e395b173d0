"""What UChat has no call for: Relevo's own part of the API, for a live-chat platform."""

from __future__ import annotations

from litestar.di import NamedDependency
from litestar.params import JSONBody

from relevo.domain.events import AgentRead, AgentTyped
from relevo.web.api.answers import Ok
from relevo.web.api.calls import Call
from relevo.web.api.control import Subscriber
from relevo.web.api.operations import USER_NS, writes

TAG = "Handoff"


@writes(
    "/handoff/typing",
    tag=TAG,
    title="Show that an agent is typing",
    name="showTyping",
    example={"user_ns": USER_NS},
)
async def typing(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Show the customer that an agent is typing, where the channel can. It fades after a few seconds: send it
    again while the agent goes on."""
    return await call.write(data.user_ns, lambda to, once: AgentTyped(to=to, once=once))


@writes(
    "/handoff/seen",
    tag=TAG,
    title="Mark as read",
    name="markSeen",
    example={"user_ns": USER_NS},
)
async def seen(call: NamedDependency[Call], data: JSONBody[Subscriber]) -> Ok:
    """Tell that an agent has read what the customer wrote so far, and show it to the customer where the
    channel can."""
    return await call.write(data.user_ns, lambda to, once: AgentRead(to=to, once=once))
