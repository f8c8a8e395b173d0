from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
import standardwebhooks.webhooks
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from relevo.domain import signing
from relevo.domain.errors import BadSignature, InvalidInput

NOON = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
SECRET = signing.format_secret(b"k" * 32)
OTHER = signing.format_secret(b"o" * 32)

secrets = st.binary(min_size=24, max_size=64).map(signing.format_secret)
ids = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1)
texts = st.text(st.characters(exclude_categories=["Cs"]))
instants = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))


class _NoonDatetime(datetime):
    @classmethod
    def now(cls, tz: object = None) -> _NoonDatetime:
        return cls(2030, 1, 1, 12, 0, tzinfo=UTC)


def signed(body: bytes = b"{}", **changes: str) -> dict[str, str]:
    headers = signing.headers([SECRET], "msg_1", NOON, body)
    return headers | {name.replace("_", "-"): value for name, value in changes.items()}


def reason_against(headers: dict[str, str], body: bytes = b"{}", now: datetime = NOON) -> object:
    with pytest.raises(BadSignature) as caught:
        signing.verify([SECRET], headers, body, now=now)
    assert str(caught.value) == "Unauthenticated."
    return caught.value.facts["reason"]


def test_the_known_answer_of_the_reference_libraries_is_ours() -> None:
    # From the tests of the libraries at https://github.com/standard-webhooks/standard-webhooks
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    instant = datetime.fromtimestamp(1614265330, UTC)

    signature = signing.sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", instant, b'{"test": 2432232314}')

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(secrets, ids, instants, texts)
def test_we_sign_as_the_reference_does(secret: str, webhook_id: str, instant: datetime, body: str) -> None:
    reference = Webhook(secret).sign(webhook_id, instant, body)

    assert signing.sign([secret], webhook_id, instant, body.encode()) == reference


@given(secrets, ids, texts)
def test_the_reference_accepts_what_we_sign(secret: str, webhook_id: str, body: str) -> None:
    headers = signing.headers([OTHER, secret], webhook_id, NOON, body.encode())

    with patch.object(standardwebhooks.webhooks, "datetime", _NoonDatetime):
        Webhook(secret).verify(body, headers, json_parse=False)


@given(secrets, ids, texts, st.integers(-300, 300))
def test_we_accept_what_the_reference_signs(secret: str, webhook_id: str, body: str, age: int) -> None:
    instant = NOON - timedelta(seconds=age)
    headers = {
        "Webhook-Id": webhook_id,
        "Webhook-Timestamp": str(int(instant.timestamp())),
        "Webhook-Signature": Webhook(secret).sign(webhook_id, instant, body),
    }

    assert signing.verify([OTHER, secret], headers, body.encode(), now=NOON) == webhook_id


@given(st.text(), st.text(), st.text(), st.binary())
def test_nothing_but_a_bad_signature_is_ever_raised(
    webhook_id: str, timestamp: str, signature: str, body: bytes
) -> None:
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }

    with pytest.raises(BadSignature):
        signing.verify([SECRET], headers, body, now=NOON)


def test_the_headers_are_the_three_of_the_specification() -> None:
    headers = signing.headers([SECRET], "msg_1", NOON + timedelta(milliseconds=999), b"{}")

    assert headers == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1893499200",
        "webhook-signature": signing.sign([SECRET], "msg_1", NOON, b"{}"),
    }


def test_while_a_secret_is_replaced_both_sign() -> None:
    both = signing.sign([SECRET, OTHER], "msg_1", NOON, b"{}")

    assert both.split(" ") == [signing.sign([each], "msg_1", NOON, b"{}") for each in (SECRET, OTHER)]
    assert signing.verify([OTHER], signed(webhook_signature=both), b"{}", now=NOON) == "msg_1"


