"""The palette: whatever is read can be read, in light and in dark (WCAG 2.2: 4.5 for text, 3 for edges)."""

from __future__ import annotations

import re

import pytest

from relevo.web.console.static_files import FOLDER

CSS = (FOLDER / "console.css").read_text()
SCHEMES = ("light", "dark")

GROUNDS = ("page", "surface", "sunken")
TEXTS = [(ink, ground) for ink in ("text", "muted", "accent-text") for ground in GROUNDS] + [
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-bad", "bad-strong"),
    ("accent-text", "accent-soft"),
    ("text", "accent-soft"),
    ("muted", "accent-soft"),
    *[(tone, f"{tone}-soft") for tone in ("ok", "warn", "bad", "info", "quiet")],
    *[("text", f"{tone}-soft") for tone in ("ok", "warn", "bad")],
    *[(ink, f"{tone}-soft") for ink in ("accent-text", "muted") for tone in ("ok", "warn", "bad")],
    *[(tone, ground) for tone in ("ok", "warn", "bad") for ground in ("page", "surface")],
    ("bad", "sunken"),
    *[(ink, f"bubble-{who}") for ink in ("text", "muted") for who in ("in", "out", "agent", "note")],
    *[("accent-text", f"bubble-{who}") for who in ("in", "out", "agent", "note")],
    *[("bad", f"bubble-{who}") for who in ("out", "agent")],
    *[(f"json-{part}", "sunken") for part in ("key", "text", "literal")],
]
EDGES = [("edge", "surface"), ("edge", "page"), ("accent", "surface"), ("accent", "page"), ("bad", "surface")]


def palette(scheme: str) -> dict[str, str]:
    """The colours of a scheme: the dark one changes those of the light one."""
    blocks = re.findall(r":root \{(.*?)\n\s*\}", CSS, re.S)
    light, dark = (dict(_colours(block)) for block in blocks)
    return light if scheme == "light" else light | dark


def _colours(block: str) -> list[tuple[str, str]]:
    return re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Of sRGB, relative: 0 black, 1 white."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_stands_out_from_its_ground(scheme: str) -> None:
    colours = palette(scheme)

    weak = {
        f"{ink} on {ground}": round(contrast(colours[ink], colours[ground]), 2)
        for ink, ground in TEXTS
        if contrast(colours[ink], colours[ground]) < 4.5
    }
    assert weak == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_can_be_used_has_an_edge_that_is_seen(scheme: str) -> None:
    colours = palette(scheme)

    weak = [pair for pair in EDGES if contrast(colours[pair[0]], colours[pair[1]]) < 3]
    assert weak == []


def test_both_schemes_have_every_colour() -> None:
    blocks = [dict(_colours(block)) for block in re.findall(r":root \{(.*?)\n\s*\}", CSS, re.S)]

    assert len(blocks) == 2
    assert set(blocks[0]) == set(blocks[1])


def test_no_colour_is_used_that_is_not_in_the_palette() -> None:
    """But black behind films."""
    rules = re.sub(r":root \{.*?\n\s*\}", "", CSS, flags=re.S)
    defined = set(re.findall(r"--([\w-]+):", CSS))

    assert set(re.findall(r"#[0-9a-f]{3,8}\b", rules)) <= {"#000"}
    assert set(re.findall(r"var\(--([\w-]+)\)", CSS)) <= defined
    assert re.findall(r"\brgba?\(", rules) == []


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


def test_there_is_a_way_for_those_who_want_less_motion() -> None:
    assert "prefers-reduced-motion: reduce" in CSS
    assert "outline: none" not in re.sub(r"(main|\.menu|\.panel|\.editor textarea)[^{}]*\{[^}]*\}", "", CSS)
