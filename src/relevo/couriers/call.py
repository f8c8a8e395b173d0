"""To other servers: what flows ask of them, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from relevo.couriers.attempts import Tried, exchange, read_answer
from relevo.couriers.dialogues import mask
from relevo.domain import chat_completions, sealing
from relevo.domain.calls import (
    ANSWER_LIMIT,
    AiAnswer,
    AiTask,
    CallFailed,
    CallResult,
    FailureKind,
    HttpAnswer,
    HttpTask,
    decoded,
)
from relevo.domain.chat_completions import Said
from relevo.domain.deliveries import (
    Accepted,
    Delivery,
    Exchange,
    Forbidden,
    GiveUp,
    Outcome,
    Refused,
    Rejected,
    Unreachable,
)
from relevo.domain.events import ByConversation, CallAnswered
from relevo.domain.messages import MessageType
from relevo.domain.sealing import Secrets, UnknownSecret
from relevo.engine.catalog import Catalog
from relevo.http_client.client import Answer, HttpClient, Trace
from relevo.metrics import AI_TOKENS
from relevo.store import conversations, messages
from relevo.store.database import Database
from relevo.system.clock import Clock

_PASSING = frozenset({408, 409, 425, 429})
"""Refusals that may be another answer in a moment; and every 5xx."""
_SHORTEST_HIDDEN = 4
"""Hiding every `1` of an answer, because a secret is `1`, would hide the answer."""
_HEARD = (MessageType.IN, MessageType.OUT, MessageType.AGENT)
_CONTENT_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain; charset=utf-8",
}


class CallCourier:
    """Makes the calls of flows. Each task says for itself how often it is tried."""

    schedule: Sequence[timedelta] = ()

    def __init__(self, *, catalog: Catalog, http: HttpClient, database: Database, clock: Clock) -> None:
        self._catalog, self._http, self._database, self._clock = catalog, http, database, clock

    async def attempt(self, delivery: Delivery) -> Tried:
        task = decoded(delivery.body)
        if await self._is_stale(delivery):
            return _told(delivery, Tried(Rejected("stale_call")), CallFailed("stopped"))
        await self._catalog.refresh()
        secrets: Secrets = self._catalog.directory.secrets.get(delivery.workspace_id, {})
        try:
            made = await self._make(task, delivery, secrets)
        except UnknownSecret as unknown:
            detail = f"there is no secret {unknown.name}"
            return _told(delivery, Tried(Rejected("unknown_secret")), CallFailed("stopped", detail=detail))
        return _told(delivery, msgspec.structs.replace(made.tried, schedule=task.schedule), made.result)

    async def _is_stale(self, delivery: Delivery) -> bool:
        """Whether nobody waits for it any more. Asked before it is tried again, unless a person wants it."""
        if delivery.attempts_made <= delivery.attempts_before or delivery.attempts_before:
            return False
        async with self._database.read() as connection:
            found = await conversations.find(connection, delivery.conversation_id)
        run = found.run if found is not None else None
        return run is None or run.waiting.for_ != "call" or run.waiting.call != delivery.seq

    async def _make(self, task: HttpTask | AiTask, delivery: Delivery, secrets: Secrets) -> _Made:
        if isinstance(task, HttpTask):
            return await self._request(task, delivery, secrets)
        return await self._ask_model(task, delivery, secrets)

    # One request

    async def _request(self, task: HttpTask, delivery: Delivery, secrets: Secrets) -> _Made:
        wire = _wire(task, delivery.webhook_id, secrets)
        outcome, answer, seen = await self._post(wire, task.timeout)
        if answer is None:
            return _Made(_tried(outcome, seen), _failure(outcome))
        return _Made(Tried(outcome, seen), HttpAnswer(answer.status_code, answer.body))

    async def _post(
        self,
        wire: _Wire,
        timeout: timedelta,  # noqa: ASYNC109 – it ends the request, not this coroutine
    ) -> tuple[Outcome, Answer | None, Exchange]:
        """What came of it; the answer only if use can be made of it."""
        trace = Trace()
        result = await self._http.request(
            wire.method, wire.url, wire.headers, wire.body, timeout, ANSWER_LIMIT, trace
        )
        seen = _shown(wire, result, trace)
        if not isinstance(result, Answer):
            return result, None, seen
        outcome: Outcome = read_answer(result, self._clock)
        if isinstance(outcome, Accepted) and not result.is_whole:
            outcome = Rejected("too_large")
        return outcome, result if isinstance(outcome, Accepted) else None, seen

    # A dialogue with a model

    async def _ask_model(self, task: AiTask, delivery: Delivery, secrets: Secrets) -> _Made:
        """All rounds are one attempt: nothing is done before the last answer is there."""
        talk = chat_completions.dialogue(task, await self._history(task, delivery))
        until = self._clock.monotonic() + task.timeout.total_seconds()
        body, round_ = next(talk), 0
        outcome, seen = _NEVER, None
        while True:
            left = timedelta(seconds=until - self._clock.monotonic())
            if left <= timedelta():
                outcome = Unreachable("timeout")
                return _Made(_tried(outcome, seen), _failure(outcome))
            wire = _ai_wire(task, body, f"{delivery.webhook_id}-{round_}", secrets)
            outcome, answer, seen = await self._post(wire, left)
            if answer is None:
                return _Made(_tried(outcome, seen), _failure(outcome))
            try:
                body, round_ = talk.send(answer.body), round_ + 1
            except StopIteration as end:
                return _answered(outcome, seen, end.value)

    async def _history(self, task: AiTask, delivery: Delivery) -> list[Said]:
        if not task.history:
            return []
        async with self._database.read() as connection:
            page = await messages.page(
                connection,
                delivery.conversation_id,
                types=_HEARD,
                before_seq=task.up_to_seq + 1,
                limit=task.history,
            )
        return chat_completions.seen_by_model(page[::-1])


_NEVER: Outcome = Unreachable("timeout")


class _Made(msgspec.Struct, frozen=True):
    """An attempt, and what the flow is told of it if it was the last."""

    tried: Tried
    result: CallResult


class _Wire(msgspec.Struct, frozen=True, kw_only=True):
    """A request with its secrets; and without them, as people may see it."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    shown_url: str
    shown_headers: dict[str, str]
    shown_body: bytes
    hidden: tuple[str, ...]


