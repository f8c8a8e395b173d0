"""Calls: what a flow asks of another server, as it waits to be asked, and what came of it.

A task is complete but for its secrets (`sealing`): a courier needs nothing of the flow to carry it.
"""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from relevo.domain.ids import WorkspaceId

LONGEST_TIMEOUT = timedelta(minutes=2)
LONGEST_WAIT = timedelta(minutes=10)
"""The most between two attempts of one call."""
MOST_RETRIES = 10
ANSWER_LIMIT = 256 * 1024
"""Bytes of an answer: a larger one is a failed call."""
_PLACES = 1000


class Retry(msgspec.Struct, frozen=True):
    """After a failure that may pass: up to so many `times` more, the first `after` so long, each wait
    `factor` times the one before."""

    times: int = 2
    after: timedelta = timedelta(seconds=2)
    factor: float = 2.0

    @property
    def schedule(self) -> tuple[timedelta, ...]:
        """The waits between the attempts."""
        waits, wait = [], self.after
        for _ in range(self.times):
            waits.append(min(wait, LONGEST_WAIT))
            wait = min(wait * self.factor, LONGEST_WAIT)
        return tuple(waits)

    def longest(self, timeout: timedelta) -> timedelta:
        """How long all attempts may take, chance and `Retry-After` included."""
        return timeout * (self.times + 1) + sum(self.schedule, timedelta()) * 2


BodyKind = Literal["none", "json", "form", "text"]


class HttpTask(msgspec.Struct, frozen=True, kw_only=True, tag="http"):
    """One request. URL, header values and body have marks where secrets belong. `body`: a JSON value; for a
    form its names and values; for text the text."""

    method: str
    url: str
    headers: dict[str, str] = {}
    kind: BodyKind = "none"
    body: Any = None
    timeout: timedelta = timedelta(seconds=10)
    schedule: tuple[timedelta, ...] = ()


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """What a model may do besides answering. `arguments`: each with the values that it may have; none: any
    text."""

    name: str
    description: str
    arguments: dict[str, tuple[str, ...]] = {}


class AiTask(msgspec.Struct, frozen=True, kw_only=True, tag="ai"):
    """A question to a language model, over the chat completions of an OpenAI-compatible endpoint.

    `history` is how many messages of the conversation it sees, up to the one numbered `up_to_seq`;
    `timeout` is for all rounds together.
    """

    url: str
    headers: dict[str, str] = {}
    model: str
    instructions: str = ""
    question: str = ""
    history: int = 10
    up_to_seq: int = 0
    tools: tuple[Tool, ...] = ()
    max_tokens: int = 500
    limit_as: str = "max_tokens"
    """What the server calls that limit: `max_completion_tokens` for OpenAI's newer models."""
    temperature: float | None = None
    rounds: int = 3
    timeout: timedelta = timedelta(seconds=30)
    schedule: tuple[timedelta, ...] = ()


CallTask = HttpTask | AiTask


# What came of it


class HttpAnswer(msgspec.Struct, frozen=True, tag="http"):
    """2xx, and what was said."""

    status: int
    body: bytes = b""


class AiAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="ai"):
    """What the model said and wants done: fields set, a subflow (`go_to`) started, a person called."""

    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    go_to: str = ""
    hands_off: bool = False
    reason: str = ""
    tokens: int = 0


FailureKind = Literal["timeout", "status", "unreachable", "nonsense", "stopped"]


class CallFailed(msgspec.Struct, frozen=True, tag="failed"):
    """No use could be made of it. `detail` is for people, and has nothing of secrets or of the answer."""

    kind: FailureKind
    status: int = 0
    detail: str = ""


CallResult = HttpAnswer | AiAnswer | CallFailed


def place_of(workspace_id: WorkspaceId, url: str) -> int:
    """Which of the destinations of kind `call` a URL is: a host that is dead holds up only those that
    share its number, and there are not many numbers."""
    try:
        host = urlsplit(url).netloc
    except ValueError:
        host = ""
    return 1 + zlib.crc32(f"{workspace_id} {host}".encode()) % _PLACES


def kind_of(task: CallTask) -> str:
    """What a call is called in lists and counts."""
    return "http" if isinstance(task, HttpTask) else "ai"


def encoded(task: CallTask) -> bytes:
    return msgspec.json.encode(task)


_decoder: msgspec.json.Decoder[CallTask] = msgspec.json.Decoder(CallTask)


def decoded(body: bytes) -> CallTask:
    return _decoder.decode(body)


def json_of(body: bytes) -> Any:
    """Raises ValueError for what is no JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
