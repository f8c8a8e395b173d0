"""Segments of the flow: conditions with a name, by which its subscribers are chosen."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar.di import NamedDependency
from msgspec import Meta

from relevo.domain import complaints
from relevo.domain import segments as reading
from relevo.domain.errors import InvalidInput
from relevo.domain.segments import Segment, Where
from relevo.store import choosing, segments
from relevo.store.database import Connection
from relevo.web.api.answers import Page, PageQuery, page_example
from relevo.web.api.calls import Call
from relevo.web.api.flow import Name
from relevo.web.api.operations import reads

TAG = "Segments"
PATTERN = r"^f[0-9]{1,12}sg[0-9]{1,15}$"
MOST_LOOKED_AT = 20_000
"""People who are looked at one by one for a count."""


class SegmentInfo(msgspec.Struct, frozen=True):
    """A condition with a name."""

    name: Annotated[str, Meta(examples=["Regulars"])]
    segment_ns: Annotated[str, Meta(examples=["f1001sg34"])]


class SegmentPage(Page[SegmentInfo], frozen=True):
    """A page of segments."""


class SegmentsQuery(PageQuery, frozen=True, kw_only=True):
    name: Name = ""


class SegmentCountQuery(msgspec.Struct, frozen=True):
    segment_ns: Annotated[str, Meta(pattern=PATTERN, description="The segment.", examples=["f1001sg34"])]


class SegmentCount(msgspec.Struct, frozen=True):
    num: Annotated[int, Meta(description="So many are in it now.", examples=[120])]
    is_all: Annotated[
        bool, Meta(description="false: these are only those who were found before it took too long.")
    ]


class SegmentCountAnswer(msgspec.Struct, frozen=True):
    """How many are in a segment."""

    data: SegmentCount
    status: Literal["ok"] = "ok"


@reads(
    "/flow/segments",
    tag=TAG,
    title="List segments",
    name="listSegments",
    asks=SegmentsQuery,
    example=page_example("/flow/segments", {"name": "Regulars", "segment_ns": "f1001sg34"}),
)
async def list_segments(call: NamedDependency[Call], asked: NamedDependency[SegmentsQuery]) -> SegmentPage:
    """The segments of the flow, the first made first. People make them in the console."""
    paging = call.paging(asked)
    async with call.services.database.read() as connection:
        found, total = await segments.listing(
            connection, call.key.flow_id, name=asked.name, limit=paging.limit, offset=paging.offset
        )
    return paging.answer(SegmentPage, [SegmentInfo(one.name, one.ns) for one in found], total)


@reads(
    "/flow/segment-bot-users-count",
    tag=TAG,
    title="Count who is in a segment",
    name="countSegment",
    asks=SegmentCountQuery,
    example={"data": {"num": 120, "is_all": True}, "status": "ok"},
)
async def count_segment(
    call: NamedDependency[Call], asked: NamedDependency[SegmentCountQuery]
) -> SegmentCountAnswer:
    """How many subscribers are in a segment at this moment. UChat has nothing like it."""
    async with call.services.database.read() as connection:
        condition = reading.read((await find_segment(call, connection, asked.segment_ns)).source)
        counted = await choosing.count(connection, where_of(call), condition, most=MOST_LOOKED_AT)
    return SegmentCountAnswer(SegmentCount(counted.number, counted.is_all))


async def find_segment(call: Call, connection: Connection, ns: str) -> Segment:
    """Raises InvalidInput when the flow has none of this name space."""
    number = ns.rpartition("sg")[2]
    ids = [int(number)] if number.isdecimal() and len(number) <= LONGEST_NUMBER else []
    found = await segments.of_flow(connection, call.key.flow_id, ids)
    if not found or found[0].ns != ns:
        raise InvalidInput({"segment_ns": [complaints.unknown("segment_ns", ns, "segment in this flow")]})
    return found[0]


LONGEST_NUMBER = 15


def where_of(call: Call) -> Where:
    return call.services.catalog.where(call.key.flow_id, call.services.clock.now())
