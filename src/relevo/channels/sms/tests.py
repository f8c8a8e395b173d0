"""The channel suite on SMS by Twilio, then what is peculiar to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from relevo.channels.adapter import Findings, HookRequest, VendorAnswer, VendorCall
from relevo.channels.sms import wire
from relevo.channels.sms.adapter import Sms, signature
from relevo.channels.sms.segments import segments
from relevo.channels.toolkit import Fault
from relevo.domain.degrading import degrade
from relevo.domain.deliveries import Accepted, Refused, Rejected
from relevo.domain.errors import BadSignature
from relevo.domain.messages import Content, Location, Media, Text
from relevo.domain.workspaces import Channel
from relevo.testing.channel_suite import EVERY_CONTENT, ChannelSuite, example_channel, outgoing, play
from relevo.testing.clock import NOON

ACCOUNT = "AC" + "a" * 32
TOKEN = "0123456789abcdef0123456789abcdef"
SERVICE = "MG" + "b" * 32
URL = "https://relevo.example.com/hooks/sms/example-channel-key"
BASE = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}"
MEDIA = f"{BASE}/Messages/MM1/Media/ME1"
SMS = Sms()


def channel(**config: Any) -> Channel:
    given = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": "+61400000000"}
    return example_channel("sms", **{**given, **config})


CHANNEL = channel(media="mms", keywords="twilio", per_second="5", api_url="https://api.twilio.com")
WHATSAPP = channel(sender="whatsapp:+61400000000")


def answer(value: Any, status: int = 200) -> VendorAnswer:
    return VendorAnswer(status=status, headers={}, body=msgspec.json.encode(value))


def taking(_: VendorCall) -> VendorAnswer:
    return answer({"sid": "SM7", "status": "queued", "num_segments": "1"}, 201)


def refusing(status: int, code: int | None, message: str = "No") -> Callable[[VendorCall], VendorAnswer]:
    return lambda _: answer({"code": code, "message": message, "status": status}, status)


class TestSms(ChannelSuite):
    """Fixtures are the fields of a form, as JSON; Twilio's requests are made of them."""

    adapter = SMS
    channel = CHANNEL
    folder = Path(__file__).parent
    bad_configs: ClassVar[dict[str, Any]] = {
        "account_sid": "AC1",
        "auth_token": "short",
        "sender": "0400 000 000",
        "media": "fax",
        "keywords": "on",
        "api_url": "api.twilio.com",
        "per_second": "fast",
    }

    def request(self, body: bytes, **parts: Any) -> HookRequest:
        return request(_as_form(body), **parts)

    def forged(self, body: bytes) -> list[HookRequest]:
        form = _as_form(body)
        right = request(form)
        return [
            request(form, headers={}),
            request(form, headers={"x-twilio-signature": ""}),
            request(form, headers={"x-twilio-signature": signature("another token", URL, parse(form))}),
            msgspec.structs.replace(right, body=right.body + b"&Body=forged"),
            msgspec.structs.replace(right, url="https://elsewhere.example/hooks/sms/example-channel-key"),
        ]

    def vendor(self, call: VendorCall) -> VendorAnswer:
        return taking(call)


def _as_form(body: bytes) -> bytes:
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body
    if not isinstance(fields, dict):
        return body
    return urlencode({name: str(value) for name, value in fields.items()}, errors="replace").encode()


def parse(form: bytes) -> list[tuple[str, str]]:
    return parse_qsl(form.decode("utf-8", "replace"), keep_blank_values=True)


def request(form: bytes, **parts: Any) -> HookRequest:
    url = parts.get("url", URL)
    headers = {"x-twilio-signature": signature(TOKEN, url, parse(form))}
    plain: dict[str, Any] = {"method": "POST", "url": url, "query": {}, "headers": headers, "now": NOON}
    return HookRequest(body=form, **{**plain, **parts})


# The signature


@pytest.mark.parametrize(
    ("caller", "expected"),
    [("+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8="), ("+12349013030", "0/KCTR6DLpKmkAf8muzZqo1nDgQ=")],
)
def test_the_signature_is_the_one_of_twilio_s_own_example(caller: str, expected: str) -> None:
    """From "Secure webhooks", in its older and its newer form."""
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": caller,
        "Digits": "1234",
        "From": caller,
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"

    assert signature("12345", url, list(fields.items())) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://relevo.example.com/hooks/sms/k",
        "https://relevo.example.com:443/hooks/sms/k",
        "https://relevo.example.com/hooks/sms/k?a=b%20c",
    ],
)
def test_the_port_that_goes_without_saying_may_be_said(url: str) -> None:
    form = b"MessageSid=SM1&From=%2B61400111222&Body=Hi"
    ours = url.replace(":443", "")

    SMS.verify(msgspec.structs.replace(request(form, url=url), url=ours), CHANNEL)


