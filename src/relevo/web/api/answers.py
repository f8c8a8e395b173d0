"""The envelopes of answers, and pages of lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Generic, Literal, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Meta

from relevo.web.api.reading import ApiRequest

T = TypeVar("T")

DEFAULT_LIMIT, MOST_LIMIT = 10, 100
MOST_PAGES = 1000

Limit = Annotated[int, Meta(ge=1, le=MOST_LIMIT, description="How many to a page.", examples=[25])]
PageNumber = Annotated[
    int, Meta(ge=1, le=MOST_PAGES, description="Which page; 1 is the first.", examples=[1])
]


class Ok(msgspec.Struct, frozen=True):
    """It is done, and stored."""

    status: Literal["ok"] = "ok"


class Links(msgspec.Struct, frozen=True):
    """Where the other pages are; null where there is none."""

    first: str
    last: str
    prev: str | None
    next: str | None


class PageMeta(msgspec.Struct, frozen=True):
    """Where this page stands. `from` and `to` are the numbers of its first and last row, null when empty."""

    current_page: Annotated[int, Meta(examples=[1])]
    first_row: Annotated[int | None, Meta(examples=[1])] = msgspec.field(name="from")
    last_page: Annotated[int, Meta(examples=[3])]
    path: Annotated[str, Meta(examples=["https://relevo.example.com/api/subscribers"])]
    per_page: Annotated[int, Meta(examples=[10])]
    last_row: Annotated[int | None, Meta(examples=[10])] = msgspec.field(name="to")
    total: Annotated[int, Meta(examples=[27], description="How many rows there are on all pages.")]


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A page of a list."""

    data: list[T]
    links: Links
    meta: PageMeta


class Paging(msgspec.Struct, frozen=True):
    """Which part of a list was asked for, and under which address."""

    page: int
    limit: int
    url: str
    query: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, request: ApiRequest, public_url: str, *, page: int, limit: int) -> Paging:
        """Links lead to the address that the operator has told, with the caller's own filters."""
        sent = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = tuple((name, value) for name, value in sent if name != "page")
        return cls(page, limit, f"{public_url}{request.url.path}", query)

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def cut(self, rows: Sequence[T]) -> list[T]:
        """The rows of this page, of a list that is in memory as a whole."""
        return list(rows[self.offset : self.offset + self.limit])

    def links(self, total: int) -> Links:
        last = self._last_page(total)
        return Links(
            first=self._url_of(1),
            last=self._url_of(last),
            prev=self._url_of(self.page - 1) if self.page > 1 else None,
            next=self._url_of(self.page + 1) if self.page < last else None,
        )

    def meta(self, total: int, rows: int) -> PageMeta:
        return PageMeta(
            current_page=self.page,
            first_row=self.offset + 1 if rows else None,
            last_page=self._last_page(total),
            path=self.url,
            per_page=self.limit,
            last_row=self.offset + rows if rows else None,
            total=total,
        )

    def _last_page(self, total: int) -> int:
        return max(1, -(-total // self.limit))

    def _url_of(self, page: int) -> str:
        return f"{self.url}?{urlencode([*self.query, ('page', page)])}"
