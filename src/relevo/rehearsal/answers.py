"""What servers answer, as people say it: `200 {"state": "sent"}`, `timeout`, `{says: We open at nine}`."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from relevo.domain.calls import AiAnswer, CallFailed, CallResult, FailureKind, HttpAnswer

FAILURES: tuple[FailureKind, ...] = tuple(
    kind for kind in get_args(FailureKind) if kind not in ("status", "stopped")
)
OF_HTTP = ("status", "json", "body")
OF_AI = ("says", "set", "go_to", "hand_off", "reason")
EXAMPLE = "answer 200, {status: 200, json: {…}}, {says: …, hand_off: true}, or timeout"


class NoAnswer(ValueError):
    """It cannot be an answer. The text says why."""


def answer_of(value: Any) -> CallResult:
    """The outcome that these values say. Raises NoAnswer."""
    match value:
        case bool():
            raise NoAnswer(f"{value} is no answer; {EXAMPLE}")
        case int():
            return _http(value, b"")
        case str() if value in FAILURES:
            return CallFailed(value)
        case str() if value.strip():
            return AiAnswer(text=value)
        case dict():
            return _of_mapping(value)
        case _:
            raise NoAnswer(f"{value!r} is no answer; {EXAMPLE}")


def _of_mapping(value: dict[str, Any]) -> CallResult:
    unknown = [key for key in value if key not in (*OF_HTTP, *OF_AI)]
    if unknown:
        raise NoAnswer(f"unknown key {unknown[0]!r} in an answer; {EXAMPLE}")
    if any(key in value for key in OF_AI):
        fields = value.get("set") or {}
        if not isinstance(fields, dict):
            raise NoAnswer("set must be a mapping of fields, for example {city: Madrid}")
        return AiAnswer(
            text=str(value.get("says") or ""),
            fields=tuple((str(name), str(one)) for name, one in fields.items()),
            go_to=str(value.get("go_to") or ""),
            hands_off=value.get("hand_off") is True,
            reason=str(value.get("reason") or ""),
        )
    status = value.get("status", 200)
    if type(status) is not int:
        raise NoAnswer(f"status must be a number, not {status!r}")
    body = msgspec.json.encode(value["json"]) if "json" in value else str(value.get("body", "")).encode()
    return _http(status, body)


def _http(status: int, body: bytes) -> CallResult:
    if not 100 <= status <= 599:
        raise NoAnswer(f"{status} is no status; use 200, 404 …")
    if 200 <= status < 300:
        return HttpAnswer(status, body)
    return CallFailed("status", status, f"it was answered {status}")


def read_answer(text: str) -> CallResult:
    """What somebody typed: a status maybe with a body, a word, JSON, what a model says.

    Raises NoAnswer.
    """
    first, _, rest = text.strip().partition(" ")
    if first.isdecimal() and len(first) == 3:
        return _http(int(first), rest.strip().encode())
    if text.lstrip().startswith("{"):
        try:
            return answer_of(msgspec.json.decode(text.encode()))
        except msgspec.DecodeError as wrong:
            raise NoAnswer(f"this is no JSON: {wrong}") from None
    return answer_of(text.strip())
