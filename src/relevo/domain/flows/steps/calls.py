"""Steps that ask another server and go on with what comes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping as ByName
from datetime import timedelta
from typing import Any, ClassVar, Literal, Self

import msgspec

from relevo.domain import chat_completions, dynamic_content, json_paths
from relevo.domain.calls import (
    LONGEST_TIMEOUT,
    LONGEST_WAIT,
    MOST_RETRIES,
    AiAnswer,
    AiTask,
    BodyKind,
    CallFailed,
    CallResult,
    CallTask,
    HttpAnswer,
    HttpTask,
    Retry,
    json_of,
)
from relevo.domain.configuring import check_header
from relevo.domain.errors import InvalidInput
from relevo.domain.flows import runs
from relevo.domain.flows.expressions import Template, TemplateFailed, sealed
from relevo.domain.flows.model import Step, Steps
from relevo.domain.flows.reading import Reader, fixed_text, fixed_texts
from relevo.domain.flows.runs import Say, Waiting
from relevo.domain.flows.shapes import (
    ANYTHING,
    BOOLEAN,
    DO,
    DURATION,
    FIELD,
    SUBFLOW,
    TEXT,
    Shape,
    any_of,
    by_name,
    mapping,
    number,
    one_of,
    one_or_more,
    whole,
)
from relevo.domain.flows.steps.paths import do_of
from relevo.domain.flows.walking import Walk
from relevo.domain.json_paths import NoPath, Path
from relevo.domain.messages import Text
from relevo.domain.yaml_reading import Mapping, Value, quoted

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
MOST_HISTORY, MOST_TOKENS, MOST_ROUNDS = 50, 8_000, 8
_PATIENCE = timedelta(minutes=5)
"""What a call may wait for its turn, besides the time that its attempts may take."""
_STATUS = re.compile(r"[1-5](\d\d|xx)")
_SHARED = ("timeout", "retry", "catch")
_SHARED_SHAPES: dict[str, Shape] = {
    "timeout": DURATION,
    "retry": mapping({"times": whole(0, MOST_RETRIES), "after": DURATION, "factor": number(1, 10)}),
    "catch": by_name(DO),
}

Filled = str | Template
"""A text for machines, to be filled in or not."""

Json = str | int | float | bool | None | Template | tuple["Json", ...] | dict[str, "Json"]
"""A JSON value whose texts may be filled in."""


class Catch(msgspec.Struct, frozen=True):
    """What is done about a failure: by its status (`404`, `4xx`), `timeout`, `status`, `error`."""

    ways: dict[str, Steps] = {}

    def way(self, failure: CallFailed) -> str | None:
        """The most particular way that there is for a failure."""
        status = str(failure.status)
        keys = [status, f"{status[0]}xx", "status"] if failure.kind == "status" else [failure.kind]
        return next((key for key in (*keys, "error") if key in self.ways), None)

    @property
    def branches(self) -> dict[str, Steps]:
        return {f"catch {key}": steps for key, steps in self.ways.items()}


class _CallStep(Step, frozen=True):
    """What calls have in common: the run waits for them, and failures have ways."""

    timeout: timedelta = timedelta(seconds=10)
    retry: Retry = Retry()
    catch: Catch = Catch()

    def task(self, walk: Walk) -> CallTask:
        """What is asked. Raises TemplateFailed."""
        raise NotImplementedError

    def use(self, walk: Walk, result: HttpAnswer | AiAnswer) -> CallFailed | None:
        """Go on with the answer, or say why that cannot be done."""
        raise NotImplementedError

    @property
    def waits(self) -> bool:
        return True

    def take(self, walk: Walk) -> None:
        try:
            task = self.task(walk)
        except TemplateFailed as failure:
            self._fail(walk, CallFailed("stopped", detail=str(failure)))
            return
        walk.do(runs.MakeCall(task))
        patience = self.retry.longest(self.timeout) + _PATIENCE
        walk.stand(Waiting("call", deadline_at=walk.scene.now + patience))

    def called(self, walk: Walk, result: CallResult) -> None:
        failure = result if isinstance(result, CallFailed) else self.use(walk, result)
        if failure is not None:
            self._fail(walk, failure)

    def _fail(self, walk: Walk, failure: CallFailed) -> None:
        way = self.catch.way(failure)
        if way is not None:
            walk.enter(f"catch {way}")
            return
        walk.stumble("call_failed", failure.detail or failure.kind)
        walk.advance()


class Http(_CallStep, frozen=True):
    """One request. `save`: fields, and where in the answer their values stand."""

    url: Filled = ""
    method: str = "GET"
    headers: tuple[tuple[str, Filled], ...] = ()
    kind: BodyKind = "none"
    body: Json = None
    save: tuple[tuple[str, Path], ...] = ()
    status: str = ""
    answer: Literal["", "dynamic_content"] = ""

    word: ClassVar[str] = "http"
    about: ClassVar[str] = "Ask another server, and keep what it answers."
    shape: ClassVar[Shape] = any_of(
        TEXT,
        mapping(
            {
                "url": TEXT,
                "method": one_of(METHODS),
                "headers": by_name(TEXT),
                "json": ANYTHING,
                "form": ANYTHING,
                "body": ANYTHING,
                "save": by_name(ANYTHING, of=FIELD),
                "status": FIELD,
                "answer": one_of(("dynamic_content",)),
                **_SHARED_SHAPES,
            },
            ("url",),
        ),
    )

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        value = keys["http"]
        if not value.is_mapping:
            url = _url(value, reader)
            return None if url is None else cls(url=url)
        inner = value.mapping(
            ("url", "method", "headers", "json", "form", "body", "save", "status", "answer", *_SHARED)
        )
        assert inner is not None
        url_value = inner.need("url", "add url: https://…")
        kind, body = _body(inner, reader)
        return cls(
            **_shared(inner, reader, timedelta(seconds=10)),
            url=(_url(url_value, reader) or "") if url_value else "",
            method=_method(inner, kind),
            headers=_headers(inner, reader),
            kind=kind,
            body=body,
            save=_save(inner, reader),
            status=reader.optional_field(inner, "status"),
            answer=_answer(inner),
        )

    @property
    def branches(self) -> ByName[str, Steps]:
        return self.catch.branches

    def task(self, walk: Walk) -> CallTask:
        return HttpTask(
            method=self.method,
            url=sealed(self.url, walk.variables).strip(),
            headers={name: _one_line(sealed(value, walk.variables)) for name, value in self.headers},
            kind=self.kind,
            body=_filled(self.body, walk),
            timeout=self.timeout,
            schedule=self.retry.schedule,
        )

    def called(self, walk: Walk, result: CallResult) -> None:
        if self.status and not isinstance(result, AiAnswer):
            walk.set_field(self.status, result.status)
        super().called(walk, result)

    def use(self, walk: Walk, result: HttpAnswer | AiAnswer) -> CallFailed | None:
        assert isinstance(result, HttpAnswer)
        if not (self.save or self.answer):
            walk.advance()
            return None
        try:
            found = json_of(result.body)
        except ValueError:
            return CallFailed("nonsense", result.status, "the answer is no JSON")
        for field, path in self.save:
            walk.set_field(field, json_paths.as_field(json_paths.at(found, path)))
        return self._say(walk, found, result.status)

    def _say(self, walk: Walk, found: Any, status: int) -> CallFailed | None:
        """Do what UChat's dynamic content says, where that is what is answered."""
        if not self.answer:
            walk.advance()
            return None
        try:
            content = dynamic_content.read(found, {name: name for name in walk.flow.subflows}, path="answer")
        except InvalidInput as error:
            wrong = "; ".join(text for texts in error.errors.values() for text in texts)
            return CallFailed("nonsense", status, f"the answer is no dynamic content: {wrong}"[:500])
        for said in content.contents:
            walk.do(Say(said))
        for act in content.acts:
            walk.apply(act)
        walk.go(content.go_to) if content.go_to else walk.advance()
        return None


