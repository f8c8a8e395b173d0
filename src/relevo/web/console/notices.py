"""What the page after a redirect has to say, once: that it was saved, or a secret that is shown only now.

It travels in a sealed cookie, so that any process of the installation can say it, and nobody else.
"""

from __future__ import annotations

import base64
import binascii
from typing import Literal

import msgspec

from relevo.store.encryption import Cipher, WrongKey

LABEL = "console.notice"
LONGEST = 3500  # bytes of a cookie that every browser keeps

Tone = Literal["ok", "warn", "bad"]


class Notice(msgspec.Struct, frozen=True):
    """`secret` is shown once, under `secret_name`."""

    text: str
    tone: Tone = "ok"
    secret: str = ""
    secret_name: str = ""

    def __repr__(self) -> str:
        return f"Notice({self.text!r})"


def sealed(notice: Notice, cipher: Cipher) -> str:
    """A notice as the value of a cookie."""
    return base64.urlsafe_b64encode(cipher.seal(notice, LABEL)).decode()[:LONGEST]


def opened(value: str, cipher: Cipher) -> Notice | None:
    """The notice of a cookie; None when it is not one of ours."""
    try:
        return msgspec.convert(cipher.open(base64.urlsafe_b64decode(value), LABEL), Notice)
    except (WrongKey, ValueError, binascii.Error, msgspec.ValidationError):
        return None
