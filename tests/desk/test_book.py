from __future__ import annotations

import pytest

from relevo.desk.book import (
    Book,
    Change,
    ConversationChanged,
    ConversationDropped,
    Line,
    LineChanged,
    UnknownConversation,
)


def make_book(*, conversations: int = 3, lines: int = 3) -> tuple[Book, list[Change]]:
    told: list[Change] = []
    return Book(told.append, most_conversations=conversations, most_lines=lines), told


def test_every_change_is_told() -> None:
    book, told = make_book()

    book.open("f1u1", 10)
    book.put("f1u1", Line(id="a", who="customer", at=11, text="Hi"))

    assert [type(change) for change in told] == [ConversationChanged, LineChanged, ConversationChanged]
    assert told[-1] == ConversationChanged(book.get("f1u1"))
    assert (book.get("f1u1").last_text, book.get("f1u1").last_at) == ("Hi", 11)


def test_opening_twice_is_opening_once() -> None:
    book, _ = make_book()
    book.open("f1u1", 10)
    book.change("f1u1", name="Ana")

    assert book.open("f1u1", 20).name == "Ana"


def test_room_is_made_by_dropping_the_oldest_and_the_resolved_first() -> None:
    book, told = make_book()
    for number in (1, 2, 3):
        book.open(f"f1u{number}", number)
    book.change("f1u2", status="done")

    book.open("f1u4", 4)
    book.open("f1u5", 5)

    assert [change.user_ns for change in told if isinstance(change, ConversationDropped)] == ["f1u2", "f1u1"]
    assert [each.user_ns for each in book.conversations()] == ["f1u5", "f1u4", "f1u3"]
    with pytest.raises(UnknownConversation, match="f1u2"):
        book.lines("f1u2")


def test_only_the_latest_lines_are_kept() -> None:
    book, _ = make_book()
    book.open("f1u1", 0)
    for at in (5, 4, 6, 3):
        book.put("f1u1", Line(id=str(at), who="customer", at=at))

    assert [line.id for line in book.lines("f1u1")] == ["4", "5", "6"]


def test_a_line_from_the_past_does_not_become_the_latest() -> None:
    book, _ = make_book()
    book.open("f1u1", 0)
    book.put("f1u1", Line(id="b", who="customer", at=2, text="new"))
    book.put("f1u1", Line(id="a", who="bot", at=1, text="old"))

    assert book.get("f1u1").last_text == "new"


@pytest.mark.parametrize("who", ["note", "system"])
def test_notes_are_not_what_was_said_last(who: str) -> None:
    book, _ = make_book()
    book.open("f1u1", 0)
    book.put("f1u1", Line(id="a", who="customer", at=1, text="Hi"))
    book.put("f1u1", Line(id="b", who=who, at=2, text="VIP"))  # type: ignore[arg-type]

    assert book.get("f1u1").last_text == "Hi"


def test_a_picture_without_words_is_named_by_its_kind() -> None:
    book, _ = make_book()
    book.open("f1u1", 0)
    book.put("f1u1", Line(id="a", who="customer", at=1, msg_type="image"))

    assert book.get("f1u1").last_text == "image"


def test_another_agents_words_are_a_line_of_their_own() -> None:
    book, _ = make_book()
    book.open("f1u1", 0)
    book.put("f1u1", Line(id="r1", who="agent", at=1, text="Hi", key="k"))

    assert book.tell("f1u1", Line(id="m7", who="agent", at=2, text="Hello", message_id=7))
    assert [line.id for line in book.lines("f1u1")] == ["r1", "m7"]


def test_the_reply_that_was_not_refused_is_the_one_that_is_told_back() -> None:
    book, _ = make_book()
    book.open("f1u1", 0)
    book.put("f1u1", Line(id="r1", who="agent", at=1, text="Hi", state="failed"))
    book.put("f1u1", Line(id="r2", who="agent", at=2, text="Hi"))

    book.tell("f1u1", Line(id="m7", who="agent", at=3, text="Hi", message_id=7))

    assert [(line.id, line.state) for line in book.lines("f1u1")] == [("r1", "failed"), ("r2", "sent")]


def test_a_customers_words_never_take_the_place_of_ours() -> None:
    book, _ = make_book()
    book.open("f1u1", 0)
    book.put("f1u1", Line(id="r1", who="agent", at=1, text="Hi", key="k"))

    book.tell("f1u1", Line(id="m7", who="customer", at=2, text="Hi", message_id=7))

    assert [line.id for line in book.lines("f1u1")] == ["r1", "m7"]


def test_a_line_that_is_told_back_keeps_its_place_its_key_and_its_progress() -> None:
    book, _ = make_book()
    book.open("f1u1", 0)
    book.put("f1u1", Line(id="r1", who="agent", at=1, text="Hi", key="k", state="read"))

    assert book.tell("f1u1", Line(id="m7", who="agent", at=9, text="Hi", message_id=7))
    assert not book.tell("f1u1", Line(id="m7", who="agent", at=9, text="Hi", message_id=7))

    [line] = book.lines("f1u1")
    assert (line.id, line.at, line.key, line.state, line.message_id) == ("r1", 1, "k", "read", 7)
