"""The webhook, from the receiving side: who sent it, what it says, and whether it came before.

What did not come is read again over the API.

The signature covers `webhook-id`, `webhook-timestamp` and the body. It does not cover
`relevo-event`, so what a webhook is about is read from the body alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from relevo.sdk.messages import Message
from relevo.sdk.objects import PostedEvent, told

TOLERANCE = timedelta(minutes=5)
"""How far a webhook's time may be from ours, both ways: older ones may be replays."""


class ReceiveError(Exception):
    """A request that must not be acted upon. Answer it with `status`."""

    status = 400


class MissingHeader(ReceiveError):
    """A header that every signed webhook has is not there, or is not what it must be."""


class BadSignature(ReceiveError):
    """No signature fits the body and any of the secrets: somebody else sent it, or the secret is wrong."""

    status = 401


class WrongTime(ReceiveError):
    """Well signed, but too long ago or in the future: a replay, or a clock that is wrong."""

    status = 401


class UnreadableBody(ReceiveError):
    """Well signed, but neither `{meta, message}` nor `{meta, event}`."""


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """The conversation that a webhook speaks of. `agent_id` 0 is nobody."""

    user_ns: str = ""
    agent_id: int = 0
    flow_ns: str = ""
    team_id: int = 0


class MessageReceived(msgspec.Struct, frozen=True):
    """The customer said something while an agent has control."""

    meta: Meta
    message: Message


class PlatformEvent(msgspec.Struct, frozen=True):
    """Anything else that the endpoint has opted in to, such as `handoff.returned`.

    `data` is what the event says besides its type.
    """

    meta: Meta
    type: str
    data: dict[str, Any]


