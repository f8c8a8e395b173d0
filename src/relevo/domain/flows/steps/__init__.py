"""The steps that there are: one module a family, each step whole in its class (see the package above)."""

from __future__ import annotations

from relevo.domain.flows.model import Step
from relevo.domain.flows.steps.calls import Ai, Http
from relevo.domain.flows.steps.control import PauseBot, ResumeBot
from relevo.domain.flows.steps.emails import Email
from relevo.domain.flows.steps.organising import Assign, LogsEvent, Note, SetStatus
from relevo.domain.flows.steps.paths import Call, Choose, End, Go, Repeat, Wait, When
from relevo.domain.flows.steps.people import Label, OptIn, OptOut, Set, Tag, Unlabel, Untag
from relevo.domain.flows.steps.questions import Ask
from relevo.domain.flows.steps.sending import Send, Typing

_ALL: tuple[type[Step], ...] = (
    Send,
    Typing,
    Ask,
    When,
    Choose,
    Repeat,
    Set,
    Tag,
    Untag,
    Label,
    Unlabel,
    OptIn,
    OptOut,
    Assign,
    Note,
    SetStatus,
    LogsEvent,
    Go,
    Call,
    Wait,
    Http,
    Ai,
    Email,
    PauseBot,
    ResumeBot,
    End,
)

STEPS: dict[str, type[Step]] = {step.word: step for step in _ALL}
"""Each step by its word in the file, in the order of the reference."""
