"""Which subflow a message starts."""

from __future__ import annotations

from collections.abc import Mapping as ByName
from typing import Any

from relevo.domain.flows.model import Flow
from relevo.domain.flows.saying import subflow_of
from relevo.domain.flows.triggers.messages import (
    OnButton,
    OnDefault,
    OnFirstMessage,
    OnKeyword,
    OnReferral,
)
from relevo.domain.flows.words import Said
from relevo.domain.messages import Content, Interactive, Media, Reaction, Text, plain_text


def find_trigger(
    flow: Flow,
    content: Content,
    *,
    is_first_message: bool,
    asking: bool,
    waiting: bool = False,
    language: str = "",
    referral: ByName[str, Any] | None = None,
) -> str | None:
    """The subflow that a message starts; None when it starts none.

    In this order: a pressed button, by its `do` or its payload; a referral; a keyword that is the whole
    message; and, unless a question is at hand (`asking`), which takes all else: a keyword within the
    message, the first-message trigger or `start`, the default reply. The default reply does not interrupt a
    run that waits for a time (`waiting`), so a word in between costs nobody the rest of the flow.
    Without a default reply nothing starts: a bot that has said its piece does not greet again.
    """
    if isinstance(content, Reaction):
        return None
    started = _pressed(flow, content) or _referred(flow, referral) or _named(flow, content, language, asking)
    if started is not None or asking:
        return started
    if is_first_message:
        return next((each.do for each in flow.triggers if isinstance(each, OnFirstMessage)), flow.start)
    if waiting:
        return None
    return next((each.do for each in flow.triggers if isinstance(each, OnDefault)), None)


def _pressed(flow: Flow, content: Content) -> str | None:
    """The subflow of a pressed button, if the flow (maybe a later version) still has it."""
    if not isinstance(content, Interactive):
        return None
    name = subflow_of(content.id)
    if name is not None and flow.steps_of(name) is not None:
        return name
    buttons = (each for each in flow.triggers if isinstance(each, OnButton))
    return next((each.do for each in buttons if each.has(content.id)), None)


def _referred(flow: Flow, referral: ByName[str, Any] | None) -> str | None:
    """Of one that names this referral, before one of any."""
    if not referral:
        return None
    found = [each for each in flow.triggers if isinstance(each, OnReferral) and each.has(referral)]
    return next((each.do for each in sorted(found, key=lambda each: not each.refs)), None)


def _said(content: Content) -> Said | None:
    """What the customer put in words: a contact's name or a place is not said to us."""
    return Said.of(plain_text(content)) if isinstance(content, Text | Interactive | Media) else None


def _named(flow: Flow, content: Content, language: str, asking: bool) -> str | None:
    keywords = [trigger for trigger in flow.triggers if isinstance(trigger, OnKeyword)]
    said = _said(content) if keywords else None
    if said is None or not said.folded:
        return None
    for trigger in keywords:
        if trigger.is_all_of(said, language):
            return trigger.do
    if asking:
        return None
    return next((trigger.do for trigger in keywords if trigger.is_in(said, language)), None)
