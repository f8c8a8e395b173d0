from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from relevo.sdk.messages import Message
from relevo.sdk.objects import told


@pytest.mark.parametrize(
    ("msg_type", "payload", "content", "text"),
    [
        ("text", {"text": "Hello"}, "Hello", "Hello"),
        ("image", {"type": "image", "url": "u", "title": "this one"}, "", "this one"),
        ("image", {"type": "image", "url": "u", "caption": "red"}, "red", "red"),
        ("audio", {"type": "audio", "url": "u", "transcribed_text": "the blue one"}, "", "the blue one"),
        ("interactive", {"text": "Yes", "id": "y", "title": "Yes"}, "Yes", "Yes"),
        ("location", {"latitude": 1.5, "longitude": 2.5}, "1.5,2.5", "1.5,2.5"),
        ("wa_template", {"body": "Order 77 is on its way."}, "EN order_shipped", "Order 77 is on its way."),
        ("reaction", {"emoji": "👍", "mid": "m1"}, "👍", "👍"),
        ("unsupported", {"text": 7}, "", ""),
    ],
)
def test_the_text_is_what_a_person_would_read(
    msg_type: str, payload: dict[str, Any], content: str, text: str
) -> None:
    assert Message(type="in", msg_type=msg_type, payload=payload, content=content).text == text


def test_the_url_of_a_file_is_told() -> None:
    assert (
        Message(type="in", payload={"url": "https://h.example/a.jpg"}).media_url == "https://h.example/a.jpg"
    )
    assert Message(type="in", payload={"url": None}).media_url == ""


def test_seconds_do_where_there_are_no_milliseconds() -> None:
    assert Message(type="in", ts=1_795_348_800).said_at == datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_numbers_may_come_as_text() -> None:
    assert told({"type": "in", "id": "900001", "_id": "6921"}, Message) == Message(
        type="in", id=900001, object_id="6921"
    )
