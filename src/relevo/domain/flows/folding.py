"""How text is compared: without case and accents."""

from __future__ import annotations

import re
import unicodedata

_MARKS = re.compile(r"[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u200d\ufe0e\ufe0f]+")
"""Accents, vowel points of Hebrew and Arabic, and what joins and colours emoji."""


def folded(text: str) -> str:
    """The text without case, accents and surrounding space: `" É "` and `"e"` become the same."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).casefold()
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return text.casefold().strip()