class Ai(_CallStep, frozen=True):
    """A question to a language model. What it answers is said, or kept in a field (`save`)."""

    url: Filled = ""
    model: Filled = ""
    headers: tuple[tuple[str, Filled], ...] = ()
    instructions: Filled = ""
    question: Filled = ""
    history: int = 10
    hand_off: bool = False
    person: Steps = ()
    fields: tuple[str, ...] = ()
    subflows: tuple[str, ...] = ()
    save: str = ""
    max_tokens: int = 500
    limit_as: str = "max_tokens"
    temperature: float | None = None
    rounds: int = 3

    word: ClassVar[str] = "ai"
    about: ClassVar[str] = "Ask a language model, and say or keep what it answers."
    shape: ClassVar[Shape] = mapping(
        {
            "url": TEXT,
            "model": TEXT,
            "key": TEXT,
            "headers": by_name(TEXT),
            "instructions": TEXT,
            "question": TEXT,
            "history": whole(0, MOST_HISTORY),
            "tools": mapping(
                {
                    "hand_off": any_of(BOOLEAN, DO),
                    "set_fields": one_or_more(FIELD),
                    "go_to": one_or_more(SUBFLOW),
                }
            ),
            "save": FIELD,
            "max_tokens": whole(1, MOST_TOKENS),
            "max_completion_tokens": whole(1, MOST_TOKENS),
            "temperature": number(0, 2),
            "rounds": whole(1, MOST_ROUNDS),
            **_SHARED_SHAPES,
        },
        ("url", "model"),
    )

    @classmethod
    def read(cls, keys: Mapping, reader: Reader) -> Self | None:
        inner = keys["ai"].mapping(
            ("url", "model", "key", "headers", "instructions", "question", "history", "tools", "save",
             "max_tokens", "max_completion_tokens", "temperature", "rounds", *_SHARED),
            "for example {url: https://api.example.com/v1, model: small, instructions: Be brief.}",
        )  # fmt: skip
        if inner is None:
            return None
        url_value = inner.need("url", "add url: the address of the API, as in https://api.openai.com/v1")
        model_value = inner.need("model", "add model: its name")
        limit_as = "max_completion_tokens" if "max_completion_tokens" in inner else "max_tokens"
        return cls(
            **_shared(inner, reader, timedelta(seconds=30)),
            **_tools(inner, reader),
            url=(_url(url_value, reader) or "") if url_value else "",
            model=(reader.template(model_value) or "") if model_value else "",
            headers=(*_key(inner, reader), *_headers(inner, reader)),
            instructions=_optional(inner, "instructions", reader),
            question=_optional(inner, "question", reader),
            history=_whole(inner, "history", 10, least=0, most=MOST_HISTORY),
            save=reader.optional_field(inner, "save"),
            max_tokens=_whole(inner, limit_as, 500, least=1, most=MOST_TOKENS),
            limit_as=limit_as,
            temperature=_temperature(inner),
            rounds=_whole(inner, "rounds", 3, least=1, most=MOST_ROUNDS),
        )

    @property
    def branches(self) -> ByName[str, Steps]:
        return {"hand_off": self.person, **self.catch.branches}

    def task(self, walk: Walk) -> CallTask:
        base = sealed(self.url, walk.variables).strip().rstrip("/")
        return AiTask(
            url=base if base.endswith("/chat/completions") else f"{base}/chat/completions",
            headers={name: _one_line(sealed(value, walk.variables)) for name, value in self.headers},
            model=_plain(self.model, walk),
            instructions=_plain(self.instructions, walk),
            question=_plain(self.question, walk),
            history=self.history,
            tools=chat_completions.tools_for(
                hand_off=self.hand_off, fields=self.fields, subflows=self.subflows
            ),
            max_tokens=self.max_tokens,
            limit_as=self.limit_as,
            temperature=self.temperature,
            rounds=self.rounds,
            timeout=self.timeout,
            schedule=self.retry.schedule,
        )

    def use(self, walk: Walk, result: HttpAnswer | AiAnswer) -> CallFailed | None:
        assert isinstance(result, AiAnswer)
        for name, value in result.fields:
            if name in self.fields:
                walk.set_field(name, value)
        if self.save:
            walk.set_field(self.save, result.text)
        elif result.text:
            walk.do(Say(Text(result.text)))
        self._lead_on(walk, result)
        return None

    def _lead_on(self, walk: Walk, result: AiAnswer) -> None:
        if result.hands_off and self.person:
            walk.enter("hand_off")
        elif result.hands_off:
            walk.advance()
            walk.next_step()  # leaves what is finished
            walk.do(runs.PauseBot(None))
            walk.stand(Waiting("return"))
        elif result.go_to in self.subflows:
            walk.go(result.go_to)
        else:
            walk.advance()


