from __future__ import annotations

import base64
import hmac
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from relevo.sdk.objects import PostedEvent
from relevo.sdk.receiver import (
    BadSignature,
    InMemorySeen,
    MessageReceived,
    MissingHeader,
    PlatformEvent,
    Received,
    ReceiveError,
    Receiver,
    UnreadableBody,
    WrongTime,
)
from tests.sdk.webhooks import ANA, NOON, SECRET, event_body, headers, message_body

OTHER_SECRET = "whsec_" + "b3RoZXIgc2VjcmV0IG90aGVyIHNlY3JldA=="
BODY = message_body()


def receive(receiver: Receiver, body: bytes = BODY, *, id_: str = "msg_1", seq: int = 1) -> Received:
    return receiver.receive(headers(body, id_=id_, seq=seq), body, NOON)


# Who sent it


def test_what_the_reference_implementation_signs_is_received() -> None:
    received = receive(Receiver(SECRET))

    assert isinstance(received.event, MessageReceived)
    assert (received.id, received.seq, received.epoch) == ("msg_1", 1, 3)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.binary(min_size=1, max_size=64))
def test_the_reference_implementation_and_we_sign_alike(text: str, key: bytes) -> None:
    body = message_body(content=text)
    secret = "whsec_" + base64.b64encode(key).decode()

    received = Receiver(secret).receive(headers(body, secret=secret), body, NOON)

    assert isinstance(received.event, MessageReceived)
    assert received.event.message.content == text


def test_a_secret_may_come_without_its_prefix_and_its_padding() -> None:
    bare = OTHER_SECRET.removeprefix("whsec_").rstrip("=")

    assert Receiver(bare).receive(headers(BODY, secret=OTHER_SECRET), BODY, NOON).id == "msg_1"


def test_one_of_several_secrets_is_enough() -> None:
    assert receive(Receiver([OTHER_SECRET, SECRET])).id == "msg_1"


def test_one_of_several_signatures_is_enough() -> None:
    signed = headers(BODY)
    signed["Webhook-Signature"] = f"v1a,AAAA rubbish v1,%% {signed['Webhook-Signature']} v1,AAAA"

    assert Receiver(SECRET).receive(signed, BODY, NOON).id == "msg_1"


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_a_missing_header_is_named(name: str) -> None:
    signed = headers(BODY)
    del signed[name]

    with pytest.raises(MissingHeader, match=name.lower()):
        Receiver(SECRET).receive(signed, BODY, NOON)


@pytest.mark.parametrize("signature", ["", "v1,", "v1,AAAA", "v2,AAAA", "rubbish", "v1,ÿ", ","])
def test_a_signature_that_does_not_fit_is_refused(signature: str) -> None:
    changed = headers(BODY) | {"Webhook-Signature": signature}

    with pytest.raises((BadSignature, MissingHeader)):
        Receiver(SECRET).receive(changed, BODY, NOON)


def test_a_signature_of_another_version_does_not_count() -> None:
    signed = headers(BODY)
    signed["Webhook-Signature"] = signed["Webhook-Signature"].replace("v1,", "v2,")

    with pytest.raises(BadSignature):
        Receiver(SECRET).receive(signed, BODY, NOON)


def test_another_secret_is_refused() -> None:
    with pytest.raises(BadSignature) as refusal:
        Receiver(OTHER_SECRET).receive(headers(BODY), BODY, NOON)

    assert refusal.value.status == 401


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(BadSignature):
        Receiver(SECRET).receive(headers(BODY), BODY.replace(b"stock", b"store"), NOON)


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp"])
def test_the_id_and_the_time_are_signed_too(name: str) -> None:
    signed = headers(BODY)
    signed[name] += "1"

    with pytest.raises(BadSignature):
        Receiver(SECRET).receive(signed, BODY, NOON)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_abcd efgh", "plain-text", "ä"])
