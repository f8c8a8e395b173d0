"""The page of the console names what is there, in the words of the pages."""

from __future__ import annotations

import re

from relevo.web.console import words
from relevo.web.console.navigation import SECTIONS
from tests.architecture.sources import ROOT

PAGE = (ROOT / "docs/how-to/console.md").read_text()
TEMPLATES = ROOT / "src/relevo/web/console/templates"
PRESSED = ("Send test event", "Enable again", "Redeliver", "Redeliver many", "Redeliver from here on", "Skip",
           "Stop", "Resume the bot")  # fmt: skip


def rows(heading: str) -> dict[str, str]:
    """The table under a head: its first column, and its second."""
    table = PAGE.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return dict(re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.M))


def test_every_place_of_the_menu_is_described_and_nothing_else() -> None:
    assert list(rows("page")) != []
    assert set(rows("page")) == {place.title for section in SECTIONS for place in section.places}


def test_the_roles_see_what_the_console_says_they_see() -> None:
    assert rows("role") == {words.ROLES[role]: hint for role, hint in words.ROLE_HINTS.items()}


def test_what_is_to_be_pressed_is_on_a_page() -> None:
    pages = "".join(path.read_text() for path in TEMPLATES.glob("*.html"))
    for pressed in PRESSED:
        assert f"*{pressed}*" in " ".join(PAGE.split())
        assert pressed in pages
