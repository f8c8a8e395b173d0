"""From a decision to rows: messages get their ids, effects become deliveries and notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import assert_never

import msgspec

from relevo.channels.adapter import OutgoingMessage
from relevo.channels.registry import adapter_for
from relevo.domain import calls, live_chat
from relevo.domain.conversations import (
    CameToday,
    CaseClosed,
    CaseWork,
    Conversation,
    Decision,
    Effect,
    FetchMedia,
    Happened,
    MakeCall,
    NewMessage,
    NotifyPlatform,
    Reached,
    ReplaceContent,
    Report,
    SendEmail,
    SendToCustomer,
    ShowRead,
    ShowTyping,
    TurnTaken,
    UpdateMessage,
    Whisper,
)
from relevo.domain.custom_events import LogCustomEvent, LoggedEvent
from relevo.domain.deciding import Surroundings
from relevo.domain.deliveries import BROADCAST, Delivery, Destination
from relevo.domain.ids import DeliveryId, MemberId, MessageId
from relevo.domain.media_links import media_url
from relevo.domain.messages import Media, Message, MessageStatus
from relevo.domain.workspaces import EventType
from relevo.engine.hub import ConversationChanged, MessageStored, Notice, StatusChanged, Typing
from relevo.store.ids import IdBlocks
from relevo.store.media import MediaFile
from relevo.store.problems import Problem
from relevo.system.chance import Chance

_encode = msgspec.json.Encoder().encode


class FetchTask(msgspec.Struct, frozen=True):
    """The body of a delivery to `media`: what to fetch, and under which id to keep it."""

    media_id: str
    url: str
    channel_id: int = 0
    """Whose file it is: the channel's adapter knows how it is found."""


class ChannelWhispering(msgspec.Struct, frozen=True):
    """Something to show a customer at once or never: that what they wrote, up to `last_mid`, is read, or that
    somebody is typing."""

    channel_id: int
    user_id: str
    last_mid: str
    is_typing: bool


class Whispering(msgspec.Struct, frozen=True):
    """Something to tell an endpoint at once or never."""

    endpoint_id: int
    event_type: str
    body: bytes


class WantedTranscript(msgspec.Struct, frozen=True):
    """The delivery with this index is to tell the latest messages, too: so many, from before `before_seq`."""

    index: int
    about: live_chat.About
    effect: NotifyPlatform
    before_seq: int

    def told(self, delivery: Delivery, latest: Sequence[Message]) -> Delivery:
        """The delivery with the messages, the oldest first."""
        said = [live_chat.webhook_message(self.about, message) for message in latest]
        data = {**(self.effect.data or {}), "transcript": said}
        body = live_chat.event_body(self.about, self.effect.event_type, data)
        return msgspec.structs.replace(delivery, body=body)


class Materials(msgspec.Struct):
    """What one decision adds to a batch."""

    conversation: Conversation
    messages: list[Message]
    deliveries: list[Delivery]
    updates: tuple[UpdateMessage, ...] = ()
    problems: tuple[Problem, ...] = ()
    media: tuple[MediaFile, ...] = ()
    whispers: tuple[Whispering | ChannelWhispering, ...] = ()
    replaced: tuple[Message, ...] = ()
    logged: tuple[LoggedEvent, ...] = ()
    work: tuple[CaseWork, ...] = ()
    reached: tuple[Reached, ...] = ()
    transcripts: tuple[WantedTranscript, ...] = ()
    typing: bool = False
    """Whether the other side is typing at this moment."""

    def notices(self) -> Iterator[Notice]:
        """What whoever looks at the conversation is to see."""
        workspace_id, id_ = self.conversation.workspace_id, self.conversation.id
        if self.typing:
            yield Typing(workspace_id, id_)
        for message in self.messages:
            yield MessageStored(workspace_id, id_, message)
        by_status: dict[MessageStatus, list[int]] = {}
        for update in self.updates:
            by_status.setdefault(update.status, []).append(update.message_id)
        for status, ids in by_status.items():
            yield StatusChanged(workspace_id, id_, tuple(ids), status)
        yield ConversationChanged(workspace_id, id_)


