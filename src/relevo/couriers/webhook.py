"""To the platform: the live-chat webhook, signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from relevo.admin.trying import Shown, Trial
from relevo.couriers.attempts import MASK, Tried, exchange, read_answer
from relevo.domain import signing
from relevo.domain.deliveries import Delivery, Forbidden, Park, Rejected, Unreachable
from relevo.domain.ids import EndpointId
from relevo.domain.retries import WEBHOOK_SCHEDULE
from relevo.domain.workspaces import Endpoint
from relevo.engine.catalog import Catalog
from relevo.http_client.client import Answer, HttpClient, Trace
from relevo.http_client.wire_form import all_headers, request_line
from relevo.system.clock import Clock


class WebhookCourier:
    """Posts to endpoints."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        http: HttpClient,
        clock: Clock,
        timeout: timedelta,
        schedule: Sequence[timedelta] = WEBHOOK_SCHEDULE,
    ) -> None:
        self._catalog, self._http, self._clock, self._timeout = catalog, http, clock, timeout
        self.schedule = schedule

    async def attempt(self, delivery: Delivery) -> Tried:
        await self._catalog.refresh()
        endpoint = self._catalog.directory.endpoints.get(EndpointId(delivery.destination.id))
        if endpoint is None:
            return Tried(Rejected("endpoint_removed"))
        if endpoint.disabled_reason:
            return _kept("endpoint_disabled")
        trace = Trace()
        shown, result = await _post(endpoint, delivery, self._http, self._clock, self._timeout, trace)
        outcome = read_answer(result, self._clock) if isinstance(result, Answer) else result
        return Tried(outcome, exchange("POST", endpoint.url, shown, result, trace))


async def try_endpoint(
    endpoint: Endpoint,
    delivery: Delivery,
    http: HttpClient,
    clock: Clock,
    timeout: timedelta,  # noqa: ASYNC109 – it ends the request, not this coroutine
) -> Trial:
    """Make one request, whatever the state of the endpoint, and show all of it. Nothing is recorded."""
    started_at, started = clock.now(), clock.monotonic()
    shown, result = await _post(endpoint, delivery, http, clock, timeout, Trace())
    took = timedelta(seconds=clock.monotonic() - started)
    answered = result.version if isinstance(result, Answer) else ""
    return Trial(
        url=endpoint.url,
        line=request_line("POST", endpoint.url, answered),
        headers=all_headers(endpoint.url, shown, delivery.body),
        body=delivery.body,
        outcome=read_answer(result, clock) if isinstance(result, Answer) else result,
        answer=_shown(result) if isinstance(result, Answer) else None,
        started_at=started_at,
        took=took,
    )


def _shown(answer: Answer) -> Shown:
    return Shown(
        line=f"{answer.version} {answer.status_code}",
        headers=answer.headers,
        body=answer.body.decode("utf-8", "replace"),
        address=answer.address,
        after=answer.headed,
        is_whole=answer.is_whole,
    )


async def _post(
    endpoint: Endpoint,
    delivery: Delivery,
    http: HttpClient,
    clock: Clock,
    timeout: timedelta,  # noqa: ASYNC109
    trace: Trace,
) -> tuple[dict[str, str], Answer | Unreachable | Forbidden]:
    """The headers as they may be shown, and what came of the request."""
    own = _own_headers(endpoint, delivery, clock)
    headers = {**endpoint.headers, **own}
    result = await http.request("POST", endpoint.url, headers, delivery.body, timeout, trace=trace)
    return {**dict.fromkeys(endpoint.headers, MASK), **own}, result


def _own_headers(endpoint: Endpoint, delivery: Delivery, clock: Clock) -> dict[str, str]:
    now = clock.now()
    return {
        "content-type": "application/json",
        **signing.headers(endpoint.signing_secrets(now), delivery.webhook_id, now, delivery.body),
        "relevo-event": delivery.event_type,
        "relevo-seq": str(delivery.seq),
        "relevo-epoch": str(delivery.epoch),
    }


def _kept(reason: str) -> Tried:
    """No request can be made now; a person may have it redelivered later."""
    return Tried(Rejected(reason), verdict=Park(reason))
