"""A server that does what `relevo.channels.web.wire` says and nothing else, for the widget's own tests.

It keeps everything in memory, knows one visitor, and does as it is told: cut the streams, refuse them,
keep silent on them, answer the next posts with an error.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jinja2
import msgspec
import uvicorn

from relevo.channels.web import wire
from relevo.domain.messages import Content, Media, MessageStatus, MessageType, msg_type

WIDGET = Path(__file__).parents[2] / "src" / "relevo" / "web" / "widget"
KEY = "KEY"
TOKEN = "visitor-token"
FIRST_TS = 1_893_499_200

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ font: 16px system-ui; margin: 40px; max-width: 720px }}</style>
<h1>A shop</h1><p>Mugs and lamps.</p><a href="#">A link of the page</a>
<script type="module" src="{base}/widget.js" data-channel="KEY" {attributes}></script></html>"""


class WidgetFake:
    """One channel with one visitor, as the server would keep it."""

    def __init__(self) -> None:
        self.session = wire.SessionAnswer(
            token=TOKEN, user_ns="f1001u1", title="Acme", subtitle="Mugs and lamps"
        )
        self.messages: list[wire.WebMessage] = []
        self.media: dict[str, tuple[str, bytes]] = {}
        self.opens: list[wire.OpenPost] = []
        self.typed = 0
        self.sessions: list[wire.SessionRequest] = []
        self.receipts: list[wire.ReceiptPost] = []
        self.streams = 0
        self.polls = 0
        self.valid_token = TOKEN
        self.session_status = 200
        self.open_streams = 0
        self.refuses_events = False
        self.is_silent_on_events = False
        self.repeats = 0
        self.posts = 0
        self.post_statuses: list[int] = []
        self.upload_statuses: list[int] = []
        self.lost_answers = 0
        self.page_headers: dict[str, str] = {}
        self.page_attributes = ""
        self.script_base = ""
        self._seq = 0
        self._generation = 0
        self._whispers: list[tuple[str, bytes]] = []
        self._news = asyncio.Condition()
        self.loop: asyncio.AbstractEventLoop | None = None

    # What a test does

    def say(self, content: Content, type_: str = "out", username: str = "", ts: int | None = None) -> int:
        """The bot or an agent says something; its seq."""
        speaker = username or ("Luis" if type_ == "agent" else "Bot")
        return int(self._run(self._store((content, MessageType(type_), speaker, "", ts))))

    def skip_seq(self) -> None:
        """A note, which the visitor never sees, takes a number."""
        self._run(self._store(None))

    def type(self) -> None:
        self._run(self._whisper("typing", b"{}"))

    def tell_status(self, status: str, *seqs: int) -> None:
        event = wire.StatusEvent(seqs=seqs, status=MessageStatus(status))
        self._run(self._whisper("status", msgspec.json.encode(event)))

    def cut_events(self) -> None:
        """Every open stream ends."""
        self._run(self._cut())

    def become_somebody_else(self) -> None:
        """The next session is a new visitor's, with an empty conversation."""
        self.session = msgspec.structs.replace(self.session, token="other-token", user_ns="f1001u2")
        self.messages = []
        self._seq = 0

    def wait_for_streams(self, count: int) -> None:
        """Until so many streams have been opened."""
        self._run(self._until(lambda: self.streams >= count))

    def wait_until_no_stream(self) -> None:
        self._run(self._until(lambda: self.open_streams == 0))

    @property
    def said(self) -> list[wire.WebMessage]:
        """What the visitor said, as stored."""
        return [message for message in self.messages if message.type is MessageType.IN]

    # How it is kept

    def _run(self, work: Any) -> Any:
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _store(self, what: tuple[Content, MessageType, str, str, int | None] | None) -> int:
        async with self._news:
            self._seq += 1
            seq = self._seq
            if what is not None:
                content, type_, username, mid, ts = what
                self.messages.append(
                    wire.WebMessage(
                        seq=seq,
                        id=900_000 + seq,
                        mid=mid,
                        type=type_,
                        msg_type=msg_type(content),
                        content=content,
                        username=username,
                        ts=ts or FIRST_TS + seq,
                        status=MessageStatus.SENT,
                    )
                )
            self._news.notify_all()
            return seq

    async def _until(self, is_so: Callable[[], bool]) -> None:
        async with self._news:
            await self._news.wait_for(is_so)

    async def _streams_changed(self, by: int) -> None:
        async with self._news:
            self.open_streams += by
            self.streams += max(by, 0)
            self._news.notify_all()

    async def _whisper(self, event: str, data: bytes) -> None:
        async with self._news:
            self._whispers.append((event, data))
            self._news.notify_all()

    async def _cut(self) -> None:
        async with self._news:
            self._generation += 1
            self._news.notify_all()

    # The web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(receive, send)
        if scope["method"] == "OPTIONS":
            return await answer.give(204)
        path = scope["path"]
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if path.startswith(f"/web/{KEY}/"):
            await self._channel(scope["method"], path.rpartition("/")[2], query, headers, answer)
        else:
            await self._page(path, answer)

    async def _page(self, path: str, answer: Answer) -> None:
        if path == "/widget.js":
            await answer.give(200, (WIDGET / "static" / "widget.js").read_bytes(), "text/javascript")
        elif path.startswith("/media/") and path[7:] in self.media:
            mime_type, body = self.media[path[7:]]
            await answer.give(200, body, mime_type)
        elif path.startswith("/chat/"):
            template = jinja2.Template((WIDGET / "templates" / "chat.html").read_text(), autoescape=True)
            page = template.render(title="Acme", channel_key=KEY, public_url="")
            await answer.give(200, page.encode(), "text/html")
        elif path == "/":
            page = PAGE.format(base=self.script_base, attributes=self.page_attributes)
            await answer.give(200, page.encode(), "text/html", self.page_headers)
        else:
            await answer.give(404)

    async def _channel(
        self, method: str, what: str, query: dict[str, str], headers: dict[str, str], answer: Answer
    ) -> None:
        if what == "session":
            return await self._session(answer)
        token = query.get("token") if what == "events" else headers.get("authorization", "")[7:]
        if token != self.valid_token:
            return await answer.give(401)
        match method, what:
            case "GET", "messages":
                await self._fetch(int(query["after"]), int(query["wait"]), answer)
            case "GET", "events":
                await self._stream(int(query["after"]), answer)
            case "POST", "messages":
                await self._post(answer)
            case "POST", "uploads":
                await self._upload(query["name"], headers["content-type"], answer)
            case "POST", "open":
                self.opens.append(msgspec.json.decode(await answer.body(), type=wire.OpenPost))
                await answer.give(200)
            case "POST", "typing":
                self.typed += 1
                await answer.give(200)
            case "POST", "receipts":
                self.receipts.append(msgspec.json.decode(await answer.body(), type=wire.ReceiptPost))
                await answer.give(200)
            case _:
                await answer.give(404)

    async def _session(self, answer: Answer) -> None:
        self.sessions.append(msgspec.json.decode(await answer.body(), type=wire.SessionRequest))
        if self.session_status != 200:
            return await answer.give(self.session_status)
        self.valid_token = self.session.token
        await answer.give_json(self.session)

    async def _post(self, answer: Answer) -> None:
        post = msgspec.json.decode(await answer.body(), type=wire.MessagePost)
        self.posts += 1
        if self.post_statuses:
            return await answer.give(self.post_statuses.pop(0))
        known = next((message for message in self.messages if message.mid == post.id), None)
        content = wire.inbound_message(post, "visitor").content
        if isinstance(content, Media):
            mime_type, body = self.media[content.media_id]
            content = msgspec.structs.replace(
                content, type=_kind(mime_type), url=f"/media/{content.media_id}", size=len(body)
            )
        seq = known.seq if known else await self._store((content, MessageType.IN, "Visitor", post.id, None))
        if self.lost_answers:
            self.lost_answers -= 1
            return await answer.give(502)
        await answer.give_json(wire.MessageAnswer(seq=seq, duplicate=known is not None))

    async def _upload(self, name: str, mime_type: str, answer: Answer) -> None:
        body = await answer.body()
        if self.upload_statuses:
            return await answer.give(self.upload_statuses.pop(0))
        if len(body) > self.session.upload_limit:
            return await answer.give(413)
        media_id = f"m{len(self.media)}-{name}"
        self.media[media_id] = (mime_type, body)
        await answer.give_json(
            wire.UploadAnswer(
                media_id=media_id,
                url=f"/media/{media_id}",
                type=_kind(mime_type),
                mime_type=mime_type,
                size=len(body),
            )
        )

    async def _fetch(self, after: int, wait: int, answer: Answer) -> None:
        self.polls += bool(wait)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wait_beyond(after), wait or 0.001)
        messages = tuple(message for message in self.messages if message.seq > after)
        await answer.give_json(wire.MessagesAnswer(messages=messages, next=max(after, self._seq)))

    async def _wait_beyond(self, after: int) -> None:
        async with self._news:
            await self._news.wait_for(lambda: any(message.seq > after for message in self.messages))

    async def _stream(self, after: int, answer: Answer) -> None:
        if self.refuses_events:
            return await answer.give(502)
        await self._streams_changed(1)
        generation, whispered = self._generation, len(self._whispers)
        await answer.start(200, "text/event-stream")
        after -= self.repeats
        gone = asyncio.create_task(answer.wait_until_gone())
        await answer.chunk(b": welcome\n\n")
        while generation == self._generation and not gone.done():
            if not self.is_silent_on_events:
                for event, data in self._whispers[whispered:]:
                    await answer.chunk(b"event: %b\ndata: %b\n\n" % (event.encode(), data))
                for message in [message for message in self.messages if message.seq > after]:
                    data = msgspec.json.encode(message)
                    await answer.chunk(b"event: message\nid: %d\ndata: %b\n\n" % (message.seq, data))
                    after = message.seq
            whispered = len(self._whispers)
            async with self._news:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.2)
        gone.cancel()
        await self._streams_changed(-1)
        await answer.chunk(b"", more=False)


