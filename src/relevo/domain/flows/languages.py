"""Which of several languages a person gets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")

_WRITTEN = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv
dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie
ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv
mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm
rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts
tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
CODES = tuple(_WRITTEN.split())
"""Of two letters (ISO 639-1)."""


def is_usual(tag: str) -> bool:
    """Whether it is a language's tag that begins with one of the two-letter codes: `es`, `pt-BR`."""
    return is_language(tag) and _parts(tag)[0] in CODES


def is_language(tag: str) -> bool:
    """Whether it has the form of a language's tag (BCP 47): `en`, `pt-BR`, `zh-Hant`."""
    return _TAG.fullmatch(tag) is not None


def best(wanted: str, available: Iterable[str]) -> str:
    """The available language that comes nearest; the first of them when none does. "" for none at all.

    `pt-BR` gets `pt-BR`, or else `pt`, or else any other kind of `pt`.
    """
    return _best(wanted, tuple(available))


@lru_cache(maxsize=4096)
def _best(wanted: str, available: tuple[str, ...]) -> str:
    parts = _parts(wanted)
    while parts:
        for tag in available:
            if _parts(tag) == parts:
                return tag
        parts = parts[:-1]
    base = _parts(wanted)[:1]
    related = (tag for tag in available if _parts(tag)[:1] == base)
    return next(related, available[0] if available else "")


def _parts(tag: str) -> list[str]:
    return [part for part in re.split(r"[-_]", tag.strip().lower()) if part]
