"""Control changes hands, here and nowhere else."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from relevo.domain.cases import Source
from relevo.domain.conversations import Control, Pause, PauseCause, ReturnReason
from relevo.domain.deciding.case_keeping import reopen, wait_for_agent
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.telling import notify
from relevo.domain.flows.runs import Run
from relevo.domain.workspaces import EventType


def pause_bot(
    draft: Draft,
    pause_for: timedelta | None,
    *,
    cause: PauseCause,
    leave_words: tuple[str, ...] = (),
    run: Run | None = None,
) -> None:
    """Control goes to the agent. Pausing twice only moves the end of the pause.

    `run` is what the flow goes on with afterwards. Any other run is dropped, unless the
    workspace lets flows go on while paused.
    """
    now, state = draft.around.now, draft.state
    until = now + pause_for if pause_for is not None else None
    handed_over = not draft.agent_has_control
    since = state.pause.since if state.pause else now
    words = leave_words or (state.pause.leave_words if state.pause else ())
    epoch = state.epoch + 1 if handed_over else state.epoch
    draft.change(
        control=Control.AGENT,
        epoch=epoch,
        pause=Pause(since=since, until=until, cause=cause, leave_words=words),
        run=_run_through_pause(draft, run, epoch),
    )
    if handed_over:
        reopen(draft, _SOURCES.get(cause, "api"))
        if cause != "agent_reply":
            wait_for_agent(draft)
        data = {"reason": cause, "until": until.isoformat() if until else None, "epoch": epoch}
        notify(draft, EventType.HANDOFF_REQUESTED, data=data)


_SOURCES: dict[PauseCause, Source] = {"flow": "bot", "member": "agent", "agent_reply": "agent"}


def _run_through_pause(draft: Draft, run: Run | None, epoch: int) -> Run | None:
    if run is None:
        run = draft.state.run
        waits_for_return = run is not None and run.waiting.for_ == "return"
        if not (waits_for_return or draft.flow_goes_on_while_paused):
            return None
    return msgspec.structs.replace(run, epoch=epoch) if run else None


def take_back(draft: Draft, reason: ReturnReason) -> None:
    """Control comes back to the bot; whatever run there is holds under the new epoch."""
    epoch, run = draft.state.epoch + 1, draft.state.run
    run = msgspec.structs.replace(run, epoch=epoch) if run else None
    draft.change(control=Control.BOT, epoch=epoch, pause=None, run=run)
    notify(draft, EventType.HANDOFF_RETURNED, data={"reason": reason, "epoch": epoch})
