"""What becomes of rich content on a poor channel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.domain.degrading import Degraded, Limits, chosen, degrade, has_options, split_text
from relevo.domain.messages import (
    Button,
    Card,
    Cards,
    Contact,
    Contacts,
    Content,
    Interactive,
    Location,
    Media,
    Other,
    QuickReply,
    Reaction,
    Text,
)

WORDS_ONLY = Limits(text=1000)
RICH = Limits(
    media=frozenset({"image", "video", "audio", "file", "sticker"}),
    buttons=3,
    quick_replies=10,
    cards=True,
    location=True,
)

BUTTONS = (
    Button("Yes", id="y"),
    Button("Shop", kind="url", target="https://shop.example"),
    Button("Ring us", kind="call", target="+61400000000"),
)
REPLIES = (QuickReply("Red", "r"), QuickReply("Blue", "b"))
MUG = Card("Mug", "9.90", "https://cdn.example/m.jpg", "https://shop.example/m", (Button("Buy", "buy-mug"),))
LAMP = Card("Lamp", buttons=(Button("Buy", "buy-lamp"),))

EVERY_CONTENT: list[Content] = [
    Text("Hello", BUTTONS, REPLIES),
    Media("image", "https://cdn.example/a.jpg", caption="A", buttons=BUTTONS, quick_replies=REPLIES),
    Media("sticker", "https://cdn.example/s.webp"),
    Location(-33.86, 151.21, "Harbour"),
    Contacts((Contact("Ana", ("+61400000000",), ("ana@example.com",)),)),
    Interactive("Yes", "y"),
    Reaction("👍", "m1"),
    Cards((MUG, LAMP), quick_replies=REPLIES),
    Other("order", {"items": 2}, "2 mugs"),
]


@pytest.mark.parametrize(
    "content", [c for c in EVERY_CONTENT if isinstance(c, Text | Media | Location | Cards)]
)
def test_what_a_rich_channel_carries_is_left_as_it_is(content: Content) -> None:
    assert degrade(content, RICH) == Degraded((content,))


def test_buttons_become_numbered_lines_and_links_keep_their_targets() -> None:
    words = "Choose\n1. Yes\nShop: https://shop.example\nRing us: +61400000000"

    assert degrade(Text("Choose", BUTTONS), WORDS_ONLY) == Degraded(
        (Text(words),), ("buttons became text",), (QuickReply("Yes", "y"),)
    )


def test_numbers_run_on_from_buttons_to_quick_replies() -> None:
    (said,) = degrade(Text("Colour?", (Button("None"),), REPLIES), WORDS_ONLY).contents

    assert said == Text("Colour?\n1. None\n2. Red\n3. Blue")


def test_more_buttons_than_fit_all_become_text_but_quick_replies_stay() -> None:
    limits = Limits(buttons=2, quick_replies=2)

    (said,) = degrade(Text("Choose", BUTTONS, REPLIES), limits).contents

    assert isinstance(said, Text)
    assert (said.buttons, said.quick_replies) == ((), REPLIES)


def test_a_long_text_is_split_and_its_buttons_stay_with_the_end() -> None:
    limits = Limits(text=20, buttons=1)
    yes = (Button("Yes"),)

    said, lost = degrade_parts(Text("One sentence here. Another one there.", yes), limits)

    assert said == (Text("One sentence here."), Text("Another one there.", yes))
    assert lost == ("a text of 37 characters was split",)


def test_a_text_of_buttons_alone_keeps_them() -> None:
    content = Text("", BUTTONS)

    assert degrade(content, RICH).contents == (content,)


def test_a_file_that_cannot_be_shown_becomes_a_link_under_its_caption() -> None:
    film = Media("video", "https://cdn.example/v.mp4", caption="Look", buttons=(Button("Nice"),))

    assert degrade(film, WORDS_ONLY) == Degraded(
        (Text("Look\nhttps://cdn.example/v.mp4\n1. Nice"),),
        ("video became a link", "buttons became text"),
        (QuickReply("Nice"),),
    )


def test_a_sticker_becomes_a_picture_and_anything_may_go_as_a_file() -> None:
    sticker = Media("sticker", "https://cdn.example/s.webp")

    assert kinds(sticker, {"image", "file"}) == ["image"]
    assert kinds(sticker, {"file"}) == ["file"]
    assert kinds(Media("audio", "https://cdn.example/a.mp3"), {"image", "file"}) == ["file"]


def test_a_caption_that_is_too_long_follows_its_picture_as_text() -> None:
    picture = Media("image", "https://cdn.example/a.jpg", caption="Much too long.", buttons=(Button("Yes"),))
    limits = Limits(text=9, media=frozenset({"image"}), buttons=1)

    contents, lost = degrade_parts(picture, limits)

    assert contents == (
        Media("image", "https://cdn.example/a.jpg"),
        Text("Much too"),
        Text("long.", (Button("Yes"),)),
    )
    assert "a caption of 14 characters became text" in lost


def test_cards_become_pictures_with_captions_numbered_through() -> None:
    limits = Limits(media=frozenset({"image"}))

    contents, lost = degrade_parts(Cards((MUG, LAMP), quick_replies=REPLIES), limits)

    assert contents == (
        Media("image", "https://cdn.example/m.jpg", caption="Mug\n9.90\nhttps://shop.example/m\n1. Buy"),
        Text("Lamp\n2. Buy\n3. Red\n4. Blue"),
    )
    assert lost == ("cards became messages", "buttons became text", "quick replies became text")


def test_cards_stay_cards_where_only_their_quick_replies_do_not_fit() -> None:
    limits = Limits(cards=True, buttons=1)

    contents, lost = degrade_parts(Cards((MUG,), quick_replies=REPLIES), limits)

    assert contents == (Cards((MUG,)), Text("1. Red\n2. Blue"))
    assert lost == ("quick replies became text",)


def test_cards_with_more_buttons_than_fit_become_messages() -> None:
    contents, _ = degrade_parts(Cards((Card("Mug", buttons=BUTTONS),)), Limits(cards=True, buttons=2))

    assert isinstance(contents[0], Text)


def test_a_place_becomes_a_link_to_a_map() -> None:
    (said,) = degrade(Location(-33.86, 151.21, "Harbour", "1 Quay St"), WORDS_ONLY).contents

    assert said == Text("Harbour\n1 Quay St\nhttps://www.google.com/maps/search/?api=1&query=-33.86,151.21")


def test_people_become_lines() -> None:
    people = Contacts((Contact("Ana", ("+61400000000",), ("ana@example.com",)), Contact("Bo")))

    assert degrade(people, RICH).contents == (Text("Ana: +61400000000, ana@example.com\nBo"),)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (Interactive("Yes", "y"), "Yes"),
        (Reaction("👍", "m1"), "👍"),
        (Other("order", {}, "2 mugs"), "2 mugs"),
    ],
)
def test_what_only_customers_say_becomes_its_words(content: Content, words: str) -> None:
    degraded = degrade(content, RICH)

    assert degraded.contents == (Text(words),)
    assert degraded.lost


def test_what_has_no_words_is_not_said_but_named() -> None:
    assert degrade(Other("order", {"items": 2}), RICH) == Degraded((), ("other became text",))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Short.", ("Short.",)),
        ("   ", ()),
        ("First one. Second one.", ("First one.", "Second one.")),
        ('He said "go on!" and left', ('He said "go on!"', "and left")),
        ("line one\nline two two", ("line one", "line two two")),
        ("no sentence end in here", ("no sentence end", "in here")),
        ("Aaaaaaaaaaaaaaaaaaaaaaa", ("Aaaaaaaaaaaaaaaaa", "aaaaaa")),
        ("A. Then a longer one", ("A. Then a longer", "one")),
        ("これは文です。これも長い文です。", ("これは文です。これも長い文です。",)),
        ("version 1.2.3 is out", ("version 1.2.3 is", "out")),
    ],
)
def test_texts_are_cut_at_sentences_then_words_then_anywhere(text: str, parts: tuple[str, ...]) -> None:
    assert split_text(text, 17) == parts


@given(st.text(alphabet="ab .!?\n。", max_size=200), st.integers(1, 40))
def test_no_part_is_too_long_and_no_letter_is_lost(text: str, limit: int) -> None:
    parts = split_text(text, limit)

    assert all(0 < len(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(
    st.sampled_from(EVERY_CONTENT),
    st.builds(
        Limits,
        text=st.integers(1, 60),
        media=st.frozensets(st.sampled_from(["image", "video", "audio", "file", "sticker"])),
        buttons=st.integers(0, 3),
        quick_replies=st.integers(0, 3),
        cards=st.booleans(),
        location=st.booleans(),
    ),
)
def test_what_comes_out_always_fits(content: Content, limits: Limits) -> None:
    degraded = degrade(content, limits)

    assert degraded.contents
    for part in degraded.contents:
        assert degrade(part, limits) == Degraded((part,))


def degrade_parts(content: Content, limits: Limits) -> tuple[tuple[Content, ...], tuple[str, ...]]:
    degraded = degrade(content, limits)
    return degraded.contents, degraded.lost


def kinds(media: Media, carried: set[str]) -> list[str]:
    contents = degrade(media, Limits(media=frozenset(carried))).contents
    return [part.type for part in contents if isinstance(part, Media)]


# What was numbered


RED, BLUE = QuickReply("Red", "r"), QuickReply("Blue", "b")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2", BLUE),
        (" 2. ", BLUE),
        ("#1", RED),
        ("1)", RED),
        ("blue", BLUE),
        ("0", None),
        ("3", None),
        ("2 of them", None),
        ("99999", None),
        ("", None),
    ],
)
def test_an_answer_means_the_button_of_its_number_or_title(said: str, meant: QuickReply | None) -> None:
    assert chosen((RED, BLUE), said) == meant


def test_the_numbers_of_cards_run_on_through_all_of_them() -> None:
    cards = Cards(tuple(Card(title, buttons=(Button(title, title),)) for title in ("Mug", "Lamp")))

    numbered = degrade(cards, WORDS_ONLY).numbered

    assert [one.id for one in numbered] == ["Mug", "Lamp"]


def test_only_what_can_be_pressed_has_options() -> None:
    assert has_options(Text("A", quick_replies=(RED,)))
    assert not has_options(Text("A"))
    assert not has_options(Location(1, 2))


def test_a_text_with_buttons_may_have_to_be_shorter() -> None:
    limits = Limits(text=30, button_text=14, buttons=1)
    button = Button("Yes", "yes")

    assert degrade(Text("One sentence. And another.", (button,)), limits).contents == (
        Text("One sentence."),
        Text("And another.", (button,)),
    )
    assert degrade(Text("One sentence. And another."), limits).lost == ()


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("Привет всем. До завтра!", 24, ("Привет всем.", "До завтра!")),
        ("🙂🙂🙂", 10, ("🙂🙂", "🙂")),
        ("Hello", 5, ("Hello",)),
    ],
)
def test_a_limit_in_bytes_cuts_no_character_in_two(text: str, limit: int, parts: tuple[str, ...]) -> None:
    assert split_text(text, limit, in_bytes=True) == parts


def test_more_cards_than_one_message_may_have_are_several() -> None:
    cards = Cards(tuple(Card(title) for title in "ABC"), quick_replies=(RED,))
    limits = Limits(cards=True, most_cards=2, quick_replies=1)

    assert degrade(cards, limits) == Degraded(
        (Cards(cards.cards[:2]), Cards(cards.cards[2:], quick_replies=(RED,))), ("3 cards were split",)
    )


def test_cards_with_a_button_that_cannot_be_there_become_messages() -> None:
    cards = Cards((Card("Mug", buttons=(Button("Ring", kind="call", target="+61400000000"),)),))
    limits = Limits(cards=True, buttons=1, button_kinds=frozenset({"reply"}))

    assert degrade(cards, limits).contents == (Text("Mug\nRing: +61400000000"),)


def test_what_cannot_be_asked_for_by_a_button_is_asked_for_in_words() -> None:
    text = Text(
        "Where are you?", quick_replies=(QuickReply("Send it", asks="location"), QuickReply("No", "n"))
    )
    here = Limits(quick_replies=3, requests=frozenset({"location"}))

    assert degrade(text, here).contents == (text,)
    assert degrade(text, Limits(quick_replies=3)).contents == (
        Text("Where are you?", quick_replies=(QuickReply("No", "n"),)),
    )


def test_a_list_that_becomes_words_keeps_what_stands_below_its_rows() -> None:
    text = Text("Menu", quick_replies=(QuickReply("Soup", "s", "With bread"), QuickReply("Fish", "f")))

    assert degrade(text, Limits()).contents == (Text("Menu\n1. Soup – With bread\n2. Fish"),)
