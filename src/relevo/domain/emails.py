"""E-mails to customers: what is sent, over whose server, and the message as it goes out."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Literal

import msgspec

from relevo.domain.ids import ConversationId

LONGEST_SUBJECT = 200
LONGEST_TEXT = 100_000
Security = Literal["starttls", "tls", "none"]
_SPACES = re.compile(r"\s+")


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """The server over which a workspace sends, and in whose name. `sender`: `Acme <hello@acme.example>`."""

    host: str
    port: int = 587
    security: Security = "starttls"
    username: str = ""
    password: str = ""
    sender: str
    reply_to: str = ""

    def __repr__(self) -> str:
        return f"Mailbox(host={self.host!r}, port={self.port}, sender={self.sender!r})"


class EmailTask(msgspec.Struct, frozen=True, kw_only=True):
    """One e-mail to one customer."""

    to: str
    subject: str
    text: str
    reply_to: str = ""


def subject_of(text: str) -> str:
    """A subject in one line, of a length that servers take."""
    return _SPACES.sub(" ", text.replace("\0", "")).strip()[:LONGEST_SUBJECT]


def written(task: EmailTask, box: Mailbox, *, message_id: str, now: datetime, unsubscribe: str) -> bytes:
    """The message as it goes out. `message_id` is the same each time that it is tried."""
    name, address = parseaddr(box.sender)
    message = EmailMessage(policy=SMTP.clone(max_line_length=998))  # links stay in one piece
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(addr_spec=task.to)
    message["Subject"] = task.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{message_id}@{address.rpartition('@')[2]}>"
    if reply_to := task.reply_to or box.reply_to:
        message["Reply-To"] = Address(addr_spec=reply_to)
    if unsubscribe:
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    message.set_content(task.text.replace("\0", ""))
    return message.as_bytes()


def sender_address(box: Mailbox) -> str:
    return parseaddr(box.sender)[1]


# Who wants no more of them


def unsubscribe_url(public_url: str, conversation_id: ConversationId, key: bytes) -> str:
    return f"{public_url}/unsubscribe/{conversation_id}-{_proof(conversation_id, key)}"


def who_unsubscribes(token: str, key: bytes) -> ConversationId | None:
    """Whose link this is the end of; None when it is nobody's."""
    number, _, proof = token.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        return None
    id_ = ConversationId(int(number))
    return id_ if hmac.compare_digest(proof.encode(), _proof(id_, key).encode()) else None


def _proof(id_: ConversationId, key: bytes) -> str:
    return hmac.new(key, f"unsubscribe {id_}".encode(), hashlib.sha256).hexdigest()[:32]