# What is filled in


def _plain(text: Filled, walk: Walk) -> str:
    """Raises TemplateFailed."""
    return text if isinstance(text, str) else text.filled_in(walk.variables)


def _filled(value: Json, walk: Walk) -> Any:
    """The value with its texts filled in, as JSON has it. Raises TemplateFailed."""
    match value:
        case str() | Template():
            return sealed(value, walk.variables)
        case tuple():
            return [_filled(item, walk) for item in value]
        case dict():
            return {key: _filled(item, walk) for key, item in value.items()}
        case _:
            return value


def _one_line(text: str) -> str:
    """A header's value: whatever a customer wrote, it stays in its line."""
    return " ".join(text.split())


# What is read


def _shared(keys: Mapping, reader: Reader, timeout: timedelta) -> dict[str, Any]:
    return {"timeout": _timeout(keys, timeout), "retry": _retry(keys), "catch": _catch(keys, reader)}


def _timeout(keys: Mapping, default: timedelta) -> timedelta:
    value = keys.get("timeout")
    length = value.duration() if value else default
    if value and length and length > LONGEST_TIMEOUT:
        value.problem(f"a timeout of {value.shown}", f"at most {LONGEST_TIMEOUT.seconds // 60}m are possible")
    return length or default


def _retry(keys: Mapping) -> Retry:
    value = keys.get("retry")
    inner = (
        value.mapping(("times", "after", "factor"), "for example {times: 3, after: 2s}") if value else None
    )
    if inner is None:
        return Retry()
    standard, after = Retry(), inner.get("after")
    length = after.duration() if after else standard.after
    if after and length and length > LONGEST_WAIT:
        after.problem(f"a wait of {after.shown}", f"at most {LONGEST_WAIT.seconds // 60}m are possible")
    return Retry(
        times=_whole(inner, "times", standard.times, least=0, most=MOST_RETRIES),
        after=length or standard.after,
        factor=_factor(inner.get("factor")),
    )


