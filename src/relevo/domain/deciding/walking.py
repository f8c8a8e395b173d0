"""The flow is walked, and what it wants is done. The bot's words pass `say`, and no other way."""

from __future__ import annotations

from typing import assert_never

import msgspec

import relevo.domain.flows.engine as flow_engine
from relevo.domain import conversations
from relevo.domain.calls import AiTask, CallTask
from relevo.domain.conversations import MakeCall
from relevo.domain.deciding.control import pause_bot, take_back
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.emailing import write_email
from relevo.domain.deciding.organising import organise
from relevo.domain.deciding.speaking import speak
from relevo.domain.deciding.subscriber import apply_act
from relevo.domain.deciding.telling import report
from relevo.domain.flows import runs
from relevo.domain.flows.model import Flow
from relevo.domain.flows.runs import (
    AddTag,
    AssignTo,
    LogEvent,
    MoveTo,
    PauseBot,
    RemoveTag,
    ResumeBot,
    Run,
    Say,
    SetField,
    ShowTyping,
    Stumble,
    Turn,
    WriteNote,
)
from relevo.domain.handoffs import Phase, Return
from relevo.domain.messages import Content, MessageType


def trigger(draft: Draft, content: Content, *, first: bool, asking: bool) -> bool:
    """Start the subflow that this message triggers; False when there is none. While an agent has control,
    only one that begins by taking it back is started, unless the workspace lets flows go on."""
    flow = draft.current_flow()
    if flow is None:
        return False
    run = draft.state.run
    waiting = run is not None and run.waiting.for_ in ("time", "call")
    profile = draft.state.subscriber.profile
    subflow = flow_engine.find_trigger(
        flow,
        content,
        is_first_message=first,
        asking=asking,
        waiting=waiting,
        language=profile.language or profile.locale,
        referral=draft.referral,
    )
    if subflow is None or not may_start(draft, flow, subflow):
        return False
    draft.change(run=None)
    perform(draft, flow_engine.begin(flow, subflow, draft.scene()))
    return True


def may_start(draft: Draft, flow: Flow, subflow: str) -> bool:
    """Whether the bot may begin something now: it has control, or may speak without, or takes it back."""
    return not draft.agent_has_control or draft.flow_goes_on_while_paused or flow.takes_back(subflow)


def converse(draft: Draft, content: Content, *, first: bool) -> None:
    """The bot has control: a trigger, or the answer to its question."""
    run = draft.state.run
    asking = run is not None and run.waiting.for_ == "answer"
    if trigger(draft, content, first=first, asking=asking) or not asking or run is None:
        return
    flow = draft.flow_of_run()
    if flow is None:
        lose_run(draft, run)
    else:
        perform(draft, flow_engine.answer(flow, run, content, draft.scene()))


def perform(draft: Draft, turn: Turn) -> None:
    """Do what the flow wants, in order, and remember where it stands."""
    draft.change(run=turn.run)
    for act in turn.acts:
        match act:
            case Say(content=content):
                say(draft, content)
            case PauseBot(pause_for=pause_for):
                pause_bot(draft, pause_for, cause="flow", run=turn.run, asked=act)
            case ResumeBot():
                _resume(draft)
            case ShowTyping():
                show_typing(draft)
            case AssignTo() | WriteNote() | MoveTo() | LogEvent():
                organise(draft, act)
            case runs.MakeCall(task=task):
                call(draft, task)
            case runs.SendEmail(task=email):
                write_email(draft, email)
            case Stumble(code=code, detail=detail):
                report(draft, code, detail)
            case (
                SetField()
                | AddTag()
                | RemoveTag()
                | runs.AddLabel()
                | runs.RemoveLabel()
                | runs.OptsIn()
                | runs.OptsOut()
                | runs.WantsBroadcasts()
            ):
                apply_act(draft, act)
            case _:
                assert_never(act)


def show_typing(draft: Draft) -> None:
    """Nobody is typing while an agent has control, but the agent."""
    if not draft.agent_has_control or draft.flow_goes_on_while_paused:
        draft.effects.append(conversations.ShowTyping())


def say(draft: Draft, content: Content) -> None:
    """The bot speaks: with control, where the workspace lets flows go on while paused, or where the flow does
    something about agents of whom nobody has come."""
    if draft.branch is not None and _somebody_is_there(draft):
        _resume(draft)
    if draft.agent_has_control and not draft.flow_goes_on_while_paused and draft.branch is None:
        report(draft, "bot_is_paused", "the flow wanted to speak while an agent has control")
        return
    speak(draft, MessageType.OUT, content)


def _somebody_is_there(draft: Draft) -> bool:
    return draft.state.pause is not None and draft.state.pause.phase is not Phase.REQUESTED


def _resume(draft: Draft) -> None:
    if draft.agent_has_control:
        take_back(draft, Return(draft.branch or "flow"))


def call(draft: Draft, task: CallTask) -> None:
    """Ask another server, and have the run wait for this call's outcome and for no other."""
    if draft.branch is not None:  # whoever waits for an answer has control when it comes
        _resume(draft)
    run = draft.state.run
    if run is None or (draft.agent_has_control and not draft.flow_goes_on_while_paused):
        draft.change(run=None)
        report(draft, "bot_is_paused", "the flow wanted to call another server while an agent has control")
        return
    number = draft.state.calls + 1
    if isinstance(task, AiTask):
        task = msgspec.structs.replace(task, up_to_seq=draft.state.message_seq)
    waiting = msgspec.structs.replace(run.waiting, call=number)
    draft.change(calls=number, run=msgspec.structs.replace(run, waiting=waiting))
    draft.effects.append(MakeCall(number, task))


def may_go_on(draft: Draft, run: Run) -> bool:
    if draft.agent_has_control:
        return draft.flow_goes_on_while_paused
    return run.epoch == draft.state.epoch


def lose_run(draft: Draft, run: Run) -> None:
    draft.change(run=None)
    report(draft, "flow_version_missing", f"version {run.version_id} of the flow is gone")
