"""How what people write is compared: words, whatever their case, accents and punctuation."""

from __future__ import annotations

import re

import msgspec

from relevo.domain.flows.folding import folded
from relevo.domain.flows.patterns import Pattern

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese: written without spaces, so words have no edges."""


def words_of(text: str) -> str:
    """The words of a text, folded, one space between; "" when it has none (only signs or emoji)."""
    return " ".join(_WORD.findall(folded(text)))


class Said(msgspec.Struct, frozen=True):
    """What a customer wrote, prepared for comparing with many keywords."""

    folded: str
    words: str

    @classmethod
    def of(cls, text: str) -> Said:
        plain = folded(text)
        return cls(plain, " ".join(_WORD.findall(plain)))


class Keyword(msgspec.Struct, frozen=True):
    """A word, or several, that a message may hold. Made by `keyword`. One that is a `pattern` has that
    instead, and `whole`, which has to be all of the message."""

    written: str
    words: str  # "" when it consists of signs only: then `signs` is what to look for
    signs: str
    pattern: Pattern | None = None
    whole: Pattern | None = None

    def is_all_of(self, said: Said) -> bool:
        """Whether the message is this and nothing else, punctuation aside."""
        if self.whole is not None:
            return self.whole.is_in(said.folded)
        return said.words == self.words if self.words else said.folded == self.signs

    def is_in(self, said: Said) -> bool:
        """Whether the message holds it, as whole words where the script has them."""
        if self.pattern is not None:
            return self.pattern.is_in(said.folded)
        if not self.words:
            return self.signs in said.folded
        if _UNSPACED.search(self.words):
            return self.words in said.words
        return f" {self.words} " in f" {said.words} "

    def has_all_words_in(self, said: Said) -> bool:
        """Whether the message holds each of its words, in any order."""
        held = set(said.words.split())
        return self.is_in(said) or (bool(self.words) and held.issuperset(self.words.split()))

    def is_part_of(self, said: Said) -> bool:
        """Whether the message holds it, even within a word."""
        return self.is_in(said) or (bool(self.words) and self.words in said.words)


def keyword(written: str) -> Keyword:
    plain = Said.of(written)
    return Keyword(written, plain.words, plain.folded)
