"""Time passes."""

from __future__ import annotations

import relevo.domain.flows.engine as flow_engine
from relevo.domain.deciding.branches import take_branch
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.returning import return_control
from relevo.domain.deciding.telling import report
from relevo.domain.deciding.triggering import notice_silence
from relevo.domain.deciding.walking import lose_run, may_go_on, perform
from relevo.domain.handoffs import Branch, Return


def let_time_pass(draft: Draft) -> None:
    """Deal with deadlines that have passed: a pause's end first, then what the flow looked out for
    meanwhile, then what it waited for."""
    now = draft.around.now
    pause = draft.state.pause
    if pause is not None and pause.until is not None and pause.until <= now:
        return_control(draft, Return("time"))
    if draft.state.silence is not None:
        notice_silence(draft)
    while (branch := _due(draft)) is not None:
        take_branch(draft, branch)
    _go_on(draft)


def _due(draft: Draft) -> Branch | None:
    """What the flow has to do something about. Each is taken off the pause by doing it."""
    pause = draft.state.pause
    if pause is None or not pause.timers:
        return None
    return next((name for at, name in pause.timers if at <= draft.around.now), None)


def _go_on(draft: Draft) -> None:
    now = draft.around.now
    run = draft.state.run
    if run is None or run.waiting.deadline_at is None or run.waiting.deadline_at > now:
        return
    flow = draft.flow_of_run()
    if flow is None:
        lose_run(draft, run)
    elif may_go_on(draft, run):
        perform(draft, flow_engine.time_came(flow, run, draft.scene()))
    else:
        draft.change(run=None)
        report(draft, "stale_timer", f"a step planned under epoch {run.epoch} was dropped")
