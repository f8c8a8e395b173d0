"""The page of the channels has the table that their capabilities make; the guide for authors, what there is
to write."""

from __future__ import annotations

import re
from typing import get_args

from relevo.channels import adapter
from relevo.channels.adapter import Adapter, Inbound
from relevo.channels.registry import ADAPTERS
from relevo.channels.toolkit import Fault
from relevo.domain.degrading import EVERY_MEDIA
from tests.architecture.sources import ROOT

PAGE = (ROOT / "docs/reference/channels.md").read_text()
GUIDE = (ROOT / "docs/how-to/write-a-channel.md").read_text()
MARK = "<!-- made of the capabilities: tests/docs/test_channels_page.py says what it should be -->\n"


def table() -> str:
    """Type × channel."""
    lines = [["", *(one.title for one in ADAPTERS.values())], ["---"] * (len(ADAPTERS) + 1)]
    columns = [column(one) for one in ADAPTERS.values()]
    lines += [[row, *(cells[row] for cells in columns)] for row in columns[0]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def column(one: Adapter) -> dict[str, str]:
    can = one.capabilities
    return {
        "text, characters": f"{can.text_limit:,}{' bytes' if can.text_in_bytes else ''}",
        "caption, characters": f"{can.caption_limit or can.text_limit:,}" if can.captioned else "a text",
        **{kind: media(one, kind) for kind in ("image", "video", "audio", "file", "sticker")},
        "location": "yes" if can.location else "a link",
        "contacts": "yes" if can.contacts else "text",
        "reactions": "yes" if can.reactions else "text",
        "buttons": str(can.buttons) if can.buttons else "numbered text",
        "of these, links and calls": kinds(one),
        "quick replies": str(can.quick_replies) if can.quick_replies else "numbered text",
        "cards": f"yes, {can.most_cards} at a time"
        if can.most_cards
        else "yes"
        if can.cards
        else f"an album of {can.albums}, or messages"
        if can.albums
        else "messages",
        "typing of an agent": "yes" if can.typing else "–",
        "reading of an agent": "yes" if can.reads else "–",
        "delivered and read": "yes" if can.receipts else "–",
        "edits of the customer": "yes" if can.edits else "–",
        "connected by a button": "yes" if can.connects else "–",
        "hours after the customer's last word": hours(one),
        "messages a second": f"{can.rates.a_second:g}" if can.rates.a_second else "–",
        "seconds between two to a person": between(one),
    }


def between(one: Adapter) -> str:
    rates = one.capabilities.rates
    at_once = f", {rates.burst} at once" if rates.burst > 1 else ""
    return f"{rates.between:g}{at_once}" if rates.between else "–"


def media(one: Adapter, kind: str) -> str:
    can = one.capabilities
    if kind not in can.media:
        return "an image" if kind == "sticker" and "image" in can.media else "a link"
    size = can.media_sizes.get(kind)
    return "yes" if size is None else f"up to {size / 1e6:g} MB"


def hours(one: Adapter) -> str:
    window, of_humans = one.capabilities.window, one.capabilities.window_of_humans
    longer = f", an agent {of_humans.total_seconds() / 3600:g}" if of_humans else ""
    return f"{window.total_seconds() / 3600:g}{longer}" if window else "–"


def cards(one: Adapter) -> str:
    can = one.capabilities
    if can.cards:
        return "yes"
    return f"an album of {can.albums}, or messages" if can.albums else "messages"


def kinds(one: Adapter) -> str:
    can = one.capabilities
    others = can.button_kinds - {"reply"} if can.buttons else set()
    return ", ".join(sorted(others)) or "text"


def test_the_table_is_the_one_that_the_capabilities_make() -> None:
    assert PAGE.split(MARK)[1].split("\n\n")[0] + "\n" == table()


def test_every_channel_has_its_guide_linked_and_nothing_else_is() -> None:
    linked = re.findall(r"src/relevo/channels/(\w+)/doc\.md", PAGE)

    assert linked == list(ADAPTERS)


def test_the_guide_of_an_author_names_every_member_item_and_fault() -> None:
    members = {name for name in (*Adapter.__annotations__, *vars(Adapter)) if not name.startswith("_")}
    rows = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", GUIDE, re.M))))

    assert members <= rows
    assert {one.__name__ for one in get_args(Inbound)} <= rows
    assert {fault.value for fault in Fault} <= rows
    assert rows - members - {fault.value for fault in Fault} <= set(dir(adapter)) | {"wire", "doc"}


def test_the_types_of_media_are_all_in_the_table() -> None:
    assert {row for row in column(next(iter(ADAPTERS.values()))) if row in EVERY_MEDIA} == EVERY_MEDIA
