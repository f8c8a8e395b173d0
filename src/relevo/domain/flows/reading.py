"""What a flow file is made of: steps, templates, names, and what a name may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as Mappable
from contextlib import contextmanager

import msgspec

from relevo.domain.flows.expressions import (
    BOT_PREFIX,
    CONVERSATION_PREFIX,
    MAX_TEXT,
    OF_CONVERSATION,
    READ_ONLY,
    SECRET,
    VARIABLES,
    ByLanguage,
    Template,
    TemplateMistake,
    compiled,
)
from relevo.domain.flows.languages import is_usual
from relevo.domain.flows.model import Step, Steps, Words
from relevo.domain.flows.variables import EXAMPLES, Variable, converted
from relevo.domain.subscribers import PROFILE_FIELDS, FieldValue
from relevo.domain.yaml_reading import Mapping, Place, Value, did_you_mean, nearest, quoted

Kinds = Mappable[str, type[Step]]
"""The steps that there are, by their words."""

STEP_NAME = "name"
"""What may stand beside every step's word."""
_SUBFLOW_NAME = re.compile(r"[^\W\d_][\w .-]{0,39}")
_FIELD_NAME = re.compile(r"[^\W\d_][\w -]{0,63}")
_LIQUID_REMEDY = "check that every {{ has its }} and every {% if %} its {% endif %}"


class TextPlace(msgspec.Struct, frozen=True):
    """A text for the customer in the file: where it is, in which step, and its words by language.

    `texts` of one that is not given by language has them under the first of the flow's ("" without any).
    """

    value: Value
    step: str
    texts: dict[str, str]


