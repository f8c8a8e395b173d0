"""Something comes up while an agent has control: what the flow does about it.

**Exactly one speaker.** While nobody has accepted, the bot is the only one there: what a branch says is
said, in the decision that has found that nobody is there, and control stays where it is. Once somebody has
accepted, the bot speaks with control or not at all: the first words of a branch take control back, and if
the branch does not keep it, the conversation is handed over again, under a new epoch, to be accepted anew.
"""

from __future__ import annotations

import msgspec

import relevo.domain.flows.engine as flow_engine
from relevo.domain.deciding.control import pause_bot
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.walking import lose_run, perform
from relevo.domain.flows.model import Flow
from relevo.domain.flows.runs import Run, Waiting
from relevo.domain.handoffs import Branch, Pause
from relevo.domain.ids import EndpointId
from relevo.domain.workspaces import LiveChatMode

_NOWHERE = Waiting("return")
"""Control is to return, and there is no step that waits for it."""


def take_branch(draft: Draft, branch: Branch) -> None:
    """Do what the flow does about it, where it waits for control to return."""
    if draft.state.pause is None:
        return
    pause = draft.state.pause.without(branch, draft.around.now)
    draft.change(pause=pause)
    run, flow = draft.state.run, draft.flow_of_run()
    if run is None or run.waiting.for_ != "return":
        return
    if flow is None:
        lose_run(draft, run)
        return
    draft.branch = branch
    perform(draft, flow_engine.react(flow, run, branch, draft.scene()))
    draft.branch = None
    _hand_over_again(draft, flow, pause)


def _hand_over_again(draft: Draft, flow: Flow, before: Pause) -> None:
    """The branch had words, and took control for them: the rest of the pause is asked for anew. What the
    customer was told counts for the new request, too."""
    run, now = draft.state.run, draft.around.now
    if draft.agent_has_control or run is None or run.waiting.for_ != "return":
        return
    asked = flow_engine.hand_over_again(flow, run, draft.scene())
    left = before.until - now if before.until else None
    pause_bot(draft, left, cause=before.cause, run=run, asked=asked)
    assert draft.state.pause is not None
    told = {"waits_since": before.waits_since, "told_down_at": before.told_down_at}
    draft.change(pause=msgspec.structs.replace(draft.state.pause, **told))


# The platform


def platform_unreachable(draft: Draft, endpoint_id: EndpointId) -> None:
    """The platform does not hear what the customer writes now."""
    live_chat, pause = draft.around.channel.live_chat, draft.state.pause
    is_theirs = live_chat.mode is LiveChatMode.WEBHOOK and live_chat.endpoint_id == endpoint_id
    if is_theirs and pause is not None and pause.may_be_told_down(draft.around.now):
        _stand_by(draft)
        take_branch(draft, "platform_down")
        _stand_down(draft)


def _stand_by(draft: Draft) -> None:
    """Where no flow waits, as an agent or the API began the pause, the customer is told all the same."""
    version, defaults, epoch = draft.around.current_version, draft.around.defaults, draft.state.epoch
    if draft.state.run is None and version is not None:
        run = Run(version_id=version, defaults=defaults, epoch=epoch, stack=(), waiting=_NOWHERE)
        draft.change(run=run)


def _stand_down(draft: Draft) -> None:
    run = draft.state.run
    if run is not None and not run.stack and run.waiting == _NOWHERE:
        draft.change(run=None)


def look_after_platform(draft: Draft) -> None:
    """If what has just happened is for the platform to hear, and nobody is there to hear it."""
    endpoint_id = draft.around.channel.live_chat.endpoint_id if draft.needs_platform else None
    if endpoint_id is not None and draft.around.is_down(endpoint_id):
        platform_unreachable(draft, endpoint_id)
