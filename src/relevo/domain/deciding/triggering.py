"""What happened in a decision starts what the flow has triggers for, within bounds.

A subflow that such a trigger starts takes the place of what the customer was in the middle of only if it
waits for something: one that has done its piece at once leaves the rest as it was.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

import relevo.domain.flows.engine as flow_engine
from relevo.domain.conversations import Fired, Silence
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.telling import report
from relevo.domain.deciding.walking import may_start, perform
from relevo.domain.flows.expressions import Variables
from relevo.domain.flows.model import Flow
from relevo.domain.flows.triggers.happenings import OnHappening, silences, started_by

MOST_AT_ONCE = 10
"""Subflows that one decision starts in this way: a trigger may set off another."""
MOST_AN_HOUR = 60
"""The same, in an hour of one conversation: what goes round through a wait or a call ends as well."""
_HOUR = timedelta(hours=1)


def start_triggered(draft: Draft) -> None:
    """Start whatever was set off, what that sets off, and so on."""
    flow = draft.current_flow()
    if flow is None or not flow.heeds:
        return
    started = 0
    while draft.happenings:
        happening = draft.happenings.pop(0)
        if happening.word not in flow.heeds:
            continue
        variables = Variables(draft.scene(), draft.state.subscriber, flow)
        trigger = started_by(flow.triggers, happening, variables)
        if trigger is None or not _may_start(draft, flow, trigger):
            continue
        if started == MOST_AT_ONCE or not _is_within_the_hour(draft):
            report(draft, "trigger_loop", f"{trigger.word} did not start {trigger.do}: it goes round")
            return
        started += 1
        _start(draft, flow, trigger)


def _may_start(draft: Draft, flow: Flow, trigger: OnHappening) -> bool:
    if may_start(draft, flow, trigger.do):
        return True
    report(draft, "bot_is_paused", f"{trigger.word} did not start {trigger.do}: an agent has control")
    return False


def _is_within_the_hour(draft: Draft) -> bool:
    """Whether one more may start; it is counted."""
    now, fired = draft.around.now, draft.state.fired
    if fired is None or fired.since + _HOUR <= now:
        fired = Fired(since=now)
    if fired.times >= MOST_AN_HOUR:
        return False
    draft.change(fired=msgspec.structs.replace(fired, times=fired.times + 1))
    return True


def _start(draft: Draft, flow: Flow, trigger: OnHappening) -> None:
    before = draft.state.run
    draft.change(run=None)
    perform(draft, flow_engine.begin(flow, trigger.do, draft.scene()))
    if draft.state.run is None and before is not None and before.epoch == draft.state.epoch:
        draft.change(run=before)


# Silence


def listen_for_silence(draft: Draft) -> None:
    """The customer has said something to the bot: from now on they are silent."""
    draft.happenings = [one for one in draft.happenings if one.word != "no_reply"]
    flow = draft.current_flow()
    if flow is not None and "no_reply" in flow.heeds:
        now = draft.around.now
        draft.change(silence=Silence(since=now, next_at=now + silences(flow.triggers)[0]))
    elif draft.state.silence is not None:
        draft.change(silence=None)


def notice_silence(draft: Draft) -> None:
    """They still are, and a trigger may be for it. Of several whose time has passed the longest counts. It
    is over when an agent has control, or the conversation is done."""
    silence, now, flow = draft.state.silence, draft.around.now, draft.current_flow()
    if silence is None or silence.next_at > now:
        return
    waits = [after for after in silences(flow.triggers) if after > silence.told] if flow is not None else []
    passed = [after for after in waits if silence.since + after <= now]
    coming = [after for after in waits if silence.since + after > now]
    is_over = draft.agent_has_control or draft.state.status == "done" or bool(draft.state.barred)
    if passed and not is_over:
        draft.note("no_reply", str(passed[-1]))
    told = passed[-1] if passed else silence.told
    goes_on = Silence(silence.since, silence.since + coming[0], told) if coming and not is_over else None
    draft.change(silence=goes_on)
