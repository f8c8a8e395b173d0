"""What was said."""

from __future__ import annotations

from collections.abc import AsyncIterator

from relevo.sdk.calling import Calls, Texts, read, rows
from relevo.sdk.messages import Message

MIDS_A_CALL = 100


class Conversations(Calls):
    """What was said."""

    def chat_messages(
        self,
        user_ns: str | None = None,
        *,
        user_id: str | None = None,
        include_bot: bool = True,
        include_note: bool = False,
        include_system: bool = False,
        msg_type: str | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        limit: int = 100,
    ) -> AsyncIterator[Message]:
        """The conversation with a `user_ns`, or the `user_id` inside the channel, newest
        first."""
        query = {
            "user_ns": user_ns,
            "user_id": user_id,
            "include_bot": include_bot,
            "include_note": include_note,
            "include_system": include_system,
            "msg_type": msg_type,
            "start_time": start_time,
            "end_time": end_time,
        }
        return self._pages("/subscriber/chat-messages", query, Message, limit)

    async def chat_messages_by_mids(self, mids: Texts) -> list[Message]:
        """The messages with these channel ids, a hundred a call; unknown ids are left out."""
        found: list[Message] = []
        for start in range(0, len(mids), MIDS_A_CALL):
            body = {"mids": mids[start : start + MIDS_A_CALL]}
            answer = await self._look_up("/subscriber/chat-messages-by-mids", body)
            found += [read(row, Message) for row in rows(answer)]
        return found
