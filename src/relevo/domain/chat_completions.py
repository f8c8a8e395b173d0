"""A dialogue with a language model, in the form of OpenAI's chat completions, which many servers speak.

Pure: `dialogue` yields the body of each request and is sent the answer's; its result is what the model said
and wants done, or why no use can be made of it. Nothing that a model answers can raise.
(https://platform.openai.com/docs/api-reference/chat/create, as of 2026-11.)
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import msgspec

from relevo.domain.calls import AiAnswer, AiTask, CallFailed, Tool, json_of
from relevo.domain.messages import Media, Message, MessageType, plain_text
from relevo.domain.sealing import clean

HAND_OFF, SET_FIELD, GO_TO = "hand_off", "set_field", "go_to"
LONGEST_VALUE = 2000
"""Characters of a field that a model sets."""
LONGEST_ANSWER = 20_000
_ROLES = {MessageType.IN: "user", MessageType.OUT: "assistant", MessageType.AGENT: "assistant"}

Dialogue = Generator[bytes, bytes, AiAnswer | CallFailed]


class Said(msgspec.Struct, frozen=True):
    """One message of the conversation, as a model sees it."""

    role: str
    text: str


def seen_by_model(messages: Sequence[Message]) -> list[Said]:
    """What was said, with the kind of a file in place of the file. Notes are for colleagues only."""
    found = []
    for one in messages:
        words = plain_text(one.content).strip()
        if isinstance(one.content, Media):
            words = f"[{one.content.type}] {words}".strip()
        if (role := _ROLES.get(one.type)) and words:
            found.append(Said(role, words))
    return found


class _Nonsense(Exception):
    """The answer is not what the documentation says."""


class _State:
    def __init__(self) -> None:
        self.text = ""
        self.fields: list[tuple[str, str]] = []
        self.go_to = self.reason = ""
        self.hands_off = False
        self.tokens = 0

    @property
    def is_over(self) -> bool:
        return self.hands_off or bool(self.go_to)

    def answer(self) -> AiAnswer:
        return AiAnswer(
            text=self.text[:LONGEST_ANSWER],
            fields=tuple(self.fields),
            go_to=self.go_to,
            hands_off=self.hands_off,
            reason=self.reason,
            tokens=self.tokens,
        )


def dialogue(task: AiTask, history: Sequence[Said]) -> Dialogue:
    """Ask, do what tools want, tell the model, ask again: at most `task.rounds` times."""
    spoken: list[Any] = _beginning(task, history)
    state = _State()
    for _ in range(task.rounds):
        answer = yield _request(task, spoken)
        try:
            message = _message(answer, state)
            calls = _tool_calls(message)
            _hear(message, state)
        except _Nonsense as nonsense:
            return CallFailed("nonsense", detail=str(nonsense))
        results = [_use(call, task, state) for call in calls]
        if state.is_over or (not calls and state.text):
            return state.answer()
        if not calls:
            return CallFailed("nonsense", detail="the model said nothing")
        spoken += [_as_sent(message, calls), *results]
    if state.text or state.fields:
        return state.answer()
    return CallFailed("nonsense", detail=f"the model came to no answer in {task.rounds} rounds")


# What is asked


def _beginning(task: AiTask, history: Sequence[Said]) -> list[Any]:
    first = [{"role": "system", "content": task.instructions}] if task.instructions else []
    said = [{"role": one.role, "content": one.text} for one in history]
    last = [{"role": "user", "content": task.question}] if task.question else []
    return [*first, *said, *last]


def _request(task: AiTask, spoken: list[Any]) -> bytes:
    body: dict[str, Any] = {"model": task.model, "messages": spoken, "stream": False}
    body[task.limit_as] = task.max_tokens
    if task.temperature is not None:
        body["temperature"] = task.temperature
    if task.tools:
        body["tools"] = [_declared(tool) for tool in task.tools]
    return msgspec.json.encode(body)


def _declared(tool: Tool) -> dict[str, Any]:
    properties = {name: _schema(values) for name, values in tool.arguments.items()}
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def _schema(values: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)} if values else {"type": "string"}


# What is answered


def _message(answer: bytes, state: _State) -> Mapping[str, Any]:
    try:
        body = json_of(answer)
    except ValueError:
        raise _Nonsense("the answer is no JSON") from None
    state.tokens += _tokens(body)
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(message, dict):
        raise _Nonsense("the answer has no choices[0].message")
    if first.get("finish_reason") == "content_filter":
        raise _Nonsense("the answer was withheld by a content filter")
    if isinstance(message.get("refusal"), str) and message["refusal"]:
        raise _Nonsense("the model refused to answer")
    return message


def _tokens(body: Any) -> int:
    usage = body.get("usage") if isinstance(body, dict) else None
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) and 0 <= total < 10**9 else 0


def _hear(message: Mapping[str, Any], state: _State) -> None:
    content = message.get("content")
    if isinstance(content, list):  # some servers answer in parts
        parts = (part.get("text") for part in content if isinstance(part, dict))
        content = "".join(part for part in parts if isinstance(part, str))
    if content is not None and not isinstance(content, str):
        raise _Nonsense("the answer's content is no text")
    if content and content.strip():
        state.text = clean(content.strip())


def _tool_calls(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise _Nonsense("the answer's tool_calls are no list")
    return calls[:20]


def _as_sent(message: Mapping[str, Any], calls: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {"role": "assistant", "content": message.get("content"), "tool_calls": calls}


# Tools


def _use(call: Mapping[str, Any], task: AiTask, state: _State) -> dict[str, Any]:
    """Do what a tool is for; what the model is told of it."""
    return {"role": "tool", "tool_call_id": str(call.get("id") or ""), "content": _done(call, task, state)}


def _done(call: Mapping[str, Any], task: AiTask, state: _State) -> str:
    function = call.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    tool = next((one for one in task.tools if one.name == name), None)
    if tool is None or not isinstance(function, dict):
        return f"error: there is no tool {str(name)[:50]!r}"
    arguments = _arguments(function.get("arguments"))
    for argument, values in tool.arguments.items():
        given = arguments.get(argument)
        if not isinstance(given, str) or (values and given not in values):
            return f"error: {argument} must be {' or '.join(values) if values else 'a text'}"
    _apply(tool.name, arguments, state)
    return "done"


def _arguments(written: Any) -> Mapping[str, Any]:
    """JSON in a text, as documented; some servers give the object itself."""
    try:
        found = json_of(written.encode()) if isinstance(written, str) else written
    except (ValueError, UnicodeEncodeError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: _as_text(value) for key, value in found.items()}


def _as_text(value: Any) -> Any:
    """Numbers and truth values are texts here: a field's type is not the model's business."""
    if isinstance(value, bool | int | float):
        return msgspec.json.encode(value).decode()
    return value


def _apply(tool: str, arguments: Mapping[str, Any], state: _State) -> None:
    if tool == HAND_OFF:
        state.hands_off, state.reason = True, clean(arguments["reason"])[:LONGEST_VALUE]
    elif tool == SET_FIELD:
        state.fields.append((arguments["name"], clean(arguments["value"])[:LONGEST_VALUE]))
    elif tool == GO_TO:
        state.go_to = arguments["subflow"]


def tools_for(
    *, hand_off: bool, fields: Sequence[str] = (), subflows: Sequence[str] = ()
) -> tuple[Tool, ...]:
    """The tools that a step allows."""
    found = []
    if hand_off:
        what = "Call a person of the company into this conversation, if they ask for one or you cannot help."
        found.append(Tool(name=HAND_OFF, description=what, arguments={"reason": ()}))
    if fields:
        what = "Note something that the customer told about themselves."
        found.append(Tool(name=SET_FIELD, description=what, arguments={"name": tuple(fields), "value": ()}))
    if subflows:
        what = "Go on with another part of the conversation."
        found.append(Tool(name=GO_TO, description=what, arguments={"subflow": tuple(subflows)}))
    return tuple(found)
