"""Every table, with a sentence. Migrations make the same (a test compares them).

Instants are whole microseconds since 1970 (UTC); JSON is text that msgspec wrote; what is
named `…_encrypted` can be read with the secret key only.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.ext.compiler import compiles

from relevo.domain.figures import Figures

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only in an INTEGER key


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds."""

    impl = BigInteger
    cache_ok = True

    def bind_processor(self, dialect: Any) -> Callable[[datetime | None], int | None]:
        return _to_microseconds  # `process_bind_param` would put a call around each of ten values a message

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[int | None], datetime | None]:
        return _to_datetime


@lru_cache(maxsize=64)  # all that a batch writes happened at the same instant, or nearly all
def _to_microseconds(value: datetime | None) -> int | None:
    return None if value is None else (value - _EPOCH) // _MICROSECOND


def _to_datetime(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(0, 0, value)


class _TransactionNumber(ColumnElement[int]):
    """What a new row has by itself: the number of its transaction on PostgreSQL, nothing on SQLite."""

    inherit_cache = True


@compiles(_TransactionNumber, "postgresql")
def _transaction_number(_element: Any, _compiler: Any, **_: Any) -> str:
    return "((pg_current_xact_id())::text)::bigint"


@compiles(_TransactionNumber, "sqlite")
def _no_number(_element: Any, _compiler: Any, **_: Any) -> str:
    return "0"


configuration = Table(
    # One row: its version grows with each change of what a company has set up.
    "configuration",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
)

counters = Table(
    # The next free number of each kind of id; processes take them in blocks.
    "counters",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("next", BigInteger, nullable=False),
)

nodes = Table(
    # Running processes. One whose lease has run out is dead: its deliveries may be claimed.
    "nodes",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("started_at", Instant, nullable=False),
    Column("lease_until", Instant, nullable=False),
)

commits = Table(
    # Batches that were committed lately: finds a commit whose answer was lost on the way.
    "commits",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", Instant, nullable=False),
)

workspaces = Table(
    # A company's separate world.
    "workspaces",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("timezone", String(64), nullable=False),
    Column("agent_reply_pauses_for_seconds", Integer, nullable=False),
    Column("paused_automation", String(40), nullable=False),
    Column("operations_url", Text),  # where it is told what becomes of its endpoints
    Column("hours", Text),  # business hours and holidays, as JSON
    Column("channels_off", Text),  # types of channel that are not offered, and what its inbox hides: lists
    Column("sidebar", Text),
    Column("created_at", Instant, nullable=False),
)

tags = Table(
    # The tags of a flow (`f1001t7`). Subscribers hold them by name; a number is never given again.
    "tags",
    metadata,
    Column("flow_id", ForeignKey("flows.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", String(200), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),  # being taken off everybody who has it; the row goes afterwards
    UniqueConstraint("flow_id", "name"),
)

fields = Table(
    # The fields of a flow (`f1001v3`): its subscribers' (kind `user`) and its own (kind `bot`).
    "fields",
    metadata,
    Column("flow_id", ForeignKey("flows.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(4), nullable=False),
    Column("name", String(200), nullable=False),
    Column("type", String(10), nullable=False),
    Column("description", Text, nullable=False),
    Column("display", String(10), nullable=False),
    Column("value", Text),  # of a bot field
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    Column("declared", Boolean),  # whether somebody has said its type; nothing: a flow, or a value
    Column("moves_to", String(200)),  # the new name of a field that was renamed: values move there
    UniqueConstraint("flow_id", "kind", "name"),
)

labels = Table(
    # The labels of a workspace, which its subscribers hold by name.
    "labels",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    UniqueConstraint("workspace_id", "name"),
)

members = Table(
    # People: they sign in to the console, answer on the platform, or both.
    "members",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("email", String(320), nullable=False),
    Column("role", String(20), nullable=False),
    Column("password_hash", Text),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "email"),
)

console_sessions = Table(
    # Signed-in browsers, by the hash of their cookie.
    "console_sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("member_id", ForeignKey("members.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

endpoints = Table(
    # URLs of the platform, their custom headers and signing secrets.
    "endpoints",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("url", Text, nullable=False),
    Column("headers_encrypted", LargeBinary, nullable=False),
    Column("secrets_encrypted", LargeBinary, nullable=False),
    Column("events", Text, nullable=False),
    Column("old_secret_until", Instant),  # when the second of the secrets stops signing
    Column("max_in_flight", Integer),  # attempts at a time, and in a second; none or 0: no limit
    Column("max_per_second", Integer),
    Column("channels", Text),  # it listens to, besides those whose live chat it is: ids, or "all"
    Column("disabled_reason", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),  # the row stays: its id is in deliveries, and is never given again
    UniqueConstraint("workspace_id", "name"),
)

endpoint_health = Table(
    # How endpoints stand, for people: what the processes that post there say, put together. Written
    # rarely; one that has no row is well.
    "endpoint_health",
    metadata,
    Column("endpoint_id", BigInteger, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),
    Column("since", Instant),
    Column("ill_since", Instant),
    Column("succeeded_at", Instant),
    Column("failed_at", Instant),
    Column("failure", Text, nullable=False),
    Column("views", Text, nullable=False),  # what each process said last, and when
)

endpoint_tallies = Table(
    # What attempts at an endpoint came to, by five minutes and process.
    "endpoint_tallies",
    metadata,
    Column("endpoint_id", BigInteger, primary_key=True, autoincrement=False),
    Column("slot_at", Instant, primary_key=True),
    Column("node", String(40), primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("took", Text, nullable=False),  # how many successes fell into each bucket of domain.tallies
)

endpoint_notices = Table(
    # What became of endpoints, for people to read, and to be posted where a workspace wants to know.
    "endpoint_notices",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("endpoint_id", BigInteger, nullable=False),
    Column("type", String(40), nullable=False),
    Column("webhook_id", String(40), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("attempts_made", Integer, nullable=False),
)
_TO_BE_POSTED = text("due_at IS NOT NULL")
Index("ix_endpoint_notices_due", endpoint_notices.c.due_at,
      sqlite_where=_TO_BE_POSTED, postgresql_where=_TO_BE_POSTED)  # fmt: skip
Index("ix_endpoint_notices_endpoint", endpoint_notices.c.endpoint_id, endpoint_notices.c.id)

flows = Table(
    # Bots. The text of a flow is in its versions.
    "flows",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("version_id", BigInteger),
    Column("start", String(200)),  # the subflow that starts instead of the text's own `start`
    Column("widget_start", String(200)),  # the same for whoever opens the web chat
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "name"),
)

flow_versions = Table(
    # Published texts of flows; a version never changes.
    "flow_versions",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("flow_id", ForeignKey("flows.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("message", Text, nullable=False, server_default=""),  # why, in the words of who published it
    Column("author", Text, nullable=False, server_default=""),
    Column("hash", String(64)),  # None: published by a process of an older Relevo
    UniqueConstraint("flow_id", "number"),
)

subflows = Table(
    # The numbers of subflows (`f1001s3`): a number is never given to another name.
    "subflows",
    metadata,
    Column("flow_id", ForeignKey("flows.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", String(200), nullable=False),
    UniqueConstraint("flow_id", "name"),
)

channels = Table(
    # Numbers, pages, bots and sites, with their credentials.
    "channels",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
    Column("flow_id", ForeignKey("flows.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("type", String(40), nullable=False),
    Column("key", String(64), nullable=False, unique=True),
    Column("live_chat_mode", String(20), nullable=False),
    Column("endpoint_id", ForeignKey("endpoints.id")),
    Column("config_encrypted", LargeBinary, nullable=False),
    Column("disabled_reason", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),  # the row stays: its id is in conversations, and is never given again
    UniqueConstraint("workspace_id", "name"),
)

other_ids = Table(
    # A second id of a person whom a channel's vendor knows by two, and the one that we go by.
    "other_ids",
    metadata,
    Column("channel_id", BigInteger, primary_key=True, autoincrement=False),
    Column("other_id", String(200), primary_key=True),
    Column("user_id", String(200), nullable=False),
)
Index("ix_other_ids_user", other_ids.c.channel_id, other_ids.c.user_id)

channel_templates = Table(
    # What a channel's vendor has approved to be said at any time, or has refused.
    "channel_templates",
    metadata,
    Column("channel_id", ForeignKey("channels.id"), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("lang", String(20), primary_key=True),
    Column("category", String(40), nullable=False),
    Column("status", String(40), nullable=False),
    Column("components", Text, nullable=False),
    Column("vendor_id", String(255), nullable=False),
    Column("namespace", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("quality", String(40), nullable=False, server_default=""),
)

api_keys = Table(
    # Tokens of the API, by their hash; each belongs to one flow.
    "api_keys",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
    Column("flow_id", ForeignKey("flows.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("token_hint", String(12), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("member_id", ForeignKey("members.id")),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
)

conversations = Table(
    # A subscriber and the conversation with them: who it is, who answers, where the flow stands.
    "conversations",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("workspace_id", BigInteger, nullable=False),
    Column("flow_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("user_id", String(200), nullable=False),
    Column("name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("control", String(10), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("status", String(10), nullable=False),
    Column("member_id", BigInteger),
    Column("state", Text, nullable=False),  # pause, run and counters: see store.conversations
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant),
    Column("last_message_at", Instant),
    Column("last_message_type", String(10)),
    Column("wake_at", Instant),
    Column("bot_spoke_at", Instant),
    UniqueConstraint("channel_id", "user_id"),
)
Index("ix_conversations_wake", conversations.c.wake_at, sqlite_where=text("wake_at IS NOT NULL"),
      postgresql_where=text("wake_at IS NOT NULL"))  # fmt: skip
Index("ix_conversations_flow", conversations.c.flow_id, conversations.c.last_message_at)
Index("ix_conversations_in_flow", conversations.c.flow_id, conversations.c.id)
Index("ix_conversations_flow_user", conversations.c.flow_id, conversations.c.user_id)
Index("ix_conversations_workspace", conversations.c.workspace_id, conversations.c.last_message_at)
# Finding subscribers: by name the whole of this index is looked through, and the rows are not.
Index("ix_conversations_name", conversations.c.flow_id, conversations.c.name)
_PHONE, _EMAIL, _NOT_OPEN = text("phone <> ''"), text("email <> ''"), text("status <> 'open'")
Index("ix_conversations_phone", conversations.c.flow_id, conversations.c.phone,
      sqlite_where=_PHONE, postgresql_where=_PHONE)  # fmt: skip
Index("ix_conversations_email", conversations.c.flow_id, conversations.c.email,
      sqlite_where=_EMAIL, postgresql_where=_EMAIL)  # fmt: skip
Index("ix_conversations_not_open", conversations.c.flow_id, conversations.c.status,
      sqlite_where=_NOT_OPEN, postgresql_where=_NOT_OPEN)  # fmt: skip
# Few have an agent at a time, and open pages of the console ask for them again and again.
_WITH_AGENT = text("control = 'agent'")
Index("ix_conversations_with_agents", conversations.c.workspace_id, conversations.c.last_message_at,
      sqlite_where=_WITH_AGENT, postgresql_where=_WITH_AGENT)  # fmt: skip

traits = Table(
    # What subscribers are selected by: their tags, labels, opt-ins and fields, as the conversation has
    # them. Written only when one of these changes.
    "traits",
    metadata,
    Column("conversation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(8), primary_key=True),  # tag, label, opt_in, field
    Column("name", String(200), primary_key=True),
    Column("flow_id", BigInteger, nullable=False),
    Column("value", String(200), nullable=False),  # of a field, as text, as far as it fits
)
Index("ix_traits_found", traits.c.flow_id, traits.c.kind, traits.c.name, traits.c.value,
      traits.c.conversation_id)  # fmt: skip

erasures = Table(
    # Subscribers that were deleted, while not all that was theirs is gone.
    "erasures",
    metadata,
    Column("conversation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("begun_at", Instant, nullable=False),
)

messages = Table(
    # Everything that was said.
    "messages",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("object_id", String(24), nullable=False),
    Column("conversation_id", BigInteger, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("type", String(10), nullable=False),
    Column("msg_type", String(20), nullable=False),
    Column("content", Text, nullable=False),
    Column("mid", String(300), nullable=False),
    Column("member_id", BigInteger),
    Column("username", Text, nullable=False),
    Column("status", String(10), nullable=False),
    Column("error", Text, nullable=False),
    Column("referral", Text),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("conversation_id", "seq"),
)
Index("uq_messages_mid", messages.c.mid, messages.c.conversation_id, unique=True,
      sqlite_where=text("mid <> ''"), postgresql_where=text("mid <> ''"))  # fmt: skip

deliveries = Table(
    # Duties to bring one thing to one destination. The first waiting one of a lane is its head:
    # only heads have a due_at, and whoever carries one has put its name into claimed_by.
    "deliveries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("workspace_id", BigInteger, nullable=False),
    Column("conversation_id", BigInteger, nullable=False),
    Column("destination_kind", String(10), nullable=False),
    Column("destination_id", BigInteger, nullable=False),
    Column("event_type", String(40), nullable=False),
    Column("webhook_id", String(40), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("message_id", BigInteger),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts_made", Integer, nullable=False),
    Column("attempts_before", Integer, nullable=False),  # of these, made before the last redelivery
    Column("due_at", Instant),
    Column("claimed_by", String(40)),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("commit_order", BigInteger, nullable=False, server_default=_TransactionNumber()),
)
_WAITING = text("state = 'waiting'")
_DUE = text("state = 'waiting' AND due_at IS NOT NULL")
_UNSUCCESSFUL = text("state <> 'done'")
Index("ix_deliveries_lane", deliveries.c.conversation_id, deliveries.c.destination_kind,
      deliveries.c.destination_id, deliveries.c.seq,
      sqlite_where=_WAITING, postgresql_where=_WAITING)  # fmt: skip
Index("ix_deliveries_due", deliveries.c.due_at, sqlite_where=_DUE, postgresql_where=_DUE)
Index("ix_deliveries_due_by_destination", deliveries.c.destination_kind, deliveries.c.destination_id,
      deliveries.c.due_at, sqlite_where=_DUE, postgresql_where=_DUE)  # fmt: skip
Index("ix_deliveries_unsuccessful", deliveries.c.workspace_id, deliveries.c.state, deliveries.c.id,
      sqlite_where=_UNSUCCESSFUL, postgresql_where=_UNSUCCESSFUL)  # fmt: skip
Index("ix_deliveries_conversation", deliveries.c.conversation_id, deliveries.c.id)
Index("ix_deliveries_commit_order", deliveries.c.commit_order,
      sqlite_where=text("commit_order > 0"),  # none: there it is the order of ids
      postgresql_where=text("destination_kind = 'endpoint'"))  # fmt: skip

attempts = Table(
    # Requests made for deliveries, as a person wants to see them.
    "attempts",
    metadata,
    Column("delivery_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("started_at", Instant, nullable=False),
    Column("took_us", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("exchange", Text),
)

interventions = Table(
    # What people did with deliveries: who redelivered or skipped one, when and why.
    "interventions",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("delivery_id", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("did", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("redelivery_id", BigInteger),
)
Index("ix_interventions_delivery", interventions.c.delivery_id, interventions.c.redelivery_id)

redeliveries = Table(
    # Redelivering many at once: what was selected, and how far it has got.
    "redeliveries",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("flow_id", BigInteger),  # of which flow alone, if it is: the selection's, for finding it
    Column("asked_by", Text, nullable=False),
    Column("selection", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("total", BigInteger),
    Column("put_back", BigInteger, nullable=False),
    Column("looked_at", BigInteger, nullable=False),  # the last delivery id that was dealt with
    Column("stopped_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("worked_at", Instant, nullable=False),
)
_RUNNING = text("state = 'running'")
Index("ix_redeliveries_running", redeliveries.c.worked_at,
      sqlite_where=_RUNNING, postgresql_where=_RUNNING)  # fmt: skip
Index("ix_redeliveries_workspace", redeliveries.c.workspace_id, redeliveries.c.id)
Index("ix_redeliveries_flow", redeliveries.c.flow_id, redeliveries.c.id)

broadcasts = Table(
    # One thing said to many: to whom, what, how fast, and how far it has got.
    "broadcasts",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("flow_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("recipients", Text, nullable=False),
    Column("says", Text, nullable=False),
    Column("per_minute", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column(
        "due_at", Instant
    ),  # when it goes on; the lease of the process that is at it; none when it is over
    Column("scheduled_at", Instant),
    Column("total", BigInteger),
    Column("looked_at", BigInteger, nullable=False),  # the last conversation that was dealt with
    Column("counts", Text, nullable=False),
    Column("stopped_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("worked_at", Instant, nullable=False),
    Column("deleted_at", Instant),
)
_GOES_ON = text("due_at IS NOT NULL")
Index("ix_broadcasts_due", broadcasts.c.due_at, sqlite_where=_GOES_ON, postgresql_where=_GOES_ON)
Index("ix_broadcasts_flow", broadcasts.c.flow_id, broadcasts.c.id)
Index("ix_broadcasts_workspace", broadcasts.c.workspace_id, broadcasts.c.id)

broadcast_recipients = Table(
    # What became of each person of a broadcast; written with the messages, so that nobody gets it twice.
    "broadcast_recipients",
    metadata,
    Column("broadcast_id", BigInteger, primary_key=True, autoincrement=False),
    Column("conversation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("outcome", String(20), nullable=False),
    Column("message_seq", Integer),  # of the first message, where something was said
    Column("at", Instant, nullable=False),
)
Index("ix_broadcast_recipients_outcome", broadcast_recipients.c.broadcast_id,
      broadcast_recipients.c.outcome, broadcast_recipients.c.conversation_id)  # fmt: skip

segments = Table(
    # Conditions with a name: who of a flow's subscribers they hold for.
    "segments",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
    Column("flow_id", ForeignKey("flows.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("flow_id", "name"),
)

applied = Table(
    # What was already done under a key, and how it was answered (Idempotency-Key).
    "applied",
    metadata,
    Column("key", String(300), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("result", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)
Index("ix_applied_created_at", applied.c.created_at)

problems = Table(
    # Whatever was dropped, refused or went wrong, for a person to find.
    "problems",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("conversation_id", BigInteger),
    Column("channel_id", BigInteger),
    Column("endpoint_id", BigInteger),
    Column("flow_id", BigInteger),
    Column("code", String(60), nullable=False),
    Column("detail", Text, nullable=False),
    Column("raw", LargeBinary),
    Column("created_at", Instant, nullable=False),
)
Index("ix_problems_workspace", problems.c.workspace_id, problems.c.id)
Index("ix_problems_flow", problems.c.flow_id, problems.c.id)
Index("ix_problems_conversation", problems.c.conversation_id, problems.c.id)

media = Table(
    # Files that customers sent: fetched or uploaded, kept in the data folder under their id.
    "media",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("conversation_id", BigInteger),
    Column("source_url", Text, nullable=False),
    Column("state", String(10), nullable=False),  # pending, stored, failed
    Column("name", Text, nullable=False),
    Column("mime_type", String(200), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("origin", String(10)),  # upload, library; none: fetched, or from before this was noted
    Column("member_id", BigInteger),  # who put it into the library
    Column("used_at", Instant),  # when an upload was found to be named by a message
    Column("created_at", Instant, nullable=False),
)
Index("ix_media_workspace", media.c.workspace_id, media.c.created_at)
_NEVER_NAMED = text("origin = 'upload' AND used_at IS NULL")
Index("ix_media_unused", media.c.created_at, sqlite_where=_NEVER_NAMED, postgresql_where=_NEVER_NAMED)

Index("ix_media_conversation", media.c.conversation_id)

custom_events = Table(
    # Kinds of events that companies count about their subscribers, by names of their own.
    "custom_events",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("flow_id", ForeignKey("flows.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("text_label", Text, nullable=False),
    Column("price_label", Text, nullable=False),
    Column("number_label", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),  # what happened is being forgotten; the row goes afterwards
    UniqueConstraint("flow_id", "name"),
)

custom_event_log = Table(
    # Each time that one happened.
    "custom_event_log",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("event_id", BigInteger, nullable=False),
    Column("conversation_id", BigInteger, nullable=False),
    Column("text_value", Text),
    Column("price_value", Double),
    Column("number_value", Double),
    Column("created_at", Instant, nullable=False),
)
# All that a summary counts is in the index: it is looked through, and the rows are not.
Index("ix_custom_event_log_count", custom_event_log.c.event_id, custom_event_log.c.created_at,
      custom_event_log.c.id, custom_event_log.c.conversation_id)  # fmt: skip

Index("ix_custom_event_log_event", custom_event_log.c.event_id, custom_event_log.c.id)
Index("ix_custom_event_log_conversation", custom_event_log.c.conversation_id)

custom_event_subscribers = Table(
    # To whom a custom event happened, whenever: finds subscribers by it.
    "custom_event_subscribers",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("conversation_id", BigInteger, primary_key=True, autoincrement=False),
)

agent_groups = Table(
    # Groups of agents, and how a conversation is given to one of them. `turns` counts what they were given.
    "agent_groups",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("image", Text, nullable=False),
    Column("assign_method", String(20), nullable=False),
    Column("online_first", Integer, nullable=False),
    Column("only_own", Integer, nullable=False),
    Column("turns", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "name"),
)

agent_group_members = Table(
    # Who is in a group, in order, and with what weight.
    "agent_group_members",
    metadata,
    Column("group_id", ForeignKey("agent_groups.id"), primary_key=True),
    Column("member_id", ForeignKey("members.id"), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("weighting", Integer, nullable=False),
)

presence = Table(
    # Until when a member counts as online, unless somebody says otherwise.
    "presence",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("online_until", Instant, nullable=False),
)

closing_notes = Table(
    # What agents choose from when they close a conversation.
    "closing_notes",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("flow_id", ForeignKey("flows.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("require_summary", Integer, nullable=False),
    Column("require_attachment", Integer, nullable=False),
    UniqueConstraint("flow_id", "name"),
)

shortcuts = Table(
    # Answers that agents have ready.
    "shortcuts",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("flow_id", ForeignKey("flows.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("value", Text, nullable=False),
    UniqueConstraint("flow_id", "name"),
)

assignments = Table(
    # Whose conversations are: for those that are an agent's or a group's. Written when that changes.
    "assignments",
    metadata,
    Column("conversation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("workspace_id", BigInteger, nullable=False),
    Column("member_id", BigInteger),
    Column("group_id", BigInteger),
    Column("is_open", Integer, nullable=False),
)
Index("ix_assignments_member", assignments.c.member_id, assignments.c.is_open)
Index("ix_assignments_group", assignments.c.group_id, assignments.c.is_open)

cases = Table(
    # Work on conversations from opening to closing, as it was when it was closed.
    "cases",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("flow_id", BigInteger, nullable=False),
    Column("conversation_id", BigInteger, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant, nullable=False),
    Column("closed", Text, nullable=False),  # all that is known of it: domain.cases.ClosedCase
)
Index("ix_cases_flow", cases.c.flow_id, cases.c.id)
Index("ix_cases_flow_closed_at", cases.c.flow_id, cases.c.closed_at, cases.c.id)
Index("ix_cases_conversation", cases.c.conversation_id, cases.c.id)

activities = Table(
    # What people, the bot and the API did with conversations.
    "activities",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("flow_id", BigInteger, nullable=False),
    Column("conversation_id", BigInteger, nullable=False),
    Column("member_id", BigInteger),
    Column("action", String(20), nullable=False),
    Column("source", String(10), nullable=False),
    Column("created_at", Instant, nullable=False),
)
Index("ix_activities_flow", activities.c.flow_id, activities.c.created_at, activities.c.id)
Index("ix_activities_conversation", activities.c.conversation_id, activities.c.created_at)
_OF_SOMEBODY = text("member_id IS NOT NULL")
Index("ix_activities_member", activities.c.member_id, activities.c.created_at,
      sqlite_where=_OF_SOMEBODY, postgresql_where=_OF_SOMEBODY)  # fmt: skip

day_figures = Table(
    # What happened on a day (of the workspace's zone, counted from 1970): in a flow, by each agent (0: all of
    # the flow), as each process counted it.
    "day_figures",
    metadata,
    Column("flow_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("node", String(40), primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in Figures.__struct_fields__),
)

flow_secrets = Table(
    # What flows send to other servers and must not stand in their files: keys, as a rule.
    "flow_secrets",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.id"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("value_encrypted", LargeBinary, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

inbound_webhooks = Table(
    # Addresses that other systems post to: what becomes of the values, and which subflow starts.
    "inbound_webhooks",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("flow_id", ForeignKey("flows.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("key", String(64), nullable=False, unique=True),
    Column("channel_id", BigInteger),  # where people are made who are not there yet
    Column("mappings", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("start", String(200), nullable=False),
    Column("key_path", Text, nullable=False),
    Column("disabled_reason", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "name"),
)

inbound_calls = Table(
    # Requests to inbound webhooks, and what became of each.
    "inbound_calls",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("webhook_id", BigInteger, nullable=False),
    Column("status", Integer, nullable=False),
    Column("code", String(40), nullable=False),
    Column("wrongs", Text, nullable=False),
    Column("mapped", Text, nullable=False),
    Column("conversation_id", BigInteger),
    Column("size", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # what secrets are called is left out
    Column("created_at", Instant, nullable=False),
)
Index("ix_inbound_calls_webhook", inbound_calls.c.webhook_id, inbound_calls.c.id)
_ABOUT_SOMEBODY = text("conversation_id IS NOT NULL")
Index("ix_inbound_calls_conversation", inbound_calls.c.conversation_id,
      sqlite_where=_ABOUT_SOMEBODY, postgresql_where=_ABOUT_SOMEBODY)  # fmt: skip

flow_schedules = Table(
    # How far each schedule of a flow has come: the time that was worked on last, and up to whom.
    "flow_schedules",
    metadata,
    Column("flow_id", ForeignKey("flows.id"), primary_key=True),
    Column("key", String(40), primary_key=True),
    Column("slot_at", Instant, nullable=False),
    Column("looked_at", BigInteger),
    Column("claimed_until", Instant),
)

mailboxes = Table(
    # The mail server of a workspace.
    "mailboxes",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.id"), primary_key=True),
    Column("config_encrypted", LargeBinary, nullable=False),
    Column("updated_at", Instant, nullable=False),
)