class Answer:
    """The answering side of one request."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def body(self) -> bytes:
        parts, more = [], True
        while more:
            message = await self._receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(parts)

    async def start(self, status: int, content_type: str, headers: dict[str, str] | None = None) -> None:
        named = {
            "content-type": content_type,
            "cache-control": "no-store",
            "access-control-allow-origin": "*",
            "access-control-allow-headers": "authorization, content-type",
            **(headers or {}),
        }
        pairs = [(name.encode(), value.encode()) for name, value in named.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def chunk(self, body: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def give(
        self,
        status: int,
        body: bytes = b"",
        content_type: str = "text/plain",
        headers: dict[str, str] | None = None,
    ) -> None:
        await self.start(status, content_type, headers)
        await self.chunk(body, more=False)

    async def give_json(self, value: Any) -> None:
        await self.give(200, msgspec.json.encode(value), "application/json")

    async def wait_until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _kind(mime_type: str) -> Any:
    kind = mime_type.partition("/")[0]
    return kind if kind in ("image", "video", "audio") else "file"


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, fake: WidgetFake) -> None:
        super().__init__(uvicorn.Config(fake, port=0, log_config=None, lifespan="off", ws="none"))
        self.fake = fake
        self.listens = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        self.fake.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.listens.set()


@contextmanager
def serving(fake: WidgetFake) -> Iterator[str]:
    """Serve it on a free port; the base URL."""
    server = _Server(fake)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.listens.wait(10)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.force_exit = server.should_exit = True
        thread.join(10)
