"""What log lines look like, and what never gets into one."""

from __future__ import annotations

import errno
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import structlog

from relevo import logs

NOON = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Message(msgspec.Struct):
    said: str


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    handlers, level = logging.root.handlers, logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers = handlers
    logging.root.setLevel(level)


def logged(**facts: object) -> dict[str, Any]:
    """The line that these facts become."""
    stream = io.StringIO()
    logs.set_up("info", "json", stream)
    structlog.get_logger().info("webhook.attempted", **facts)
    line: dict[str, Any] = json.loads(stream.getvalue())
    return line


def test_a_line_is_one_object_with_the_time_the_level_and_the_event_first() -> None:
    line = logged(delivery=7, outcome="refused", took_ms=812)

    assert list(line) == ["timestamp", "level", "event", "delivery", "outcome", "took_ms"]
    assert line["event"] == "webhook.attempted"
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")
    assert (line["delivery"], line["outcome"], line["took_ms"]) == (7, "refused", 812)


def test_times_and_durations_are_written_for_machines() -> None:
    line = logged(next_at=NOON, took=timedelta(milliseconds=1500))

    assert (line["next_at"], line["took"]) == ("2030-01-01T12:00:00Z", 1.5)


@pytest.mark.parametrize(
    "key",
    [
        "authorization",
        "token",
        "api_token",
        "secret",
        "password",
        "headers",
        "request_headers",
        "X-Desk-Key",
        "text",
        "content",
        "body",
        "answer_body",
        "payload",
        "Set-Cookie",
    ],
)
def test_what_people_wrote_and_what_opens_doors_is_masked(key: str) -> None:
    assert logged(**{key: "hunter2"})[key] == "***"
    assert logged(**{key: {"deep": ["hunter2"]}})[key] == "***"
    assert logged(facts=[{"more": {key: "hunter2"}}])["facts"] == [{"more": {key: "***"}}]


@pytest.mark.parametrize("key", ["content_type", "body_size", "token_id", "conversation", "secretary"])
def test_what_only_sounds_like_a_secret_is_not_masked(key: str) -> None:
    assert logged(**{key: "seen"})[key] == "seen"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("postgresql://me:hunter2@db/x is away", "postgresql://***@db/x is away"),
        ("sent Authorization: Bearer hunter2.a-b", "sent Authorization: Bearer ***"),
        ("sent authorization: basic hunter2==", "sent authorization: basic ***"),
        ("the secret is whsec_hunter2+/=", "the secret is whsec_***"),
        ("GET /files/1?token=hunter2&x=1", "GET /files/1?token=***&x=1"),
        ("https://example.com/a@b", "https://example.com/a@b"),
    ],
)
def test_credentials_are_masked_wherever_they_stand(said: str, written: str) -> None:
    assert logged(reason=said)["reason"] == written
    assert logged(reasons=[said])["reasons"] == [written]


def test_of_an_object_only_its_type_is_written() -> None:
    line = logged(message=Message("hunter2"), raw=b"hunter2", error=ValueError("hunter2"))

    assert (line["message"], line["raw"], line["error"]) == ("<Message>", "<bytes>", "<ValueError>")


def test_nobody_can_begin_a_line_of_their_own() -> None:
    stream = io.StringIO()
    logs.set_up("info", "console", stream)

    structlog.get_logger().info("signed.in", name="Ana\n2030-01-01 [error] \x1b[31mfire")
    structlog.get_logger().info("signed\nin")

    assert stream.getvalue().count("\n") == 2
    assert "Ana␊2030-01-01 [error] ␛[31mfire" in stream.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_is_written_without_credentials(form: logs.LogFormat) -> None:
    stream = io.StringIO()
    logs.set_up("info", form, stream)
    try:
        raise ConnectionError("postgresql://me:hunter2@db/x is away")
    except ConnectionError:
        structlog.get_logger().exception("commit.failed", batch=3)

    assert "hunter2" not in stream.getvalue()
    assert "ConnectionError: postgresql://***@db/x is away" in stream.getvalue()


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        ("auto", io.StringIO(), True),
        ("auto", Terminal(), False),
        ("json", Terminal(), True),
        ("console", io.StringIO(), False),
    ],
)
def test_the_format_follows_the_setting_and_then_the_terminal(
    form: logs.LogFormat, stream: io.StringIO, is_json: bool
) -> None:
    logs.set_up("info", form, stream)
    structlog.get_logger().info("started")

    assert stream.getvalue().startswith("{") == is_json
    assert ("\x1b[" in stream.getvalue()) == (isinstance(stream, Terminal) and not is_json)


@pytest.mark.parametrize(("level", "expected"), [("debug", 3), ("info", 2), ("error", 1)])
def test_lines_below_the_level_are_left_out(level: str, expected: int) -> None:
    stream = io.StringIO()
    logs.set_up(level, "json", stream)

    log = structlog.get_logger()
    log.debug("a")
    log.info("b")
    log.error("c")

    assert len(stream.getvalue().splitlines()) == expected


def test_a_logger_made_before_the_set_up_follows_it() -> None:
    log, stream = structlog.get_logger(), io.StringIO()
    logs.set_up("info", "json", io.StringIO())
    log.info("first")
    logs.set_up("info", "json", stream)

    log.info("second")

    assert json.loads(stream.getvalue())["event"] == "second"


def test_warnings_of_other_packages_come_out_in_the_same_form() -> None:
    stream = io.StringIO()
    logs.set_up("info", "json", stream)

    logging.getLogger("another.package").warning("cannot reach %s", "postgresql://me:hunter2@db/x")
    logging.getLogger("another.package").info("chatter")

    line = json.loads(stream.getvalue())
    assert (line["logger"], line["level"]) == ("another.package", "warning")
    assert line["event"] == "cannot reach postgresql://***@db/x"


class FullDisk(io.StringIO):
    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


class ClosedPipe(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("stream", [FullDisk(), ClosedPipe()], ids=["a full disk", "a closed pipe"])
def test_a_line_that_cannot_be_written_stops_nothing(stream: io.StringIO) -> None:
    logs.set_up("info", "json", stream)

    structlog.get_logger().warning("commit.unavailable", events=1)