class Reader:
    """What the reading of one file knows: its subflows, its languages and variables, and which steps
    there are; and what it has met: texts, and where each step stands."""

    def __init__(
        self,
        subflows: Mapping | None,
        kinds: Kinds,
        *,
        languages: tuple[str, ...] = (),
        variables: Mappable[str, Variable] | None = None,
    ) -> None:
        self._subflows = tuple(subflows or ())
        self.subflow_places = {name: subflows.key_place(name) for name in self._subflows} if subflows else {}
        self._kinds = kinds
        self.languages = languages
        self.variables = variables
        """Those that the file declares; None: it declares none, and any name will do."""
        self.texts: list[TextPlace] = []
        self.places: dict[int, Place] = {}
        """Where each step stands, by its `id`."""
        self.links: dict[str, dict[str, None]] = {}
        """The subflows that each of them leads to; "" is what stands outside of all."""
        self.names: dict[str, tuple[Step, Value]] = {}
        """The steps that have one."""
        self._where: list[str] = []

    def subflow(self, value: Value) -> str | None:
        """A subflow's name; one that is not there is reported, unless there are none at all."""
        name = value.text("write the name of a subflow")
        if name is not None:
            self.links.setdefault(self._where[0] if self._where else "", {})[name] = None
        if name is None or not self._subflows or name in self._subflows:
            return name
        value.problem(f"there is no subflow {quoted(name)}", did_you_mean(name, self._subflows))
        return None

    @contextmanager
    def within(self, part: str) -> Iterator[None]:
        """What is read meanwhile stands in this part of the file."""
        self._where.append(part)
        yield
        self._where.pop()

    # Text

    def words(self, value: Value, *, fixed: bool = False) -> Words | None:
        """Text for the customer: one for everybody, or a map by language. `fixed`: Liquid does not work."""
        read = fixed_text if fixed else self.template
        if not value.is_mapping:
            text = read(value)
            self._note_text(value, {} if text is None else {self._first_language: text})
            return text
        texts = self._by_language(value, read)
        self._note_text(value, texts)
        return ByLanguage(texts) if texts else None

    def is_by_language(self, value: Value) -> bool:
        """Whether a mapping is a text by language, and not something with keys of its own."""
        keys = value.mapping() if value.is_mapping else None
        if not keys or not len(keys):
            return False
        if self.languages:
            return any(key in self.languages for key in keys)
        return all(map(is_usual, keys))

    @property
    def _first_language(self) -> str:
        return self.languages[0] if self.languages else ""

    def _by_language(
        self, value: Value, read: Callable[[Value], str | Template | None]
    ) -> dict[str, str | Template]:
        keys = value.mapping(self.languages or None)
        if keys is None:
            return {}
        if not self.languages:
            self.needs_languages(keys)
        elif self._first_language not in keys:
            first = self._first_language
            keys.problem(f"{quoted(first)} is missing", f"add {first}: it is for everybody else")
        texts = {key: text for key, one in keys.items() if (text := read(one)) is not None}
        order = [first for first in (self._first_language,) if first in texts]
        return {key: texts[key] for key in (*order, *(key for key in texts if key not in order))}

    def needs_languages(self, keys: Mapping) -> None:
        """Report that something is given by language in a flow that does not say which it speaks."""
        what = f"{keys.name} by language, in a flow that does not say which it speaks"
        keys.problem(what, f"add languages: [{', '.join(keys)}] at the top of the file")

    def _note_text(self, value: Value, texts: Mappable[str, str | Template]) -> None:
        sources = {key: text if isinstance(text, str) else text.source for key, text in texts.items()}
        self.texts.append(TextPlace(value, in_words(self._where), sources))

    def optional_words(self, keys: Mapping, key: str) -> Words:
        """Text for the customer that may be left out: then it is empty."""
        value = keys.get(key)
        return (self.words(value) or "") if value else ""

    def template(self, value: Value) -> str | Template | None:
        """A text for machines (a URL, a header), compiled if it is Liquid."""
        source = value.text()
        return None if source is None else self._compiled(value, source)

    def sealed(self, value: Value, before: str = "") -> str | Template | None:
        """A text for another server, in which `{{ secret.NAME }}` may stand. `before` is put before it."""
        source = value.text()
        return None if source is None else self._compiled(value, before + source, secrets=True)

    def field_value(self, value: Value) -> FieldValue | Template:
        """A number, true, false or null as it is; a text, compiled if it is Liquid."""
        literal = value.literal()
        return self._compiled(value, literal) if isinstance(literal, str) else literal

    def _compiled(self, value: Value, source: str, *, secrets: bool = False) -> str | Template | None:
        text = _compiled(value, source, secrets=secrets)
        if isinstance(text, Template):
            for use in text.uses:
                if not (secrets and use.name == SECRET):
                    self.use(value, use.name, use.index)
        return text

    # Names of fields

    def use(self, value: Value, name: str, index: int | None = None) -> None:
        """A variable is looked at, in the character `index` of a text: one that is neither declared nor
        Relevo's is reported, where the file declares any."""
        if self.variables is None or name.startswith(BOT_PREFIX) or name in VARIABLES:
            return
        if name not in self.variables:
            what = f"there is no variable {quoted(name)}"
            value.problem_in_text(index, what, f"{self._meant(name)}, or declare it under variables:")

    def _meant(self, name: str) -> str:
        return did_you_mean(name, (*(self.variables or ()), *VARIABLES)).removesuffix("?")

    def field_name(self, value: Value, name: str | None) -> str | None:
        """The name of a field or variable."""
        if name is None or is_field_name(name):
            return name
        what = f"{quoted(name)} cannot be the name of a field"
        value.problem(what, "start with a letter; then letters, digits, spaces, _ and -, at most 64")
        return None

    def looked_at(self, value: Value, name: str | None) -> str | None:
        """The name of a field or variable that is compared; `bot.NAME` is one of the bot's, and
        `conversation.NAME` is of the conversation."""
        if name is not None and name.startswith(CONVERSATION_PREFIX):
            known = tuple(f"{CONVERSATION_PREFIX}{one}" for one in OF_CONVERSATION)
            if name not in known:
                value.problem(f"there is no {quoted(name)}", did_you_mean(name, known))
            return name
        if name is not None and name.startswith(BOT_PREFIX):
            return name if self.field_name(value, name.removeprefix(BOT_PREFIX)) else None
        if (field := self.field_name(value, name)) is not None:
            self.use(value, field)
        return field

    def settable_name(self, value: Value, name: str | None) -> str | None:
        """The name of a field that a flow may change."""
        if name in READ_ONLY:
            value.problem(f"{quoted(name)} is filled in by Relevo", "choose another name for the field")
            return None
        if (known := self.field_name(value, name)) is not None and known not in PROFILE_FIELDS:
            self.use(value, known)
        return known

    def check_type(self, value: Value, name: str, given: FieldValue | Template) -> None:
        """Report what a declared variable cannot hold."""
        variable = (self.variables or {}).get(name)
        if variable is None or given is None or isinstance(given, Template):
            return
        if converted(given, variable.type) is None:
            what = f"{name} is a variable of type {variable.type} and cannot be {value.shown}"
            value.problem(what, EXAMPLES[variable.type])

    # Steps

    def optional_field(self, keys: Mapping, key: str) -> str:
        """The name of a field that is to keep something; "" where none is given."""
        value = keys.get(key)
        name = value.text("write the name of a field") if value else None
        return (self.settable_name(value, name) or "") if value else ""

    def steps(self, value: Value) -> Steps:
        """A list of steps, at least one."""
        items = value.items("write a list of steps, each on a line that starts with -")
        if value.is_list and not items:
            value.problem(f"{value.name} has no steps", "add one, or leave it out")
        found: list[Step] = []
        with self.within(value.name):
            for number, item in enumerate(items, 1):
                with self.within(f"step {number}"):
                    step = self._step(item)
                if step is not None:
                    self.places[id(step)] = item.place
                    found.append(step)
        return tuple(found)

    def _step(self, item: Value) -> Step | None:
        if not item.is_mapping:
            return self._bare_step(item)
        keys = item.mapping()
        assert keys is not None
        found = [key for key in keys if key in self._kinds]
        if len(found) != 1:
            self._report_step(keys, found)
            return None
        kind = self._kinds[found[0]]
        _check_beside(keys, kind)
        step = kind.read(keys, self)
        if step is not None and STEP_NAME in keys:
            self._note_name(keys[STEP_NAME], step)
        return step

    def _note_name(self, value: Value, step: Step) -> None:
        """By which it is found again in another version."""
        name = self.field_name(value, value.text("write a name for the step"))
        first = self.names.get(name) if name else None
        if first is not None:
            what = f"there is another step named {quoted(name)}, in line {first[1].place.line}"
            value.problem(what, "give each a name of its own")
        elif name:
            self.names[name] = (step, value)

    def _report_step(self, keys: Mapping, found: list[str]) -> None:
        if found:
            what = f"one step does several things: {', '.join(found)}"
            keys.problem_at(found[1], what, "start each with a - of its own")
        elif len(keys):
            first = next(iter(keys))
            keys.problem_at(first, f"there is no step {quoted(first)}", did_you_mean(first, self._kinds))
        else:
            keys.problem("an empty step", f"write one of: {', '.join(self._kinds)}")

    def _bare_step(self, item: Value) -> Step | None:
        """A step that is a word alone: `- end`."""
        word = item.text(f"write one of: {', '.join(self._kinds)}")
        if word is None:
            return None
        kind = self._kinds.get(word)
        step = kind.alone() if kind else None
        if kind is None:
            item.problem(f"there is no step {quoted(word)}", did_you_mean(word, self._kinds))
        elif step is None:
            item.problem(f"{word} says nothing", f"write {word}: and what it is to do")
        return step


