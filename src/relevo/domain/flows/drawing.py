"""The picture of a flow as SVG: columns of boxes from left to right, laid out here and written nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

import msgspec

from relevo.domain.flows.model import Path
from relevo.domain.flows.picturing import Box, Link, Picture

Place = tuple[str, Path]

WIDTH, ROW, HEAD = 330, 22, 34
GAP_X, GAP_Y, MARGIN = 110, 28, 20
_INDENT = 12

STYLE = """\
.flow-picture { font: 12.5px system-ui, sans-serif; background: #f5f6f8;
  --surface: #fff; --line: #c9cfd9; --text: #182130; --muted: #535d6d;
  --accent: #2b50d6; --accent-soft: #e8eefd; --warn: #7f4700; --warn-soft: #fdeed3; }
@media (prefers-color-scheme: dark) { .flow-picture { background: #11151b;
  --surface: #191f27; --line: #3a4554; --text: #e7ebf1; --muted: #a2adbd;
  --accent: #8ba7ff; --accent-soft: #24304f; --warn: #f3c178; --warn-soft: #40300f; } }
.flow-box { fill: var(--surface); stroke: var(--line); }
.flow-name { fill: var(--text); font-weight: 650; font-size: 14px; }
.flow-start { fill: var(--accent); font-size: 11.5px; }
.flow-row { fill: var(--text); }
.flow-branch { fill: var(--muted); font-style: italic; }
.flow-link { fill: none; stroke: var(--accent); stroke-width: 1.4; opacity: .75; }
.flow-offers { stroke-dasharray: 4 3; }
.flow-arrow { fill: var(--accent); }
.flow-count { fill: var(--accent-soft); }
.flow-counted { fill: var(--accent); font-weight: 650; font-size: 11px; }
.flow-gone { fill: var(--warn-soft); }
.flow-left { fill: var(--warn); font-weight: 650; font-size: 11px; }
"""
"""For a picture that stands alone; the console has the same in its own sheet."""


class Crowd(msgspec.Struct, frozen=True):
    """How many people wait at a step, and how many of them have not answered for long."""

    now: int = 0
    left: int = 0


NOBODY: Mapping[Place, Crowd] = {}


def as_svg(drawn: Picture, people: Mapping[Place, Crowd] = NOBODY, *, alone: bool = True) -> str:
    """`people`: who is where. `alone`: with the colours in it, as a file of its own has to be."""
    places = _placed(drawn)
    width = max((x for x, _ in places.values()), default=0) + WIDTH + MARGIN + 40
    height = max((places[box.name][1] + _height(box) for box in drawn.boxes), default=0) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flow-picture" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-label="{escape(f"The flow {drawn.name}")}">',
        f"<style>{STYLE}</style>" if alone else "",
        '<defs><marker id="flow-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
        ' orient="auto"><path class="flow-arrow" d="M0 0L8 4L0 8z"/></marker></defs>',
        *(_box(box, places[box.name], people) for box in drawn.boxes),
        *_links(drawn, places),
        "</svg>\n",
    ]
    return "\n".join(filter(None, parts))


def _height(box: Box) -> int:
    return HEAD + ROW * (len(box.starts) + len(box.rows)) + 10


def _placed(drawn: Picture) -> dict[str, tuple[int, int]]:
    """The upper left corner of each box: those of a column one below the other, in the order of the file."""
    next_y: dict[int, int] = {}
    places = {}
    for box in drawn.boxes:
        y = next_y.get(box.column, MARGIN)
        places[box.name] = (MARGIN + box.column * (WIDTH + GAP_X), y)
        next_y[box.column] = y + _height(box) + GAP_Y
    return places


def _box(box: Box, place: tuple[int, int], people: Mapping[Place, Crowd]) -> str:
    x, y = place
    parts = [
        f'<g><rect class="flow-box" x="{x}" y="{y}" width="{WIDTH}" height="{_height(box)}" rx="8"/>',
        f'<text class="flow-name" x="{x + 14}" y="{y + 22}">{escape(box.name)}</text>',
        *(_start(start, x + 14, y + HEAD + ROW * index + 12) for index, start in enumerate(box.starts)),
    ]
    top = y + HEAD + ROW * len(box.starts)
    for index, row in enumerate(box.rows):
        kind = "flow-row" if row.path else "flow-branch"
        at = top + ROW * index + 14
        parts.append(
            f'<text class="{kind}" x="{x + 14 + _INDENT * row.depth}" y="{at}">{escape(row.text)}</text>'
        )
        if row.path and (crowd := people.get((box.name, row.path))):
            parts += _crowd(crowd, x + WIDTH - 8, at)
    return "".join([*parts, "</g>"])


def _start(words: str, x: int, y: int) -> str:
    return f'<text class="flow-start" x="{x}" y="{y}">{escape(f"▸ {words}")}</text>'


def _crowd(crowd: Crowd, right: int, y: int) -> Iterator[str]:
    """Beside its row: how many are here, and how many of them seem to have left."""
    badges = [(crowd.now, "flow-count", "flow-counted", "waiting here")]
    badges += [(crowd.left, "flow-gone", "flow-left", "without an answer for a day")] if crowd.left else []
    for number, ground, ink, about in reversed(badges):
        wide = 12 + 7 * len(f"{number:,}")
        yield f"<g><title>{number:,} {about}</title>"
        yield f'<rect class="{ground}" x="{right - wide}" y="{y - 13}" width="{wide}" height="17" rx="8"/>'
        yield f'<text class="{ink}" x="{right - wide / 2}" y="{y}" text-anchor="middle">{number:,}</text></g>'
        right -= wide + 4


def _links(drawn: Picture, places: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    boxes = {box.name: box for box in drawn.boxes}
    for link in dict.fromkeys(drawn.links):
        yield _arrow(link, boxes[link.source], places)


def _arrow(link: Link, box: Box, places: Mapping[str, tuple[int, int]]) -> str:
    """From the right of its row to the left of the other box; to one that is not further right, around."""
    x, y = places[link.source]
    index = next((index for index, row in enumerate(box.rows) if row.path == link.path), 0)
    from_x, from_y = x + WIDTH, y + HEAD + ROW * (len(box.starts) + index) + 10
    to_x, to_y = places[link.target][0], places[link.target][1] + 17
    if to_x > from_x:
        bend = f"C{from_x + GAP_X / 2} {from_y} {to_x - GAP_X / 2} {to_y} {to_x} {to_y}"
    else:
        to_x += WIDTH
        out = max(from_x, to_x) + GAP_X / 3
        bend = f"C{out} {from_y} {out} {to_y} {to_x} {to_y}"
    classes = f"flow-link flow-{link.kind}"
    return f'<path class="{classes}" d="M{from_x} {from_y}{bend}" marker-end="url(#flow-arrow)"/>'
