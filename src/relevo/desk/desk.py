"""What the desk does: takes webhooks in, and lets an agent answer, assign, pause and resolve."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from relevo.desk.arrivals import arrive, line_of, pause_end
from relevo.desk.book import Book, Control, Conversation, Line, UnknownConversation
from relevo.desk.live import Everything, Live
from relevo.sdk import (
    Agent,
    Client,
    ClientError,
    NotFound,
    RateLimited,
    Received,
    ReceiveError,
    Receiver,
    ServerError,
    Subscriber,
    Unauthenticated,
    Unreachable,
    UnreadableBody,
)

HISTORY = 50
"""How many earlier messages are read when a conversation comes in."""
PAUSE_MINUTES = 30
PRESENT_MINUTES = 2

_OUTCOME_UNKNOWN = (Unreachable, RateLimited, ServerError)
"""After these a reply may have been sent, or may be under the same key: a refusal would only be repeated."""

log = logging.getLogger("relevo.desk")


class Desk:
    """One desk for one flow. Everything that fails for the agent raises a ClientError."""

    def __init__(self, client: Client, receiver: Receiver, clock: Callable[[], datetime]) -> None:
        self.live = Live()
        self.book = Book(self.live.publish)
        self._client = client
        self._receiver = receiver
        self._clock = clock
        self._sending: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._changing_control: set[str] = set()
        self._present_until = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def everything(self) -> Everything:
        return Everything(self._now(), self.book.conversations())

    async def close(self) -> None:
        self.live.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    async def follow(self) -> AsyncGenerator[bytes, None]:
        """What a page is told. While one is open, whoever the token is of is online: groups of agents give
        them conversations."""
        async with aclosing(self.live.follow(self.everything)) as events:
            async for event in events:
                self._be_present()
                yield event

    def _be_present(self) -> None:
        """It ends by itself, so it is said again in time: a silent page has its heartbeat more often."""
        now = self._now()
        if now >= self._present_until - PRESENT_MINUTES * 30_000:
            self._present_until = now + PRESENT_MINUTES * 60_000
            self._in_background(self._quietly(self._tell_presence()))

    async def _tell_presence(self) -> None:
        agent = await self._client.me()
        if agent.id:
            await self._client.set_presence(agent.id, minutes=PRESENT_MINUTES)

    async def settled(self) -> None:
        """Wait until nothing is being read in the background."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    # What comes in

    def webhook(self, headers: Mapping[str, str], body: bytes) -> None:
        """Take in one webhook. Raises a ReceiveError when it is not genuine or not readable."""
        received = self._receiver.receive(headers, body, self._clock())
        if received.duplicate:
            return
        try:
            self._take_in(received)
        except Exception as error:
            self._receiver.forget(received)  # whatever went wrong, the next attempt must not be a duplicate
            if isinstance(error, msgspec.ValidationError | ValueError | TypeError):
                raise UnreadableBody(f"the event has an unexpected form: {error}") from error
            raise

    def _take_in(self, received: Received) -> None:
        user_ns = received.event.meta.user_ns
        before = self.book.find(user_ns)
        arrive(self.book, received, self._now(), is_ours=user_ns in self._changing_control)
        now = self.book.find(user_ns)
        if now and (now.history == "none" or _came_back(before, now)):
            self.load(user_ns)
        if received.gap:
            self._in_background(self._heal(received))

    async def _heal(self, received: Received) -> None:
        """Read the webhooks that did not come; where there are none any more, at least what was said."""
        user_ns, missing = received.event.meta.user_ns, received.seq - received.seq_before - 1
        try:
            async for healed in self._receiver.heal(received, self._client):
                missing -= 1
                self._arrive_late(healed)
        except (ClientError, ReceiveError) as error:
            log.warning("desk.not_healed user_ns=%s reason=%s", user_ns, error)
        if missing and self.book.find(user_ns):
            self.load(user_ns)

    def _arrive_late(self, healed: Received) -> None:
        try:
            arrive(self.book, healed, self._now())
        except (msgspec.ValidationError, ValueError, TypeError) as error:
            self._receiver.forget(healed)
            log.warning("desk.event_left_out id=%s reason=%s", healed.id, error)

    def load(self, user_ns: str) -> None:
        """Read in the background who the customer is, and what was said before."""
        if self.book.get(user_ns).history != "loading":
            self.book.change(user_ns, history="loading", problem="")
            self._in_background(self._load(user_ns))

    async def _load(self, user_ns: str) -> None:
        with suppress(UnknownConversation):  # dropped to make room while we were asking
            await self._load_known(user_ns)

    async def _load_known(self, user_ns: str) -> None:
        try:
            self._learn(await self._client.get_info(user_ns))
            await self._read_history(user_ns)
            self.book.change(user_ns, history="loaded")
        except ClientError as error:
            self.book.change(user_ns, history="failed", problem=self.reason(error))

    def _learn(self, person: Subscriber) -> None:
        known = self.book.get(person.user_ns)
        self.book.change(
            person.user_ns,
            name=person.name or known.name,
            channel=person.channel,
            phone=person.phone,
            email=person.email,
            tags=tuple(tag.name for tag in person.tags),
            agent_id=person.agent_id,
            agent_name=person.agent_name,
        )

    async def _read_history(self, user_ns: str) -> None:
        read = 0
        async for message in self._client.chat_messages(user_ns, include_note=True, limit=HISTORY):
            self.book.tell(user_ns, line_of(message))
            read += 1
            if read >= HISTORY:
                return

    # What an agent says

    async def reply(self, user_ns: str, line_id: str, *, text: str = "", image_url: str = "") -> Line:
        """Say something to the customer; replies to one customer leave one after the other.

        The page names the line, so that sending it again is the same reply: one that failed is
        tried once more, any other is left as it is. What came of it is in the line.
        """
        self.book.get(user_ns)
        line = self.book.find_line(user_ns, line_id)
        if line is not None and line.state != "failed":
            return line
        line = self._on_its_way(user_ns, line or self._new_line(user_ns, line_id, text, image_url))
        self.read(user_ns)
        lock = self._sending.setdefault(user_ns, asyncio.Lock())
        async with lock:
            return await self._send(user_ns, line)

    def knows(self, user_ns: str, line_id: str) -> bool:
        return self.book.find_line(user_ns, line_id) is not None

    def _new_line(self, user_ns: str, line_id: str, text: str, image_url: str) -> Line:
        """Who speaks is settled here: under the same key, a repetition must be the same in everything."""
        conversation = self.book.get(user_ns)
        payload = {"type": "image", "url": image_url} if image_url else {"text": text}
        return Line(
            id=line_id,
            who="agent",
            at=self._now(),
            msg_type="image" if image_url else "text",
            text=text,
            payload=payload,
            name=conversation.agent_name,
            agent_id=conversation.agent_id,
            key=secrets.token_urlsafe(16),
        )

    def _on_its_way(self, user_ns: str, line: Line) -> Line:
        at = self.book.after_all(user_ns, self._now())
        return self.book.put(user_ns, msgspec.structs.replace(line, state="sending", problem="", at=at))

    async def _send(self, user_ns: str, line: Line) -> Line:
        try:
            with self._change_of_control(user_ns):
                await self._say(user_ns, line)
        except ClientError as error:
            return self._not_sent(user_ns, line, error)
        if self.book.get(user_ns).control == "bot":
            self._agent_takes_over(user_ns, "The bot is paused: you have replied.")
        return self.book.progress(user_ns, line, "sent")

    async def _say(self, user_ns: str, line: Line) -> None:
        speaker = line.agent_id or None
        if line.msg_type == "image":
            content = {"messages": [{"type": "image", "url": line.payload["url"]}]}
            await self._client.send_content(
                user_ns, content, send_as_agent=True, agent_id=speaker, idempotency_key=line.key
            )
        else:
            await self._client.send_text(user_ns, line.text, agent_id=speaker, idempotency_key=line.key)

    def _not_sent(self, user_ns: str, line: Line, error: ClientError) -> Line:
        failed = self.book.progress(user_ns, line, "failed", self.reason(error))
        if isinstance(error, _OUTCOME_UNKNOWN):
            return failed
        return self.book.put(user_ns, msgspec.structs.replace(failed, key=secrets.token_urlsafe(16)))

    def typing(self, user_ns: str) -> None:
        """Show the customer that an agent types; whether it worked is not worth a word."""
        self.book.get(user_ns)
        self._in_background(self._quietly(self._client.typing(user_ns)))

    def read(self, user_ns: str) -> None:
        """An agent has seen everything so far."""
        if self.book.get(user_ns).unread:
            self.book.change(user_ns, unread=0)
            self._in_background(self._quietly(self._client.seen(user_ns)))

    # Who answers

    async def agents(self) -> list[Agent]:
        return [agent async for agent in self._client.agents()]

    async def assign(self, user_ns: str, agent_id: int, name: str) -> Conversation:
        """Give the conversation to an agent; 0 takes it from whoever has it."""
        self.book.get(user_ns)
        if agent_id:
            await self._client.assign_agent(user_ns, agent_id)
        else:
            await self._client.unassign_agent(user_ns)
        return self.book.change(user_ns, agent_id=agent_id, agent_name=name)

    async def pause(self, user_ns: str) -> Conversation:
        """Take the conversation from the bot, for half an hour."""
        self.book.get(user_ns)
        with self._change_of_control(user_ns):
            await self._client.pause_bot(user_ns, PAUSE_MINUTES)
        self._agent_takes_over(user_ns, f"You paused the bot for {PAUSE_MINUTES} minutes.")
        self.load(user_ns)
        return self.book.change(user_ns, status="open")

    async def resolve(self, user_ns: str) -> Conversation:
        """The work is done: the bot answers again, and the conversation leaves the list."""
        self.book.get(user_ns)
        with self._change_of_control(user_ns):
            await self._give_back(user_ns)
        self._change_hands(user_ns, "bot", None)
        await self._client.move_chat_to(user_ns, "done")
        self._note(user_ns, "You resolved the conversation. The bot answers again.")
        return self.book.change(user_ns, status="done", unread=0)

    async def _give_back(self, user_ns: str) -> None:
        """A server that was not made for this takes it without words."""
        try:
            await self._client.return_handoff(user_ns, outcome="resolved")
        except NotFound:
            await self._client.resume_bot(user_ns)

    async def accept(self, user_ns: str) -> Conversation:
        """Say that somebody will answer: nobody else need, and the bot does not excuse us any more."""
        agent_id = self.book.get(user_ns).agent_id or None
        await self._client.accept_handoff(user_ns, agent_id=agent_id)
        return self.book.change(user_ns, is_accepted=True)

    async def check_pause(self, user_ns: str) -> Conversation:
        """Ask Relevo who answers: an agent's reply may have moved the end of the pause."""
        self.book.get(user_ns)
        person = await self._client.get_info(user_ns)
        if person.is_paused:
            return self._change_hands(user_ns, "agent", pause_end(person.paused_diff_seconds, self._now()))
        if self.book.get(user_ns).control == "agent":
            self._note(user_ns, "The bot answers again: the pause is over.")
        return self._change_hands(user_ns, "bot", None)

    def _agent_takes_over(self, user_ns: str, note: str) -> None:
        self._change_hands(user_ns, "agent", self._now() + PAUSE_MINUTES * 60_000)
        self._note(user_ns, note)

    def _change_hands(self, user_ns: str, control: Control, paused_until: int | None) -> Conversation:
        """As Relevo counts, the epoch grows only when control does change hands. Whoever does it is there."""
        known = self.book.get(user_ns)
        epoch = known.epoch + int(known.control != control)
        return self.book.change(
            user_ns, control=control, paused_until=paused_until, epoch=epoch, is_accepted=True
        )

    @contextmanager
    def _change_of_control(self, user_ns: str) -> Iterator[None]:
        """While this lasts, what Relevo tells of control is our own doing and needs no note."""
        self._changing_control.add(user_ns)
        try:
            yield
        finally:
            self._changing_control.discard(user_ns)

    def _note(self, user_ns: str, text: str) -> None:
        at = self.book.after_all(user_ns, self._now())
        self.book.put(user_ns, Line(id=f"note-{secrets.token_hex(6)}", who="system", at=at, text=text))

    def reason(self, error: ClientError) -> str:
        """What an agent is told: what happened, and what would help."""
        match error:
            case Unreachable():
                return f"Relevo cannot be reached at {self._client.base_url}."
            case Unauthenticated():
                return "Relevo does not accept the token of this desk."
            case NotFound():
                return f"Relevo does not know this (any more): {error}"
            case _:
                return str(error)

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1000)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, call: Awaitable[None]) -> None:
        try:
            await call
        except ClientError as error:
            log.info("desk.not_told reason=%s", error)


def _came_back(before: Conversation | None, now: Conversation) -> bool:
    """Whether the bot had the conversation meanwhile: nobody told us what was said to it."""
    return before is not None and (before.control, now.control) == ("bot", "agent")