def _factor(value: Value | None) -> float:
    number = value.number() if value else None
    if value and number is not None and not 1 <= number <= 10:
        value.mismatch("a number from 1 to 10", "for example 2")
    return float(number) if number is not None else Retry().factor


def _whole(keys: Mapping, key: str, default: int, *, least: int, most: int) -> int:
    value = keys.get(key)
    found = value.integer(least=least, most=most) if value else None
    return default if found is None else found


def _catch(keys: Mapping, reader: Reader) -> Catch:
    value = keys.get("catch")
    inner = value.mapping(remedy="for example {404: not_found, error: sorry}") if value else None
    ways = {}
    for key, way in inner.items() if inner else ():
        if key in ("timeout", "status", "error") or _STATUS.fullmatch(key):
            ways[key] = do_of(way, reader)
        elif inner:
            remedy = "use timeout, status, a status like 404 or 5xx, or error"
            inner.problem_at(key, f"{quoted(key)} is nothing that can be caught", remedy)
    return Catch(ways)


def _url(value: Value, reader: Reader) -> Filled | None:
    url = reader.sealed(value)
    fixed = url if isinstance(url, str) else None
    if fixed is not None and not fixed.lower().startswith(("http://", "https://")):
        value.mismatch("a URL", "start it with https://")
        return None
    return url


def _method(keys: Mapping, kind: BodyKind) -> str:
    value = keys.get("method")
    if value is None:
        return "GET" if kind == "none" else "POST"
    return value.one_of(METHODS) or "GET"


def _headers(keys: Mapping, reader: Reader) -> tuple[tuple[str, Filled], ...]:
    value = keys.get("headers")
    inner = value.mapping(remedy="for example {Authorization: Bearer …}") if value else None
    found = []
    for name, text in inner.items() if inner else ():
        wrong = None if name.lower() == "content-type" else check_header(name, "x")
        if wrong is not None and inner:
            inner.problem_at(name, wrong.what, wrong.remedy)
        found.append((name, reader.sealed(text) or ""))
    return tuple(found)


