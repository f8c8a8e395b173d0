"""Steps that write e-mails."""

from __future__ import annotations

from typing import ClassVar, Self

from relevo.domain.configuring import check_email
from relevo.domain.emails import LONGEST_TEXT, EmailTask, subject_of
from relevo.domain.flows import runs
from relevo.domain.flows.expressions import Template
from relevo.domain.flows.model import Step, Words
from relevo.domain.flows.reading import Reader
from relevo.domain.flows.shapes import TEXT, WORDS, Shape, mapping
from relevo.domain.flows.walking import Walk
from relevo.domain.yaml_reading import Mapping


class Email(Step, frozen=True):
    """To the customer's own address, unless `to` is another. The flow does not wait for it."""

    subject: Words
    text: Words
    to: str | Template = ""
    reply_to: str | Template = ""

    word: ClassVar[str] = "email"
    about: ClassVar[str] = "Write an e-mail over the workspace's mail server; the flow goes on at once."
    shape: ClassVar[Shape] = mapping(
        {"subject": WORDS, "text": WORDS, "to": TEXT, "reply_to": TEXT}, needs=("subject", "text")
    )

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        example = "for example {subject: Your order, text: It is on its way.}"
        inner = keys["email"].mapping(("subject", "text", "to", "reply_to"), example)
        subject = inner.need("subject", "add subject: …") if inner else None
        text = inner.need("text", "add text: …") if inner else None
        if inner is None or subject is None or text is None:
            return None
        to, reply_to = inner.get("to"), inner.get("reply_to")
        return cls(
            subject=reader.words(subject) or "",
            text=reader.words(text) or "",
            to=(reader.template(to) or "") if to else "",
            reply_to=(reader.template(reply_to) or "") if reply_to else "",
        )

    def take(self, walk: Walk) -> None:
        self._write(walk)
        walk.advance()

    def _write(self, walk: Walk) -> None:
        subject, text = walk.filled_in(self.subject), walk.filled_in(self.text)
        to, reply_to = walk.filled_in(self.to), walk.filled_in(self.reply_to)
        if subject is None or text is None or to is None or reply_to is None:
            return
        address = to.strip() or walk.variables.subscriber.profile.email.strip()
        if not address or check_email(address):
            walk.stumble("no_email_address", "there is nobody to write to")
            return
        reply_to = reply_to.strip()
        task = EmailTask(
            to=address,
            subject=subject_of(subject),
            text=text[:LONGEST_TEXT],
            reply_to="" if check_email(reply_to) else reply_to,
        )
        walk.do(runs.SendEmail(task))
