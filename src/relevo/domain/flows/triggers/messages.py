"""What a message of the customer starts."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from relevo.domain.flows.model import Trigger
from relevo.domain.flows.reading import Reader, fixed_texts
from relevo.domain.flows.words import Keyword, keyword
from relevo.domain.yaml_reading import Mapping, quoted

_MATCHES = ("contains", "is")


class OnKeyword(Trigger, frozen=True):
    """A message with one of the words. `match`: anywhere in it, or it `is` nothing else."""

    words: tuple[Keyword, ...] = ()
    match: Literal["contains", "is"] = "contains"

    word: ClassVar[str] = "keyword"

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        keys.only(("on", "words", "match", "do"))
        words, match = keys.need("words", "add words: [agent, human]"), keys.get("match")
        how = match.one_of(_MATCHES) if match else "contains"
        keywords = tuple(keyword(word) for word in fixed_texts(words)) if words else ()
        return cls(do, keywords, "is" if how == "is" else "contains")

    def takes(self) -> list[tuple[object, str]]:
        return [
            ((self.match, word.words or word.signs), f"the keyword {quoted(word.written)}")
            for word in self.words
        ]


class OnFirstMessage(Trigger, frozen=True):
    """The first message ever, when it has no keyword. Without this trigger it is `start`."""

    word: ClassVar[str] = "first_message"

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        keys.only(("on", "do"))
        return cls(do)

    def takes(self) -> list[tuple[object, str]]:
        return [(type(self), "the first message")]


class OnDefault(Trigger, frozen=True):
    """A message that nothing else takes."""

    word: ClassVar[str] = "default"

    @classmethod
    def read(cls, keys: Mapping, do: str, reader: Reader) -> Self | None:
        keys.only(("on", "do"))
        return cls(do)

    def takes(self) -> list[tuple[object, str]]:
        return [(type(self), "the default reply")]
