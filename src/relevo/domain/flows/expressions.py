"""Liquid in flows: `Hello {{ first_name }}`.

Templates are compiled when the file is parsed and filled in with limits on: whoever writes a flow
can neither reach a file nor keep the process busy. What is not defined is empty. Nothing here
reads a clock: `now`, `today` and the `date` filter know the time of the decision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import wraps
from io import StringIO
from typing import TYPE_CHECKING, Any

import liquid
import msgspec
from liquid.ast import Node
from liquid.builtin.expressions.primitive import IntegerLiteral, RangeLiteral
from liquid.exceptions import (
    FilterArgumentError,
    LiquidError,
    LoopIterationLimitError,
    OutputStreamLimitError,
)
from liquid.expression import Expression
from liquid.filter import with_context
from liquid.static_analysis import TemplateAnalysis, Variable

from relevo.domain import sealing
from relevo.domain.flows.languages import best
from relevo.domain.flows.runs import Scene
from relevo.domain.hours import is_open, opens_at
from relevo.domain.sealing import Mark, Marks
from relevo.domain.subscribers import PROFILE_FIELDS, Subscriber

if TYPE_CHECKING:
    from relevo.domain.flows.model import Flow

MAX_TEXT = 20_000
"""Characters of a text, of a template and of what it becomes, and of any text on the way there."""
MAX_ROUNDS = 1_000
"""Rounds of all loops of a template together, and numbers in a range."""


def _full_name(subscriber: Subscriber) -> str:
    return f"{subscriber.first_name} {subscriber.last_name}".strip()


_READERS: dict[str, Callable[[Scene, Subscriber], object]] = {
    "first_name": lambda _, subscriber: subscriber.first_name,
    "last_name": lambda _, subscriber: subscriber.last_name,
    "name": lambda _, subscriber: subscriber.profile.name or _full_name(subscriber),
    "email": lambda _, subscriber: subscriber.profile.email,
    "phone": lambda _, subscriber: subscriber.profile.phone,
    "language": lambda _, subscriber: subscriber.profile.language,
    "tags": lambda _, subscriber: list(subscriber.tags),
    "fields": lambda _, subscriber: subscriber.fields,
    "channel": lambda scene, _: scene.channel_type,
    "channel_name": lambda scene, _: scene.channel_name,
    "user_ns": lambda scene, _: scene.user_ns,
    "flow_ns": lambda scene, _: scene.flow_ns,
    "last_input": lambda scene, _: scene.last_input,
    "handoff_reason": lambda scene, _: scene.returned.reason if scene.returned else "",
    "handoff_note": lambda scene, _: scene.returned.note if scene.returned else "",
    "handoff_outcome": lambda scene, _: scene.returned.outcome if scene.returned else "",
    "now": lambda scene, _: scene.now,
    "today": lambda scene, _: scene.now.date(),
}
_LATER_READERS: dict[str, Callable[[Scene, Subscriber], object]] = {
    "bot": lambda scene, _: scene.bot,
    "business_hours": lambda scene, _: _opening(scene),
    "subscribed_at": lambda _, subscriber: subscriber.created_at,
    "last_seen_at": lambda _, subscriber: subscriber.last_seen_at,
}
"""Those that came later: a field of the same name goes before them, as somebody may have had one."""
READ_ONLY = tuple(name for name in _READERS if name not in PROFILE_FIELDS)
"""The names that no field can have."""
VARIABLES = (*_READERS, *_LATER_READERS)
"""The names that every flow may use besides its fields."""
OF_CONVERSATION = ("status", "control", "agent_id", "opted_in", "last_message_at")
"""What `conversation.NAME` may ask for."""
CONVERSATION_PREFIX = "conversation."
BOT_PREFIX = "bot."
"""What the name of a bot field begins with, where it stands for a value."""


def _opening(scene: Scene) -> dict[str, object]:
    """`{{ business_hours.is_open }}` and when it opens next, in the workspace's zone."""
    if scene.hours is None:
        return {"is_open": True, "opens_at": None}
    return {"is_open": is_open(scene.hours, scene.now), "opens_at": opens_at(scene.hours, scene.now)}


