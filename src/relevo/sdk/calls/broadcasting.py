"""One thing said to many.

A broadcast is never split: two would go at their own rates, and could not be cancelled as one. The server
refuses more than 200 people in one list, so choose many by tags or segments.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack

from relevo.sdk.calling import Calls, Key, Texts, one
from relevo.sdk.objects import Broadcast, Segment, SegmentCount

Kind = Literal["EMAIL", "SMS", "WHATSAPP_TEMPLATE", "FACEBOOK_NOTIFICATION"]
MessageTag = Literal[
    "CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE", "ACCOUNT_UPDATE", "NON_PROMOTIONAL_SUBSCRIPTION"
]
Status = Literal["New", "Scheduled", "Completed", "Cancelled"]


class When(TypedDict, total=False):
    """`scheduled_time` is in Unix seconds, left out for now."""

    scheduled_time: int
    max_per_minute: int
    idempotency_key: Key


class Broadcasting(Calls):
    """One thing said to many. Those that begin a broadcast give its `broadcast_ns`, which is empty where
    the server does not say it (UChat does not)."""

    async def broadcast(
        self, user_ns_list: Texts, sub_flow_ns: str, *, type: Kind | None = None, **when: Unpack[When]
    ) -> str:
        """Have a subflow sent to people, at most 200. Whoever cannot be written to is passed over."""
        body = {"user_ns_list": ",".join(user_ns_list), "sub_flow_ns": sub_flow_ns, "type": type}
        return await self._begin("/subscriber/broadcast", body, when)

    async def broadcast_by_user_id(
        self, user_id_list: Texts, sub_flow_ns: str, *, type: Kind | None = None, **when: Unpack[When]
    ) -> str:
        """The same, by the ids inside their channels."""
        body = {"user_id_list": ",".join(user_id_list), "sub_flow_ns": sub_flow_ns, "type": type}
        return await self._begin("/subscriber/broadcast-by-user-id", body, when)

    async def broadcast_by_tag(
        self,
        tags: Texts,
        sub_flow_ns: str,
        *,
        exclude_tags: Texts | None = None,
        name: str | None = None,
        type: Kind | None = None,
        message_tag: MessageTag | None = None,
        user_fields: Sequence[Mapping[str, Any]] | None = None,
        **when: Unpack[When],
    ) -> str:
        """The same, for whoever has one of `tags` (names or `tag_ns`) and none of `exclude_tags`."""
        whom = {"tags": tags, "exclude_tags": exclude_tags, "user_fields": user_fields}
        what = {"sub_flow_ns": sub_flow_ns, "name": name, "type": type, "message_tag": message_tag}
        return await self._begin("/subscriber/broadcast-by-tag", {**whom, **what}, when)

    async def broadcast_by_segment(
        self,
        segment_ns: str,
        sub_flow_ns: str,
        *,
        type: Kind | None = None,
        message_tag: MessageTag | None = None,
        bot_fields: Sequence[Mapping[str, Any]] | None = None,
        **when: Unpack[When],
    ) -> str:
        """The same, for everybody in a segment; several have commas between."""
        whom = {"segment_ns": segment_ns, "bot_fields": bot_fields}
        what = {"sub_flow_ns": sub_flow_ns, "type": type, "message_tag": message_tag}
        return await self._begin("/subscriber/broadcast-by-segment", {**whom, **what}, when)

    async def broadcast_whatsapp_template_by_user_id(
        self, user_id_list: Texts, wa_template: Mapping[str, Any], **when: Unpack[When]
    ) -> str:
        """Have a template sent to numbers, at most 200, whenever they last wrote."""
        body = {"user_id_list": ",".join(user_id_list), "wa_template": wa_template}
        return await self._begin("/subscriber/broadcast-whatsapp-template-by-user-id", body, when)

    async def broadcast_whatsapp_template_by_tag(
        self,
        tags: Texts,
        wa_template: Mapping[str, Any],
        *,
        exclude_tags: Texts | None = None,
        **when: Unpack[When],
    ) -> str:
        """Have a template sent to everybody on WhatsApp who has one of the tags."""
        body = {"tags": tags, "exclude_tags": exclude_tags, "wa_template": wa_template}
        return await self._begin("/subscriber/broadcast-whatsapp-template-by-tag", body, when)

    async def _begin(self, path: str, body: Mapping[str, Any], when: When) -> str:
        pace = {"scheduled_time": when.get("scheduled_time"), "max_per_minute": when.get("max_per_minute")}
        answer = await self._post(path, {**body, **pace}, when.get("idempotency_key"))
        data = answer.get("data")
        return str(data.get("broadcast_ns", "")) if isinstance(data, dict) else ""

    # What became of it

    def broadcasts(self, *, status: Status | None = None, limit: int = 100) -> AsyncIterator[Broadcast]:
        """All of the flow, newest first, with how far each has got."""
        return self._pages("/subscriber/broadcasts", {"status": status}, Broadcast, limit)

    async def cancel_broadcast(self, broadcast_ns: str, *, idempotency_key: Key = None) -> None:
        """Have nobody told any more. Nothing happens when it is over."""
        body = {"broadcast_ns": broadcast_ns}
        await self._delete("/subscriber/broadcast/cancel", body, idempotency_key)

    async def delete_broadcast(self, broadcast_ns: str, *, idempotency_key: Key = None) -> None:
        """Cancel it if it is under way, and forget it."""
        body = {"broadcast_ns": broadcast_ns}
        await self._delete("/subscriber/broadcast/delete", body, idempotency_key)

    # Segments

    def segments(self, *, name: str | None = None, limit: int = 100) -> AsyncIterator[Segment]:
        """The conditions with a name, by which people are chosen."""
        return self._pages("/flow/segments", {"name": name}, Segment, limit)

    async def segment_bot_users_count(self, segment_ns: str) -> SegmentCount:
        """How many are in a segment at this moment."""
        query = {"segment_ns": segment_ns}
        return one(await self._get("/flow/segment-bot-users-count", query), SegmentCount)
