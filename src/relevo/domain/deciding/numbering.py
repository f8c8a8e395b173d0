"""The numbers that stand for buttons where a channel has none, and for how long they do."""

from __future__ import annotations

from relevo.domain.conversations import Conversation
from relevo.domain.deciding.draft import Draft
from relevo.domain.degrading import degrade, has_options
from relevo.domain.flows.runs import Frame, Run
from relevo.domain.messages import Content, MessageType


def remember_numbers(draft: Draft, content: Content) -> None:
    """What is said with buttons has the numbers from now on; of several such, the first that needs any."""
    if not has_options(content):
        return
    numbered = degrade(content, draft.around.limits_of(draft.around.channel)).numbered
    if numbered or not draft.has_new_buttons:
        if numbered != draft.state.numbered:
            draft.change(numbered=numbered)
        draft.has_new_buttons = True


def forget_numbers(draft: Draft, before: Conversation) -> None:
    """A number is a mere number once something else is asked: by the flow, when it asks its next question or
    has left the one that had the numbers, or by an agent. What is said in between (after a `wait`, by a
    broadcast) changes nothing."""
    if draft.has_new_buttons:
        return
    is_asked_by_agent = any(message.type is MessageType.AGENT for message in draft.messages)
    has_moved_on = _question(draft.state.run) != _question(before.run)
    if is_asked_by_agent or has_moved_on or draft.state.epoch != before.epoch:
        draft.change(numbered=())


def _question(run: Run | None) -> tuple[Frame, ...]:
    """Where the flow waits for an answer."""
    return run.stack if run is not None and run.waiting.for_ == "answer" else ()