class Workshop:
    """Turns decisions into materials. All ids and links come from here."""

    def __init__(
        self, *, ids: IdBlocks, chance: Chance, public_url: Callable[[], str], media_key: bytes
    ) -> None:
        self._ids, self._chance = ids, chance
        self._public_url, self._media_key = public_url, media_key

    def make(self, decision: Decision, around: Surroundings) -> Materials:
        """Everything to store and to do for one decision."""
        made = Materials(decision.conversation, [], [])
        fetched = [effect.seq for effect in decision.effects if isinstance(effect, FetchMedia)]
        by_seq: dict[int, Message] = {}
        for new in decision.messages:
            message = self._message(new, decision.conversation, around, made, fetch=new.seq in fetched)
            by_seq[new.seq] = message
            made.messages.append(message)
        for effect in decision.effects:
            self._carry_out(effect, by_seq, around, made)
        return made

    def _message(
        self, new: NewMessage, of: Conversation, around: Surroundings, made: Materials, *, fetch: bool
    ) -> Message:
        content = new.content
        if fetch and isinstance(content, Media):
            content = self._keep(content, of, around.now, made)
        pulled = adapter_for(around.channel.type).capabilities.is_pulled
        sent = pulled and new.status is MessageStatus.QUEUED
        return Message(
            id=MessageId(self._ids.take("messages")),
            object_id=self._chance.object_id(),
            conversation_id=of.id,
            seq=new.seq,
            type=new.type,
            content=content,
            created_at=around.now,
            mid=new.mid,
            member_id=new.member_id,
            username=new.username,
            status=MessageStatus.SENT if sent else new.status,
            error=new.error,
            referral=new.referral,
        )

    def _keep(self, media: Media, of: Conversation, now: datetime, made: Materials) -> Media:
        """The same file under our own link, and the duty to fetch it."""
        media_id = self._chance.token(16)
        file = MediaFile(
            id=media_id,
            workspace_id=of.workspace_id,
            conversation_id=of.id,
            source_url=media.url,
            state="pending",
            name=media.title,
            mime_type=media.mime_type,
            size=media.size,
            created_at=now,
        )
        made.media += (file,)
        ours = media_url(self._public_url(), media_id, self._media_key)
        return msgspec.structs.replace(media, url=ours, media_id=media_id)

    def _carry_out(
        self, effect: Effect, messages: dict[int, Message], around: Surroundings, made: Materials
    ) -> None:
        match effect:
            case SendToCustomer(seq=seq, is_patient=is_patient):
                self._send(messages[seq], around, made, is_patient=is_patient)
            case FetchMedia(seq=seq):
                self._fetch(messages[seq], around, made)
            case NotifyPlatform():
                self._notify(effect, messages, around, made)
            case SendEmail(number=number, task=email):
                to = Destination("email", made.conversation.workspace_id)
                self._deliver(made, around, to, "email", number, _encode(email), None)
            case MakeCall():
                self._call(effect, around, made)
            case Whisper(endpoint_id=endpoint_id, event_type=event_type):
                about = _about(made.conversation, around, made.conversation.member_id)
                body = live_chat.event_body(about, event_type, {})
                made.whispers += (Whispering(endpoint_id, event_type.value, body),)
            case ShowTyping():
                self._show_typing(around, made)
            case ShowRead():
                if adapter_for(around.channel.type).capabilities.reads:
                    made.whispers += (_attention(around, made.conversation, is_typing=False),)
            case ReplaceContent(message=message):
                messages[message.seq] = message
                made.replaced += (message,)
            case UpdateMessage():
                made.updates += (effect,)
            case Happened() | CaseClosed() | TurnTaken() | CameToday():
                made.work += (effect,)
            case Reached():
                made.reached += (effect,)
            case Report(code=code, detail=detail):
                made.problems += (_problem(made.conversation, around, code, detail),)
            case LogCustomEvent(event_id=event_id, values=values):
                one = LoggedEvent(event_id=event_id, conversation_id=made.conversation.id, values=values)
                made.logged += (one,)
            case _:
                assert_never(effect)

    def _show_typing(self, around: Surroundings, made: Materials) -> None:
        made.typing = True
        capabilities = adapter_for(around.channel.type).capabilities
        if capabilities.typing and not capabilities.is_pulled:
            made.whispers += (_attention(around, made.conversation, is_typing=True),)

    def _send(self, message: Message, around: Surroundings, made: Materials, *, is_patient: bool) -> None:
        if adapter_for(around.channel.type).capabilities.is_pulled:
            return
        conversation = made.conversation
        body = OutgoingMessage(
            message_id=message.id,
            object_id=message.object_id,
            conversation_id=conversation.id,
            user_ns=conversation.user_ns,
            user_id=conversation.subscriber.user_id,
            type=message.type,
            content=message.content,
            username=message.username,
            member_id=message.member_id,
            created_at=message.created_at,
            contact_name=conversation.subscriber.display_name,
            heard_at=conversation.heard_at or conversation.subscriber.last_seen_at,
        )
        destination = Destination("channel", around.channel.id)
        type_ = BROADCAST if is_patient else "message"
        self._deliver(made, around, destination, type_, message.seq, _encode(body), message)

    def _fetch(self, message: Message, around: Surroundings, made: Materials) -> None:
        file = made.media[-1]
        task = FetchTask(file.id, file.source_url, around.channel.id)
        self._deliver(made, around, Destination("media", 0), "media", message.seq, _encode(task), message)

    def _call(self, effect: MakeCall, around: Surroundings, made: Materials) -> None:
        task = effect.task
        destination = Destination("call", calls.place_of(made.conversation.workspace_id, task.url))
        body = calls.encoded(task)
        self._deliver(made, around, destination, calls.kind_of(task), effect.number, body, None)

    def _notify(
        self, effect: NotifyPlatform, messages: dict[int, Message], around: Surroundings, made: Materials
    ) -> None:
        about = _about(made.conversation, around, effect.member_id, effect.paused_seconds)
        message = messages[effect.message_seq] if effect.message_seq is not None else None
        if effect.transcript:
            before_seq = made.conversation.message_seq + 1
            made.transcripts += (WantedTranscript(len(made.deliveries), about, effect, before_seq),)
        body = _webhook_body(about, effect, message)
        destination = Destination("endpoint", effect.endpoint_id)
        self._deliver(
            made, around, destination, effect.event_type.value, effect.seq, body, message, effect.epoch
        )

    def _deliver(
        self,
        made: Materials,
        around: Surroundings,
        destination: Destination,
        event_type: str,
        seq: int,
        body: bytes,
        message: Message | None,
        epoch: int | None = None,
    ) -> None:
        conversation = made.conversation
        made.deliveries.append(
            Delivery(
                id=DeliveryId(self._ids.take("deliveries")),
                workspace_id=conversation.workspace_id,
                conversation_id=conversation.id,
                destination=destination,
                event_type=event_type,
                webhook_id=self._chance.webhook_id(),
                seq=seq,
                epoch=conversation.epoch if epoch is None else epoch,
                body=body,
                created_at=around.now,
                message_id=message.id if message else None,
            )
        )