class Variables(Mapping[str, object]):
    """What a template or a condition may look at: the scene, the person, the fields by name, and, for
    those that hold nothing, what the flow declares that they are."""

    __slots__ = ("flow", "scene", "subscriber")

    def __init__(self, scene: Scene, subscriber: Subscriber, flow: Flow | None = None) -> None:
        self.scene = scene
        self.subscriber = subscriber
        self.flow = flow

    def __getitem__(self, name: str) -> object:
        reader = _READERS.get(name)
        if reader is not None:
            return reader(self.scene, self.subscriber)
        fields = self.subscriber.fields
        return fields[name] if name in fields else self._otherwise(name)

    def _otherwise(self, name: str) -> object:
        if self.flow is not None and name in self.flow.variables:
            return self.flow.variables[name].default
        if name.startswith(BOT_PREFIX):
            return self.scene.bot[name[len(BOT_PREFIX) :]]
        if name.startswith(CONVERSATION_PREFIX):
            return self.scene.conversation[name[len(CONVERSATION_PREFIX) :]]
        return _LATER_READERS[name](self.scene, self.subscriber)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> dict[str, object]:
        declared = self.flow.variables if self.flow else {}
        return {**_READERS, **_LATER_READERS, **declared, **self.subscriber.fields}

    def of(self, subscriber: Subscriber) -> Variables:
        """After something has become of the person."""
        return Variables(self.scene, subscriber, self.flow)

    @property
    def language(self) -> str:
        """The language in which the person is spoken to, as far as it is known: one of the flow's, if it
        says which it speaks."""
        profile = self.subscriber.profile
        wanted = profile.language or profile.locale
        return best(wanted, self.flow.languages) if self.flow and self.flow.languages else wanted


class _WithSecrets(Variables):
    """The same, and secrets."""

    __slots__ = ()

    def __getitem__(self, name: str) -> object:
        return _MARKS if name == SECRET else super().__getitem__(name)


_MARKS = Marks()


