"""The interpreter: told what happened, it answers with a `Turn`. Pure, bounded, and it never raises.

It stands on a `Run`, which is plain data; what each step does is in `steps/`, and the walk from
one to the next in `walking.py`.
"""

from __future__ import annotations

from relevo.domain.calls import CallFailed, CallResult
from relevo.domain.flows.model import Flow
from relevo.domain.flows.runs import PauseBot, Run, Scene, Turn
from relevo.domain.flows.steps import control as steps
from relevo.domain.flows.triggers.finding import find_trigger
from relevo.domain.flows.walking import Walk
from relevo.domain.handoffs import Branch
from relevo.domain.messages import Content

__all__ = [
    "answer",
    "answered",
    "begin",
    "find_trigger",
    "hand_over_again",
    "react",
    "returned",
    "time_came",
]


def begin(flow: Flow, subflow: str, scene: Scene, *, at: int = 0) -> Turn:
    """Start a subflow from its first step, or another; nothing of an earlier run is left."""
    walk = Walk(flow, scene)
    walk.go(subflow, at)
    return walk.turn()


def answer(flow: Flow, run: Run, content: Content, scene: Scene) -> Turn:
    """The customer has said something to a run that waits for an answer.

    A run that waits for something else is not disturbed: it stays as it is. Writing what stands
    on one of the question's buttons is pressing it.
    """
    if run.waiting.for_ != "answer":
        return Turn((), run)
    walk = Walk(flow, scene, run)
    step = walk.next_step()
    if step is None:
        walk.lose()
    else:
        step.answered(walk, content, run.waiting.tries)
    return walk.turn()


def time_came(flow: Flow, run: Run, scene: Scene) -> Turn:
    """The deadline has passed: a wait is over, a question takes its time-out path, a call has failed. A run
    that waits for control to return has no deadline and stays as it is."""
    if run.waiting.for_ == "return":
        return Turn((), run)
    if run.waiting.for_ == "call":
        return answered(flow, run, CallFailed("timeout", detail="nothing came of it in time"), scene)
    walk = Walk(flow, scene, run)
    if run.waiting.for_ == "answer":
        step = walk.next_step()
        if step is None:
            walk.lose()
        else:
            step.timed_out(walk)
    return walk.turn()


def answered(flow: Flow, run: Run, result: CallResult, scene: Scene) -> Turn:
    """The call that a run waits for has an outcome; a run that waits for something else stays as it is."""
    if run.waiting.for_ != "call":
        return Turn((), run)
    walk = Walk(flow, scene, run)
    step = walk.next_step()
    if step is None:
        walk.lose()
    else:
        step.called(walk, result)
    return walk.turn()


def returned(flow: Flow, run: Run, scene: Scene) -> Turn:
    """Control came back: a run that waited for it goes on; any other stays as it is."""
    if run.waiting.for_ != "return":
        return Turn((), run)
    walk = Walk(flow, scene, run)
    walk.come_back(run)
    return walk.turn()


def react(flow: Flow, run: Run, branch: Branch, scene: Scene) -> Turn:
    """Something came up while an agent has control: what the flow does about it. A run that does not
    wait for control to return stays as it is."""
    if run.waiting.for_ != "return":
        return Turn((), run)
    walk = Walk(flow, scene, run)
    walk.react(run, branch)
    return walk.turn()


def hand_over_again(flow: Flow, run: Run, scene: Scene) -> PauseBot:
    """What the `pause_bot` at which a run waits says now."""
    walk = Walk(flow, scene, run)
    step = walk.step_at(run.waiting.place) if run.waiting.place else None
    return step.handing_over(walk) if isinstance(step, steps.PauseBot) else PauseBot(None)
