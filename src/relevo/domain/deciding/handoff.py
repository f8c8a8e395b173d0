"""A handoff goes on: somebody pauses the bot, accepts, or gives control back."""

from __future__ import annotations

from datetime import timedelta

from relevo.domain.deciding.accepting import accept
from relevo.domain.deciding.assigning import assign
from relevo.domain.deciding.control import pause_bot
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.platform import note_written
from relevo.domain.deciding.returning import return_control
from relevo.domain.errors import ControlChanged, HandoffTaken, NoHandoff
from relevo.domain.events import BotPaused, BotResumed, HandoffAccepted, NoteWritten
from relevo.domain.handoffs import Return
from relevo.domain.ids import MemberId


def bot_paused(draft: Draft, event: BotPaused) -> None:
    """A member who takes over is there; who pauses by the API asks for somebody."""
    pause_bot(draft, timedelta(minutes=event.minutes) if event.minutes else None, cause=event.by)
    pause = draft.state.pause
    if event.by == "member" and pause is not None and pause.accepted_at is None:
        accept(draft, event.member_id, "member")


def bot_resumed(draft: Draft, event: BotResumed) -> None:
    """Nothing happens when the bot has control already."""
    _check_epoch(draft, event.epoch)
    if not draft.agent_has_control:
        return
    if event.note:
        note_written(draft, NoteWritten(to=event.to, text=event.note, member_id=event.member_id))
    return_control(draft, Return(event.reason or event.by, event.note, event.outcome))


def handoff_accepted(draft: Draft, event: HandoffAccepted) -> None:
    """Accepting twice is accepting once; where somebody else was first, it is refused."""
    _check_epoch(draft, event.epoch)
    pause = draft.state.pause
    if pause is None:
        raise NoHandoff
    if pause.accepted_at is None:
        accept(draft, event.member_id, event.by)
        if event.member_id is not None:
            assign(draft, event.member_id, by="agent")
    elif event.member_id not in (None, pause.accepted_by):
        _refuse_taken(draft, pause.accepted_by)


def _refuse_taken(draft: Draft, by: MemberId | None) -> None:
    name = draft.around.member_names.get(by) if by else None
    raise HandoffTaken(f"This handoff was accepted by {name or 'somebody else'} before.")


def _check_epoch(draft: Draft, epoch: int | None) -> None:
    if epoch is not None and epoch != draft.state.epoch:
        now = draft.state.epoch
        raise ControlChanged(f"Control has changed hands: the epoch is {now} now, and you name {epoch}.")
