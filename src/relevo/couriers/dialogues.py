"""Dialogues with vendors, held over the network."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import timedelta
from typing import TypeVar

import msgspec

from relevo.admin.connecting import AskVendor
from relevo.channels.adapter import VendorAnswer, VendorCall
from relevo.couriers.attempts import MASK, exchange
from relevo.domain import signing
from relevo.domain.deliveries import Exchange, Forbidden, Unreachable
from relevo.http_client.client import ANSWER_LIMIT, Answer, HttpClient, Trace
from relevo.system.clock import Clock

T = TypeVar("T")

_SHOWN_HEADERS = frozenset({"content-type", "webhook-id", "webhook-timestamp", "webhook-signature"})


class Vendors:
    """Makes the calls that an adapter's dialogue yields, one after another."""

    def __init__(self, *, http: HttpClient, clock: Clock, timeout: timedelta) -> None:
        self._http, self._clock, self._timeout = http, clock, timeout

    async def hold(
        self,
        dialogue: Generator[VendorCall, VendorAnswer, T],
        *,
        webhook_id: str = "",
        hidden: Sequence[str] = (),
    ) -> tuple[T | Unreachable | Forbidden, Exchange | None]:
        """Hold a dialogue to its end, or until a call gets no answer. What is `hidden` does not stand in
        the exchange, which is the last one made."""
        seen: Exchange | None = None
        try:
            call = next(dialogue)
            while True:
                answer, seen = await self._call(call, webhook_id, hidden)
                if not isinstance(answer, VendorAnswer):
                    return answer, seen
                call = dialogue.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result, seen

    async def _call(
        self, call: VendorCall, webhook_id: str, hidden: Sequence[str]
    ) -> tuple[VendorAnswer | Unreachable | Forbidden, Exchange]:
        headers = dict(call.headers)
        if call.sign_with:
            headers |= signing.headers([call.sign_with], webhook_id, self._clock.now(), call.body)
        trace = Trace()
        result = await self._http.request(
            call.method, call.url, headers, call.body, self._timeout, call.most or ANSWER_LIMIT, trace
        )
        seen = shown(call, headers, result, hidden, trace)
        if not isinstance(result, Answer):
            return result, seen
        return VendorAnswer(status=result.status_code, headers=result.headers, body=result.body), seen


def asking(vendors: Vendors) -> AskVendor:
    """For those who set up channels and need not know of couriers."""

    async def ask(
        dialogue: Generator[VendorCall, VendorAnswer, T], hidden: tuple[str, ...], /
    ) -> T | Unreachable | Forbidden:
        said, _ = await vendors.hold(dialogue, hidden=hidden)
        return said

    return ask


def shown(
    call: VendorCall, headers: dict[str, str], result: Answer | object, hidden: Sequence[str], trace: Trace
) -> Exchange:
    """A call and its answer as a person may see them: headers of the vendor's own and secrets masked,
    wherever they stand (Telegram has its token in the URL)."""
    visible = {name: value if name.lower() in _SHOWN_HEADERS else MASK for name, value in headers.items()}
    body = call.shows.encode() or call.body
    if call.most and isinstance(result, Answer):
        result = msgspec.structs.replace(result, body=b"", is_whole=False)
    seen = exchange(call.method, mask(call.url, hidden), visible, result, trace, body)
    if not hidden:
        return seen
    return msgspec.structs.replace(
        seen,
        answer_headers={name: mask(value, hidden) for name, value in seen.answer_headers.items()},
        answer_body=mask(seen.answer_body, hidden),
        request_body=None if seen.request_body is None else mask(seen.request_body, hidden),
    )


def mask(text: str, hidden: Sequence[str]) -> str:
    for secret in hidden:
        text = text.replace(secret, MASK)
    return text