class TemplateMistake(Exception):
    """A template cannot be compiled. `index` is the character where, None when that is unknown;
    `word` the unknown tag or filter, `known` those that there are."""

    def __init__(self, what: str, index: int | None, word: str = "", known: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.index = index
        self.word = word
        self.known = known


class TemplateFailed(Exception):
    """A template could not be filled in. The text says why, without anything of the customer's."""


class Use(msgspec.Struct, frozen=True):
    """A variable that a template looks at, and the character where it does."""

    name: str
    index: int


class Template:
    """A compiled template. Equal to another with the same source."""

    __slots__ = ("_compiled", "source", "uses")

    def __init__(self, source: str, compiled: liquid.BoundTemplate, uses: tuple[Use, ...] = ()) -> None:
        self.source = source
        self.uses = uses
        self._compiled = compiled

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"Template({self.source!r})"

    def filled_in(self, variables: Variables) -> str:
        """The text. Raises TemplateFailed."""
        return self._written(variables, _Output())

    def sealed(self, variables: Variables) -> str:
        """The text with marks where secrets belong (`domain.sealing`). Raises TemplateFailed."""
        return self._written(
            _WithSecrets(variables.scene, variables.subscriber, variables.flow), _SealedOutput()
        )

    def _written(self, variables: Variables, out: _Output) -> str:
        context = _Context(self._compiled, globals=variables)
        try:
            for node in self._compiled.nodes:
                node.render(context, out)
        except Exception as error:  # a library's filters, given anything at all, raise anything at all
            raise TemplateFailed(_without_values(error)) from error
        return out.getvalue()


class ByLanguage(msgspec.Struct, frozen=True):
    """A text in several languages, the first being for everybody else. By their tags (`en`, `pt-BR`)."""

    texts: dict[str, str | Template]

    def chosen(self, language: str) -> str | Template:
        return self.texts[best(language, self.texts)]


def filled_in(text: str | Template | ByLanguage, variables: Variables) -> str:
    """The text in the person's language, filled in if it is a template. Raises TemplateFailed."""
    if isinstance(text, ByLanguage):
        text = text.chosen(variables.language)
    return text if isinstance(text, str) else text.filled_in(variables)


def sealed(text: str | Template, variables: Variables) -> str:
    """A text for another server, with marks where secrets belong. Raises TemplateFailed."""
    return sealing.clean(text) if isinstance(text, str) else text.sealed(variables)


def compiled(source: str, *, secrets: bool = False) -> str | Template:
    """A template; the text itself when there is nothing to fill in. Raises TemplateMistake.

    `secrets`: whether `{{ secret.NAME }}` may stand in it.
    """
    if "{{" not in source and "{%" not in source:
        return source
    try:
        template = _LIQUID.from_string(source)
        found = template.analyze(include_partials=False)
        _check_filters(found)
        _check_ranges(template)
        _check_secrets(found, source, allowed=secrets)
    except (LiquidError, RecursionError) as error:
        raise _mistake(error, source) from error
    return Template(source, template, _uses(found))


def _uses(found: TemplateAnalysis) -> tuple[Use, ...]:
    """The variables that a template does not make itself; of `fields` and `bot` what they hold."""
    return tuple(Use(_name(one), one.span.index) for many in found.globals.values() for one in many)


def _name(variable: Variable) -> str:
    first, *others = variable.segments
    if first in ("fields", "bot") and others and isinstance(others[0], str):
        return others[0] if first == "fields" else f"{BOT_PREFIX}{others[0]}"
    return str(first)


def _mistake(error: LiquidError | RecursionError, source: str) -> TemplateMistake:
    if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
        return TemplateMistake("the template is nested too deep", None)
    token = error.token
    index = token.start_index if token and token.start_index >= 0 and token.source == source else None
    unknown = re.fullmatch(r"unexpected tag '(\w+)'", str(error.message))
    if unknown is None:
        return TemplateMistake(str(error.message), index)
    known = tuple(name for name in _LIQUID.tags if name not in _PSEUDO_TAGS)
    return TemplateMistake(f'unexpected tag "{unknown[1]}"', index, unknown[1], known)


def _check_filters(found: TemplateAnalysis) -> None:
    """Liquid notices an unknown filter only when it is used."""
    for name, spans in found.filters.items():
        if name not in _LIQUID.filters:
            known = tuple(_LIQUID.filters)
            raise TemplateMistake(f'there is no filter "{name}"', spans[0].index, name, known)


def _check_secrets(found: TemplateAnalysis, source: str, *, allowed: bool) -> None:
    """They stand alone, so that no filter can make of them what is not recognised as one."""
    if SECRET not in source:
        return
    used = found.globals.get(SECRET, ())
    if not allowed and any(len(one.segments) > 1 for one in used):
        what = "a secret may stand only in the URL, the headers and the body of a call"
        raise TemplateMistake(what, source.find(SECRET))
    if allowed and len(used) != len(_SECRET_ALONE.findall(source)):
        raise TemplateMistake("a secret is written {{ secret.NAME }}, and nothing else", source.find(SECRET))


SECRET = "secret"
"""What secrets are called in templates."""
_SECRET_ALONE = re.compile(r"\{\{-?\s*secret\.[A-Za-z_]\w*\s*-?\}\}", re.ASCII)


def _check_ranges(template: liquid.BoundTemplate) -> None:
    """Liquid writes ranges out in memory: `(1..1000000000) | join` would be the end of the process."""
    for found in _ranges(template.nodes, liquid.RenderContext(template)):
        bounds = [bound.value for bound in found.children() if isinstance(bound, IntegerLiteral)]
        if len(bounds) < 2 or bounds[1] - bounds[0] >= MAX_ROUNDS:
            what = f"{found} is not a range of two numbers, at most {MAX_ROUNDS:,} apart"
            raise TemplateMistake(what, found.token.start_index)


def _ranges(nodes: Iterable[Node], context: liquid.RenderContext) -> Iterator[RangeLiteral]:
    for node in nodes:
        for expression in node.expressions():
            yield from _ranges_within(expression)
        yield from _ranges(node.children(context, include_partials=False), context)


def _ranges_within(expression: Expression) -> Iterator[RangeLiteral]:
    if isinstance(expression, RangeLiteral):
        yield expression
    for child in expression.children():
        yield from _ranges_within(child)


def _without_values(error: Exception) -> str:
    token = error.token if isinstance(error, LiquidError) else None
    if token is None or token.start_index < 0:
        return type(error).__name__
    line = token.source.count("\n", 0, token.start_index) + 1
    return f"{type(error).__name__} in line {line} of the text"


class _Context(liquid.RenderContext):
    """Counts the rounds of all loops together: Liquid itself only looks at loops within loops."""

    __slots__ = ("_rounds",)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self._rounds = getattr(self, "_rounds", 0) + length
        if self._rounds > MAX_ROUNDS:
            raise LoopIterationLimitError(f"more than {MAX_ROUNDS} rounds", token=None)


class _Output(StringIO):
    """Liquid's own limited buffer encodes everything that is written once more, to count bytes."""

    _left = MAX_TEXT

    def write(self, text: str, /) -> int:
        self._left -= len(text)
        if self._left < 0:
            raise OutputStreamLimitError("the text became too long", token=None)
        return super().write(text)


class _SealedOutput(_Output):
    """Writes marks for secrets; nothing else that is written can be one."""

    def write(self, text: str, /) -> int:
        return super().write(sealing.mark(text.secret) if isinstance(text, Mark) else sealing.clean(text))


# Filters: Liquid's own, minus the clock, plus limits.


@with_context
def _date(value: object, format_: object = "%Y-%m-%d", *, context: liquid.RenderContext) -> str:
    """`{{ now | date: "%d.%m." }}`: of a date, an ISO 8601 text or seconds since 1970, in UTC."""
    moment = _moment(value, context.resolve("now"))
    if moment is None:
        return str("" if value is None else value)
    seconds = str(int(moment.timestamp()))  # strftime would count %s from the zone of the machine
    return moment.strftime(
        _SECONDS.sub(lambda found: found[0] if found[0] == "%%" else seconds, str(format_))
    )


_SECONDS = re.compile(r"%%|%s")


def _moment(value: object, now: datetime) -> datetime | None:
    if value in ("now", "today"):
        return now
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _limited(function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, refusing what would make a text enormous."""

    @wraps(function)
    def limited(*args: Any, **options: Any) -> Any:
        if _longest_result(function.__name__, args) > MAX_TEXT:
            raise FilterArgumentError("the text became too long", token=None)
        return function(*args, **options)

    return limited


def _longest_result(name: str, args: tuple[Any, ...]) -> int:
    """How long the text can at most be that a filter makes."""
    if name == "join":
        items = args[0] if isinstance(args[0], list | tuple | range) else args[:1]
        return sum(len(str(item)) for item in items) + len(items) * (len(str(args[1])) if args[1:] else 1)
    if name.startswith("replace") and len(args) == 3:
        return len(str(args[0])) + (len(str(args[0])) + 1) * len(str(args[2]))
    return sum(len(str(arg)) for arg in args)


_PSEUDO_TAGS = frozenset({"content", "output", "illegal", "#"})


class _Environment(liquid.Environment):
    output_stream_limit = MAX_TEXT * 4  # bytes; what `capture` and blocks write
    local_namespace_limit = 100_000


def _environment() -> liquid.Environment:
    environment = _Environment()
    for tag in ("include", "render", "tablerow"):
        del environment.tags[tag]
    environment.filters["date"] = _date
    for name in ("append", "prepend", "replace", "replace_first", "replace_last", "join"):
        environment.filters[name] = _limited(environment.filters[name])
    return environment


_LIQUID = _environment()
