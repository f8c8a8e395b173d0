"""The way through the console: sections, and what each role sees of them."""

from __future__ import annotations

import msgspec

from relevo.domain.workspaces import Member, Role


class Place(msgspec.Struct, frozen=True):
    title: str
    path: str
    icon: str
    roles: frozenset[Role]


class Section(msgspec.Struct, frozen=True):
    title: str
    places: tuple[Place, ...]


_ADMINS = frozenset({Role.OWNER, Role.ADMIN})
_STAFF = _ADMINS | {Role.MEMBER}
_EVERYBODY = frozenset(Role)

SECTIONS = (
    Section(
        "",
        (
            Place("Overview", "/console", "gauge", _STAFF),
            Place("Conversations", "/console/conversations", "chat", _EVERYBODY),
            Place("Broadcasts", "/console/broadcasts", "people", _STAFF),
            Place("Deliveries", "/console/deliveries", "send", _STAFF),
            Place("Problems", "/console/problems", "alert", _STAFF),
            Place("Reports", "/console/reports", "chart", _STAFF),
        ),
    ),
    Section(
        "Bot",
        (
            Place("Flows", "/console/flows", "flow", _ADMINS),
            Place("Channels", "/console/channels", "channel", _ADMINS),
        ),
    ),
    Section(
        "Integrations",
        (
            Place("Webhooks", "/console/endpoints", "webhook", _ADMINS),
            Place("Inbound webhooks", "/console/inbound-webhooks", "webhook", _ADMINS),
            Place("API keys", "/console/api-keys", "key", _ADMINS),
            Place("Secrets", "/console/secrets", "lock", _ADMINS),
            Place("Email", "/console/email", "mail", _ADMINS),
        ),
    ),
    Section(
        "Workspace",
        (
            Place("Members", "/console/members", "people", _ADMINS),
            Place("Agent groups", "/console/agent-groups", "group", _ADMINS),
            Place("Shortcuts", "/console/shortcuts", "quick", _ADMINS),
            Place("Closing notes", "/console/closing-notes", "check", _ADMINS),
            Place("Tags and fields", "/console/vocabulary", "tag", _ADMINS),
            Place("Custom events", "/console/custom-events", "chart", _ADMINS),
            Place("Settings", "/console/settings", "settings", _ADMINS),
        ),
    ),
)


def sections_for(member: Member) -> list[Section]:
    """The sections with the places that this member may see; without those that have none."""
    seen = [
        msgspec.structs.replace(
            section, places=tuple(one for one in section.places if member.role in one.roles)
        )
        for section in SECTIONS
    ]
    return [section for section in seen if section.places]


def may(member: Member, path: str) -> bool:
    """Whether a place is for this member: a link to any other leads nowhere."""
    return any(
        member.role in place.roles for section in SECTIONS for place in section.places if place.path == path
    )
