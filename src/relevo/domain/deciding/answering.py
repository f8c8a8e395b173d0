"""A call has an outcome: the run that waits for it goes on."""

from __future__ import annotations

import relevo.domain.flows.engine as flow_engine
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.telling import report
from relevo.domain.deciding.walking import lose_run, may_go_on, perform
from relevo.domain.events import CallAnswered


def call_answered(draft: Draft, event: CallAnswered) -> None:
    """What nobody waits for any more is dropped: an agent took over, or the run was replaced."""
    run, flow = draft.state.run, draft.flow_of_run()
    waits = run is not None and run.waiting.for_ == "call" and run.waiting.call == event.number
    if run is None or not waits or not may_go_on(draft, run):
        report(draft, "stale_call", f"nobody waits for the outcome of call {event.number} any more")
    elif flow is None:
        lose_run(draft, run)
    else:
        perform(draft, flow_engine.answered(flow, run, event.result, draft.scene()))