def _told(delivery: Delivery, tried: Tried, result: CallResult) -> Tried:
    news = CallAnswered(to=ByConversation(delivery.conversation_id), number=delivery.seq, result=result)
    return msgspec.structs.replace(tried, news=news)


def _answered(outcome: Outcome, seen: Exchange | None, found: AiAnswer | CallFailed) -> _Made:
    """A model that talks nonsense is asked again as one that does not answer is."""
    if isinstance(found, AiAnswer):
        AI_TOKENS.inc(found.tokens)
        return _Made(Tried(outcome, seen), found)
    status = outcome.status_code if isinstance(outcome, Accepted) else 0
    return _Made(Tried(Refused(status, reason="nonsense"), seen), found)


def _tried(outcome: Outcome, seen: Exchange | None) -> Tried:
    """Only what may pass is tried again."""
    match outcome:
        case Refused(status_code=status) if status not in _PASSING and status < 500:
            return Tried(outcome, seen, verdict=GiveUp("call_refused"))
        case Forbidden():
            return Tried(outcome, seen, verdict=GiveUp("forbidden"))
        case _:
            return Tried(outcome, seen)


def _failure(outcome: Outcome) -> CallFailed:
    match outcome:
        case Refused(status_code=status):
            return CallFailed("status", status, f"it was answered {status}")
        case Unreachable(reason="timeout"):
            return CallFailed("timeout", detail="there was no answer in time")
        case Unreachable(reason=reason) | Forbidden(reason=reason):
            return CallFailed("unreachable", detail=reason)
        case Rejected(reason=reason):
            return CallFailed("nonsense", detail=reason)
        case Accepted():
            return CallFailed("nonsense")


def failed(delivery: Delivery, why: FailureKind) -> CallAnswered:
    """The news of a call of which nothing else is known."""
    to = ByConversation(delivery.conversation_id)
    return CallAnswered(to=to, number=delivery.seq, result=CallFailed(why))


# On the wire


def _wire(task: HttpTask, webhook_id: str, secrets: Secrets) -> _Wire:
    own = _own_headers(task.headers, webhook_id)
    if task.kind != "none" and not _has(task.headers, "content-type"):
        own["content-type"] = _CONTENT_TYPES[task.kind]
    given = {name: sealing.filled(value, secrets) for name, value in task.headers.items()}
    return _Wire(
        method=task.method,
        url=sealing.filled(task.url, secrets),
        headers={**given, **own},
        body=_body(task.kind, sealing.filled_in(task.body, secrets)),
        shown_url=sealing.shown(task.url),
        shown_headers={**_shown_headers(task.headers), **own},
        shown_body=_body(task.kind, sealing.shown_in(task.body)),
        hidden=_hidden(secrets),
    )


def _ai_wire(task: AiTask, body: bytes, webhook_id: str, secrets: Secrets) -> _Wire:
    own = {**_own_headers(task.headers, webhook_id), "content-type": "application/json"}
    given = {name: sealing.filled(value, secrets) for name, value in task.headers.items()}
    return _Wire(
        method="POST",
        url=sealing.filled(task.url, secrets),
        headers={**given, **own},
        body=body,
        shown_url=sealing.shown(task.url),
        shown_headers={**_shown_headers(task.headers), **own},
        shown_body=body,
        hidden=_hidden(secrets),
    )


def _own_headers(given: Mapping[str, str], webhook_id: str) -> dict[str, str]:
    """The same on every attempt, so that the other side can tell a repetition."""
    own = {"webhook-id": webhook_id}
    return own if _has(given, "idempotency-key") else {**own, "idempotency-key": webhook_id}


def _has(headers: Mapping[str, str], name: str) -> bool:
    return any(one.lower() == name for one in headers)


def _shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: sealing.shown(value) for name, value in headers.items()}


def _body(kind: str, value: Any) -> bytes:
    match kind:
        case "json":
            return msgspec.json.encode(value)
        case "form":
            return urlencode(value).encode()
        case "text":
            return str(value).encode()
        case _:
            return b""


def _hidden(secrets: Secrets) -> tuple[str, ...]:
    return tuple(value for value in secrets.values() if len(value) >= _SHORTEST_HIDDEN)


def _shown(wire: _Wire, result: Answer | object, trace: Trace) -> Exchange:
    seen = exchange(wire.method, wire.shown_url, wire.shown_headers, result, trace, wire.shown_body)
    return msgspec.structs.replace(
        seen,
        answer_headers={name: mask(value, wire.hidden) for name, value in seen.answer_headers.items()},
        answer_body=mask(seen.answer_body[:ANSWER_SHOWN], wire.hidden),
        answer_is_whole=seen.answer_is_whole and len(seen.answer_body) <= ANSWER_SHOWN,
    )


ANSWER_SHOWN = 16 * 1024
"""Characters of an answer that are kept for people."""
