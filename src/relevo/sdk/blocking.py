"""`SyncClient`: the same calls for programs that do not use asyncio.

A method of `Client` waits for nothing but its transport (`relevo.sdk.transport`). With a blocking one it
runs to its end in one step, so here is nothing but its name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import timedelta
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from relevo.sdk.calling import api_url
from relevo.sdk.client import Client
from relevo.sdk.transport import Blocking, Transport

P = ParamSpec("P")
T = TypeVar("T")


def _run(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("the transport of a SyncClient must block, not wait")


def _at_once(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[SyncClient, P], T]:
    def call(self: SyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return _run(method(self._client, *args, **kwargs))

    update_wrapper(call, method)
    return call


def _one_by_one(
    method: Callable[Concatenate[Any, P], AsyncIterator[T]],
) -> Callable[Concatenate[SyncClient, P], Iterator[T]]:
    def call(self: SyncClient, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        found = method(self._client, *args, **kwargs)
        while True:
            try:
                yield _run(_next(found))
            except StopAsyncIteration:
                return

    update_wrapper(call, method)
    return call


async def _next(found: AsyncIterator[T]) -> T:
    return await found.__anext__()


class SyncClient:
    """`Client`, blocking: the same calls, with the same arguments, errors and repetitions. Lists are plain
    iterators. Use it in `with`, or `close` it. Several threads may share one."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout: float = 15.0,
        attempts: int = 3,
        longest_wait: float = 10.0,
        knows_keys: bool = True,
        transport: Transport | None = None,
    ) -> None:
        blocking = transport or Blocking(api_url(base_url), token, timedelta(seconds=timeout))
        self._client = Client(
            base_url,
            token,
            attempts=attempts,
            longest_wait=longest_wait,
            knows_keys=knows_keys,
            transport=blocking,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        return self._client.base_url

    close = _at_once(Client.close)

    me = _at_once(Client.me)
    get_info = _at_once(Client.get_info)
    get_info_by_user_id = _at_once(Client.get_info_by_user_id)
    subscribers = _one_by_one(Client.subscribers)
    bot_users_count = _at_once(Client.bot_users_count)
    chat_messages = _one_by_one(Client.chat_messages)
    chat_messages_by_mids = _at_once(Client.chat_messages_by_mids)
    events = _one_by_one(Client.events)
    all_events = _one_by_one(Client.all_events)
    deliveries = _one_by_one(Client.deliveries)
    delivery = _at_once(Client.delivery)
    redeliver = _at_once(Client.redeliver)
    skip = _at_once(Client.skip)
    count_redeliverable = _at_once(Client.count_redeliverable)
    redeliver_many = _at_once(Client.redeliver_many)
    redelivery = _at_once(Client.redelivery)
    stop_redelivery = _at_once(Client.stop_redelivery)
    send_text = _at_once(Client.send_text)
    send_content = _at_once(Client.send_content)
    typing = _at_once(Client.typing)
    seen = _at_once(Client.seen)
    pause_bot = _at_once(Client.pause_bot)
    resume_bot = _at_once(Client.resume_bot)
    accept_handoff = _at_once(Client.accept_handoff)
    return_handoff = _at_once(Client.return_handoff)
    assign_agent = _at_once(Client.assign_agent)
    unassign_agent = _at_once(Client.unassign_agent)
    move_chat_to = _at_once(Client.move_chat_to)
    agents = _one_by_one(Client.agents)
    subflows = _one_by_one(Client.subflows)
