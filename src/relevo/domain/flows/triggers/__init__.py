"""What starts a subflow: by a message (`messages.py`), or by something else that happens (`happenings.py`).

Each trigger is whole in its class; `finding.py` finds the one that a message starts.
"""

from __future__ import annotations

from relevo.domain.flows.model import Trigger
from relevo.domain.flows.triggers.messages import OnButton, OnDefault, OnFirstMessage, OnKeyword, OnReferral

_ALL: tuple[type[Trigger], ...] = (
    OnKeyword,
    OnButton,
    OnReferral,
    OnFirstMessage,
    OnDefault,
)

TRIGGERS: dict[str, type[Trigger]] = {trigger.word: trigger for trigger in _ALL}
"""Each trigger by its word in the file, in the order of the reference."""
