"""What each destination may be asked, as it is set up now."""

from __future__ import annotations

from relevo.couriers.gates import Limits
from relevo.domain.deliveries import Destination
from relevo.domain.ids import EndpointId
from relevo.engine.catalog import Catalog


class Limiter:
    """Looks into the catalog. One that is disabled or gone is asked nothing: what waits for it is to be
    parked, and no circuit may hold that up."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def __call__(self, destination: Destination) -> Limits:
        if destination.kind != "endpoint":
            return Limits()
        endpoint = self._catalog.directory.endpoints.get(EndpointId(destination.id))
        return Limits(is_judged=endpoint is not None and not endpoint.disabled_reason)
