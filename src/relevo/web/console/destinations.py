"""What the places that deliveries go to are called, and where their pages are."""

from __future__ import annotations

from relevo.domain.deliveries import Destination
from relevo.domain.ids import ChannelId, EndpointId
from relevo.domain.workspaces import Channel, Endpoint
from relevo.web.console.navigation import may
from relevo.web.console.visits import Visit


class Destinations:
    """The destinations of one workspace, for templates."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def name(self, kind: str, id_: int) -> str:
        """`desk`, `site`; `desk (deleted, no. 3)`; `endpoint 3` for another workspace's."""
        if kind == "media":
            return "Kept files"
        if kind == "call":
            return "Calls of flows"
        if kind == "email":
            return "E-mail"
        found = self._find(kind, id_)
        return found.name if found is not None else f"{kind} {id_}"

    def path(self, kind: str, id_: int) -> str:
        """Its page, if this member may see it; else ""."""
        page = {"endpoint": "/console/endpoints", "channel": "/console/channels"}.get(kind, "")
        found = self._find(kind, id_)
        if not page or found is None or self._is_deleted(kind, id_) or not may(self._visit.member, page):
            return ""
        return f"{page}/{id_}"

    def all(self) -> list[tuple[str, str]]:
        """Every one as a choice: its value in a form, and its name."""
        here, directory = self._visit.workspace_id, self._visit.directory
        endpoints = [one for one in directory.endpoints.values() if one.workspace_id == here]
        channels = [one for one in directory.channels.values() if one.workspace_id == here]
        return [
            *((f"endpoint-{one.id}", f"Webhook: {one.name}") for one in endpoints),
            *((f"channel-{one.id}", f"Channel: {one.name}") for one in channels),
            ("media-0", "Kept files"),
        ]

    def read(self, value: str) -> Destination | None:
        """What a form says with the value of a choice."""
        kind, _, id_ = value.partition("-")
        if (
            kind not in ("endpoint", "channel", "media", "call", "email")
            or not id_.isdecimal()
            or len(id_) > 15
        ):
            return None
        return Destination(kind, int(id_))  # type: ignore[arg-type]  # checked above

    def _is_deleted(self, kind: str, id_: int) -> bool:
        directory = self._visit.directory
        return id_ in (directory.deleted_endpoints if kind == "endpoint" else directory.deleted_channels)

    def _find(self, kind: str, id_: int) -> Endpoint | Channel | None:
        directory = self._visit.directory
        found: Endpoint | Channel | None
        if kind == "endpoint":
            found = directory.any_endpoint(EndpointId(id_))
        else:
            found = directory.any_channel(ChannelId(id_))
        return found if found is not None and found.workspace_id == self._visit.workspace_id else None