def test_any_of_several_signatures_is_enough() -> None:
    good = signed()["webhook-signature"]

    headers = signed(webhook_signature=f"v1a,{'A' * 88} v1,{'A' * 43}= nonsense {good}")

    assert signing.verify([SECRET], headers, b"{}", now=NOON) == "msg_1"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_is_needed(name: str) -> None:
    headers = signed()
    del headers[name]

    assert reason_against(headers) == "a webhook-… header is missing"


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        (signed(), b"{} ", "no signature matches"),
        (signed(webhook_id="msg_2"), b"{}", "no signature matches"),
        (signed(webhook_timestamp="1893499201"), b"{}", "no signature matches"),
        (signed(webhook_signature="v1,"), b"{}", "no signature matches"),
        (signed(webhook_signature=signed()["webhook-signature"][3:]), b"{}", "no signature matches"),
        (signed(webhook_signature="v2" + signed()["webhook-signature"][2:]), b"{}", "no signature matches"),
        (signed(webhook_signature="v1,é"), b"{}", "a webhook-… header is not ASCII"),
        (signed(webhook_id="msg_1.1893499200"), b"{}", "webhook-id has a full stop"),
        (signed(webhook_timestamp="noon"), b"{}", "webhook-timestamp is not a number of seconds"),
        (signed(webhook_timestamp="1893499200.0"), b"{}", "webhook-timestamp is not a number of seconds"),
        (signed(webhook_timestamp="-5"), b"{}", "webhook-timestamp is not a number of seconds"),
        (signed(webhook_timestamp="9" * 40), b"{}", "webhook-timestamp is not a number of seconds"),
    ],
)
def test_what_was_changed_is_refused(headers: dict[str, str], body: bytes, reason: str) -> None:
    assert reason_against(headers, body) == reason


@pytest.mark.parametrize("minutes", [-1, 1])
def test_five_minutes_either_way_are_tolerated_and_no_more(minutes: int) -> None:
    edge = NOON + minutes * timedelta(minutes=5)
    beyond = edge + minutes * timedelta(seconds=1)

    assert signing.verify([SECRET], signed(), b"{}", now=edge) == "msg_1"
    assert reason_against(signed(), now=beyond) == "webhook-timestamp is too old or too new"


def test_without_a_secret_nothing_verifies() -> None:
    with pytest.raises(BadSignature):
        signing.verify([], signed(), b"{}", now=NOON)


@given(st.binary(min_size=24, max_size=64))
def test_a_formatted_secret_is_a_good_one_with_or_without_padding(raw: bytes) -> None:
    secret = signing.format_secret(raw)

    assert signing.check_secret(secret) is None
    assert signing.check_secret(secret.rstrip("=")) is None
    assert signing.sign([secret], "m", NOON, b"") == signing.sign([secret.rstrip("=")], "m", NOON, b"")


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("", "starts with whsec_"),
        ("hunter2", "starts with whsec_"),
        ("whpk_" + "A" * 44, "starts with whsec_"),
        ("whsec_not base64!", "must be base64"),
        ("whsec_" + "-_" * 22, "must be base64"),
        ("whsec_" + "é" * 44, "must be base64"),
        ("whsec_A", "must be base64"),
        ("whsec_", "here are 0"),
        ("whsec_" + base64.b64encode(b"k" * 23).decode(), "here are 23"),
        ("whsec_" + base64.b64encode(b"k" * 65).decode(), "here are 65"),
    ],
)
def test_a_malformed_secret_is_explained_and_signs_nothing(secret: str, problem: str) -> None:
    told = signing.check_secret(secret)

    assert told is not None
    assert problem in told
    with pytest.raises(InvalidInput, match=problem):
        signing.sign([secret], "msg_1", NOON, b"{}")


def test_a_problem_never_shows_the_secret() -> None:
    assert "hunter2" not in str(signing.check_secret("whsec_hunter2 !"))


def test_a_key_of_the_wrong_length_cannot_be_formatted() -> None:
    with pytest.raises(InvalidInput, match="here are 16"):
        signing.format_secret(b"k" * 16)
