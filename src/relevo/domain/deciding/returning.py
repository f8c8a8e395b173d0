"""Control comes back to the bot, which goes on after its *Pause the Bot* step if it had one."""

from __future__ import annotations

import relevo.domain.flows.engine as flow_engine
from relevo.domain.deciding.control import take_back
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.walking import lose_run, perform
from relevo.domain.handoffs import Return


def return_control(draft: Draft, how: Return) -> None:
    if not draft.agent_has_control:
        return
    flow = draft.flow_of_run()
    take_back(draft, how)
    run = draft.state.run
    if run is None or run.waiting.for_ != "return":
        draft.note("agent_returned")
        return
    if flow is None:
        lose_run(draft, run)
    else:
        perform(draft, flow_engine.returned(flow, run, draft.scene()))
