"""Which tags, fields and labels there are. Subscribers carry them: `relevo.sdk.calls.describing`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

from relevo.sdk.calling import Calls, Key, one
from relevo.sdk.objects import BotField, Label, Tag, UserField

VarType = Literal["text", "number", "boolean", "date", "datetime", "array", "longtext"]


class Vocabulary(Calls):
    """Which tags, fields and labels there are. What is deleted is taken from everybody, too."""

    # Tags

    def tags(self, *, name: str | None = None, limit: int = 100) -> AsyncIterator[Tag]:
        """The tags of the flow."""
        return self._pages("/flow/tags", {"name": name}, Tag, limit)

    async def create_tag(self, name: str, *, idempotency_key: Key = None) -> Tag:
        """Make a tag."""
        return one(await self._post("/flow/create-tag", {"name": name}, idempotency_key), Tag)

    async def delete_tag(self, tag_ns: str, *, idempotency_key: Key = None) -> None:
        """Delete a tag."""
        await self._delete("/flow/delete-tag", {"tag_ns": tag_ns}, idempotency_key)

    async def delete_tag_by_name(self, name: str, *, idempotency_key: Key = None) -> None:
        """Delete a tag."""
        await self._delete("/flow/delete-tag-by-name", {"name": name}, idempotency_key)

    # Labels

    def labels(self, *, name: str | None = None, limit: int = 100) -> AsyncIterator[Label]:
        """The labels of the workspace."""
        return self._pages("/team/labels", {"name": name}, Label, limit)

    async def create_label(self, name: str, *, idempotency_key: Key = None) -> Label:
        """Make a label."""
        return one(await self._post("/team/create-label", {"name": name}, idempotency_key), Label)

    async def delete_label(self, id: int, *, idempotency_key: Key = None) -> None:
        """Delete a label."""
        await self._delete("/team/delete-label", {"id": id}, idempotency_key)

    async def delete_label_by_name(self, name: str, *, idempotency_key: Key = None) -> None:
        """Delete a label."""
        await self._delete("/team/delete-label-by-name", {"name": name}, idempotency_key)

    # What may be known of subscribers

    def user_fields(self, *, name: str | None = None, limit: int = 100) -> AsyncIterator[UserField]:
        """The fields that subscribers may have."""
        return self._pages("/flow/user-fields", {"name": name}, UserField, limit)

    async def create_user_field(
        self,
        name: str,
        var_type: VarType,
        *,
        description: str | None = None,
        value: Any = None,
        idempotency_key: Key = None,
    ) -> UserField:
        """Make a field. UChat takes a `value`; Relevo leaves it aside."""
        body = {"name": name, "var_type": var_type, "description": description, "value": value}
        return one(await self._post("/flow/create-user-field", body, idempotency_key), UserField)

    async def update_user_field(
        self,
        var_ns: str,
        *,
        name: str | None = None,
        display_type: Literal["default", "pin", "hidden"] | None = None,
        description: str | None = None,
        idempotency_key: Key = None,
    ) -> None:
        """Change what is named. What subscribers have moves to the new name."""
        body = {"var_ns": var_ns, "name": name, "display_type": display_type, "description": description}
        await self._post("/flow/update-user-field", body, idempotency_key)

    async def delete_user_field(self, var_ns: str, *, idempotency_key: Key = None) -> None:
        """Delete a field, and all that subscribers have in it."""
        await self._delete("/flow/delete-user-field", {"var_ns": var_ns}, idempotency_key)

    async def delete_user_field_by_name(self, name: str, *, idempotency_key: Key = None) -> None:
        """Delete a field, and all that subscribers have in it."""
        await self._delete("/flow/delete-user-field-by-name", {"name": name}, idempotency_key)

    # What the flow knows by itself

    def bot_fields(self, *, name: str | None = None, limit: int = 100) -> AsyncIterator[BotField]:
        """The flow's own fields, with their values."""
        return self._pages("/flow/bot-fields", {"name": name}, BotField, limit)

    async def create_bot_field(
        self,
        name: str,
        var_type: VarType,
        *,
        description: str | None = None,
        value: Any = None,
        idempotency_key: Key = None,
    ) -> BotField:
        """Make a field of the flow's own."""
        body = {"name": name, "var_type": var_type, "description": description, "value": value}
        return one(await self._post("/flow/create-bot-field", body, idempotency_key), BotField)

    async def set_bot_field(self, var_ns: str, value: Any, *, idempotency_key: Key = None) -> BotField:
        """Give a field of the flow another value."""
        body = {"var_ns": var_ns, "value": value}
        return one(await self._put("/flow/set-bot-field", body, idempotency_key), BotField)

    async def set_bot_field_by_name(self, name: str, value: Any, *, idempotency_key: Key = None) -> BotField:
        """Give a field of the flow another value."""
        body = {"name": name, "value": value}
        return one(await self._put("/flow/set-bot-field-by-name", body, idempotency_key), BotField)

    async def set_bot_fields(self, values: Mapping[str, Any], *, idempotency_key: Key = None) -> None:
        """Values by `var_ns`: all of them or none, at most 20."""
        data = [{"var_ns": var_ns, "value": value} for var_ns, value in values.items()]
        await self._put("/flow/set-bot-fields", {"data": data}, idempotency_key)

    async def set_bot_fields_by_name(self, values: Mapping[str, Any], *, idempotency_key: Key = None) -> None:
        """Values by name: all of them or none, at most 20."""
        data = [{"name": name, "value": value} for name, value in values.items()]
        await self._put("/flow/set-bot-fields-by-name", {"data": data}, idempotency_key)

    async def delete_bot_field(self, var_ns: str, *, idempotency_key: Key = None) -> None:
        """Delete a field of the flow."""
        await self._delete("/flow/delete-bot-field", {"var_ns": var_ns}, idempotency_key)

    async def delete_bot_field_by_name(self, name: str, *, idempotency_key: Key = None) -> None:
        """Delete a field of the flow."""
        await self._delete("/flow/delete-bot-field-by-name", {"name": name}, idempotency_key)
