"""What a page says before an endpoint or a channel is deleted."""

from __future__ import annotations

import msgspec

from relevo.admin import deleting
from relevo.domain.audiences import is_live_chat
from relevo.domain.workspaces import Channel, Endpoint
from relevo.web.console.visits import Visit


class Deleting(msgspec.Struct, frozen=True, kw_only=True):
    """`place`: where the form goes. `used_by`: what speaks against it."""

    place: str
    what: str
    waiting: int
    used_by: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        return deleting.in_words(self.waiting)


async def of_endpoint(visit: Visit, endpoint: Endpoint) -> Deleting:
    channels = visit.directory.channels.values()
    return Deleting(
        place=f"/console/endpoints/{endpoint.id}/delete",
        what="Nothing is posted there any more, and its headers and secrets are forgotten.",
        waiting=await deleting.count_waiting(visit.means, endpoint),
        used_by=tuple(one.name for one in channels if is_live_chat(endpoint, one)),
    )


async def of_channel(visit: Visit, channel: Channel) -> Deleting:
    return Deleting(
        place=f"/console/channels/{channel.id}/delete",
        what="Nothing comes in or goes out there any more. Its conversations stay, and can be read.",
        waiting=await deleting.count_waiting(visit.means, channel),
    )