def test_a_secret_that_cannot_be_one_is_refused_at_once(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        Receiver(secret)


def test_no_secret_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no secret"):
        Receiver([])


# When


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_either_way_are_accepted(seconds: int) -> None:
    assert (
        Receiver(SECRET).receive(headers(BODY, at=NOON + timedelta(seconds=seconds)), BODY, NOON).id
        == "msg_1"
    )


@pytest.mark.parametrize(("seconds", "where"), [(-301, "301 s in the past"), (301, "301 s in the future")])
def test_more_than_five_minutes_are_not(seconds: int, where: str) -> None:
    with pytest.raises(WrongTime, match=where):
        Receiver(SECRET).receive(headers(BODY, at=NOON + timedelta(seconds=seconds)), BODY, NOON)


@pytest.mark.parametrize("timestamp", ["soon", "-5", "1e9", "١٢٣", "9" * 30])
def test_a_time_that_is_none_is_refused(timestamp: str) -> None:
    signed = headers(BODY) | {"Webhook-Timestamp": timestamp}
    signed["Webhook-Signature"] = _sign_as_is("msg_1", timestamp, BODY)

    with pytest.raises(MissingHeader, match="webhook-timestamp"):
        Receiver(SECRET).receive(signed, BODY, NOON)


def _sign_as_is(id_: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{id_}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


# What it says


def test_a_message_is_told_whole() -> None:
    event = receive(Receiver(SECRET)).event

    assert isinstance(event, MessageReceived)
    assert (event.meta.user_ns, event.meta.flow_ns, event.meta.team_id) == (ANA, "f1001", 1)
    assert event.message.object_id == "6921a1b2c3d4e5f601020304"
    assert event.message.text == "Is it in stock?"
    assert event.message.said_at == NOON + timedelta(milliseconds=123)
    assert event.message.paused_diff_seconds == 1800


def test_any_other_event_keeps_its_data() -> None:
    event = receive(Receiver(SECRET), event_body("handoff.returned", reason="time", epoch=4)).event

    assert isinstance(event, PlatformEvent)
    assert (event.type, event.data) == ("handoff.returned", {"reason": "time", "epoch": 4})
    assert event.meta.user_ns == ANA


def test_the_body_and_not_the_unsigned_header_says_what_it_is() -> None:
    signed = headers(BODY) | {"Relevo-Event": "handoff.returned"}

    assert isinstance(Receiver(SECRET).receive(signed, BODY, NOON).event, MessageReceived)


def test_new_fields_and_nulls_are_no_error() -> None:
    body = message_body(mid=None, payload=None, brand_new={"a": 1})

    event = receive(Receiver(SECRET), body).event

    assert isinstance(event, MessageReceived)
    assert (event.message.mid, event.message.payload) == ("", {})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"7",
        b"null",
        b'{"message": {"type": "in"}}',
        b'{"meta": {"user_ns": "f1u2"}}',
        b'{"meta": null, "message": {"type": "in"}}',
        b'{"meta": {}, "message": {"content": "nobody said it"}}',
        b'{"meta": {}, "message": {"type": "in", "ts": "noon"}}',
        b'{"meta": {}, "event": {}}',
        b'{"meta": {}, "event": "typing"}',
    ],
)
def test_a_well_signed_body_that_is_not_a_webhook_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableBody) as refusal:
        receive(Receiver(SECRET), body)

    assert refusal.value.status == 400


@given(st.binary(max_size=200))
def test_whatever_the_body_only_our_own_errors_come_out(body: bytes) -> None:
    signed = {"webhook-id": "x", "webhook-timestamp": str(int(NOON.timestamp()))}
    signed["webhook-signature"] = _sign_as_is("x", signed["webhook-timestamp"], body)

    with pytest.raises(ReceiveError):
        Receiver(SECRET).receive(signed, body, NOON)


# Once, and in order


def test_the_same_id_again_is_a_duplicate() -> None:
    receiver = Receiver(SECRET)

    assert [receive(receiver).duplicate for _ in range(3)] == [False, True, True]


def test_a_webhook_that_was_not_genuine_does_not_make_the_genuine_one_a_duplicate() -> None:
    receiver = Receiver(SECRET)
    with pytest.raises(BadSignature):
        receiver.receive(headers(BODY, secret=OTHER_SECRET), BODY, NOON)

    assert not receive(receiver).duplicate


def test_what_was_forgotten_is_new_again() -> None:
    receiver = Receiver(SECRET)
    receive(receiver, id_="a", seq=1)
    first = receive(receiver, id_="c", seq=3)
    receiver.forget(first)

    again = receive(receiver, id_="c", seq=3)

    assert (first.gap, again.gap, again.late, again.duplicate) == (True, True, False, False)


def test_forgetting_an_old_one_leaves_the_position() -> None:
    receiver = Receiver(SECRET)
    first = receive(receiver, id_="a", seq=1)
    receive(receiver, id_="b", seq=2)
    receiver.forget(first)

    assert receive(receiver, id_="a", seq=1).late
    assert not receive(receiver, id_="c", seq=3).gap


def test_numbers_in_a_row_have_no_gap() -> None:
    receiver = Receiver(SECRET)

    marks = [receive(receiver, id_=f"m{seq}", seq=seq) for seq in (1, 2, 3)]

    assert [(mark.gap, mark.late) for mark in marks] == [(False, False)] * 3


def test_a_missing_number_is_a_gap_and_its_late_arrival_is_told() -> None:
    receiver = Receiver(SECRET)

    marks = [receive(receiver, id_=f"m{seq}", seq=seq) for seq in (1, 3, 2, 4)]

    assert [(mark.gap, mark.late) for mark in marks] == [
        (False, False),
        (True, False),
        (False, True),
        (False, False),
    ]


