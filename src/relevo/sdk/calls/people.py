"""Who calls, and who writes to the flow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack

from relevo.sdk.calling import Calls, Key, Yes, one, rows
from relevo.sdk.objects import Subscriber, User


class TeamFilters(TypedDict, total=False):
    """Which subscribers of the workspace. `name`, `phone` and `email` find any part."""

    name: str
    phone: str
    email: str
    is_channel: str
    is_interacted_in_last_24h: Yes
    is_last_message_in_last_24h: Yes
    is_bot_interacted_in_last_24h: Yes
    is_opt_in_email: Yes
    is_opt_in_sms: Yes


class Filters(TeamFilters, total=False):
    """Which subscribers of the flow. `user_field_value` goes with `user_field_ns`."""

    user_id: str
    tag_ns: str
    label_id: int
    event_ns: str
    segment_ns: str
    user_field_ns: str
    user_field_value: str


class Person(TypedDict, total=False):
    """What is known of somebody. `image` is the address of a picture."""

    phone: str
    email: str
    first_name: str
    last_name: str
    name: str
    gender: Literal["male", "female"]
    image: str


class NewSubscriber(Person, total=False):
    """`tags` like `{"tag_name": "lead"}`, `user_fields` like `{"var_ns": "f1001v9", "value": 42}`."""

    tags: Sequence[Mapping[str, str]]
    user_fields: Sequence[Mapping[str, Any]]


class People(Calls):
    """Who calls, and who writes to the flow."""

    async def me(self) -> User:
        """Whom the token belongs to."""
        return one(await self._get("/me"), User)

    # Finding somebody

    async def get_info(self, user_ns: str) -> Subscriber:
        """All that is known of somebody."""
        return one(await self._get("/subscriber/get-info", {"user_ns": user_ns}), Subscriber)

    async def get_info_by_user_id(self, user_id: str) -> Subscriber:
        """By the id inside the channel: a phone number, a visitor's id …"""
        return one(await self._get("/subscriber/get-info-by-user-id", {"user_id": user_id}), Subscriber)

    def subscribers(self, /, *, limit: int = 100, **filters: Unpack[Filters]) -> AsyncIterator[Subscriber]:
        """Everybody who writes to the flow, most recent first."""
        return self._pages("/subscribers", filters, Subscriber, limit)

    def team_bot_users(
        self, /, *, limit: int = 100, **filters: Unpack[TeamFilters]
    ) -> AsyncIterator[Subscriber]:
        """Everybody who writes to any flow of the workspace, most recent first."""
        return self._pages("/team-bot-users", filters, Subscriber, limit)

    async def bot_users_count(self) -> dict[str, int]:
        """How many subscribers are in each status; a status that nobody is in is left out."""
        found = rows(await self._get("/flow/bot-users-count"))
        return {row["status"]: int(row["num"]) for row in found}

    # Setting somebody up

    async def create_subscriber(
        self, /, *, idempotency_key: Key = None, **person: Unpack[Person]
    ) -> Subscriber:
        """Somebody who has not written yet, by `phone` or `email`. Raises `Invalid` when there is somebody
        with these already."""
        return one(await self._post("/subscriber/create", person, idempotency_key), Subscriber)

    async def create_subscribers(
        self, users: Sequence[NewSubscriber], *, idempotency_key: Key = None
    ) -> None:
        """Up to 100, all of them or none. What is said of those who are known already is added."""
        await self._post("/subscriber/create-many", {"users": users}, idempotency_key)

    async def update_subscriber(
        self, /, user_ns: str, *, idempotency_key: Key = None, **person: Unpack[Person]
    ) -> Subscriber:
        """Change what is named."""
        body = {"user_ns": user_ns, **person}
        return one(await self._put("/subscriber/update", body, idempotency_key), Subscriber)

    async def delete_subscriber(self, user_ns: str, *, idempotency_key: Key = None) -> None:
        """Delete somebody for good, with everything that was said."""
        await self._delete("/subscriber/delete", {"user_ns": user_ns}, idempotency_key)

    # What they agree to

    async def subscribe_to_bot(self, user_ns: str, *, idempotency_key: Key = None) -> None:
        """They may be written to again."""
        await self._post("/subscriber/subscribe-to-bot", {"user_ns": user_ns}, idempotency_key)

    async def unsubscribe_from_bot(self, user_ns: str, *, idempotency_key: Key = None) -> None:
        """They do not want to be written to any more; then neither the bot nor an agent can."""
        await self._delete("/subscriber/unsubscribe-from-bot", {"user_ns": user_ns}, idempotency_key)

    async def opt_in_sms(self, user_ns: str, *, idempotency_key: Key = None) -> None:
        """They agree to text messages."""
        await self._post("/subscriber/opt-in-sms", {"user_ns": user_ns}, idempotency_key)

    async def opt_out_sms(self, user_ns: str, *, idempotency_key: Key = None) -> None:
        """They do not agree to text messages any more."""
        await self._delete("/subscriber/opt-out-sms", {"user_ns": user_ns}, idempotency_key)

    async def opt_in_email(self, user_ns: str, *, idempotency_key: Key = None) -> None:
        """They agree to e-mails."""
        await self._post("/subscriber/opt-in-email", {"user_ns": user_ns}, idempotency_key)

    async def opt_out_email(self, user_ns: str, *, idempotency_key: Key = None) -> None:
        """They do not agree to e-mails any more."""
        await self._delete("/subscriber/opt-out-email", {"user_ns": user_ns}, idempotency_key)