def _key(keys: Mapping, reader: Reader) -> tuple[tuple[str, Filled], ...]:
    value = keys.get("key")
    key = reader.sealed(value, before="Bearer ") if value else None
    return (("Authorization", key),) if key is not None else ()


_BODIES: tuple[BodyKind, ...] = ("json", "form")


def _body(keys: Mapping, reader: Reader) -> tuple[BodyKind, Json]:
    given = [key for key in ("json", "form", "body") if key in keys]
    if len(given) > 1:
        keys.problem_at(given[1], f"{' and '.join(given)} in one request", "keep one of them")
    if not given:
        return "none", None
    if given[0] == "body":
        return "text", reader.sealed(keys["body"])
    if given[0] == "form":
        inner = keys["form"].mapping(remedy="for example {name: value}")
        return "form", {key: _json(value, reader) for key, value in inner.items()} if inner else {}
    return "json", _json(keys["json"], reader)


def _json(value: Value, reader: Reader) -> Json:
    if value.is_list:
        return tuple(_json(item, reader) for item in value.items())
    if value.is_mapping:
        inner = value.mapping()
        return {key: _json(item, reader) for key, item in inner.items()} if inner else {}
    literal = value.literal()
    return literal if not isinstance(literal, str) or not literal else reader.sealed(value)


def _save(keys: Mapping, reader: Reader) -> tuple[tuple[str, Path], ...]:
    value = keys.get("save")
    inner = value.mapping(remedy="for example {price: data.items[0].price}") if value else None
    found = []
    for name, where in inner.items() if inner else ():
        field, path = reader.settable_name(where, name), _path(where)
        if field is not None and path is not None:
            found.append((field, path))
    return tuple(found)


def _path(value: Value) -> Path | None:
    text = fixed_text(value)
    try:
        return None if text is None else json_paths.parse(text)
    except NoPath as wrong:
        value.problem(f"{value.shown} is not a place in JSON", str(wrong))
        return None


def _answer(keys: Mapping) -> Literal["", "dynamic_content"]:
    value = keys.get("answer")
    return "dynamic_content" if value and value.one_of(("dynamic_content",)) else ""


def _optional(keys: Mapping, key: str, reader: Reader) -> Filled:
    value = keys.get(key)
    return (reader.template(value) or "") if value else ""


def _temperature(keys: Mapping) -> float | None:
    value = keys.get("temperature")
    number = value.number() if value else None
    if value and number is not None and not 0 <= number <= 2:
        value.mismatch("a number from 0 to 2", "for example 0.2")
    return float(number) if number is not None else None


def _tools(keys: Mapping, reader: Reader) -> dict[str, Any]:
    value = keys.get("tools")
    inner = (
        value.mapping(("hand_off", "set_fields", "go_to"), "for example {hand_off: true}") if value else None
    )
    if inner is None:
        return {}
    fields, subflows = inner.get("set_fields"), inner.get("go_to")
    hand_off, person = _hand_off(inner.get("hand_off"), reader)
    return {
        "hand_off": hand_off,
        "person": person,
        "fields": _field_names(fields, reader) if fields else (),
        "subflows": _subflow_names(subflows, reader) if subflows else (),
    }


def _hand_off(value: Value | None, reader: Reader) -> tuple[bool, Steps]:
    """`true`: as `pause_bot` alone would; or the steps that do it."""
    if value is None:
        return False, ()
    if value.is_list or not isinstance(value.literal(), bool):
        return True, do_of(value, reader)
    return value.boolean() is True, ()


def _field_names(value: Value, reader: Reader) -> tuple[str, ...]:
    names = (reader.settable_name(value, name) for name in fixed_texts(value))
    return tuple(name for name in names if name)


def _subflow_names(value: Value, reader: Reader) -> tuple[str, ...]:
    items = value.items("write a list of subflows") if value.is_list else [value]
    return tuple(name for item in items if (name := reader.subflow(item)))
