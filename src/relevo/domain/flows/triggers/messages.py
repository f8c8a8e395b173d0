"""What a message of the customer starts."""

from __future__ import annotations

from collections.abc import Mapping as ByName
from typing import Any, ClassVar, Literal, Self, assert_never, get_args

import msgspec

from relevo.domain.flows.languages import best
from relevo.domain.flows.model import Trigger
from relevo.domain.flows.patterns import BadPattern, compiled
from relevo.domain.flows.reading import Reader, fixed_texts
from relevo.domain.flows.shapes import TEXTS, Shape, any_of, by_name, one_of
from relevo.domain.flows.words import Keyword, Said, keyword
from relevo.domain.yaml_reading import Mapping, Value, quoted

Match = Literal["contains", "is", "words", "part", "pattern"]
_MATCHES: tuple[Match, ...] = get_args(Match)


class OnKeyword(Trigger, frozen=True):
    """A message with one of the words. `match`: as whole words anywhere in it (`contains`); as nothing else
    (`is`); all its words, in any order (`words`); even within a word (`part`); as a pattern (`pattern`).

    `words` by language: those of the person's language count, and those of the first.
    """

    words: tuple[Keyword, ...] = ()
    match: Match = "contains"
    by_language: dict[str, tuple[Keyword, ...]] = msgspec.field(default_factory=dict)

    word: ClassVar[str] = "keyword"
    about: ClassVar[str] = "A message with one of these words."
    shapes: ClassVar[dict[str, Shape]] = {"words": any_of(TEXTS, by_name(TEXTS)), "match": one_of(_MATCHES)}
    needs: ClassVar[tuple[str, ...]] = ("words",)

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        keys.only(("on", "words", "match", "do"))
        words, match = keys.need("words", "add words: [agent, human]"), keys.get("match")
        word = match.one_of(_MATCHES) if match else None
        how: Match = next((one for one in _MATCHES if one == word), "contains")
        if words is None or not words.is_mapping:
            return cls(do, _keywords(words, how) if words else (), how)
        by_language = words.mapping(reader.languages or None, "write a list, or one for each language")
        assert by_language is not None
        if not reader.languages:
            reader.needs_languages(by_language)
        found = {language: _keywords(one, how) for language, one in by_language.items()}
        return cls(do, tuple(word for words in found.values() for word in words), how, found)

    def takes(self) -> list[tuple[object, str]]:
        return [
            ((self.match, word.pattern or word.words or word.signs), f"the keyword {quoted(word.written)}")
            for word in self.words
        ]

    def heard(self, language: str) -> tuple[Keyword, ...]:
        """The words that count for somebody who speaks this language."""
        if not self.by_language:
            return self.words
        first = next(iter(self.by_language))
        chosen = best(language, self.by_language)
        return self.by_language[chosen] + (self.by_language[first] if chosen != first else ())

    def is_all_of(self, said: Said, language: str) -> bool:
        """Whether the message is one of them and nothing else."""
        return any(word.is_all_of(said) for word in self.heard(language))

    def is_in(self, said: Said, language: str) -> bool:
        match self.match:
            case "is":
                return False
            case "contains" | "pattern":
                return any(word.is_in(said) for word in self.heard(language))
            case "words":
                return any(word.has_all_words_in(said) for word in self.heard(language))
            case "part":
                return any(word.is_part_of(said) for word in self.heard(language))
            case _:
                assert_never(self.match)


def _keywords(value: Value, how: Match) -> tuple[Keyword, ...]:
    if how != "pattern":
        return tuple(keyword(word) for word in fixed_texts(value))
    items = value.items() if value.is_list else [value]
    return tuple(found for item in items if (found := _pattern(item)) is not None)


def _pattern(value: Value) -> Keyword | None:
    source = value.text("write a pattern: 'order #?\\d{4,}'")
    if source is None:
        return None
    try:
        return Keyword(source, "", "", compiled(source), compiled(f"^(?:{source})$"))
    except BadPattern as bad:
        value.problem_in_text(bad.index, f"this is no pattern: {bad.what}", PATTERN_REMEDY)
        return None


PATTERN_REMEDY = "write letters, . [a-z] \\d \\w \\s \\b ^ $ ( | ) and how often: * + ? {2,4}"


class OnButton(Trigger, frozen=True):
    """A button with one of these payloads, wherever it was made. A payload that ends with * is the
    beginning of one."""

    payloads: tuple[str, ...] = ()

    word: ClassVar[str] = "button"
    about: ClassVar[str] = "A pressed button with this payload that this flow did not make."
    shapes: ClassVar[dict[str, Shape]] = {"payload": TEXTS}
    needs: ClassVar[tuple[str, ...]] = ("payload",)

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        keys.only(("on", "payload", "do"))
        payload = keys.need("payload", "add payload: BUY, or a list of them")
        return cls(do, fixed_texts(payload) if payload else ())

    def takes(self) -> list[tuple[object, str]]:
        return [((type(self), one), f"the payload {quoted(one)}") for one in self.payloads]

    def has(self, payload: str) -> bool:
        return _is_meant(payload, self.payloads)


class OnReferral(Trigger, frozen=True):
    """The customer came by a link, an advertisement or a code: any, or one of these. A `ref` that ends with
    * is the beginning of one."""

    refs: tuple[str, ...] = ()

    word: ClassVar[str] = "referral"
    about: ClassVar[str] = "The customer came by a link, an advertisement or a code."
    shapes: ClassVar[dict[str, Shape]] = {"ref": TEXTS}

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        keys.only(("on", "ref", "do"))
        ref = keys.get("ref")
        return cls(do, fixed_texts(ref) if ref else ())

    def takes(self) -> list[tuple[object, str]]:
        if not self.refs:
            return [(type(self), "a referral of any kind")]
        return [((type(self), one), f"the ref {quoted(one)}") for one in self.refs]

    def has(self, referral: ByName[str, Any]) -> bool:
        if not self.refs:
            return True
        given = (str(referral[key]) for key in _REFS if referral.get(key))
        return any(_is_meant(ref, self.refs) for ref in given)


def _is_meant(given: str, wanted: tuple[str, ...]) -> bool:
    return any(given.startswith(one[:-1]) if one.endswith("*") else given == one for one in wanted)


_REFS = ("ref", "source_id", "ad_id")
"""Where vendors keep what tells one link or advertisement from another."""


class OnFirstMessage(Trigger, frozen=True):
    """The first message ever, when it has no keyword. Without this trigger it is `start`."""

    word: ClassVar[str] = "first_message"
    about: ClassVar[str] = "The first message ever, when it is no keyword."

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        keys.only(("on", "do"))
        return cls(do)

    def takes(self) -> list[tuple[object, str]]:
        return [(type(self), "the first message")]


class OnDefault(Trigger, frozen=True):
    """A message that nothing else takes."""

    word: ClassVar[str] = "default"
    about: ClassVar[str] = "A message that nothing else takes."

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        keys.only(("on", "do"))
        return cls(do)

    def takes(self) -> list[tuple[object, str]]:
        return [(type(self), "the default reply")]