class _Sent(dict[str, list[str]]):
    """Fields as web frameworks keep them."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


_TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@settings(deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.tuples(_TEXTS, _TEXTS), max_size=6),
    st.sampled_from(["", "?a=b", "?a=b%20c&a=", "?bodySHA=1"]),
)
def test_we_sign_as_twilio_s_own_library_does_and_it_believes_us(
    fields: list[tuple[str, str]], query: str
) -> None:
    theirs = RequestValidator(TOKEN)
    kept = _Sent({name: [value for other, value in fields if other == name] for name, _ in fields})

    ours = signature(TOKEN, URL + query, fields)

    assert ours == theirs.compute_signature(URL + query, kept)
    form = urlencode(fields).encode()
    SMS.verify(request(form, url=URL + query, headers={"x-twilio-signature": ours}), CHANNEL)


def test_another_port_has_to_be_the_same() -> None:
    form = b"MessageSid=SM1&From=%2B61400111222&Body=Hi"
    other = "https://relevo.example.com:8443/hooks/sms/k"

    with pytest.raises(BadSignature):
        SMS.verify(msgspec.structs.replace(request(form, url=other), url=URL), CHANNEL)


def test_a_field_that_is_there_twice_counts_as_in_twilio_s_libraries() -> None:
    form = b"MessageSid=SM1&From=b&From=a&From=a&Body=Hi"
    signed = signature(TOKEN, URL, [("MessageSid", "SM1"), ("From", "a"), ("From", "b"), ("Body", "Hi")])

    SMS.verify(request(form, headers={"x-twilio-signature": signed}), CHANNEL)


def test_a_message_by_get_is_signed_over_its_url_alone() -> None:
    fields = {"MessageSid": "SM1", "From": "+61400111222", "Body": "Hi"}
    url = f"{URL}?{urlencode(fields)}"
    headers = {"x-twilio-signature": signature(TOKEN, url, [])}
    got = request(b"", method="GET", url=url, query=fields, headers=headers)

    SMS.verify(got, CHANNEL)
    assert len(SMS.parse(got, CHANNEL).items) == 1


def test_without_a_token_nothing_is_believed() -> None:
    with pytest.raises(BadSignature):
        SMS.verify(request(b"a=b"), example_channel("sms"))


# In


@pytest.mark.parametrize("word", ["STOP", "HELP", "START"])
def test_where_twilio_does_not_take_the_words_they_are_words(word: str) -> None:
    form = urlencode({"MessageSid": "SM1", "From": "+61400111222", "Body": word}).encode()

    (item,) = SMS.parse(request(form), channel(keywords="off")).items

    assert getattr(item, "for_bot", None) is True


@pytest.mark.parametrize("form", [b"a=\xff", b"a=%ff", b"&".join([b"a=b"] * 1000)])
def test_what_is_no_form_is_refused(form: bytes) -> None:
    with pytest.raises(Exception, match="The body is no form"):
        SMS.parse(request(form), CHANNEL)


def test_a_file_is_fetched_with_credentials_and_from_elsewhere_without() -> None:
    def vendor(call: VendorCall) -> VendorAnswer:
        assert call.headers["authorization"].startswith("Basic ")
        return VendorAnswer(status=307, headers={"location": "https://mms.twiliocdn.com/f/1?s=x"}, body=b"")

    _, found = play(SMS.fetch(MEDIA, CHANNEL), vendor)

    assert found == VendorCall(method="GET", url="https://mms.twiliocdn.com/f/1?s=x")


def test_a_file_that_is_given_at_once_is_fetched_from_there() -> None:
    calls, found = play(SMS.fetch(MEDIA, CHANNEL), lambda _: answer({}))

    assert found == calls[0]


def test_a_file_that_is_gone_is_not_looked_for_again() -> None:
    _, found = play(SMS.fetch(MEDIA, CHANNEL), refusing(404, 20404, "Not found"))

    assert found == Rejected("rejected: 20404 Not found")


@pytest.mark.parametrize("url", ["https://evil.example/f", "https://eviltwilio.com/f"])
def test_the_credentials_go_to_nobody_else(url: str) -> None:
    calls, _ = play(SMS.fetch(url, CHANNEL), lambda _: answer({}))

    assert calls[0].headers == {}


# Out


def sent(content: Content, of: Channel = CHANNEL, **message: Any) -> tuple[dict[str, str], Any]:
    """The form of the call that says a content, and how it ended."""
    out = msgspec.structs.replace(outgoing(content), user_id="+61400111222", **message)
    (call,), result = play(SMS.send(out, of), taking)
    assert (call.method, call.url) == ("POST", f"{BASE}/Messages.json")
    return dict(parse(call.body)), result


def test_a_text_is_sent_exactly_so() -> None:
    form, result = sent(Text("Hello"), hook_url=URL)

    assert form == {"To": "+61400111222", "From": "+61400000000", "Body": "Hello", "StatusCallback": URL}
    assert result == Accepted(201, "SM7", "1 segment (GSM-7)")


def test_without_https_no_status_is_asked_for() -> None:
    assert "StatusCallback" not in sent(Text("Hello"), hook_url="http://127.0.0.1:8080/hooks/sms/k")[0]


def test_a_messaging_service_chooses_the_number() -> None:
    form, _ = sent(Text("Hello"), channel(sender=SERVICE))

    assert form["MessagingServiceSid"] == SERVICE
    assert "From" not in form


@pytest.mark.parametrize("sender", ["ACME", "Acme Mugs", "whatsapp:+61400000000", "12345"])
def test_other_senders_are_from(sender: str) -> None:
    assert sent(Text("Hello"), channel(sender=sender))[0]["From"] == sender


def test_a_file_goes_by_its_url_with_its_words() -> None:
    form, _ = sent(Media("image", "https://x.example/a.jpg", caption="A mug"))

    assert (form["MediaUrl"], form["Body"]) == ("https://x.example/a.jpg", "A mug")


def test_a_place_is_one_on_whatsapp_and_a_link_by_sms() -> None:
    place = Location(-33.5, 151.25, "Opera")
    (link,) = degrade(place, SMS.limits(CHANNEL)).contents

    form, _ = sent(place, WHATSAPP)

    assert form["PersistentAction"] == "geo:-33.5,151.25|Opera"
    assert isinstance(link, Text)


def test_where_there_is_no_mms_files_are_links() -> None:
    (content,) = degrade(Media("image", "https://x.example/a"), SMS.limits(channel(media="link"))).contents

    assert content == Text("https://x.example/a")


@pytest.mark.parametrize("of", [CHANNEL, WHATSAPP, channel(media="link")])
@pytest.mark.parametrize("name", EVERY_CONTENT)
def test_everything_can_be_said_by_every_sender(name: str, of: Channel) -> None:
    for content in degrade(EVERY_CONTENT[name], SMS.limits(of)).contents:
        form, result = sent(content, of)
        assert isinstance(result, Accepted)
        assert len(form.get("Body", "")) <= 1600


@pytest.mark.parametrize(
    ("text", "number", "encoding"),
    [
        ("", 1, "GSM-7"),
        ("a" * 160, 1, "GSM-7"),
        ("a" * 161, 2, "GSM-7"),
        ("a" * 306, 2, "GSM-7"),
        ("a" * 307, 3, "GSM-7"),
        ("€" * 80, 1, "GSM-7"),
        ("€" * 81, 2, "GSM-7"),
        ("a" * 152 + "€" + "a" * 10, 2, "GSM-7"),
        ("é@£Ω", 1, "GSM-7"),
        ("ç", 1, "UCS-2"),
        ("я" * 70, 1, "UCS-2"),
        ("я" * 71, 2, "UCS-2"),
        ("😀" * 35, 1, "UCS-2"),
        ("😀" * 36, 2, "UCS-2"),
        ("😀" * 67, 3, "UCS-2"),
    ],
)
def test_segments_are_counted(text: str, number: int, encoding: str) -> None:
    assert segments(text) == (number, encoding)


# Errors


@pytest.mark.parametrize("code", [21610, 21211, 21614, 30004, 63016, 20003, 21617])
def test_what_will_never_be_taken_is_not_tried_again(code: int) -> None:
    _, result = play(SMS.send(outgoing(Text("Hi")), CHANNEL), refusing(400, code))

    assert result == Rejected(f"{wire.fault_of(code).value}: {code} No")


@pytest.mark.parametrize(
    ("status", "code"), [(429, 20429), (400, 21611), (500, None), (503, 20503), (400, 30001)]
)
def test_what_may_be_taken_later_is_tried_again(status: int, code: int | None) -> None:
    _, result = play(SMS.send(outgoing(Text("Hi")), CHANNEL), refusing(status, code))

    assert isinstance(result, Refused)


def test_a_wait_that_twilio_asks_for_is_told() -> None:
    busy = VendorAnswer(status=429, headers={"retry-after": "9"}, body=b"")

    _, result = play(SMS.send(outgoing(Text("Hi")), CHANNEL), lambda _: busy)

    assert result == Refused(429, timedelta(seconds=9), "rate_limited")


def test_an_answer_without_a_sid_is_not_twilio_s() -> None:
    _, result = play(SMS.send(outgoing(Text("Hi")), CHANNEL), lambda _: answer({"ok": True}))

    assert isinstance(result, Refused)


def test_the_guide_names_every_code_where_it_belongs() -> None:
    guide = (Path(__file__).parent / "doc.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (yes|no) \|$", guide, re.M)
    told = {(fault, int(code)) for fault, codes, _ in rows for code in re.findall(r"\b\d{5}\b", codes)}

    assert told == {(fault.value, code) for code, fault in wire.FAULTS.items()}
    assert {fault for fault, _, _ in rows} == {fault.value for fault in Fault}
    assert {fault for fault, _, again in rows if again == "yes"} == {"rate_limited", "vendor_down"}


def test_the_guide_names_every_word_that_twilio_takes() -> None:
    guide = (Path(__file__).parent / "doc.md").read_text("utf-8")

    for word in wire.STOP_WORDS | wire.START_WORDS | wire.HELP_WORDS:
        assert f"`{word.upper()}`" in guide


# Setting up


def twilio(posts_to: str = "", *, has_number: bool = True) -> Callable[[VendorCall], VendorAnswer]:
    """An account with a number and a messaging service that post somewhere."""
    place = {"url": posts_to}

    def vendor(call: VendorCall) -> VendorAnswer:
        form = dict(parse(call.body))
        place["url"] = form.get("SmsUrl") or form.get("InboundRequestUrl") or place["url"]
        if "/v1/Services/" in call.url:
            return answer({"friendly_name": "Acme", "inbound_request_url": place["url"]})
        if "IncomingPhoneNumbers" in call.url:
            number = {"sid": "PN1", "sms_url": place["url"]}
            return answer({"incoming_phone_numbers": [number] if has_number else []})
        return answer({"friendly_name": "Acme", "status": "active"})

    return vendor


def facts(a_second: str) -> tuple[tuple[str, str], ...]:
    return (("Account", "Acme (active)"), ("Segments a second", a_second))


@pytest.mark.parametrize(
    ("sender", "url", "told"),
    [
        ("+61400000000", f"{BASE}/IncomingPhoneNumbers/PN1.json", {"SmsUrl": URL, "SmsMethod": "POST"}),
        (
            SERVICE,
            f"https://messaging.twilio.com/v1/Services/{SERVICE}",
            {"InboundRequestUrl": URL, "UseInboundWebhookOnNumber": "false"},
        ),
    ],
)
def test_connecting_tells_twilio_where_to_post(sender: str, url: str, told: dict[str, str]) -> None:
    calls, findings = play(SMS.connect(channel(sender=sender), URL), twilio())

    (telling,) = [call for call in calls if call.method == "POST"]
    assert (telling.url, dict(parse(telling.body))) == (url, told)
    assert findings == Findings(facts=facts("10"))


def test_for_a_whatsapp_sender_the_url_is_to_be_copied() -> None:
    calls, findings = play(SMS.connect(WHATSAPP, URL), twilio())

    assert [call.method for call in calls] == ["GET"]
    assert findings == Findings(facts=(*facts("80"), ("To copy into the sender's webhook", URL)))


def test_an_address_without_https_is_told_without_asking() -> None:
    calls, findings = play(SMS.connect(CHANNEL, "http://127.0.0.1:8080/hooks/sms/k"), twilio())

    assert calls == []
    assert "https only" in findings.problems[0]


@pytest.mark.parametrize("sender", ["+61400000000", SERVICE])
def test_an_account_that_refuses_to_be_told_is_reported(sender: str) -> None:
    def vendor(call: VendorCall) -> VendorAnswer:
        return answer({"message": "No way"}, 400) if call.method == "POST" else twilio()(call)

    _, findings = play(SMS.connect(channel(sender=sender), URL), vendor)

    assert findings.problems == ("Twilio answered 400: No way",)


@pytest.mark.parametrize(
    ("vendor", "sender", "words"),
    [
        (refusing(401, 20003), "+61400000000", "does not accept the account SID"),
        (refusing(500, None, ""), "+61400000000", "answered 500: nothing that Relevo understands"),
        (twilio(has_number=False), "+61400000000", "has no number +61400000000"),
        (twilio("https://other.example"), "+61400000000", "does not post to this channel"),
        (twilio("https://other.example"), SERVICE, "Acme does not post to this channel"),
    ],
)
def test_checking_tells_what_is_wrong(
    vendor: Callable[[VendorCall], VendorAnswer], sender: str, words: str
) -> None:
    _, findings = play(SMS.check(channel(sender=sender), URL), vendor)

    assert words in findings.problems[0]


def test_a_number_that_is_not_there_cannot_be_connected() -> None:
    _, findings = play(SMS.connect(CHANNEL, URL), twilio(has_number=False))

    assert "has no number" in findings.problems[0]


def test_a_messaging_service_that_is_not_there_is_reported() -> None:
    def vendor(call: VendorCall) -> VendorAnswer:
        return answer({}, 404) if "/v1/Services/" in call.url else twilio()(call)

    _, findings = play(SMS.check(channel(sender=SERVICE), URL), vendor)

    assert "no such messaging service" in findings.problems[0]


@pytest.mark.parametrize("sender", ["+61400000000", "12345", SERVICE, "ACME", "whatsapp:+61400000000"])
def test_every_kind_of_sender_is_taken(sender: str) -> None:
    assert SMS.check_config(channel(sender=sender).config) == {}


@pytest.mark.parametrize(
    "sender", ["", None, 7, "0400000000", "whatsapp:12345", "whatsapp:ACME", "A" * 12, "!!"]
)
def test_what_is_no_sender_is_named(sender: object) -> None:
    assert list(SMS.check_config(channel(sender=sender).config)) == ["sender"]


# Rates


@pytest.mark.parametrize(
    ("sender", "a_second"),
    [
        ("+12025550123", 1),
        ("+18885550123", 3),
        ("+61400000000", 10),
        ("ACME", 10),
        (SERVICE, 10),
        ("12345", 100),
        ("whatsapp:+12025550123", 80),
    ],
)
def test_each_kind_of_sender_has_its_rate(sender: str, a_second: float) -> None:
    assert SMS.rates(channel(sender=sender)).a_second == a_second


@pytest.mark.parametrize("granted", [25, 25.0, "25"])
def test_what_twilio_grants_goes_before_the_usual_rate(granted: Any) -> None:
    rates = SMS.rates(channel(sender="+12025550123", per_second=granted))

    assert (rates.a_second, rates.between) == (25, SMS.rates(channel()).between)


@pytest.mark.parametrize("odd", ["-1", "0", "nan", "inf", True, [], 1e9])
def test_a_rate_that_is_none_is_told(odd: Any) -> None:
    assert "per_second" in SMS.check_config(channel(per_second=odd).config)


def test_never_more_than_fifteen_messages_in_thirty_seconds_go_to_one_number() -> None:
    rates = SMS.rates(channel(sender="12345"))

    assert rates.burst + 30 // rates.between <= 15


@pytest.mark.parametrize(
    ("content", "sender", "number"),
    [
        (Text("a" * 160), "+61400000000", 1),
        (Text("a" * 161), "+61400000000", 2),
        (Text("é→" * 40), "+61400000000", 2),
        (Text("a" * 161), "whatsapp:+61400000000", 1),
        (Media("image", "https://files.example/1.jpg", caption="a" * 500), "+61400000000", 1),
    ],
)
def test_a_text_counts_as_its_segments(content: Content, sender: str, number: int) -> None:
    assert SMS.counts_as(content, channel(sender=sender)) == number
