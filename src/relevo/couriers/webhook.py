"""To the platform: the live-chat webhook, signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from relevo.couriers.attempts import MASK, Tried, exchange, read_answer
from relevo.domain import signing
from relevo.domain.deliveries import Delivery, Park, Rejected
from relevo.domain.ids import EndpointId
from relevo.domain.retries import WEBHOOK_SCHEDULE
from relevo.domain.workspaces import Endpoint
from relevo.engine.catalog import Catalog
from relevo.http_client.client import Answer, HttpClient
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
        return await self.post(endpoint, delivery)

    async def post(self, endpoint: Endpoint, delivery: Delivery) -> Tried:
        """Make the request, whatever the state of the endpoint."""
        own = _own_headers(endpoint, delivery, self._clock)
        headers = {**endpoint.headers, **own}
        result = await self._http.request("POST", endpoint.url, headers, delivery.body, self._timeout)
        shown = {**dict.fromkeys(endpoint.headers, MASK), **own}
        outcome = read_answer(result, self._clock) if isinstance(result, Answer) else result
        return Tried(outcome, exchange("POST", endpoint.url, shown, result))


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
    return Tried(Rejected(reason), park=Park(reason))
