"""E-mails: what a flow or the platform writes, and who wants none.

An e-mail is not said in the conversation, but a flow's is still the bot's: it is not written while an agent
has control.
"""

from __future__ import annotations

from relevo.domain.configuring import check_email
from relevo.domain.conversations import SendEmail
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.telling import report
from relevo.domain.emails import EmailTask, subject_of
from relevo.domain.events import EmailTold


def write_email(draft: Draft, task: EmailTask) -> None:
    """By the flow."""
    if draft.agent_has_control and not draft.flow_goes_on_while_paused:
        report(draft, "bot_is_paused", "the flow wanted to write an e-mail while an agent has control")
    else:
        _send(draft, task)


def email_told(draft: Draft, event: EmailTold) -> None:
    """By the platform: whoever has control."""
    address = draft.state.subscriber.profile.email.strip()
    if not address or check_email(address):
        report(draft, "no_email_address", "the person has no e-mail address: nothing was written")
        return
    _send(draft, EmailTask(to=address, subject=subject_of(event.subject), text=event.text))


def _send(draft: Draft, task: EmailTask) -> None:
    if draft.state.refuses_email:
        report(draft, "email_refused", "the person wants no e-mails: nothing was written")
        return
    number = draft.state.calls + 1
    draft.change(calls=number)
    draft.effects.append(SendEmail(number, task))
