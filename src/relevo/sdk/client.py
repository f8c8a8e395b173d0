"""The API, as typed calls.

Every write carries an `Idempotency-Key`, the same on its repetitions, so that a repeated write
happens once. Calls are repeated after a lost connection, 429 and 503, a bounded number of times.
The calls themselves are in `relevo.sdk.calls`, a module a subject.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from relevo.sdk.calling import api_url
from relevo.sdk.calls.agent_groups import AgentGroups
from relevo.sdk.calls.broadcasting import Broadcasting
from relevo.sdk.calls.canned import Canned
from relevo.sdk.calls.control import Control
from relevo.sdk.calls.conversations import Conversations
from relevo.sdk.calls.custom_events import CustomEvents
from relevo.sdk.calls.deliveries import Deliveries
from relevo.sdk.calls.describing import Describing
from relevo.sdk.calls.flow import FlowCalls
from relevo.sdk.calls.media import MediaLibrary
from relevo.sdk.calls.people import People
from relevo.sdk.calls.reports import Reports
from relevo.sdk.calls.sending import Sending
from relevo.sdk.calls.team import Workspace
from relevo.sdk.calls.templates import Templates
from relevo.sdk.calls.vocabulary import Vocabulary
from relevo.sdk.transport import Awaited, Transport


class Client(
    People,
    Describing,
    Conversations,
    Sending,
    Control,
    Deliveries,
    Broadcasting,
    Templates,
    FlowCalls,
    Vocabulary,
    Canned,
    CustomEvents,
    Reports,
    Workspace,
    AgentGroups,
    MediaLibrary,
):
    """Calls the API with the token of one flow. Use it in `async with`, or `close` it.

    `base_url` is the server's address, with or without `/api`. A call is made at most
    `attempts` times, and waits at most `longest_wait` seconds between two of them: when
    `Retry-After` asks for more, the error is raised at once. `timeout` is in seconds, for one
    attempt. Every method raises a ClientError.

    Relevo does a write once for each Idempotency-Key, so one whose answer was lost is made again.
    For a server that does not know such keys (UChat), say `knows_keys=False`: then it is not.
    """

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
        url = api_url(base_url)
        super().__init__(
            url,
            transport or Awaited(url, token, timedelta(seconds=timeout)),
            attempts=attempts,
            longest_wait=longest_wait,
            knows_keys=knows_keys,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()