Event = MessageReceived | PlatformEvent


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that is genuine.

    `duplicate`: this id came before; answer 2xx and do nothing else. `gap`: webhooks of this
    conversation are missing before this one: `heal` reads them. `late`: a later one of this conversation came
    already (somebody redelivered it). `seq` and `epoch` are 0 when the sender told none;
    `seq_before` is the highest that had come of this conversation.
    """

    event: Event
    duplicate: bool
    gap: bool
    late: bool = False
    id: str = ""
    seq: int = 0
    epoch: int = 0
    seq_before: int = 0


class Events(Protocol):
    """What healing wants of a `Client`."""

    def events(self, user_ns: str, after_seq: int = 0, *, endpoint: str = "") -> AsyncIterator[PostedEvent]:
        """The webhooks of a conversation after a seq, in order."""


class Seen(Protocol):
    """Remembers which webhooks came, and how far each conversation has come.

    One instance may be used by several threads: `remember` is one step.
    """

    def remember(self, webhook_id: str, user_ns: str, seq: int) -> int | None:
        """The highest `seq` of the conversation before this webhook, 0 when there was none;
        None when the id is known already, and then nothing changes."""

    def forget(self, webhook_id: str) -> None:
        """Undo `remember`, so that the same id counts as new."""


class InMemorySeen:
    """Remembers the latest `ids` webhooks and `conversations`, until the process ends.

    Relevo repeats a webhook for a day at most, unless a person redelivers it. After a restart
    the first webhook of a running conversation reports a gap: nothing before it is known.
    """

    def __init__(self, ids: int = 100_000, conversations: int = 20_000) -> None:
        self._most_ids = ids
        self._most_conversations = conversations
        self._before: OrderedDict[str, tuple[str, int, int]] = (
            OrderedDict()
        )  # id → (user_ns, seq, seq before)
        self._highest: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, webhook_id: str, user_ns: str, seq: int) -> int | None:
        with self._lock:
            if webhook_id in self._before:
                return None
            before = self._highest.get(user_ns, 0)
            self._before[webhook_id] = (user_ns, seq, before)
            self._advance(user_ns, max(seq, before))
            _trim(self._before, self._most_ids)
            return before

    def forget(self, webhook_id: str) -> None:
        with self._lock:
            user_ns, seq, before = self._before.pop(webhook_id, ("", 0, 0))
            if self._highest.get(user_ns) == seq:
                self._advance(user_ns, before)

    def _advance(self, user_ns: str, seq: int) -> None:
        self._highest[user_ns] = seq
        self._highest.move_to_end(user_ns)
        _trim(self._highest, self._most_conversations)


class Receiver:
    """Reads webhooks and remembers them.

    `secrets` is one secret or, while you change it, several: any of them may fit. Raises
    ValueError for a secret that is not `whsec_` and base64.
    """

    def __init__(self, secrets: str | Iterable[str], *, store: Seen | None = None) -> None:
        given = [secrets] if isinstance(secrets, str) else list(secrets)
        self._keys = [_key(secret) for secret in given]
        if not self._keys:
            raise ValueError("no secret given: take the one of the endpoint, it begins with whsec_")
        self._store = store if store is not None else InMemorySeen()

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime | None = None) -> Received:
        """Verify, read and remember one request; `body` is what came, byte for byte.

        Raises a ReceiveError. When your own work on the event fails afterwards, call `forget`
        before you answer with an error, or Relevo's next attempt counts as a duplicate.
        """
        return self._remembered(self.read(headers, body, now))

    def take(self, posted: PostedEvent) -> Received:
        """Read and remember what `Client.events` or `Client.all_events` gave: as if it had been received.

        It has no signature: the API said so itself. Raises UnreadableBody.
        """
        return self._remembered(_taken(posted))

    async def heal(
        self, received: Received, client: Events, *, endpoint: str = ""
    ) -> AsyncIterator[Received]:
        """What is missing before a webhook with a `gap`, in order; each counts as received.

        `gap` of one of these, or fewer than `received.seq - received.seq_before - 1` of them: the rest is
        not kept any more. `endpoint` is as for `Client.events`. Raises a ClientError.
        """
        user_ns, highest = received.event.meta.user_ns, received.seq_before
        async for posted in client.events(user_ns, highest, endpoint=endpoint):
            if posted.seq >= received.seq:
                return
            taken = self.take(posted)
            if not taken.duplicate:
                yield msgspec.structs.replace(taken, gap=posted.seq > highest + 1, late=False)
            highest = posted.seq

    def _remembered(self, read: Received) -> Received:
        before = self._store.remember(read.id, read.event.meta.user_ns, read.seq)
        if before is None:
            return msgspec.structs.replace(read, duplicate=True)
        return msgspec.structs.replace(
            read, gap=read.seq > before + 1, late=0 < read.seq < before, seq_before=before
        )

    def forget(self, received: Received) -> None:
        """Take it back: the same webhook is new when it comes again."""
        self._store.forget(received.id)

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime | None = None) -> Received:
        """Verify and read without remembering: for platforms that keep the ids in the same
        transaction as their work. `duplicate`, `gap` and `late` are always False."""
        by_name = {name.lower(): value for name, value in headers.items()}
        webhook_id = _required(by_name, "webhook-id")
        timestamp = _required(by_name, "webhook-timestamp")
        self._verify(f"{webhook_id}.{timestamp}.".encode() + body, _required(by_name, "webhook-signature"))
        _check_time(timestamp, now or datetime.now(UTC))
        return Received(
            event=_event(body),
            duplicate=False,
            gap=False,
            id=webhook_id,
            seq=_count(by_name, "relevo-seq"),
            epoch=_count(by_name, "relevo-epoch"),
        )

    def _verify(self, signed: bytes, header: str) -> None:
        candidates = [_signature(entry) for entry in header.split(" ")]
        fits = False
        for key in self._keys:
            expected = hmac.new(key, signed, hashlib.sha256).digest()
            for candidate in candidates:
                fits |= hmac.compare_digest(expected, candidate)
        if not fits:
            raise BadSignature(
                "no signature in webhook-signature fits this body and the secret of the endpoint"
            )


def _taken(posted: PostedEvent) -> Received:
    return Received(
        event=_event(posted.body.encode()),
        duplicate=False,
        gap=False,
        id=posted.webhook_id,
        seq=posted.seq,
        epoch=posted.epoch,
    )


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("a webhook secret is whsec_ followed by base64; copy it whole from the endpoint")
    return key


def _signature(entry: str) -> bytes:
    """The bytes of one `v1,<base64>`; empty for other versions and for rubbish."""
    version, _, encoded = entry.partition(",")
    if version != "v1":
        return b""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _required(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise MissingHeader(f"{name} is missing: Relevo sends it with every webhook")
    return value


def _check_time(timestamp: str, now: datetime) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise MissingHeader(f"webhook-timestamp is {timestamp[:40]!r}, not seconds since 1970")
    seconds = int(timestamp) - int(now.timestamp())
    if abs(seconds) > TOLERANCE.total_seconds():
        where = "in the future" if seconds > 0 else "in the past"
        raise WrongTime(
            f"webhook-timestamp is {abs(seconds)} s {where}; up to {TOLERANCE.seconds} s are accepted"
        )


def _count(headers: Mapping[str, str], name: str) -> int:
    value = headers.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 18 else 0


def _event(body: bytes) -> Event:
    try:
        whole = msgspec.json.decode(body)
        meta = told(whole["meta"], Meta)
        if "message" in whole:
            return MessageReceived(meta, told(whole["message"], Message))
        event = dict(whole["event"])
        return PlatformEvent(meta, str(event.pop("type")), event)
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
        raise UnreadableBody(
            f"the body is neither {{meta, message}} nor {{meta, event}}: {error!r}"
        ) from error


def _trim(remembered: OrderedDict[str, Any], most: int) -> None:
    while len(remembered) > most:
        remembered.popitem(last=False)
