"""The envelopes of answers, and pages of lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar
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


class PageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which page of a list. What it is filtered by are the fields of its subclasses."""

    limit: Limit = DEFAULT_LIMIT
    page: PageNumber = 1


class Ok(msgspec.Struct, frozen=True):
    """It is done, and stored."""

    status: Literal["ok"] = "ok"


def newest(found: Sequence[T], limit: int) -> tuple[Sequence[T], int | None]:
    """Of the newest rows, which are found with one more than are shown: those, and the `before_id` of what is
    behind them; None where nothing is."""
    shown: Sequence[Any] = found[:limit]
    return shown, shown[-1].id if len(found) > limit else None


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


AnyPage = TypeVar("AnyPage", bound=Page[Any])


class Paging(msgspec.Struct, frozen=True):
    """Which part of a list was asked for, and under which address."""

    page: int
    limit: int
    url: str
    query: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, request: ApiRequest, public_url: str, asked: PageQuery) -> Paging:
        """Links lead to the address that the operator has told, with the caller's own filters."""
        sent = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = tuple((name, value) for name, value in sent if name != "page")
        return cls(asked.page, asked.limit, f"{public_url}{request.url.path}", query)

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def answer(self, kind: type[AnyPage], rows: list[Any], total: int) -> AnyPage:
        """The answer with the rows of this page, of which there are `total` on all pages."""
        return kind(rows, self._links(total), self._meta(total, len(rows)))

    def cut(self, kind: type[AnyPage], everything: Sequence[Any]) -> AnyPage:
        """The answer with this page of a list that is in memory as a whole."""
        rows = everything[self.offset : self.offset + self.limit]
        return self.answer(kind, list(rows), len(everything))

    def _links(self, total: int) -> Links:
        last = self._last_page(total)
        return Links(
            first=self._url_of(1),
            last=self._url_of(last),
            prev=self._url_of(self.page - 1) if self.page > 1 else None,
            next=self._url_of(self.page + 1) if self.page < last else None,
        )

    def _meta(self, total: int, rows: int) -> PageMeta:
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


def page_example(path: str, *rows: dict[str, Any]) -> dict[str, Any]:
    """A page with these rows only, for the document."""
    url = f"https://relevo.example.com/api{path}"
    return {
        "data": [*rows],
        "links": {"first": f"{url}?page=1", "last": f"{url}?page=1", "prev": None, "next": None},
        "meta": {
            "current_page": 1,
            "from": 1,
            "last_page": 1,
            "path": url,
            "per_page": DEFAULT_LIMIT,
            "to": len(rows),
            "total": len(rows),
        },
    }
