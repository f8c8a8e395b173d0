"""Lists for people, in columns."""

from __future__ import annotations

from collections.abc import Sequence

import click


def lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Each row as a line; a column is as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> None:
    if rows:
        click.echo("\n".join(lines([[heading.upper() for heading in headings], *rows])))
    else:
        click.echo(empty, err=True)
