"""The suite that every channel passes, ours and those from elsewhere.

Subclass `ChannelSuite` in the channel's `tests.py`, name the adapter, an example channel and the folder,
and pytest finds the rest:

    class TestApiChat(ChannelSuite):
        adapter = ApiChat()
        channel = example_channel("apichat", webhook_url="https://example.com/in")
        folder = Path(__file__).parent

A fixture is a payload as the vendor sends it, `fixtures/<situation>.json`; beside it stands what it means,
`fixtures/<situation>.expected.json`: `{"parsed": {…}}` or `{"error": {"code": …, "message": …}}`, and,
where the request is not a plain POST, `"request": {"url": …, "headers": {…}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relevo.channels.adapter import (
    Adapter,
    HookRequest,
    OutgoingMessage,
    Parsed,
    VendorAnswer,
    VendorCall,
)
from relevo.domain.degrading import degrade
from relevo.domain.deliveries import Accepted, Refused, Rejected
from relevo.domain.errors import BadSignature, ChannelError
from relevo.domain.ids import ChannelId, ConversationId, FlowId, MemberId, MessageId, WorkspaceId
from relevo.domain.messages import (
    Button,
    Card,
    Cards,
    Contact,
    Contacts,
    Content,
    Interactive,
    Location,
    Media,
    MessageType,
    Other,
    QuickReply,
    Reaction,
    Text,
)
from relevo.domain.workspaces import Channel
from relevo.testing.clock import NOON

_BUTTONS = (
    Button("Yes", "yes"),
    Button("Shop", kind="url", target="https://shop.example"),
    Button("Ring", kind="call", target="+61400000000"),
)
_REPLIES = (QuickReply("Red", "r"), QuickReply("Blue", "b"))

EVERY_CONTENT: dict[str, Content] = {
    "text": Text("Hello"),
    "text_with_buttons": Text("Choose", _BUTTONS),
    "text_with_quick_replies": Text("Which colour?", quick_replies=_REPLIES),
    "long_text": Text("A sentence of some length. " * 1000),
    "image": Media(
        "image", "https://cdn.example/a.jpg", "image/jpeg", 1000, caption="A mug", buttons=_BUTTONS
    ),
    "video": Media("video", "https://cdn.example/v.mp4", "video/mp4", 9_000_000),
    "audio": Media("audio", "https://cdn.example/a.mp3", "audio/mpeg", 50_000, transcribed_text="Hello"),
    "file": Media("file", "https://cdn.example/f.pdf", "application/pdf", 70_000, title="Price list.pdf"),
    "sticker": Media("sticker", "https://cdn.example/s.webp", "image/webp"),
    "location": Location(-33.8568, 151.2153, "Opera House", "Bennelong Point"),
    "contacts": Contacts((Contact("Ana Diaz", ("+61400000000",), ("ana@example.com",)),)),
    "interactive": Interactive("Yes", "yes"),
    "reaction": Reaction("👍", "m-1"),
    "cards": Cards(
        (
            Card("Mug", "9.90", "https://cdn.example/m.jpg", "https://shop.example/m", _BUTTONS[:1]),
            Card("Lamp"),
        ),
        quick_replies=_REPLIES,
    ),
    "order": Other("order", {"items": 2}, "2 mugs"),
}
"""One of everything that may have to be said."""

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)

_fuzzed = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def example_channel(type_: str, /, **config: Any) -> Channel:
    return Channel(
        id=ChannelId(1),
        workspace_id=WorkspaceId(1),
        flow_id=FlowId(1001),
        name="example",
        type=type_,
        key="example-channel-key",
        config=config,
    )


def outgoing(content: Content, type_: MessageType = MessageType.OUT) -> OutgoingMessage:
    """A message of the bot's or of the agent Luis's."""
    by_agent = type_ is MessageType.AGENT
    return OutgoingMessage(
        message_id=MessageId(900001),
        object_id="6921a1b2c3d4e5f601020304",
        conversation_id=ConversationId(34),
        user_ns="f1001u34",
        user_id="u-1",
        type=type_,
        content=content,
        username="Luis" if by_agent else "Bot",
        member_id=MemberId(7) if by_agent else None,
        created_at=NOON,
        contact_name="Ana Diaz",
    )


T = TypeVar("T")


def play(
    dialogue: Generator[VendorCall, VendorAnswer, T], vendor: Callable[[VendorCall], VendorAnswer]
) -> tuple[list[VendorCall], T]:
    """Carry a dialogue through with a scripted vendor: the calls made, and how it ended."""
    calls: list[VendorCall] = []
    try:
        call = next(dialogue)
        while True:
            calls.append(call)
            call = dialogue.send(vendor(call))
    except StopIteration as end:
        return calls, end.value


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands beside a fixture."""

    parsed: Parsed | None = None
    error: dict[str, str] | None = None
    request: dict[str, Any] = {}


