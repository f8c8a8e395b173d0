"""Encryption at rest of what must not be read from a stolen database: AES-256-GCM.

Each value is bound to its place (`label`), so that a ciphertext moved to another column or row
of another kind does not decrypt.
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12  # bytes
_VERSION = b"\x01"


class WrongKey(Exception):
    """A secret in the database cannot be read with this RELEVO_SECRET_KEY. Was the key changed?"""


class Cipher:
    """Seals values as JSON; `key` is the installation's secret key (any length ≥ 32 bytes)."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError(f"the secret key has {len(key)} bytes; it needs 32 or more")
        self._aes = AESGCM(sha256(b"relevo at rest" + key).digest())
        self._proving = sha256(b"relevo proof " + key).digest()

    def seal(self, value: Any, label: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._aes.encrypt(nonce, msgspec.json.encode(value), label.encode())

    def proof(self, nonce: str) -> str:
        """What only an installation with this key can answer to a nonce."""
        return hmac.digest(self._proving, nonce.encode(), sha256).hex()

    def open(self, sealed: bytes, label: str) -> Any:
        """The value; `WrongKey` when it was sealed with another key or under another label."""
        nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return msgspec.json.decode(self._aes.decrypt(nonce, text, label.encode()))
        except InvalidTag:
            raise WrongKey((WrongKey.__doc__ or "").strip()) from None


def hash_token(token: str) -> str:
    """What is kept of a random token. A plain hash will do: a token has 256 bits to guess."""
    return sha256(token.encode()).hexdigest()
