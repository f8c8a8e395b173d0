"""For the other side: what your live-chat platform needs to talk with Relevo.

`Receiver` reads the webhooks that Relevo posts; `Client`, and `SyncClient` where there is no event loop,
call its API. Imports nothing else
of Relevo, and neither reads settings nor logs.
"""

from __future__ import annotations

from relevo.sdk.blocking import SyncClient
from relevo.sdk.client import Client
from relevo.sdk.errors import (
    ApiError,
    ClientError,
    Invalid,
    NotFound,
    RateLimited,
    Refused,
    ScopeRequired,
    ServerError,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from relevo.sdk.messages import Message
from relevo.sdk.objects import (
    Agent,
    Answer,
    Attempt,
    Deed,
    Delivery,
    Label,
    PostedEvent,
    Redelivery,
    Request,
    Subflow,
    Subscriber,
    Tag,
    User,
    UserField,
)
from relevo.sdk.receiver import (
    BadSignature,
    InMemorySeen,
    MessageReceived,
    Meta,
    MissingHeader,
    PlatformEvent,
    Received,
    ReceiveError,
    Receiver,
    Seen,
    UnreadableBody,
    WrongTime,
)
from relevo.sdk.sqlite_seen import SQLiteSeen

__all__ = [
    "Agent",
    "Answer",
    "ApiError",
    "Attempt",
    "BadSignature",
    "Client",
    "ClientError",
    "Deed",
    "Delivery",
    "InMemorySeen",
    "Invalid",
    "Label",
    "Message",
    "MessageReceived",
    "Meta",
    "MissingHeader",
    "NotFound",
    "PlatformEvent",
    "PostedEvent",
    "RateLimited",
    "ReceiveError",
    "Received",
    "Receiver",
    "Redelivery",
    "Refused",
    "Request",
    "SQLiteSeen",
    "ScopeRequired",
    "Seen",
    "ServerError",
    "Subflow",
    "Subscriber",
    "SyncClient",
    "Tag",
    "Unauthenticated",
    "Unavailable",
    "Unreachable",
    "UnreadableBody",
    "User",
    "UserField",
    "WrongTime",
]
