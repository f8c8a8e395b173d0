"""How log lines look, and what never gets into one.

Rooms write one wide line for each finished thing, ids first:
`structlog.get_logger().info("webhook.attempted", delivery=7, conversation=34, outcome="refused")`.
Lines of other packages (uvicorn, alembic) come out in the same form.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from relevo.system.current_request import CURRENT_REQUEST

MASK = "***"

MASKED_WORDS = frozenset(
    {"authorization", "cookie", "token", "secret", "password", "signature", "key", "headers"}
    | {"text", "content", "body", "payload", "caption"}
)
"""What a masked key ends with: `answer_body`, `X-Api-Key`; not `body_size` or `content_type`."""

CREDENTIALS = re.compile(
    r"(?<=://)[^/\s@]+(?=@)"  # user and password in a URL
    r"|(?<=\bBearer )[^\s'\",]+"
    r"|(?<=\bBasic )[^\s'\",]+"
    r"|(?<=\bwhsec_)[\w+/=-]+"
    r"|(?<=[?&]token=)[^&\s]+"
    r"|(?<=[?&]signature=)[^&\s]+",
    re.IGNORECASE,
)
"""What is masked wherever it stands, in tracebacks too."""

CONTROL_CHARACTERS = {code: 0x2400 + code for code in range(32)} | dict.fromkeys(range(127, 160), 0xFFFD)
"""Replaced by their pictures (␊), so that nobody's name can begin a line or colour a terminal."""

LogFormat = Literal["auto", "console", "json"]


def set_up(level: str, form: LogFormat, stream: TextIO | None = None) -> None:
    """Send every line of `level` and above to `stream` (default: standard error). May be called again."""
    stream = stream or sys.stderr
    least = logging.getLevelNamesMapping()[level.upper()]
    finish = [redact, _renderer(form, in_terminal=stream.isatty())]
    structlog.configure(
        processors=[*FACTS, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Forgiving(stream))),
        cache_logger_on_first_use=False,  # a module's logger would keep the first set-up for good
    )
    _adopt_other_packages(least, finish, stream)


class _Forgiving:
    """A stream that drops what it cannot write: where the disk is full, or nobody reads any more, Relevo goes
    on without a log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _with_request(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    if request := CURRENT_REQUEST.get():
        line.setdefault("request", request)
    return line


FACTS: list[Processor] = [
    _with_request,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def _renderer(form: LogFormat, *, in_terminal: bool) -> Processor:
    if form == "json" or (form == "auto" and not in_terminal):
        return _as_json
    return structlog.dev.ConsoleRenderer(
        colors=in_terminal, exception_formatter=structlog.dev.plain_traceback, sort_keys=False
    )


def _as_json(logger: WrappedLogger, method: str, line: EventDict) -> str:
    """Time, level and event first: lines are read by people too."""
    first = {key: line.pop(key) for key in ("timestamp", "level", "event") if key in line}
    return msgspec.json.encode({**first, **line}).decode()


def _adopt_other_packages(least: int, finish: list[Processor], stream: TextIO) -> None:
    """Everything written with the standard library's logging; of other packages only what matters."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*FACTS, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(max(least, logging.WARNING))


def redact(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """The line without secrets and without what people wrote."""
    return {
        key: _traceback(value) if key == "exception" else _clean(key, value) for key, value in line.items()
    }


def _clean(key: object, value: object) -> object:
    """A value as it may be logged: of objects only the type, since they may hold anything."""
    if _is_masked(str(key)):
        return MASK
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return value if value.isalnum() else _clean_text(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(name): _clean(name, item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(key, item) for item in value]
        case _:
            return f"<{type(value).__name__}>"


def _clean_text(text: str) -> str:
    return CREDENTIALS.sub(MASK, text).translate(CONTROL_CHARACTERS)


@lru_cache(1000)  # lines are written thousands of times a second, with the same few keys
def _is_masked(key: str) -> bool:
    return re.split(r"[-_. ]", key.lower())[-1] in MASKED_WORDS


def _traceback(value: object) -> str:
    return CREDENTIALS.sub(MASK, str(value))
