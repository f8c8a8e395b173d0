"""Control changes hands, here and nowhere else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from relevo.domain.cases import Source
from relevo.domain.conversations import Control
from relevo.domain.deciding.case_keeping import reopen, wait_for_agent
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.telling import notify
from relevo.domain.flows import runs
from relevo.domain.flows.runs import Briefing, Run
from relevo.domain.handoffs import Pause, PauseCause, Return
from relevo.domain.workspaces import EventType

_NOTHING = Briefing()


def pause_bot(
    draft: Draft,
    pause_for: timedelta | None,
    *,
    cause: PauseCause,
    run: Run | None = None,
    asked: runs.PauseBot | None = None,
) -> None:
    """Control goes to the agent. Pausing twice only moves the end of the pause.

    `run` is what the flow goes on with afterwards. Any other run is dropped, unless the
    workspace lets flows go on while paused. `asked` is what a flow's step says besides.
    """
    now, state = draft.around.now, draft.state
    handed_over = not draft.agent_has_control
    epoch = state.epoch + 1 if handed_over else state.epoch
    until = now + pause_for if pause_for is not None else None
    pause = state.pause or Pause(since=now, until=until, cause=cause, waits_since=now)
    pause = msgspec.structs.replace(pause, until=until, cause=cause)
    draft.change(
        control=Control.AGENT,
        epoch=epoch,
        pause=_watched(pause, asked, now) if asked else pause,
        run=_run_through_pause(draft, run, epoch),
    )
    if handed_over:
        _request(draft, asked.briefing if asked else _NOTHING)


def _watched(pause: Pause, asked: runs.PauseBot, now: datetime) -> Pause:
    """The pause with what the flow looks out for."""
    accept_by = now + asked.accept_within if asked.accept_within is not None else None
    return msgspec.structs.replace(
        pause,
        leave_words=asked.leave_words or pause.leave_words,
        accept_by=accept_by,
        reply_within=asked.reply_within,
        silent_for=asked.silent_for,
    )


def _request(draft: Draft, briefing: Briefing) -> None:
    pause = draft.state.pause
    assert pause is not None
    draft.needs_platform = True
    reopen(draft, _SOURCES.get(pause.cause, "api"))
    if pause.cause != "agent_reply":
        wait_for_agent(draft)
    until = pause.until.isoformat() if pause.until else None
    data: dict[str, Any] = {"reason": pause.cause, "until": until, "epoch": draft.state.epoch}
    if briefing.summary:
        data["summary"] = briefing.summary
    if briefing.fields:
        data["fields"] = briefing.fields
    notify(draft, EventType.HANDOFF_REQUESTED, data=data, transcript=briefing.transcript)


_SOURCES: dict[PauseCause, Source] = {"flow": "bot", "member": "agent", "agent_reply": "agent"}


def _run_through_pause(draft: Draft, run: Run | None, epoch: int) -> Run | None:
    if run is None:
        run = draft.state.run
        waits_for_return = run is not None and run.waiting.for_ == "return"
        if not (waits_for_return or draft.flow_goes_on_while_paused):
            return None
    return msgspec.structs.replace(run, epoch=epoch) if run else None


def take_back(draft: Draft, how: Return) -> None:
    """Control comes back to the bot; whatever run there is holds under the new epoch."""
    epoch, run = draft.state.epoch + 1, draft.state.run
    run = msgspec.structs.replace(run, epoch=epoch) if run else None
    draft.change(control=Control.BOT, epoch=epoch, pause=None, run=run, returned=how)
    words = {"note": how.note, "outcome": how.outcome}
    said = {name: word for name, word in words.items() if word}
    notify(draft, EventType.HANDOFF_RETURNED, data={"reason": how.reason, **said, "epoch": epoch})
