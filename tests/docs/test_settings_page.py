"""docs/reference/settings.md says what the table of settings says, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relevo.settings import SETTINGS, Setting

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S))


def test_every_setting_is_documented_and_nothing_else_in_the_order_of_the_table() -> None:
    assert list(SECTIONS) == [setting.name for setting in SETTINGS]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_section_of_a_setting_says_what_its_row_says(setting: Setting) -> None:
    default = f"Default: `{setting.default}`." if setting.default else "Default: none."
    masked = " Shown masked." if setting.secret else ""
    dangerous = " **Dangerous**: it opens a door." if setting.dangerous else ""

    assert SECTIONS[setting.name].split() == f"{default}{masked}{dangerous} {setting.help}".split()


def test_no_setting_is_named_anywhere_on_the_page_that_does_not_exist() -> None:
    named = set(re.findall(r"RELEVO_[A-Z0-9_]*[A-Z]", PAGE.read_text()))

    assert named == {setting.name for setting in SETTINGS}
