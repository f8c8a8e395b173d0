"""Steps that ask and wait for the answer."""

from __future__ import annotations

from collections.abc import Mapping as ByName
from datetime import timedelta
from typing import ClassVar, Literal, Self, get_args

import msgspec

from relevo.domain.flows.answers import STANDARD_RETRY, understood
from relevo.domain.flows.expressions import ByLanguage, TemplateFailed, filled_in
from relevo.domain.flows.folding import folded
from relevo.domain.flows.messages import (
    MAX_QUICK_REPLIES,
    Choice,
    FlowMessage,
    TextMessage,
    with_options,
)
from relevo.domain.flows.model import AnswerKind, Step, Steps, Words
from relevo.domain.flows.reading import Reader, fixed_text
from relevo.domain.flows.runs import Waiting
from relevo.domain.flows.shapes import (
    BUTTONS,
    DO,
    DURATION,
    FIELD,
    LIST,
    QUICK_REPLIES,
    TEXT,
    WORDS,
    Shape,
    any_of,
    explained,
    listed,
    mapping,
    one_of,
    whole,
)
from relevo.domain.flows.steps.paths import do
from relevo.domain.flows.walking import Walk
from relevo.domain.flows.words import words_of
from relevo.domain.messages import Content, Interactive, Text, plain_text
from relevo.domain.yaml_reading import Mapping, Value, quoted

_KEYS = ("text", "buttons", "quick_replies", "list", "kind", "choices", "save", "retry", "give_up", "timeout")
_KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)
_A_CHOICE = any_of(WORDS, mapping({"title": WORDS, "value": TEXT}, ("title",)))


class GiveUp(msgspec.Struct, frozen=True):
    """After so many answers that do not fit: the steps to take before the path goes on."""

    after: int = 3
    do: Steps = ()


class Timeout(msgspec.Struct, frozen=True):
    """After so long without an answer: the steps to take before the path goes on."""

    after: timedelta
    do: Steps = ()


class Ask(Step, frozen=True):
    """Say something and wait for the answer. `retry` empty: the standard words for its kind."""

    message: TextMessage
    kind: AnswerKind = "text"
    choices: tuple[Choice, ...] = ()
    save: str = ""
    retry: Words = ""
    give_up: GiveUp = GiveUp()
    timeout: Timeout | None = None

    word: ClassVar[str] = "ask"
    about: ClassVar[str] = "Say something and wait for the answer."
    shape: ClassVar[Shape] = any_of(
        WORDS,
        mapping(
            {
                "text": WORDS,
                "buttons": BUTTONS,
                "quick_replies": QUICK_REPLIES,
                "list": LIST,
                "kind": explained("What the answer must be.", one_of(get_args(AnswerKind))),
                "choices": explained(
                    "What there is to choose from.",
                    listed(
                        any_of(WORDS, mapping({"title": WORDS, "value": TEXT}, ("title",))),
                        1,
                        MAX_QUICK_REPLIES,
                    ),
                ),
                "save": explained("The field that keeps the answer.", FIELD),
                "retry": explained("What to say about an answer that does not fit.", WORDS),
                "give_up": explained(
                    "After so many answers that do not fit, do this.",
                    mapping({"after": whole(1, 20), "do": DO}),
                ),
                "timeout": explained(
                    "After so long without an answer, do this.",
                    mapping({"after": DURATION, "do": DO}, ("after",)),
                ),
            },
            ("text",),
        ),
    )

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        value = keys["ask"]
        if not value.is_mapping or reader.is_by_language(value):
            text = reader.words(value)
            return None if text is None else cls(TextMessage(text))
        inner = value.mapping(_KEYS)
        assert inner is not None
        choices = _choices(inner, reader)
        return cls(
            message=_message(inner, reader),
            kind=_kind(inner),
            choices=choices,
            save=reader.optional_field(inner, "save"),
            retry=reader.optional_words(inner, "retry"),
            give_up=_give_up(inner, reader),
            timeout=_timeout(inner, reader),
        )

    @property
    def branches(self) -> ByName[str, Steps]:
        lists = {"give_up": self.give_up.do}
        return {**lists, "timeout": self.timeout.do} if self.timeout else lists

    @property
    def waits(self) -> bool:
        return True

    @property
    def messages(self) -> tuple[tuple[FlowMessage, tuple[Choice, ...]], ...]:
        return ((self.message, self.choices),)

    def take(self, walk: Walk) -> None:
        """Ask, and stay at the question; one that cannot be asked is passed over."""
        if walk.say(self.message, self.choices, asks=self._asks):
            self._await_answer(walk, tries=0)
        else:
            walk.advance()

    @property
    def _asks(self) -> Literal["", "location", "contact"]:
        """What there is a button of its own to send with, on channels that have one."""
        return self.kind if self.kind in ("location", "contact") else ""

    def _await_answer(self, walk: Walk, tries: int) -> None:
        deadline = walk.scene.now + self.timeout.after if self.timeout else None
        walk.stand(Waiting("answer", deadline_at=deadline, tries=tries))

    def answered(self, walk: Walk, content: Content, tries: int) -> None:
        if subflow := self._written_button(walk, content):
            walk.go(subflow)
        elif (value := understood(self.kind, self.choices, content, walk.flow.region)) is not None:
            if self.save:
                walk.set_field(self.save, value)
            walk.advance()
        elif tries + 1 >= self.give_up.after:
            walk.enter("give_up")
        else:
            self._ask_again(walk, tries + 1)

    def _written_button(self, walk: Walk, content: Content) -> str:
        """The subflow of the button whose title was written rather than pressed; "" for none."""
        said = words_of(plain_text(content)) if isinstance(content, Text | Interactive) else ""
        for button in (*self.message.buttons, *self.message.quick_replies):
            if said and button.do and said in _titles(walk, button.title):
                return button.do
        return ""

    def _ask_again(self, walk: Walk, tries: int) -> None:
        retry = self.retry or walk.flow.retry.get(self.kind) or STANDARD_RETRY[self.kind]
        again = TextMessage(
            retry, quick_replies=self.message.quick_replies, list_button=self.message.list_button
        )
        walk.say(again, self.choices, asks=self._asks)
        self._await_answer(walk, tries)

    def timed_out(self, walk: Walk) -> None:
        walk.enter("timeout")


