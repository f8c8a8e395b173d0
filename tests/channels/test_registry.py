"""The list of channels, and what they read with."""

from __future__ import annotations

import hmac
from datetime import timedelta

import msgspec
import pytest

from relevo.channels import toolkit
from relevo.channels.adapter import Capabilities, HookAnswer, HookRequest, VendorAnswer
from relevo.channels.registry import ADAPTERS, adapter_for
from relevo.domain.errors import BadSignature, ForeignPayload, NotFound
from relevo.testing.clock import NOON


class Inner(msgspec.Struct):
    name: str
    ids: tuple[toolkit.Id, ...] = ()


class Outer(msgspec.Struct):
    inner: Inner


@pytest.mark.parametrize("type_", ADAPTERS)
def test_each_type_has_the_adapter_of_that_type(type_: str) -> None:
    assert adapter_for(type_).type == type_


def test_an_unknown_type_is_named_with_the_known_ones() -> None:
    with pytest.raises(
        NotFound, match="'fax'; known are: web, whatsapp, telegram, messenger, instagram, sms, apichat"
    ):
        adapter_for("fax")


def test_the_limits_of_a_channel_are_its_capabilities() -> None:
    names = {"media", "buttons", "quick_replies", "cards", "location"}
    capabilities = Capabilities(
        media=frozenset({"image"}), buttons=1, quick_replies=2, cards=True, location=True, text_limit=3
    )

    assert {name: getattr(capabilities.limits, name) for name in names} == {
        name: getattr(capabilities, name) for name in names
    }
    assert capabilities.limits.text == 3


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b'{"inner": {"name": 7}}', "inner.name: expected `str`, got `int`"),
        (b'{"inner": {}}', "inner: object missing required field `name`"),
        (b"[]", "the body: expected `object`, got `array`"),
        (b'{"inner": {"name": "a", "ids": ["b", true]}}', "inner.ids[1]: expected `int | str`, got `bool`"),
        (b'{"inner": {"name": "\\u0000", "ids": [""]}}', "inner.ids[0]: expected `str` of length >= 1"),
    ],
)
def test_a_mistake_in_json_is_named_with_its_place(body: bytes, complaint: str) -> None:
    with pytest.raises(ForeignPayload) as raised:
        toolkit.read_json(body, Outer)

    assert raised.value.message == complaint


def test_a_mistake_in_a_part_is_named_with_the_place_of_the_part() -> None:
    with pytest.raises(ForeignPayload, match=r"^payload.name: expected `str`, got `null`$"):
        toolkit.read_value({"name": None}, Inner, "payload")


def test_nul_is_dropped_wherever_it_stands() -> None:
    body = b'{"a\\u0000": ["b\\u0000c", {"d": "\\\\u0000"}], "n": 1.5}'

    assert toolkit.read_json(body, dict) == {"a": ["bc", {"d": "\\u0000"}], "n": 1.5}


@pytest.mark.parametrize(("depth", "is_read"), [(63, True), (64, False), (900, False), (90_000, False)])
def test_what_is_nested_too_deep_is_refused(depth: int, is_read: bool) -> None:
    body = b'{"a": ' + b"[" * depth + b"]" * depth + b"}"

    if is_read:
        assert toolkit.read_json(body, dict)
        return
    with pytest.raises(ForeignPayload):
        toolkit.read_json(body, dict)


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("abc", ""), ("", "")],
)
def test_a_bearer_token_is_what_follows_the_word(header: str, token: str) -> None:
    assert toolkit.bearer_token({"authorization": header}) == token


@pytest.mark.parametrize(
    "value", ["ftp://a.example", "a.example", "https://", "http://[", "https://ana:pw@a.example", None, 7, ""]
)
def test_what_is_no_url_to_call_is_said(value: object) -> None:
    assert toolkit.url_problem(value)


@pytest.mark.parametrize("value", ["https://a.example/x?y=1", "http://127.0.0.1:9200/in"])
def test_a_url_to_call_is_fine(value: str) -> None:
    assert toolkit.url_problem(value) is None


def test_an_unknown_option_is_told_the_nearest() -> None:
    problems = toolkit.unknown_options({"webhok_url": 1, "zzz": 2, "secret": 3}, {"webhook_url", "secret"})

    assert problems == {
        "webhok_url": "Unknown option; did you mean webhook_url?",
        "zzz": "Unknown option; known are: secret, webhook_url",
    }


@pytest.mark.parametrize(("given", "same"), [("abc", True), ("abd", False), ("", False), ("é\ud800", False)])
def test_secrets_are_compared_whole(given: str, same: bool) -> None:
    assert toolkit.is_same(given, "abc") is same


def from_meta(method: str = "POST", query: dict[str, str] | None = None, signature: str = "") -> HookRequest:
    headers = {"x-hub-signature-256": signature}
    return HookRequest(
        method=method, url="/hook", query=query or {}, headers=headers, body=b'{"a": 1}', now=NOON
    )


SUBSCRIBE = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "v"}
SIGNED = "sha256=" + hmac.new(b"s", b'{"a": 1}', "sha256").hexdigest()


def test_what_meta_sends_is_taken() -> None:
    for request in (from_meta(signature=SIGNED), from_meta("GET", SUBSCRIBE)):
        toolkit.check_meta(request, app_secret="s", verify_token="v")

    assert toolkit.meta_challenge(from_meta("GET", SUBSCRIBE)) == HookAnswer(body=b"1158201444")
    assert toolkit.meta_challenge(from_meta(signature=SIGNED)) is None


@pytest.mark.parametrize(
    ("request_", "app_secret", "verify_token"),
    [
        (from_meta(), "s", "v"),
        (from_meta(signature=SIGNED), "t", "v"),
        (from_meta(signature=SIGNED.removeprefix("sha256=")), "s", "v"),
        (from_meta(signature=toolkit.meta_signature("", b'{"a": 1}')), "", "v"),
        (from_meta("GET", {**SUBSCRIBE, "hub.mode": "unsubscribe"}), "s", "v"),
        (from_meta("GET", {**SUBSCRIBE, "hub.verify_token": "w"}), "s", "v"),
        (from_meta("GET", {**SUBSCRIBE, "hub.verify_token": ""}), "s", ""),
        (from_meta("GET"), "s", "v"),
    ],
)
def test_what_somebody_else_sends_is_not(request_: HookRequest, app_secret: str, verify_token: str) -> None:
    with pytest.raises(BadSignature):
        toolkit.check_meta(request_, app_secret=app_secret, verify_token=verify_token)


def test_a_wait_is_read_from_the_vendors_clock() -> None:
    answer = {"retry-after": "Tue, 01 Jan 2030 12:00:30 GMT", "date": "Tue, 01 Jan 2030 12:00:10 -0000"}

    refused = toolkit.refused(VendorAnswer(status=429, headers=answer, body=b""), "busy")

    assert (refused.status_code, refused.retry_after, refused.reason) == (429, timedelta(seconds=20), "busy")
