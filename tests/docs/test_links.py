"""Links in our Markdown that lead to a file of ours lead to one that exists, and to a heading that does."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.sources import named, project_files

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def test_every_link_leads_somewhere() -> None:
    pages = [path for path in project_files() if path.suffix == ".md"]

    assert [f"{named(page)}: {link}" for page in pages for link in links(page) if not leads(page, link)] == []


def links(page: Path) -> list[str]:
    return ["".join(found) for found in LINK.findall(without_code(page.read_text()))]


def leads(page: Path, link: str) -> bool:
    if re.match(r"(https?|mailto):", link):
        return True  # other people's pages are not ours to test
    file, _, heading = link.partition("#")
    target = (page.parent / file) if file else page
    return target.exists() and (not heading or heading in headings(target))


def headings(page: Path) -> set[str]:
    """The anchors that a Markdown host makes of the headings of a page."""
    found = re.findall(r"^#+ (.+)$", without_code(page.read_text()), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def without_code(text: str) -> str:
    return re.sub(r"^(`{3,}).*?^\1", "", text, flags=re.M | re.S)
