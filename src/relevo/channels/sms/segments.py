"""How many segments a text is sent and paid in (3GPP TS 23.038 and 23.040)."""

from __future__ import annotations

from typing import NamedTuple

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""These take two places each."""


class Segments(NamedTuple):
    number: int
    encoding: str

    def __str__(self) -> str:
        return f"{self.number} segment{'' if self.number == 1 else 's'} ({self.encoding})"


def segments(text: str) -> Segments:
    """A segment has 160 characters of GSM-7, or 70 of UCS-2 as soon as one character is not in GSM-7;
    of a text in several, each has 7 or 3 fewer."""
    if all(char in _BASIC or char in _EXTENDED for char in text):
        return Segments(_count([2 if char in _EXTENDED else 1 for char in text], 160, 153), "GSM-7")
    return Segments(_count([len(char.encode("utf-16-le")) // 2 for char in text], 70, 67), "UCS-2")


def _count(sizes: list[int], alone: int, each: int) -> int:
    """No character is cut in two."""
    if sum(sizes) <= alone:
        return 1
    count, room = 1, each
    for size in sizes:
        if size > room:
            count, room = count + 1, each
        room -= size
    return count
