"""The API, as typed calls.

Every write carries an `Idempotency-Key`, the same on its repetitions, so that a repeated write
happens once. Calls are repeated after a lost connection, 429 and 503, a bounded number of times.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, Self

from relevo.sdk.calling import Calls, QueryValue, api_url, one, read, rows
from relevo.sdk.errors import ServerError
from relevo.sdk.messages import Message
from relevo.sdk.objects import Agent, Delivery, PostedEvent, Redelivery, Subflow, Subscriber, User
from relevo.sdk.transport import Awaited, Transport

MIDS_A_CALL = 100

Status = Literal["open", "pending", "spam", "done"]


class Client(Calls):
    """Calls the API with the token of one flow. Use it in `async with`, or `close` it.

    `base_url` is the server's address, with or without `/api`. A call is made at most
    `attempts` times, and waits at most `longest_wait` seconds between two of them: when
    `Retry-After` asks for more, the error is raised at once. `timeout` is in seconds, for one
    attempt. Every method raises a ClientError.

    Relevo does a write once for each Idempotency-Key, so one whose answer was lost is made again.
    For a server that does not know such keys (UChat), say `knows_keys=False`: then it is not.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout: float = 15.0,
        attempts: int = 3,
        longest_wait: float = 10.0,
        knows_keys: bool = True,
        transport: Transport | None = None,
    ) -> None:
        url = api_url(base_url)
        super().__init__(
            url,
            transport or Awaited(url, token, timedelta(seconds=timeout)),
            attempts=attempts,
            longest_wait=longest_wait,
            knows_keys=knows_keys,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    # Who, and who writes

    async def me(self) -> User:
        """Whom the token belongs to."""
        return one(await self._get("/me"), User)

    async def get_info(self, user_ns: str) -> Subscriber:
        return one(await self._get("/subscriber/get-info", {"user_ns": user_ns}), Subscriber)

    async def get_info_by_user_id(self, user_id: str) -> Subscriber:
        """By the id inside the channel: a phone number, a visitor's id …"""
        return one(await self._get("/subscriber/get-info-by-user-id", {"user_id": user_id}), Subscriber)

    def subscribers(self, /, *, limit: int = 100, **filters: QueryValue) -> AsyncIterator[Subscriber]:
        """Everybody, most recent first. `filters` are the API's own: `name`, `phone`, `tag_ns` …

        `limit` is the size of a page, not of the whole.
        """
        return self._pages("/subscribers", filters, Subscriber, limit)

    async def bot_users_count(self) -> dict[str, int]:
        """How many subscribers are in each status; a status that nobody is in is left out."""
        found = rows(await self._get("/flow/bot-users-count"))
        return {row["status"]: int(row["num"]) for row in found}

    # What was said

    def chat_messages(
        self,
        /,
        user_ns: str,
        *,
        include_bot: bool = True,
        include_note: bool = False,
        include_system: bool = False,
        limit: int = 100,
        **filters: QueryValue,
    ) -> AsyncIterator[Message]:
        """The conversation, newest first. `limit` is the size of a page, not of the whole."""
        query: dict[str, QueryValue] = {
            "user_ns": user_ns,
            "include_bot": int(include_bot),
            "include_note": int(include_note),
            "include_system": int(include_system),
        }
        return self._pages("/subscriber/chat-messages", query | filters, Message, limit)

    async def chat_messages_by_mids(self, mids: Sequence[str]) -> list[Message]:
        """The messages with these channel ids, a hundred a call; unknown ids are left out."""
        found: list[Message] = []
        for start in range(0, len(mids), MIDS_A_CALL):
            body = {"mids": list(mids[start : start + MIDS_A_CALL])}
            # A question, though it is a POST: it needs no key.
            answer = await self._call("POST", "/subscriber/chat-messages-by-mids", body=body)
            found += [read(row, Message) for row in rows(answer)]
        return found

    # What was posted

    def events(
        self, user_ns: str, after_seq: int = 0, *, endpoint: str = "", limit: int = 100
    ) -> AsyncIterator[PostedEvent]:
        """The webhooks of a conversation after a `seq`, in order. `Receiver.heal` does it for a gap.

        `endpoint` is the name of one, if it is not the one of the conversation's channel.
        """
        return self._events({"user_ns": user_ns}, "after_seq", after_seq, endpoint, limit)

    def all_events(
        self, after_id: int = 0, *, endpoint: str = "", limit: int = 100
    ) -> AsyncIterator[PostedEvent]:
        """The webhooks of the whole flow in order of commit, behind the `id` of one (0: all that are
        kept), until there are no more now. One may come twice: `Receiver.take` tells."""
        return self._events({}, "after_id", after_id, endpoint, limit)

    async def _events(
        self, whom: Mapping[str, QueryValue], place: str, after: int, endpoint: str, limit: int
    ) -> AsyncIterator[PostedEvent]:
        more = True
        while more:
            named = {"endpoint": endpoint} if endpoint else {}
            answer = await self._get("/handoff/events", {**whom, **named, place: after, "limit": limit})
            for row in rows(answer):
                yield read(row, PostedEvent)
            after, more = _place(answer)

    # What became of it

    async def deliveries(self, /, *, limit: int = 100, **filters: QueryValue) -> AsyncIterator[Delivery]:
        """What was to be brought where, the newest first, page by page. `filters` are the API's own:
        `user_ns`, `endpoint`, `state`, `event`, `start_time`, `end_time`."""
        place: dict[str, QueryValue] = {}
        while True:
            answer = await self._get("/handoff/deliveries", {**filters, **place, "limit": limit})
            for row in rows(answer):
                yield read(row, Delivery)
            before = answer["meta"].get("next") if isinstance(answer.get("meta"), dict) else None
            if before is None:
                return
            place = {"before_id": before}

    async def delivery(self, delivery_id: int) -> Delivery:
        """One with its body, its attempts, and what people did with it."""
        return one(await self._get("/handoff/delivery", {"delivery_id": delivery_id}), Delivery)

    async def redeliver(self, delivery_id: int, *, idempotency_key: str | None = None) -> None:
        """Have a delivery that is over made once more, in its place."""
        await self._post("/handoff/redeliver", {"delivery_id": delivery_id}, idempotency_key)

    async def skip(self, delivery_id: int, reason: str, *, idempotency_key: str | None = None) -> None:
        """Have a delivery never made; what waits behind it goes on."""
        body = {"delivery_id": delivery_id, "reason": reason}
        await self._post("/handoff/skip", body, idempotency_key)

    async def count_redeliverable(self, /, **filters: QueryValue) -> int:
        """How many `redeliver_many` would be about, 100,000 at most."""
        return await self._number("count", {**filters, "dry_run": 1}, None)

    async def redeliver_many(self, /, *, idempotency_key: str | None = None, **filters: QueryValue) -> int:
        """Have all that are selected made once more, in order; the number of the redelivery. `filters` are
        those of `deliveries`, and `from_delivery_id`: that one and those behind it. Without `state`: what
        is parked or given up."""
        return await self._number("redelivery_id", filters, idempotency_key)

    async def _number(self, name: str, body: Mapping[str, QueryValue], key: str | None) -> int:
        answer = await self._post("/handoff/redeliver-many", body, key)
        data = answer.get("data")
        number = data.get(name) if isinstance(data, dict) else None
        if not isinstance(number, int):
            raise ServerError(f"the answer has no {name} under data", status=200)
        return number

    async def redelivery(self, redelivery_id: int) -> Redelivery:
        """How far one has got."""
        return one(await self._get("/handoff/redelivery", {"redelivery_id": redelivery_id}), Redelivery)

    async def stop_redelivery(self, redelivery_id: int) -> None:
        """Put no more of it back."""
        await self._post("/handoff/stop-redelivery", {"redelivery_id": redelivery_id})

    # Saying something

    async def send_text(
        self, user_ns: str, text: str, *, agent_id: int | None = None, idempotency_key: str | None = None
    ) -> None:
        """Say it as an agent: `agent_id`, or whose the token is. If the bot has control, Relevo pauses it."""
        body = {"user_ns": user_ns, "content": text, "agent_id": agent_id}
        await self._post("/subscriber/send-text", body, idempotency_key)

    async def send_content(
        self,
        user_ns: str,
        content: Mapping[str, Any],
        *,
        send_as_agent: bool = False,
        agent_id: int | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Send dynamic content v1: `{"messages": [{"type": "image", "url": …}, …], …}`.

        The bot says it, unless `send_as_agent`; then `agent_id` does, or whose the token is.
        """
        data = {"version": "v1", "content": content}
        body = {"user_ns": user_ns, "data": data, "send_as_agent": int(send_as_agent), "agent_id": agent_id}
        await self._post("/subscriber/send-content", body, idempotency_key)

    async def typing(self, user_ns: str) -> None:
        """Show the customer that an agent is typing, where the channel can."""
        await self._post("/handoff/typing", {"user_ns": user_ns})

    async def seen(self, user_ns: str) -> None:
        """Tell that an agent has read the conversation so far."""
        await self._post("/handoff/seen", {"user_ns": user_ns})

    # Who answers

    async def pause_bot(self, user_ns: str, minutes: int | None = 30) -> None:
        """Give control to the agents for `minutes`; None: until somebody resumes the bot."""
        await self._post("/subscriber/pause-bot", {"user_ns": user_ns, "minutes": minutes or 0})

    async def resume_bot(self, user_ns: str) -> None:
        """Give control back to the bot."""
        await self._post("/subscriber/resume-bot", {"user_ns": user_ns})

    async def accept_handoff(
        self,
        user_ns: str,
        *,
        agent_id: int | None = None,
        epoch: int | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Say that an agent will answer. Raises `Refused` (409) when the bot has control or somebody else has
        accepted, and, if you give the `epoch` of what you answer to, when control has changed hands since."""
        body = {"user_ns": user_ns, "agent_id": agent_id, "epoch": epoch}
        await self._post("/handoff/accept", body, idempotency_key)

    async def return_handoff(
        self,
        user_ns: str,
        *,
        reason: str = "",
        note: str = "",
        outcome: str = "",
        agent_id: int | None = None,
        epoch: int | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Give control back to the bot, and say how it went: why in a word, a note for colleagues, and what
        came of it for the flow."""
        said = {"reason": reason or None, "note": note or None, "outcome": outcome or None}
        body = {"user_ns": user_ns, **said, "agent_id": agent_id, "epoch": epoch}
        await self._post("/handoff/return", body, idempotency_key)

    async def assign_agent(self, user_ns: str, agent_id: int) -> None:
        await self._post("/subscriber/assign-agent", {"user_ns": user_ns, "agent_id": agent_id})

    async def unassign_agent(self, user_ns: str) -> None:
        await self._post("/subscriber/unassign-agent", {"user_ns": user_ns})

    async def move_chat_to(self, user_ns: str, status: Status) -> None:
        """Set the status, which says whether work is left; it does not change who answers."""
        await self._post("/subscriber/move-chat-to", {"user_ns": user_ns, "status": status})

    # The flow

    def agents(self, /, *, limit: int = 100, **filters: QueryValue) -> AsyncIterator[Agent]:
        return self._pages("/flow/agents", filters, Agent, limit)

    def subflows(self, /, *, limit: int = 100, **filters: QueryValue) -> AsyncIterator[Subflow]:
        return self._pages("/flow/subflows", filters, Subflow, limit)


def _place(answer: dict[str, Any]) -> tuple[int, bool]:
    """What to ask after next, and whether there is any more."""
    meta = answer.get("meta")
    if not isinstance(meta, dict) or not isinstance(meta.get("next"), int):
        raise ServerError("the answer does not say under meta what comes next", status=200)
    return meta["next"], meta.get("more") is True
