"""A conversation while it is decided about: the state so far, and what is to be stored and done."""

from __future__ import annotations

from typing import Any

import msgspec

from relevo.domain.conversations import Control, Conversation, Decision, Effect, NewMessage
from relevo.domain.deciding.surroundings import Surroundings
from relevo.domain.flows.model import Flow
from relevo.domain.flows.runs import Scene
from relevo.domain.flows.triggers.happenings import Happening
from relevo.domain.handoffs import Branch
from relevo.domain.ids import FlowVersionId, flow_ns
from relevo.domain.workspaces import PausedAutomation


class Draft:
    """A conversation while it is decided about."""

    def __init__(self, conversation: Conversation, around: Surroundings) -> None:
        self.state = conversation
        self.around = around
        self.messages: list[NewMessage] = []
        self.effects: list[Effect] = []
        self.last_input = ""
        self.referral: dict[str, Any] | None = None
        self.has_new_buttons = False
        self.happenings: list[Happening] = []
        self.is_patient = False
        self.branch: Branch | None = None
        """What the flow is doing something about, while an agent has control."""
        self.needs_platform = False
        """Whether the customer waits for the platform to hear of this."""

    def change(self, **changes: Any) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)

    def decision(self) -> Decision:
        return Decision(conversation=self.state, messages=tuple(self.messages), effects=tuple(self.effects))

    @property
    def agent_has_control(self) -> bool:
        return self.state.control is Control.AGENT

    @property
    def flow_goes_on_while_paused(self) -> bool:
        return self.around.workspace.paused_automation is PausedAutomation.AGENT_TRIGGERS_AND_DELAYS

    def note(self, word: str, name: str = "") -> None:
        """Something happened that a flow may have a trigger for."""
        self.happenings.append(Happening(word, name))

    def scene(self) -> Scene:
        state, around = self.state, self.around
        version = state.run.version_id if state.run else around.current_version
        defaults = state.run.defaults if state.run else around.defaults
        return Scene(
            now=around.now,
            version_id=version or FlowVersionId(0),
            defaults=defaults,
            epoch=state.epoch,
            user_ns=state.user_ns,
            flow_ns=flow_ns(state.flow_id),
            channel_name=around.channel.name,
            channel_type=around.channel.type,
            subscriber=state.subscriber,
            last_input=self.last_input,
            chance=around.chance,
            hours=around.workspace.hours,
            segments=around.segments,
            conversation=state.facts,
            returned=state.returned,
            bot=around.bot,
            types=around.types,
            watch=around.watch,
        )

    def flow_of_run(self) -> Flow | None:
        run = self.state.run
        return self._flow(run.version_id, run.defaults) if run else None

    def _flow(self, version: FlowVersionId | None, defaults: FlowVersionId | None) -> Flow | None:
        flow = self.around.flows.get(version) if version is not None else None
        shared = self.around.flows.get(defaults) if defaults is not None else None
        return flow.falling_back_on(shared) if flow else None

    def current_flow(self) -> Flow | None:
        entry = self.around.entry
        flow = self._flow(self.around.current_version, self.around.defaults)
        if flow is None or entry is None or entry.start not in flow.subflows:
            return flow
        return msgspec.structs.replace(flow, start=entry.start)
