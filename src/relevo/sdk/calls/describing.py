"""What subscribers carry: tags, labels and fields.

Longer lists of tags, labels and fields to clear go out twenty a call, in order: each part does no harm
alone, and none when it is made again. Values are set all together or not at all, so they are not split:
the server refuses more than twenty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relevo.sdk.calling import Calls, Key, Texts


class Describing(Calls):
    """What subscribers carry: tags, labels and fields."""

    # Tags

    async def add_tag(self, user_ns: str, tag_ns: str, *, idempotency_key: Key = None) -> None:
        """Put a tag on somebody. Nothing happens when it is there already."""
        await self._post("/subscriber/add-tag", {"user_ns": user_ns, "tag_ns": tag_ns}, idempotency_key)

    async def add_tags(self, user_ns: str, tag_ns: Texts, *, idempotency_key: Key = None) -> None:
        """Put tags on somebody."""
        path = "/subscriber/add-tags"
        await self._in_parts("POST", path, user_ns, "tag_ns", tag_ns, idempotency_key)

    async def add_tag_by_name(self, user_ns: str, tag_name: str, *, idempotency_key: Key = None) -> None:
        """One that there is not is made."""
        body = {"user_ns": user_ns, "tag_name": tag_name}
        await self._post("/subscriber/add-tag-by-name", body, idempotency_key)

    async def add_tags_by_name(self, user_ns: str, tag_name: Texts, *, idempotency_key: Key = None) -> None:
        """Those that there are not are made."""
        path = "/subscriber/add-tags-by-name"
        await self._in_parts("POST", path, user_ns, "tag_name", tag_name, idempotency_key)

    async def remove_tag(self, user_ns: str, tag_ns: str, *, idempotency_key: Key = None) -> None:
        """Take a tag off somebody. Nothing happens when it is not there."""
        await self._delete("/subscriber/remove-tag", {"user_ns": user_ns, "tag_ns": tag_ns}, idempotency_key)

    async def remove_tags(self, user_ns: str, tag_ns: Texts, *, idempotency_key: Key = None) -> None:
        """Take tags off somebody."""
        path = "/subscriber/remove-tags"
        await self._in_parts("DELETE", path, user_ns, "tag_ns", tag_ns, idempotency_key)

    async def remove_tag_by_name(self, user_ns: str, tag_name: str, *, idempotency_key: Key = None) -> None:
        """Take a tag off somebody. Nothing happens when it is not there."""
        body = {"user_ns": user_ns, "tag_name": tag_name}
        await self._delete("/subscriber/remove-tag-by-name", body, idempotency_key)

    async def remove_tags_by_name(
        self, user_ns: str, tag_name: Texts, *, idempotency_key: Key = None
    ) -> None:
        """Take tags off somebody."""
        path = "/subscriber/remove-tags-by-name"
        await self._in_parts("DELETE", path, user_ns, "tag_name", tag_name, idempotency_key)

    # Labels

    async def add_labels_by_name(
        self, user_ns: str, label_name: Texts, *, idempotency_key: Key = None
    ) -> None:
        """Put labels of the workspace on somebody. Those that there are not are made."""
        path = "/subscriber/add-labels-by-name"
        await self._in_parts("POST", path, user_ns, "label_name", label_name, idempotency_key)

    async def remove_labels_by_name(
        self, user_ns: str, label_name: Texts, *, idempotency_key: Key = None
    ) -> None:
        """Take labels off somebody."""
        path = "/subscriber/remove-labels-by-name"
        await self._in_parts("DELETE", path, user_ns, "label_name", label_name, idempotency_key)

    # Fields

    async def set_user_field(
        self, user_ns: str, var_ns: str, value: Any, *, idempotency_key: Key = None
    ) -> None:
        """Say what a field holds. Raises `Invalid` when the value is not of its type."""
        body = {"user_ns": user_ns, "var_ns": var_ns, "value": value}
        await self._put("/subscriber/set-user-field", body, idempotency_key)

    async def set_user_fields(
        self, user_ns: str, values: Mapping[str, Any], *, idempotency_key: Key = None
    ) -> None:
        """Say what fields hold, by `var_ns`: all of them or none, at most 20."""
        data = [{"var_ns": var_ns, "value": value} for var_ns, value in values.items()]
        await self._put("/subscriber/set-user-fields", {"user_ns": user_ns, "data": data}, idempotency_key)

    async def set_user_field_by_name(
        self, user_ns: str, field_name: str, value: Any, *, idempotency_key: Key = None
    ) -> None:
        """A field that there is not is made, with the type of the value."""
        body = {"user_ns": user_ns, "field_name": field_name, "value": value}
        await self._put("/subscriber/set-user-field-by-name", body, idempotency_key)

    async def set_user_fields_by_name(
        self, user_ns: str, values: Mapping[str, Any], *, idempotency_key: Key = None
    ) -> None:
        """Say what fields hold, by name: all of them or none, at most 20."""
        body = {"user_ns": user_ns, "data": [{"name": name, "value": it} for name, it in values.items()]}
        await self._put("/subscriber/set-user-fields-by-name", body, idempotency_key)

    async def clear_user_field(self, user_ns: str, var_ns: str, *, idempotency_key: Key = None) -> None:
        """Have a field hold nothing."""
        body = {"user_ns": user_ns, "var_ns": var_ns}
        await self._delete("/subscriber/clear-user-field", body, idempotency_key)

    async def clear_user_fields(self, user_ns: str, var_ns: Texts, *, idempotency_key: Key = None) -> None:
        """Have fields hold nothing."""
        path = "/subscriber/clear-user-fields"
        await self._in_parts("DELETE", path, user_ns, "var_ns", var_ns, idempotency_key)

    async def clear_user_field_by_name(
        self, user_ns: str, field_name: str, *, idempotency_key: Key = None
    ) -> None:
        """Have a field hold nothing."""
        body = {"user_ns": user_ns, "field_name": field_name}
        await self._delete("/subscriber/clear-user-field-by-name", body, idempotency_key)

    async def clear_user_fields_by_name(
        self, user_ns: str, name: Texts, *, idempotency_key: Key = None
    ) -> None:
        """Have fields hold nothing."""
        path = "/subscriber/clear-user-fields-by-name"
        await self._in_parts("DELETE", path, user_ns, "name", name, idempotency_key)
