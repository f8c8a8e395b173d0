"""docs/reference/egress.md has the very table of hostile URLs that the egress guard is tried with."""

from __future__ import annotations

from tests.http_client.hostile_urls import BEGINNING, HOSTILE, PAGE, as_markdown


def test_the_table_on_the_page_is_the_one_that_is_tried() -> None:
    _, beginning, table = PAGE.read_text().partition(BEGINNING)

    assert beginning + table == as_markdown(), "python -m tests.http_client.hostile_urls writes it anew"


def test_it_has_a_row_for_each_url_and_each_url_once() -> None:
    urls = [one.url for rows in HOSTILE.values() for one in rows]

    assert len(urls) == len(set(urls)) == as_markdown().count("\n| `")
    assert len(urls) >= 60
