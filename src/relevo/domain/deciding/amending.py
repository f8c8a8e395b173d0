"""A stored message says something else from now on."""

from __future__ import annotations

import msgspec

from relevo.domain.conversations import FetchMedia, ReplaceContent
from relevo.domain.deciding.draft import Draft
from relevo.domain.deciding.speaking import record
from relevo.domain.deciding.telling import notify_one, report, tell_listeners, tell_platform
from relevo.domain.events import FileSettled
from relevo.domain.messages import Content, Media, Message, MessageType
from relevo.domain.workspaces import EventType


def message_edited(draft: Draft, mid: str, content: Content) -> None:
    """The bot does not answer again: it answered what was said first."""
    message = draft.around.changed
    if message is None:
        report(draft, "edit_of_unknown_message", f"the message {mid} was changed, and is not here")
        return
    if isinstance(content, Media):
        if not isinstance(message.content, Media) or content.size not in (0, message.content.size):
            _another_file(draft, content)
            return
        content = msgspec.structs.replace(message.content, caption=content.caption)
    if content != message.content:
        _replace(draft, message, content, change="edited")


def _another_file(draft: Draft, content: Media) -> None:
    """In place of what was there: it has to be fetched, and is a message of its own here."""
    seq = record(draft, MessageType.IN, content)
    draft.effects.append(FetchMedia(seq))
    tell = tell_platform if draft.agent_has_control else tell_listeners
    tell(draft, seq)


def file_settled(draft: Draft, event: FileSettled) -> None:
    message = draft.around.changed
    if message is None or not isinstance(message.content, Media):
        return
    known = {"mime_type": event.mime_type, "size": event.size} if not event.problem else {}
    content = msgspec.structs.replace(message.content, problem=event.problem, **known)
    _replace(draft, message, content, change="file")


def _replace(draft: Draft, message: Message, content: Content, *, change: str) -> None:
    """Have a stored message say something else. The platform hears it as it heard the message: while an
    agent has control, or, if it listens, always."""
    draft.effects.append(ReplaceContent(msgspec.structs.replace(message, content=content)))
    told = set(draft.around.audience.by_type.get(EventType.MESSAGE_UPDATED, ()))
    if not draft.agent_has_control:
        told &= set(draft.around.audience.with_bot)
    for endpoint_id in sorted(told):
        data = {"change": change}
        notify_one(draft, endpoint_id, EventType.MESSAGE_UPDATED, message_seq=message.seq, data=data)