def _titles(walk: Walk, title: Words) -> set[str]:
    """The words on a button, in every language."""
    texts = title.texts.values() if isinstance(title, ByLanguage) else (title,)
    try:
        return {words_of(filled_in(text, walk.variables)) for text in texts}
    except TemplateFailed:
        return set()


def _message(keys: Mapping, reader: Reader) -> TextMessage:
    value = keys.need("text", "add text: the question")
    text = (reader.words(value) or "") if value else ""
    return with_options(text, keys, reader)


def _kind(keys: Mapping) -> AnswerKind:
    """What the answer must be: `choice` where there are choices, `text` otherwise."""
    value = keys.get("kind")
    word = value.one_of(_KINDS) if value else None
    kind = next((kind for kind in _KINDS if kind == word), "choice" if "choices" in keys else "text")
    if kind == "choice" and "choices" not in keys:
        keys.problem('"choices" is missing', "add choices: [Yes, No]")
    if kind != "choice" and "choices" in keys:
        keys.problem_at(
            "choices", f"a question of the kind {kind} has no choices", "leave out kind, or choices"
        )
    return kind


def _choices(keys: Mapping, reader: Reader) -> tuple[Choice, ...]:
    value = keys.get("choices")
    if value is None:
        return ()
    items = value.items("write a list: [Yes, No]")
    if value.is_list and not 1 <= len(items) <= MAX_QUICK_REPLIES:
        value.problem(f"{len(items)} choices", f"write 1 to {MAX_QUICK_REPLIES}")
    found = [(item, choice) for item in items if (choice := _choice(item, reader)) is not None]
    _report_same_choices(found)
    return tuple(choice for _, choice in found)


def _choice(value: Value, reader: Reader) -> Choice | None:
    if not value.is_mapping or reader.is_by_language(value):
        alone = reader.words(value, fixed=True)
        return None if alone is None else Choice(alone, Choice(alone, "").titles[0])
    keys = value.mapping(("title", "value"))
    assert keys is not None
    title_value, saved = keys.need("title", "add title: the words on it"), keys.get("value")
    title = reader.words(title_value, fixed=True) if title_value else None
    if title is None:
        return None
    stored = fixed_text(saved) if saved else Choice(title, "").titles[0]
    return None if stored is None else Choice(title, stored)


def _report_same_choices(found: list[tuple[Value, Choice]]) -> None:
    seen: set[str] = set()
    for value, choice in found:
        same = [title for title in choice.titles if folded(title) in seen]
        if same:
            value.problem(f"the choice {quoted(same[0])} is given twice", "keep one of them")
        seen.update(map(folded, choice.titles))


def _give_up(keys: Mapping, reader: Reader) -> GiveUp:
    value = keys.get("give_up")
    inner = value.mapping(("after", "do"), "for example {after: 3, do: person}") if value else None
    if inner is None:
        return GiveUp()
    after = inner.get("after")
    times = after.integer(least=1, most=20) if after else None
    return GiveUp(times or GiveUp().after, do(inner, reader))


def _timeout(keys: Mapping, reader: Reader) -> Timeout | None:
    value = keys.get("timeout")
    inner = value.mapping(("after", "do"), "for example {after: 10m, do: person}") if value else None
    if inner is None:
        return None
    after = inner.need("after", "add after: 10m")
    length = after.duration() if after else None
    steps = do(inner, reader)
    return None if length is None else Timeout(length, steps)
