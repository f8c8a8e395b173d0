"""What a webhook's mapping makes of a body."""

from __future__ import annotations

from typing import Any

import pytest

from relevo.domain.flows.runs import AddTag, SetField
from relevo.domain.ids import FlowId, InboundWebhookId, WorkspaceId
from relevo.domain.inbound_webhooks import (
    InboundWebhook,
    Mapped,
    NotJson,
    decode,
    phone_of,
    read,
    redacted,
    redacted_text,
    user_id_of,
)
from relevo.domain.json_paths import at, leaves, parse
from relevo.domain.subscribers import Profile

ORDER: Any = {
    "customer": {"phone": "+61 400 000 000", "email": "ana@example.com", "name": "Ana", "vip": True},
    "order": {"id": 77, "total": 9.9, "items": [{"sku": "mug"}, {"sku": "cup"}], "note": None},
    "tags": ["buyer", "web"],
}


def webhook(*mappings: tuple[str, str], **more: Any) -> InboundWebhook:
    return InboundWebhook(
        id=InboundWebhookId(1),
        workspace_id=WorkspaceId(1),
        flow_id=FlowId(1001),
        name="shop",
        key="k",
        mappings=tuple(Mapped(*one) for one in mappings),
        **more,
    )


def test_the_leaves_of_a_body_have_paths_that_lead_back_to_them() -> None:
    body = {**ORDER, "odd name": {"a.b": 1}, "none": []}

    found = dict(leaves(body))

    assert found["order.items[0].sku"] == "mug"
    assert found['["odd name"]["a.b"]'] == 1
    assert all(at(body, parse(path)) == value for path, value in found.items())
    assert len(leaves({str(n): n for n in range(500)})) == 100


def test_values_go_where_the_mapping_says() -> None:
    reading = read(
        webhook(
            ("customer.phone", "phone"),
            ("customer.email", "email"),
            ("customer.name", "first_name"),
            ("order.total", "field.total"),
            ("order.items[0]", "field.first"),
            ("customer.vip", "field.vip"),
            ("tags", "tag"),
            ("order.items[0].sku", "tag"),
            tags=("customer", "buyer"),
            key_path="order.id",
        ),
        ORDER,
    )

    assert reading.who == {"phone": "+61400000000", "email": "ana@example.com"}
    assert reading.profile == Profile(first_name="Ana", phone="+61400000000", email="ana@example.com")
    assert reading.acts == (
        SetField("total", 9.9),
        SetField("first", '{"sku":"mug"}'),
        SetField("vip", True),
        AddTag("customer"),
        AddTag("buyer"),
        AddTag("web"),
        AddTag("mug"),
    )
    assert (reading.key, reading.wrongs) == ("77", ())


def test_what_cannot_be_is_left_out_and_said() -> None:
    body = {"phone": "12", "email": "ana", "tag": {}, "long": "x" * 5001, "nul": "a\0"}
    mappings = [("phone", "phone"), ("email", "email"), ("tag", "tag"), ("long", "name"), ("nul", "field.x")]

    reading = read(webhook(*mappings, ("gone", "field.y")), body)

    assert (reading.who, reading.profile, reading.acts) == ({}, Profile(), ())
    assert [wrong.partition(":")[0] for wrong in reading.wrongs] == [*body, "gone"]
    assert reading.wrongs[0] == "phone: '12' is not a phone number with its country: +61400000000"
    assert reading.wrongs[-1] == "gone: the body has nothing there"


@pytest.mark.parametrize("body", [b"", b"hello", b"{", b"[" * 100_000, b"\xff", b"a=1&b=2"])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(NotJson, match="The body must be JSON"):
        decode(body)


@pytest.mark.parametrize("body", [[], "text", 7, None])
def test_any_json_can_be_read(body: object) -> None:
    assert read(webhook(("a.b", "phone")), body).wrongs == ("a.b: the body has nothing there",)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+61 400 000 000", "+61400000000"),
        ("61400000000", "+61400000000"),
        ("0061400000000", "+61400000000"),
        ("+1 (201) 555-0123", "+12015550123"),
        ("0400000000", None),
        ("12", None),
        ("call me", None),
        ("", None),
    ],
)
def test_a_phone_number_needs_its_country(written: str, number: str | None) -> None:
    assert phone_of(written) == number


def test_an_id_inside_a_channel_is_known_where_it_is_the_number() -> None:
    who = {"phone": "+61400000000"}

    assert user_id_of("whatsapp", who) == "61400000000"
    assert user_id_of("sms", who) == "+61400000000"
    assert user_id_of("telegram", who) == ""
    assert user_id_of("telegram", {**who, "user_id": "7"}) == "7"


def test_secrets_are_not_kept() -> None:
    body = {
        "password": "p",
        "user": {"Api-Key": ["a"], "cardNumber": "4", "name": "Ana"},
        "l": [{"token": 1}],
    }

    hidden = {"Api-Key": "***", "cardNumber": "***", "name": "Ana"}
    assert redacted(body) == {"password": "***", "user": hidden, "l": [{"token": "***"}]}
    assert (
        redacted_text('{"api_key": "abc", name=Ana&token=xyz&b=1')
        == '{"api_key": ***, name=Ana&token=***&b=1'
    )