def _webhook_body(about: live_chat.About, effect: NotifyPlatform, message: Message | None) -> bytes:
    if effect.event_type is EventType.MESSAGE_RECEIVED and message is not None:
        return live_chat.message_body(about, message)
    data = dict(effect.data or {})
    if message is not None:
        data["message"] = live_chat.webhook_message(about, message)
    return live_chat.event_body(about, effect.event_type, data)


def _attention(around: Surroundings, of: Conversation, *, is_typing: bool) -> ChannelWhispering:
    return ChannelWhispering(around.channel.id, of.subscriber.user_id, of.heard_mid, is_typing)


def _about(
    conversation: Conversation, around: Surroundings, member_id: MemberId | None, paused_seconds: int = 0
) -> live_chat.About:
    return live_chat.About(
        workspace_id=conversation.workspace_id,
        flow_id=conversation.flow_id,
        conversation_id=conversation.id,
        member_id=member_id,
        paused_seconds=paused_seconds,
        timezone=around.workspace.timezone,
    )


def _problem(conversation: Conversation, around: Surroundings, code: str, detail: str) -> Problem:
    return Problem(
        workspace_id=conversation.workspace_id,
        conversation_id=conversation.id,
        channel_id=conversation.channel_id,
        flow_id=conversation.flow_id,
        code=code,
        detail=detail,
        at=around.now,
    )
