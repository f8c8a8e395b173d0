"""How times, words, JSON and forms are shown: the parts that know nothing of a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from relevo.domain.conversations import Control, Status
from relevo.domain.deliveries import DeliveryState
from relevo.domain.errors import InvalidInput
from relevo.domain.handoffs import BRANCHES, PauseCause, Phase
from relevo.domain.messages import MessageStatus
from relevo.domain.workspaces import EventType, LiveChatMode, PausedAutomation, Role, Scope
from relevo.store.encryption import Cipher
from relevo.web.console import forms, notices, words
from relevo.web.console.json_showing import highlighted, pretty
from relevo.web.console.notices import Notice
from relevo.web.console.speaking import initials, linked, safe_url
from relevo.web.console.times import When, length, took
from tests.web.console.markup import parsed

NOON = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
MADRID = When(NOON, "Europe/Madrid")


# Times


@pytest.mark.parametrize(
    ("away", "short", "ago"),
    [
        (timedelta(), "13:00", "just now"),
        (timedelta(seconds=-30), "12:59", "just now"),
        (timedelta(seconds=30), "13:00", "in a moment"),
        (timedelta(minutes=-3), "12:57", "3 min ago"),
        (timedelta(minutes=29, seconds=59), "13:29", "in 29 min"),
        (timedelta(hours=-2, minutes=-5), "10:55", "2 h 5 min ago"),
        (timedelta(hours=-20), "31 Dec 2029", "20 h ago"),
        (timedelta(days=2), "3 Jan, 13:00", "3 Jan, 13:00"),
        (timedelta(days=-2), "30 Dec 2029", "30 Dec 2029"),
    ],
)
def test_an_instant_is_as_long_as_it_needs_to_be(away: timedelta, short: str, ago: str) -> None:
    assert MADRID.short(NOON + away) == short
    assert MADRID.ago(NOON + away) == ago


@pytest.mark.parametrize(
    ("away", "name"),
    [
        (timedelta(), "Today"),
        (timedelta(hours=-14), "Yesterday"),
        (timedelta(days=-3), "Saturday, 29 December 2029"),
        (timedelta(days=40), "Sunday, 10 February"),
    ],
)
def test_days_have_names(away: timedelta, name: str) -> None:
    assert MADRID.day_name(NOON + away) == name


def test_a_time_can_be_found_out_exactly() -> None:
    tag = parsed(MADRID.live_tag(NOON)).one("time")

    assert tag.get("datetime") == "2030-01-01T12:00:00Z"
    assert tag.get("title") == "1 Jan 2030, 13:00:00 (Europe/Madrid)"
    assert "data-relative" in tag.attributes
    assert MADRID.tag(None) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (90_000, "1 day"),
        (2e5, "2 days"),
    ],
)
def test_lengths_have_two_units_at_most(seconds: float, text: str) -> None:
    assert length(timedelta(seconds=seconds)) == text


def test_what_took_long_is_told_in_seconds() -> None:
    assert (took(timedelta(milliseconds=812)), took(timedelta(milliseconds=1432))) == ("812 ms", "1.4 s")


# Words


def test_everything_that_is_shown_has_words() -> None:
    assert set(words.DELIVERY_STATES) == set(DeliveryState)
    assert set(words.EVENTS) >= set(EventType)
    assert set(words.EVENT_HINTS) == set(EventType) - {EventType.TEST}
    assert set(words.CONTROLS) == set(Control)
    assert set(words.STATUSES) == set(Status.__args__)  # type: ignore[attr-defined]
    assert set(words.PAUSE_CAUSES) == set(PauseCause.__args__)  # type: ignore[attr-defined]
    assert set(words.PHASES) == set(Phase)
    assert set(words.BRANCHES) == set(BRANCHES)
    assert set(words.MESSAGE_STATUSES) == set(MessageStatus)
    assert set(words.ROLES) == set(words.ROLE_HINTS) == set(Role)
    assert set(words.SCOPE_HINTS) == set(Scope)
    assert set(words.LIVE_CHAT_MODES) == set(words.LIVE_CHAT_HINTS) == set(LiveChatMode)
    assert set(words.PAUSED_AUTOMATION) == set(words.PAUSED_AUTOMATION_HINTS) == set(PausedAutomation)


def test_a_code_without_words_is_shown_as_it_is() -> None:
    assert words.reason("brand_new") == "brand new"
    assert words.problem("brand_new") == "Brand new"
    assert words.event("brand.new") == "brand.new"


# Texts and links


@pytest.mark.parametrize(
    ("text", "hrefs"),
    [
        ("See https://a.example/b?c=1&d=2.", ["https://a.example/b?c=1&d=2"]),
        ("(http://a.example)", ["http://a.example"]),
        ("https://a.example/x, and https://b.example!", ["https://a.example/x", "https://b.example"]),
        ("javascript:alert(1) ftp://a.example www.a.example", []),
        ('https://a.example/"onclick="x', ["https://a.example"]),
    ],
)
def test_web_addresses_become_links(text: str, hrefs: list[str]) -> None:
    tree = parsed(linked(text))

    assert [one.get("href").rstrip("/") for one in tree.all("a")] == hrefs
    assert all(one.get("rel") == "noopener noreferrer nofollow" for one in tree.all("a"))
    assert [set(one.attributes) for one in tree.all("a")] == [{"href", "rel", "target"}] * len(hrefs)


@given(st.text())
def test_linked_text_says_what_it_said(text: str) -> None:
    shown = str(linked(text))

    assert shown.replace('<a href="', "").count("<a ") == 0
    if "http" not in text:
        assert shown == str(escape(text))


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a.example", True),
        ("http://a.example", True),
        ("/media/x?s=1", True),
        ("javascript:alert(1)", False),
        (" https://a.example", False),
        ("data:text/html,x", False),
        ("", False),
    ],
)
def test_only_web_addresses_are_followed(url: str, safe: bool) -> None:
    assert bool(safe_url(url)) == safe


def test_initials_are_those_of_the_first_and_the_last_name() -> None:
    found = [
        initials(name) for name in ("Ana Diaz", "Ana María Diaz", "Visitor", "", "ana@example.com", "李 雷")
    ]

    assert found == ["AD", "AD", "V", "?", "AC", "李雷"]


# JSON


def test_json_is_indented_and_marked() -> None:
    tree = parsed(highlighted(b'{"text":"a <b> \\"c\\"","n":-1.5e3,"ok":true,"none":null}'))

    marked = [(one.get("class"), one.text) for one in tree.all("span")]
    assert ("json-key", '"text"') in marked
    assert ("json-text", '"a <b> \\"c\\""') in marked
    assert ("json-literal", "-1.5e3") in marked
    assert ("json-literal", "null") in marked


@given(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(), st.lists, max_leaves=8))
def test_marked_json_says_what_it_said(value: object) -> None:
    shown = parsed(highlighted(json.dumps([value]))).text

    assert " ".join(shown.split()) == " ".join(pretty(json.dumps([value])).split())


@pytest.mark.parametrize("body", [b"", b"plain <b>", b"\xff\xfe", b"{broken", b"[" * 5000, b'"' * 100_000])
def test_whatever_comes_is_shown(body: bytes) -> None:
    shown = highlighted(body)

    assert "<b>" not in shown
    assert len(shown) < 2_000_000


# Forms


def test_a_form_is_read_as_it_was_written() -> None:
    form = forms.read(b"a=1&a=&b=%C3%A9+x%0D%0Ay&c=")

    assert form.all("a") == ["1", ""]
    assert form.raw("b") == "é x\ny"
    assert (form.get("c"), form.get("none"), form.get("none", "other")) == ("", "", "other")


@pytest.mark.parametrize("body", [b"\xff", b"a=%ff", b"&".join([b"a=1"] * 500)])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        forms.read(body)


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), (" 7 ", 7), ("", None), ("-1", None), ("x", None), ("²", None), ("9" * 16, None)],
)
def test_an_id_is_a_number_and_nothing_else(text: str, number: int | None) -> None:
    assert forms.of_pairs([("id", text)]).number("id") == number


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        ("the name is empty; write one", "The name is empty; write one."),
        ("did you mean this?", "Did you mean this?"),
        ("https://a.example leads nowhere", "https://a.example leads nowhere."),
        ('"x" is not one', '"x" is not one.'),
    ],
)
def test_a_problem_is_a_sentence(problem: str, sentence: str) -> None:
    assert forms.sentence(problem) == sentence


# Notices


def test_a_notice_is_read_by_whoever_has_the_key() -> None:
    cipher, other = Cipher(b"a" * 32), Cipher(b"b" * 32)
    sealed = notices.sealed(Notice("Saved", secret="whsec_x", secret_name="Secret"), cipher)

    assert notices.opened(sealed, cipher) == Notice("Saved", secret="whsec_x", secret_name="Secret")
    assert notices.opened(sealed, other) is None
    assert "whsec" not in repr(notices.opened(sealed, cipher))
    assert len(sealed) < notices.LONGEST


@given(st.text(max_size=60))
def test_a_cookie_that_is_no_notice_is_nothing(text: str) -> None:
    assert notices.opened(text, Cipher(b"a" * 32)) is None