class ChannelSuite:
    adapter: ClassVar[Adapter]
    channel: ClassVar[Channel]
    folder: ClassVar[Path]
    bad_configs: ClassVar[dict[str, Any]] = {}
    """Option → a value that `check_config` must complain about under that name."""

    # What a channel may have to say for itself

    def request(self, body: bytes, **parts: Any) -> HookRequest:
        """The request by which the vendor sends this body; override it to sign."""
        plain: dict[str, Any] = {"method": "POST", "url": "/hook", "query": {}, "headers": {}, "now": NOON}
        return HookRequest(body=body, **{**plain, **parts})

    def forged(self, body: bytes) -> list[HookRequest]:
        """Requests that `verify` must refuse: one for each thing that it checks."""
        return []

    def vendor(self, call: VendorCall) -> VendorAnswer:
        """A vendor that takes everything."""
        return VendorAnswer(status=200, headers={}, body=b"{}")

    # What comes in

    def test_fixture_means_what_is_expected(self, fixture: str) -> None:
        expected = self.expected(fixture)
        request = self.request(self.payload(fixture), **expected.request)

        if expected.error is None:
            assert self.take(request) == expected.parsed
            return
        with pytest.raises(ChannelError) as raised:
            self.take(request)
        assert {"code": raised.value.code, "message": raised.value.message} == expected.error

    def test_every_fixture_has_an_expectation_and_nothing_else_has(self) -> None:
        names = {path.name.partition(".")[0] for path in self.fixture_folder.iterdir()}

        assert names == set(fixtures(self.fixture_folder))
        assert all((self.fixture_folder / f"{name}.expected.json").exists() for name in names)

    def test_forged_requests_are_refused(self) -> None:
        for fixture in fixtures(self.fixture_folder):
            for request in self.forged(self.payload(fixture)):
                with pytest.raises(BadSignature):
                    self.adapter.verify(request, self.channel)

    def test_arbitrary_bytes_are_refused_politely(self) -> None:
        @_fuzzed
        @given(st.binary(max_size=200))
        def fuzz(body: bytes) -> None:
            self.assert_polite(self.request(body))

        fuzz()

    def test_arbitrary_json_is_refused_politely(self) -> None:
        @_fuzzed
        @given(JSON)
        def fuzz(value: Any) -> None:
            self.assert_polite(self.request(msgspec.json.encode(value)))

        fuzz()

    def test_a_known_payload_with_one_thing_wrong_is_refused_politely(self) -> None:
        payloads = [
            (msgspec.json.decode(self.payload(name)), self.expected(name).request)
            for name in fixtures(self.fixture_folder)
        ]

        @_fuzzed
        @given(st.data(), st.sampled_from(payloads), JSON)
        def fuzz(data: st.DataObject, known: tuple[Any, dict[str, Any]], wrong: Any) -> None:
            payload, parts = known
            place = data.draw(st.sampled_from(list(places(payload))))
            self.assert_polite(self.request(msgspec.json.encode(put(payload, place, wrong)), **parts))

        fuzz()

    def test_too_deep_and_broken_json_is_refused_politely(self) -> None:
        for body in (
            b"",
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b'{"content_type": "x", "referral": {"a":' + b"[" * 800 + b"]" * 800 + b"}}",
            b'{"id": "\xff"}',
            b'{"id": 1e999}',
            b"\xef\xbb\xbf{}",
        ):
            self.assert_polite(self.request(body))

    # What goes out

    @pytest.mark.parametrize("type_", [MessageType.OUT, MessageType.AGENT])
    @pytest.mark.parametrize("name", EVERY_CONTENT)
    def test_everything_can_be_said(self, name: str, type_: MessageType) -> None:
        degraded = degrade(EVERY_CONTENT[name], self.adapter.capabilities.limits)

        assert degraded.contents
        for content in degraded.contents:
            calls, result = play(self.adapter.send(outgoing(content, type_), self.channel), self.vendor)
            assert isinstance(result, Accepted)
            assert bool(calls) is not self.adapter.capabilities.is_pulled
            for call in calls:
                assert_is_a_call(call)

    @pytest.mark.parametrize("status", [301, 400, 401, 404, 408, 410, 413, 422, 429, 500, 503])
    def test_a_refusal_is_a_value(self, status: int) -> None:
        answer = VendorAnswer(status=status, headers={"retry-after": "7"}, body=b"<h1>No</h1>")

        calls, result = play(self.adapter.send(outgoing(Text("Hello")), self.channel), lambda _: answer)

        if calls:
            assert isinstance(result, Refused | Rejected)

    def test_no_answer_of_the_vendor_breaks_us(self) -> None:
        @_fuzzed
        @given(st.integers(200, 599), st.binary(max_size=60) | JSON.map(msgspec.json.encode))
        def fuzz(status: int, body: bytes) -> None:
            answer = VendorAnswer(status=status, headers={}, body=body)
            _, result = play(self.adapter.send(outgoing(Text("Hello")), self.channel), lambda _: answer)
            assert isinstance(result, Accepted | Refused | Rejected)

        fuzz()

    # How it is set up

    def test_the_example_is_configured_rightly(self) -> None:
        assert self.adapter.check_config(self.channel.config) == {}

    def test_each_wrong_option_is_named(self) -> None:
        for option, value in self.bad_configs.items():
            problems = self.adapter.check_config({**self.channel.config, option: value})
            assert list(problems) == [option]

    def test_an_unknown_option_is_named(self) -> None:
        assert list(self.adapter.check_config({**self.channel.config, "nonsense": 1})) == ["nonsense"]

    def test_the_guide_explains_every_option(self) -> None:
        guide = (self.folder / "doc.md").read_text("utf-8")

        assert guide.startswith(f"# {self.adapter.title}\n")
        for option in self.channel.config:
            assert f"`{option}`" in guide

    # How the above is done

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        if "fixture" in metafunc.fixturenames:
            metafunc.parametrize("fixture", fixtures(cls.folder / "fixtures"))

    @property
    def fixture_folder(self) -> Path:
        return self.folder / "fixtures"

    def payload(self, fixture: str) -> bytes:
        return (self.fixture_folder / f"{fixture}.json").read_bytes()

    def expected(self, fixture: str) -> Expected:
        text = (self.fixture_folder / f"{fixture}.expected.json").read_bytes()
        return msgspec.json.decode(text, type=Expected)

    def take(self, request: HookRequest) -> Parsed:
        self.adapter.verify(request, self.channel)
        return self.adapter.parse(request, self.channel)

    def assert_polite(self, request: HookRequest) -> None:
        """It is understood or refused, and what is understood can be kept."""
        try:
            parsed = self.take(request)
        except ChannelError:
            return
        kept = msgspec.json.encode(parsed)
        assert b"\\u0000" not in kept
        assert msgspec.json.decode(kept, type=Parsed) == parsed


def assert_is_a_call(call: VendorCall) -> None:
    assert call.method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    assert call.url.startswith(("https://", "http://"))
    for name, value in call.headers.items():
        assert name == name.lower()
        assert not set("\r\n") & set(value)


def fixtures(folder: Path) -> list[str]:
    """The names of the payloads of a folder."""
    names = (path.name.removesuffix(".json") for path in folder.glob("*.json"))
    return sorted(name for name in names if not name.endswith(".expected"))


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """The path of everything in a JSON value, itself included."""
    yield ()
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from ((key, *place) for place in places(inner))


def put(value: Any, place: tuple[Any, ...], wrong: Any) -> Any:
    """A copy of `value` with `wrong` at `place`."""
    if not place:
        return wrong
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = put(value[place[0]], place[1:], wrong)
    return copy
