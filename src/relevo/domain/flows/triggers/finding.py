"""Which subflow a message starts."""

from __future__ import annotations

from collections.abc import Iterator

from relevo.domain.flows.model import Flow
from relevo.domain.flows.saying import subflow_of
from relevo.domain.flows.triggers.messages import OnDefault, OnFirstMessage, OnKeyword
from relevo.domain.flows.words import Said
from relevo.domain.messages import Content, Interactive, Media, Reaction, Text, plain_text


def find_trigger(
    flow: Flow, content: Content, *, is_first_message: bool, asking: bool, waiting: bool = False
) -> str | None:
    """The subflow that a message starts; None when it starts none.

    In this order: a pressed button with `do`; a keyword that is the whole message; and, unless a
    question is at hand (`asking`), which takes all else: a keyword within the message, the
    first-message trigger or `start`, the default reply. The default reply does not interrupt a
    run that waits for a time (`waiting`), so a word in between costs nobody the rest of the flow.
    Without a default reply nothing starts: a bot that has said its piece does not greet again.
    """
    if isinstance(content, Reaction):
        return None
    if (pressed := _pressed(flow, content)) is not None:
        return pressed
    said = _said(content)
    if (named := _named(flow, said, only_whole=asking)) is not None or asking:
        return named
    if is_first_message:
        return next((each.do for each in flow.triggers if isinstance(each, OnFirstMessage)), flow.start)
    if waiting:
        return None
    return next((each.do for each in flow.triggers if isinstance(each, OnDefault)), None)


def _pressed(flow: Flow, content: Content) -> str | None:
    """The subflow of a pressed button, if the flow (maybe a later version) still has it."""
    name = subflow_of(content.id) if isinstance(content, Interactive) else None
    return name if name in flow.subflows else None


def _said(content: Content) -> Said | None:
    """What the customer put in words: a contact's name or a place is not said to us."""
    return Said.of(plain_text(content)) if isinstance(content, Text | Interactive | Media) else None


def _named(flow: Flow, said: Said | None, *, only_whole: bool) -> str | None:
    if said is None or not said.folded:
        return None
    for trigger in _keywords(flow):
        if any(word.is_all_of(said) for word in trigger.words):
            return trigger.do
    if only_whole:
        return None
    for trigger in _keywords(flow):
        if trigger.match == "contains" and any(word.is_in(said) for word in trigger.words):
            return trigger.do
    return None


def _keywords(flow: Flow) -> Iterator[OnKeyword]:
    return (trigger for trigger in flow.triggers if isinstance(trigger, OnKeyword))
