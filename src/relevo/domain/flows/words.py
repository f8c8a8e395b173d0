"""How what people write is compared: words, whatever their case, accents and punctuation."""

from __future__ import annotations

import re
import unicodedata

import msgspec

_WORD = re.compile(r"\w+")
_MARKS = re.compile(r"[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u200d\ufe0e\ufe0f]+")
"""Accents, vowel points of Hebrew and Arabic, and what joins and colours emoji."""

_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese: written without spaces, so words have no edges."""


def folded(text: str) -> str:
    """The text without case, accents and surrounding space: `" É "` and `"e"` become the same."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).casefold()
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return text.casefold().strip()


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
    """A word, or several, that a message may hold. Made by `keyword`."""

    written: str
    words: str  # "" when it consists of signs only: then `signs` is what to look for
    signs: str

    def is_all_of(self, said: Said) -> bool:
        """Whether the message is this and nothing else, punctuation aside."""
        return said.words == self.words if self.words else said.folded == self.signs

    def is_in(self, said: Said) -> bool:
        """Whether the message holds it, as whole words where the script has them."""
        if not self.words:
            return self.signs in said.folded
        if _UNSPACED.search(self.words):
            return self.words in said.words
        return f" {self.words} " in f" {said.words} "


def keyword(written: str) -> Keyword:
    plain = Said.of(written)
    return Keyword(written, plain.words, plain.folded)
