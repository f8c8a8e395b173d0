"""What starts a subflow: by a message (`messages.py`), or by something else that happens (`happenings.py`).

Each trigger is whole in its class; `finding.py` finds the one that a message starts.
"""

from __future__ import annotations

from collections.abc import Iterable

from relevo.domain.flows.model import Trigger
from relevo.domain.flows.triggers.happenings import (
    OnAgentReturned,
    OnConversationAssigned,
    OnConversationClosed,
    OnConversationOpened,
    OnCustomEvent,
    OnFieldChanged,
    OnHappening,
    OnInboundWebhook,
    OnNoReply,
    OnSchedule,
    OnTagAdded,
    OnTagRemoved,
)
from relevo.domain.flows.triggers.messages import OnButton, OnDefault, OnFirstMessage, OnKeyword, OnReferral

_ALL: tuple[type[Trigger], ...] = (
    OnKeyword,
    OnButton,
    OnReferral,
    OnFirstMessage,
    OnDefault,
    OnTagAdded,
    OnTagRemoved,
    OnFieldChanged,
    OnCustomEvent,
    OnInboundWebhook,
    OnConversationOpened,
    OnConversationClosed,
    OnConversationAssigned,
    OnAgentReturned,
    OnNoReply,
    OnSchedule,
)

TRIGGERS: dict[str, type[Trigger]] = {trigger.word: trigger for trigger in _ALL}
"""Each trigger by its word in the file, in the order of the reference."""


def heeded(triggers: Iterable[Trigger]) -> frozenset[str]:
    """The words of those that are not about messages: what a flow has to be told of."""
    return frozenset(trigger.word for trigger in triggers if isinstance(trigger, OnHappening))
