"""What the pages and calls of the edge are made of; put together once, in `bootstrap`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import msgspec

from relevo.admin.changing import Means
from relevo.admin.connecting import AskVendor
from relevo.admin.trying import Trial
from relevo.domain.deliveries import Delivery
from relevo.domain.media_storage import MediaStorage
from relevo.domain.workspaces import Endpoint
from relevo.engine.catalog import Catalog
from relevo.engine.engine import Engine
from relevo.engine.hub import Hub
from relevo.http_client.egress_guard import EgressGuard
from relevo.http_client.mail import Mail
from relevo.store.database import Database
from relevo.store.encryption import Cipher
from relevo.store.subscribers import LargeTotals
from relevo.system.chance import Chance
from relevo.system.clock import Clock
from relevo.system.media_files import MediaFiles
from relevo.system.notes import Notes
from relevo.web.buckets import Buckets, Limit

TryEndpoint = Callable[[Endpoint, Delivery], Awaitable[Trial]]
"""Makes one request to an endpoint, in use or not, and shows it. Nothing is stored."""


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator decided about the HTTP edge. Sizes in bytes."""

    public_url: str
    max_body: int = 1_000_000
    max_upload: int = 25_000_000
    rate_limit: int = 36_000
    """API requests an hour and token."""
    inbound_rate_limit: int = 36_000
    """Requests an hour and inbound webhook."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a request may need. `keys` are derived from the secret key, one a purpose."""

    edge: Edge
    database: Database
    cipher: Cipher
    catalog: Catalog
    engine: Engine
    hub: Hub
    guard: EgressGuard
    clock: Clock
    chance: Chance
    media_folder: Path
    media_storage: MediaStorage | None = None
    """Where files are kept instead of in the folder."""
    media_key: bytes
    visitor_key: bytes
    cookie_key: bytes
    operations_key: bytes = b""
    unsubscribe_key: bytes = b""
    """Proves that the link in an e-mail is of the person whom it was written to."""
    totals: LargeTotals = msgspec.field(default_factory=LargeTotals)
    is_demo: bool = False
    try_endpoint: TryEndpoint | None = None
    """None: the console cannot send test events."""
    mail: Mail | None = None
    """None: the console cannot send test e-mails."""
    ask_vendor: AskVendor | None = None
    """None: the console cannot connect or check channels."""
    notes: Notes | None = None
    """What the workers know of callers together. None: there is only this process."""

    def buckets(self, kind: str, limit: Limit) -> Buckets:
        """A limit for callers of a kind, held by all workers together."""
        return Buckets(limit, self.clock, self.notes, kind)

    @property
    def means(self) -> Means:
        """What changes to the configuration are made with."""
        return Means(
            database=self.database,
            cipher=self.cipher,
            clock=self.clock,
            chance=self.chance,
            guard=self.guard,
        )

    @property
    def files(self) -> MediaStorage:
        """Where customers' files are kept."""
        return self.media_storage or MediaFiles(self.media_folder)