def in_words(where: Sequence[str]) -> str:
    """`welcome: step 2, then, step 1`."""
    first, *rest = where or [""]
    return f"{first}: {', '.join(rest)}" if rest else first


def _check_beside(keys: Mapping, kind: type[Step]) -> None:
    word, beside = kind.word, kind.beside
    for key in keys:
        if key not in (word, *beside, STEP_NAME):
            inside = f"write it inside: {word}: {{{key}: …}}"
            remedy = did_you_mean(key, beside) if nearest(key, beside) else inside
            keys.problem_at(key, f"{quoted(key)} does not belong beside {word}", remedy)


def is_subflow_name(name: str) -> bool:
    """Short enough for every channel: a button's id is made of it."""
    return _SUBFLOW_NAME.fullmatch(name) is not None


def is_field_name(name: str) -> bool:
    return _FIELD_NAME.fullmatch(name) is not None


def _is_too_long(value: Value, text: str) -> bool:
    if len(text) <= MAX_TEXT:
        return False
    value.problem(f"{value.name} has {len(text):,} characters", f"at most {MAX_TEXT:,} are allowed")
    return True


def _compiled(value: Value, source: str, *, secrets: bool = False) -> str | Template | None:
    if _is_too_long(value, source):
        return None
    try:
        return compiled(source, secrets=secrets)
    except TemplateMistake as mistake:
        remedy = did_you_mean(mistake.word, mistake.known) if mistake.known else _LIQUID_REMEDY
        value.problem_in_text(mistake.index, f"this is not Liquid: {mistake.what}", remedy)
        return None


def fixed_text(value: Value) -> str | None:
    """A text in which Liquid does not work."""
    text = value.text()
    if text is None or _is_too_long(value, text):
        return None
    if "{{" in text or "{%" in text:
        value.problem(f"Liquid does not work in {value.name}", "write the text as it is to be")
        return None
    return text


def fixed_texts(value: Value) -> tuple[str, ...]:
    """One such text, or a list of them."""
    if not value.is_list:
        alone = fixed_text(value)
        return () if alone is None else (alone,)
    if not (items := value.items()):
        value.problem(f"{value.name} is an empty list", "write at least one text")
    return tuple(text for item in items if (text := fixed_text(item)) is not None)
