"""Whom a vendor speaks of, where it knows people by two ids."""

from __future__ import annotations

import msgspec

from relevo.channels.adapter import Inbound, InboundMessage
from relevo.domain.events import ByConversation, SubscriberChanged
from relevo.domain.flows.runs import AddTag, SetField
from relevo.domain.workspaces import Channel
from relevo.store import identities, problems
from relevo.store.identities import Merged
from relevo.store.problems import Problem
from relevo.web.services import Services

REMEMBERED = 50_000
"""Pairs that need not be looked up again."""

MERGED = "subscriber_merged"


class Identities:
    """Finds the id that we go by. What is known once stays: a pair of ids is one person."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[tuple[int, str], str] = {}

    async def resolved(self, item: Inbound, channel: Channel) -> Inbound:
        """The same about the person as we know them. Costs a question of the database the first time that
        somebody is met, and each time for somebody of whom only the second id is known."""
        other = item.also_id if isinstance(item, InboundMessage) else ""
        if other:
            await self._join(item.user_id, other, channel)
            return item
        first = await self._first(item.user_id, channel)
        return msgspec.structs.replace(item, user_id=first) if first else item

    async def _first(self, user_id: str, channel: Channel) -> str | None:
        if user_id.isdecimal():
            return None
        known = self._known.get((channel.id, user_id))
        if known is not None:
            return known
        async with self._services.database.read() as connection:
            return await identities.first_id(connection, channel.id, user_id)

    async def _join(self, user_id: str, other_id: str, channel: Channel) -> None:
        if self._known.get((channel.id, other_id)) == user_id:
            return
        async with self._services.database.read() as connection:
            is_new = await identities.first_id(connection, channel.id, other_id) != user_id
        if is_new and not await self._joined(user_id, other_id, channel):
            return
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[channel.id, other_id] = user_id

    async def _joined(self, user_id: str, other_id: str, channel: Channel) -> bool:
        async with self._services.database.write() as connection:
            joined = await identities.join(connection, channel.id, user_id, other_id)
            if isinstance(joined, Merged):
                await problems.insert_new(connection, [*self._told(joined, channel)])
        if isinstance(joined, Merged):
            await self._services.engine.submit(_what_only_the_other_has(joined))
        return bool(joined)

    def _told(self, merged: Merged, channel: Channel) -> list[Problem]:
        """For whoever looks for the messages that were here."""
        detail = (
            f"{merged.left.user_ns} and {merged.kept.user_ns} are one person; all messages are in the latter"
        )
        return [
            Problem(
                workspace_id=channel.workspace_id,
                conversation_id=one.id,
                channel_id=channel.id,
                code=MERGED,
                detail=detail,
                at=self._services.clock.now(),
            )
            for one in (merged.kept, merged.left)
        ]


def _what_only_the_other_has(merged: Merged) -> SubscriberChanged:
    """Tags and fields change by an event only, so that whoever listens hears of it."""
    kept, left = merged.kept.subscriber, merged.left.subscriber
    fields = [SetField(name, value) for name, value in left.fields.items() if name not in kept.fields]
    tags = [AddTag(name) for name in left.tags if name not in kept.tags]
    profile = msgspec.structs.replace(
        left.profile,
        **{name: value for name, value in msgspec.structs.asdict(kept.profile).items() if value},
    )
    to = ByConversation(merged.kept.id)
    return SubscriberChanged(to=to, profile=profile, by_channel=True, acts=(*fields, *tags))