def test_each_conversation_counts_for_itself() -> None:
    receiver = Receiver(SECRET)
    ben = msgspec.json.encode({"meta": {"user_ns": "f1001u35"}, "event": {"type": "typing"}})
    receive(receiver, id_="a1", seq=1)
    receive(receiver, ben, id_="b1", seq=1)

    assert not receive(receiver, id_="a2", seq=2).gap
    assert receive(receiver, ben, id_="b3", seq=3).gap


def test_the_first_one_known_of_a_running_conversation_is_a_gap() -> None:
    assert receive(Receiver(SECRET), seq=7).gap


def test_an_event_without_a_number_is_neither_gap_nor_late() -> None:
    receiver = Receiver(SECRET)
    receive(receiver, id_="a", seq=5)
    typing = headers(BODY, id_="t")
    del typing["Relevo-Seq"]

    received = receiver.receive(typing, BODY, NOON)

    assert (received.gap, received.late, received.seq) == (False, False, 0)
    assert not receive(receiver, id_="b", seq=6).gap


def test_reading_remembers_nothing() -> None:
    receiver = Receiver(SECRET)
    receiver.read(headers(BODY), BODY, NOON)

    assert not receive(receiver).duplicate


def test_memory_is_bounded_and_drops_the_oldest() -> None:
    seen = InMemorySeen(ids=2, conversations=1)
    for id_, user_ns in [("a", "f1u1"), ("b", "f1u2"), ("c", "f1u2")]:
        seen.remember(id_, user_ns, 1)

    assert seen.remember("c", "f1u2", 1) is None
    assert seen.remember("a", "f1u1", 2) == 0


def test_receivers_may_share_what_they_have_seen() -> None:
    seen = InMemorySeen()
    receive(Receiver(SECRET, store=seen))

    assert receive(Receiver(SECRET, store=seen)).duplicate


def test_the_reference_implementation_reads_our_idea_of_a_signature() -> None:
    timestamp = str(int(NOON.timestamp()))

    assert _sign_as_is("msg_1", timestamp, BODY) == Webhook(SECRET).sign("msg_1", NOON, BODY.decode())


# What did not come


class Kept:
    """What an API would tell."""

    def __init__(self, *seqs: int) -> None:
        self.seqs = seqs
        self.asked: list[tuple[str, int, str]] = []

    async def events(
        self, user_ns: str, after_seq: int = 0, *, endpoint: str = ""
    ) -> AsyncIterator[PostedEvent]:
        self.asked.append((user_ns, after_seq, endpoint))
        for seq in self.seqs:
            if seq > after_seq:
                yield PostedEvent(
                    user_ns=ANA, webhook_id=f"msg_{seq}", event="x", seq=seq, epoch=5, body=BODY.decode()
                )


async def healed(receiver: Receiver, received: Received, kept: Kept) -> list[Received]:
    return [one async for one in receiver.heal(received, kept, endpoint="desk")]


async def test_a_gap_is_healed_in_order_up_to_the_webhook_that_showed_it() -> None:
    receiver, kept = Receiver(SECRET), Kept(1, 2, 3, 4, 5, 6)
    receive(receiver, id_="msg_1", seq=1)
    receive(receiver, id_="msg_3", seq=3)  # read by somebody else at the same time
    shows = receive(receiver, id_="msg_5", seq=5)

    found = await healed(receiver, msgspec.structs.replace(shows, seq_before=1), kept)

    assert kept.asked == [(ANA, 1, "desk")]
    assert [(one.seq, one.id, one.epoch, one.gap, one.late) for one in found] == [
        (2, "msg_2", 5, False, False),
        (4, "msg_4", 5, False, False),
    ]
    assert isinstance(found[0].event, MessageReceived)
    assert receive(receiver, id_="msg_2", seq=2).duplicate
    assert not receive(receiver, id_="msg_6", seq=6).gap


async def test_what_cannot_be_healed_is_a_gap_still() -> None:
    receiver = Receiver(SECRET)
    shows = receive(receiver, id_="msg_9", seq=9)

    found = await healed(receiver, shows, Kept(6, 7, 8))

    assert [(one.seq, one.gap) for one in found] == [(6, True), (7, False), (8, False)]


async def test_what_is_read_over_the_api_counts_as_received() -> None:
    receiver = Receiver(SECRET)
    [first, second] = [one async for one in Kept(1, 2).events(ANA)]

    assert not receiver.take(first).duplicate
    assert receiver.take(first).duplicate
    assert receive(receiver, id_="msg_1", seq=1).duplicate
    receiver.forget(receiver.take(second))
    assert not receive(receiver, id_="msg_2", seq=2).duplicate
    with pytest.raises(UnreadableBody):
        receiver.take(msgspec.structs.replace(first, webhook_id="x", body="{}"))
