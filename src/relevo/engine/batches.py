"""One batch: many events and outcomes, decided in memory, written in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec

from relevo.channels.registry import adapter_for
from relevo.domain.agent_groups import GroupId, Staff, StaffWanted
from relevo.domain.approved_templates import Templates
from relevo.domain.broadcasts import BroadcastId
from relevo.domain.conversations import CaseClosed, CaseWork, Conversation, Happened, TurnTaken
from relevo.domain.deciding import StoredMessage, Surroundings, decide
from relevo.domain.degrading import Limits
from relevo.domain.deliveries import Delivery, Destination, Lane
from relevo.domain.errors import (
    DecisionFailed,
    IdempotencyKeyReused,
    NotFound,
    RelevoError,
)
from relevo.domain.events import (
    AgentRead,
    AnyEvent,
    BroadcastCame,
    ByConversation,
    ByUser,
    FileSettled,
    MessageEdited,
    MessageReceived,
    ReceiptCame,
)
from relevo.domain.ids import ChannelId, ConversationId, EndpointId, FlowId, MemberId, MessageId
from relevo.domain.messages import Media, Message, MessageStatus, MessageType
from relevo.domain.subscribers import Subscriber
from relevo.domain.vocabulary import Names, names_of
from relevo.domain.workspaces import Channel
from relevo.engine.catalog import Catalog
from relevo.engine.counting import Counting
from relevo.engine.hub import Notice
from relevo.engine.materials import ChannelWhispering, Materials, Whispering, Workshop
from relevo.store import (
    agent_groups,
    applied,
    broadcasts,
    cases,
    conversations,
    custom_events,
    day_figures,
    deliveries,
    media,
    messages,
    presence,
    problems,
    traits,
)
from relevo.store.applied import Applied
from relevo.store.database import Connection
from relevo.store.deliveries import Settlement
from relevo.store.ids import IdBlocks, IdsUsedUp
from relevo.store.problems import Problem

T = TypeVar("T")

NO_TEMPLATES: Templates = {}
_ABOUT_MESSAGES = (AgentRead, ReceiptCame, MessageEdited, FileSettled)
"""Events for which messages that are stored already are looked up."""
_TRANSCRIBED = [type_ for type_ in MessageType if type_.is_seen_by_customer]


class Result(msgspec.Struct, frozen=True):
    """What `submit` answers, after the commit: the messages that the event brought (not what the bot
    answered). `duplicate`: it had happened before, and nothing was done."""

    conversation_id: ConversationId
    flow_id: FlowId
    message_ids: tuple[MessageId, ...] = ()
    seqs: tuple[int, ...] = ()
    duplicate: bool = False
    refused: str = ""
    """Why the customer was not told (the first of) what was said; the message is there, as failed."""


class Settled(msgspec.Struct, frozen=True):
    """What `settle` answers. `ours` False: the claim was lost, the outcome was refused.
    `next`: the lane's new head, ours to carry."""

    ours: bool
    next: Delivery | None = None


class Carriers(Protocol):
    """What the engine wants of the couriers."""

    node: str

    def reserve(self, destination: Destination) -> bool:
        """Keep a place for one more lane to a destination; False when there is none."""
        ...

    def unreserve(self, destination: Destination) -> None:
        """Give a place back: the batch was not committed."""
        ...

    def is_down(self, destination: Destination) -> bool:
        """Whether nothing has come through to a destination for some time."""
        ...

    def carry(self, delivery: Delivery) -> None:
        """Carry a committed delivery that a place was reserved for."""
        ...

    def whisper(self, whispering: Whispering | ChannelWhispering) -> None:
        """Tell an endpoint, or show a customer, something at once or never."""
        ...

    def lose_claims(self) -> None:
        """Some deliveries may be claimed in our name that we do not know of: let go of all."""
        ...


class _Reach:
    """Which endpoints cannot be reached: looked up once a batch.

    Apart from the batch, so that a batch refers to nothing that refers to it. With a cycle its memory, all
    the conversations in it, would stay until the collector comes: at full load a third of the throughput.
    """

    def __init__(self, catalog: Catalog, carriers: Carriers) -> None:
        self._endpoints, self._carriers = catalog.directory.endpoints, carriers
        self._down: dict[EndpointId, bool] = {}

    def is_down(self, id_: EndpointId) -> bool:
        found = self._down.get(id_)
        if found is None:
            found = self._down[id_] = self._look(id_)
        return found

    def _look(self, id_: EndpointId) -> bool:
        endpoint = self._endpoints.get(id_)
        if endpoint is None or endpoint.disabled_reason:
            return True
        return self._carriers.is_down(Destination("endpoint", id_))


class Batch:
    """The work of one transaction. Made anew for each try, so that a failed one leaves nothing."""

    def __init__(
        self,
        events: Sequence[AnyEvent],
        settlements: Sequence[Settlement],
        *,
        catalog: Catalog,
        workshop: Workshop,
        ids: IdBlocks,
        carriers: Carriers,
        now: datetime,
        commit_id: str,
        log_fault: Callable[[AnyEvent, Exception], None],
    ) -> None:
        self.events, self.settlements = events, settlements
        self._catalog, self._workshop, self._ids = catalog, workshop, ids
        self._carriers, self._now, self._log_fault = carriers, now, log_fault
        self.commit_id = commit_id
        self._chance = int(commit_id[-12:], 16) << 20
        """Another number for each event of each batch, with its index: a commit's id was drawn by chance."""
        self._shared: dict[tuple[ChannelId, FlowId], Surroundings] = {}
        self._reach = _Reach(catalog, carriers)
        self._all_events = list(events)  # and, behind them, those that outcomes bring along
        self.results: list[Result | RelevoError] = []
        self.settled: list[Settled] = []
        self.reserved: list[Delivery] = []
        self.leaves_work = False
        """Whether something is due at once that this process has no room for."""
        self.whispers: list[Whispering | ChannelWhispering] = []
        self._loaded: dict[ConversationId, Conversation] = {}
        self._before: dict[ConversationId, Conversation] = {}
        self.new_names: dict[FlowId, Names] = {}
        """Tags and fields that nobody has named before."""
        self._by_user: dict[tuple[ChannelId, str], ConversationId] = {}
        self._new: set[ConversationId] = set()
        self._uncounted: set[ConversationId] = set()  # of the new ones
        self._busy: set[Lane] = set()
        self._made: list[Materials] = []
        self._problems: list[Problem] = []
        self._applied: list[Applied] = []
        self._known: dict[str, Applied] = {}
        self._mids: dict[messages.Mid, Any] = {}
        self._receipts: dict[int, list[StoredMessage]] = {}
        self._changed: dict[int, Message] = {}
        self._counting = Counting(now)
        self._staff: dict[GroupId, Staff] = {}
        self._dealt_with: set[tuple[BroadcastId, ConversationId]] = set()

    async def run(self, connection: Connection) -> None:
        """Decide everything and write it. The caller commits.

        First conversations are locked, then heads of lanes, then groups of agents that are given
        conversations, and nothing after: whoever locks in another order waits for somebody who waits for him.
        """
        await self._load_conversations(connection)
        await self._settle(connection)
        if not self._all_events:
            return
        await self._load(connection)
        for index, event in enumerate(self._all_events):
            self.results.append(await self._decide_with_staff(connection, index, event))
        await self._write(connection)

    # Outcomes

    async def _settle(self, connection: Connection) -> None:
        locked = await deliveries.lock_heads(
            connection, {one.delivery.id for one in self.settlements}, self._loaded.keys()
        )
        self._busy = deliveries.busy_lanes(locked)
        ours, heads = await deliveries.settle(connection, self.settlements, locked, node=self._carriers.node)
        for one in self.settlements:
            mine, lane = one.delivery.id in ours, one.delivery.lane
            self.settled.append(Settled(mine, heads.get(lane) if mine else None))
            if mine and one.is_final and lane not in heads:
                self._busy.discard(lane)
            if mine and one.event is not None:
                self._all_events.append(one.event)

    # Loading

    async def _load_conversations(self, connection: Connection) -> None:
        """Those of the events, and of the events that outcomes may bring along."""
        brought = [one.event for one in self.settlements if one.event is not None]
        to = [event.to for event in (*self.events, *brought)]
        ids = {one.id for one in to if isinstance(one, ByConversation)}
        users = {(one.channel_id, one.user_id) for one in to if isinstance(one, ByUser)}
        for one in await conversations.load_and_lock(connection, ids, users):
            self._loaded[one.id] = self._before[one.id] = one
            self._by_user[one.channel_id, one.subscriber.user_id] = one.id

    async def _load(self, connection: Connection) -> None:
        self._known = await applied.find(
            connection, [event.once.key for event in self._all_events if event.once]
        )
        await self._load_flows()
        await self._load_mids(connection)
        await self._load_receipts(connection)
        await self._load_dealt_with(connection)

    async def _load_flows(self) -> None:
        runs = [one.run for one in self._loaded.values() if one.run]
        wanted = {run.version_id for run in runs} | {run.defaults for run in runs if run.defaults}
        flows = {one.flow_id for one in self._loaded.values()}
        flows |= {
            channel.flow_id
            for event in self._all_events
            if isinstance(event.to, ByUser)
            and (channel := self._catalog.directory.channels.get(event.to.channel_id))
        }
        current = {self._catalog.current_version(flow) for flow in flows}
        current |= {self._catalog.defaults(flow) for flow in flows}
        await self._catalog.load_flows(wanted | {version for version in current if version is not None})

    async def _load_mids(self, connection: Connection) -> None:
        pairs = [
            (id_, event.mid)
            for event in self._all_events
            if isinstance(event, MessageReceived) and event.mid and (id_ := self._existing(event)) is not None
        ]
        self._mids = dict(await messages.known_mids(connection, pairs))

    async def _load_receipts(self, connection: Connection) -> None:
        for index, event in enumerate(self._all_events):
            if not isinstance(event, _ABOUT_MESSAGES) or (id_ := self._existing(event)) is None:
                continue
            if isinstance(event, AgentRead):
                self._receipts[index] = await messages.unread(connection, id_)
            elif isinstance(event, ReceiptCame):
                self._receipts[index] = await messages.for_receipt(
                    connection,
                    id_,
                    ids=event.message_ids,
                    mids=event.mids,
                    up_to_seq=event.up_to_seq,
                    up_to=event.up_to,
                )
            else:
                await self._load_changed(connection, index, event)

    async def _load_dealt_with(self, connection: Connection) -> None:
        pairs = {
            (event.broadcast_id, id_)
            for event in self._all_events
            if isinstance(event, BroadcastCame) and (id_ := self._existing(event)) is not None
        }
        self._dealt_with = await broadcasts.dealt_with(connection, pairs)

    async def _load_changed(
        self, connection: Connection, index: int, event: MessageEdited | FileSettled
    ) -> None:
        id_ = self._existing(event)
        assert id_ is not None
        about = {"mid": event.mid} if isinstance(event, MessageEdited) else {"id_": event.message_id}
        found = await messages.find_in(connection, id_, **about)
        if found is not None:
            self._changed[index] = found

    def _existing(self, event: AnyEvent) -> ConversationId | None:
        if isinstance(event.to, ByConversation):
            found = self._loaded.get(event.to.id)
            return found.id if found is not None and event.to.flow_id in (None, found.flow_id) else None
        return self._by_user.get((event.to.channel_id, event.to.user_id))

    # Deciding

    async def _decide_with_staff(
        self, connection: Connection, index: int, event: AnyEvent
    ) -> Result | RelevoError:
        """Decide about one event; if it turns out to depend on how things stand in a group, load that."""
        while True:
            try:
                return self._decide_one(index, event)
            except StaffWanted as wanted:
                self._staff[wanted.group_id] = await self._load_staff(connection, wanted.group_id)

    async def _load_staff(self, connection: Connection, id_: GroupId) -> Staff:
        turn = await agent_groups.lock_turn(connection, id_)
        members = [one.member_id for one in self._catalog.directory.agent_groups[id_].members]
        online = await presence.online(connection, members, self._now)
        loads = await cases.loads(connection, members)
        for made in self._made:  # what this batch has given them already
            _count_loads(loads, made.work)
        return Staff(turn, online, loads)

    def _decide_one(self, index: int, event: AnyEvent) -> Result | RelevoError:
        """Decide about one event; whatever goes wrong concerns this one only."""
        try:
            return self._done_before(event) or self._decide(index, event)
        except (IdsUsedUp, StaffWanted):
            raise  # tried again, with more
        except RelevoError as error:
            return error
        except Exception as fault:
            self._log_fault(event, fault)
            self._report_fault(event, fault)
            return DecisionFailed(fault=type(fault).__name__)

    def _done_before(self, event: AnyEvent) -> Result | None:
        """The answer of the first time, if this is a repetition."""
        if event.once is not None and (before := self._known.get(event.once.key)):
            if before.fingerprint != event.once.fingerprint:
                raise IdempotencyKeyReused
            return msgspec.structs.replace(msgspec.json.decode(before.result, type=Result), duplicate=True)
        id_ = self._existing(event)
        if isinstance(event, BroadcastCame) and id_ and (event.broadcast_id, id_) in self._dealt_with:
            return Result(id_, self._loaded[id_].flow_id, duplicate=True)
        if isinstance(event, MessageReceived) and id_ is not None and event.mid:
            stored = self._mids.get((id_, event.mid))
            if stored is not None:
                flow_id = self._loaded[id_].flow_id
                return Result(id_, flow_id, (MessageId(stored.id),), (stored.seq,), duplicate=True)
        return None

    def _decide(self, index: int, event: AnyEvent) -> Result:
        conversation = self._conversation(event)
        around = self._surroundings(conversation, index)
        made = self._workshop.make(decide(conversation, event, around), around)
        self._loaded[conversation.id] = made.conversation
        self._by_user[conversation.channel_id, conversation.subscriber.user_id] = conversation.id
        self._made.append(made)
        self._counting.add(made, around.workspace.timezone, is_new=conversation.id in self._uncounted)
        self._uncounted.discard(conversation.id)
        if made.work:
            self._take_turns(made)
        own = _said_by_customer(made.messages) if isinstance(event, MessageReceived) else made.messages
        result = Result(
            conversation.id,
            conversation.flow_id,
            tuple(message.id for message in own),
            tuple(message.seq for message in own),
            refused=_refused(own),
        )
        self._remember(event, made, result)
        return result

    def _take_turns(self, made: Materials) -> None:
        """Have the next decision of this batch know whom this one has given something."""
        for one in made.work:
            if isinstance(one, TurnTaken):
                before = self._staff[one.group_id]
                self._staff[one.group_id] = msgspec.structs.replace(before, turn=before.turn + 1)
        for staff in self._staff.values():
            _count_loads(staff.loads, made.work)

    def _remember(self, event: AnyEvent, made: Materials, result: Result) -> None:
        """So that a repetition later in this very batch is recognised as well."""
        if event.once is not None:
            text = msgspec.json.encode(result).decode()
            one = Applied(event.once.key, event.once.fingerprint, text)
            self._applied.append(one)
            self._known[one.key] = one
        if made.reached:
            self._dealt_with.update((one.broadcast_id, one.conversation_id) for one in made.reached)
        if isinstance(event, MessageReceived) and event.mid:
            first = next(message for message in made.messages if message.mid == event.mid)
            self._mids[made.conversation.id, event.mid] = first

    def _conversation(self, event: AnyEvent) -> Conversation:
        id_ = self._existing(event)
        if id_ is not None:
            return self._loaded[id_]
        if isinstance(event.to, ByConversation):
            raise NotFound(conversation=event.to.id)
        return self._begin(event.to)

    def _begin(self, to: ByUser) -> Conversation:
        channel = self._channel(to.channel_id)
        id_ = ConversationId(self._ids.take("conversations"))
        self._new.add(id_)
        self._uncounted.add(id_)
        return Conversation(
            id=id_,
            workspace_id=channel.workspace_id,
            flow_id=channel.flow_id,
            channel_id=channel.id,
            subscriber=Subscriber(user_id=to.user_id, created_at=self._now),
        )

    def _channel(self, id_: ChannelId, *, or_deleted: bool = False) -> Channel:
        """One of a deleted channel's conversations ends by itself: pauses end, and the platform is told."""
        directory = self._catalog.directory
        channel = directory.any_channel(id_) if or_deleted else directory.channels.get(id_)
        if channel is None:
            raise NotFound(f"There is no channel {id_}.")
        return channel

    def _surroundings(self, one: Conversation, index: int) -> Surroundings:
        key = (one.channel_id, one.flow_id)
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = self._shared_surroundings(one)
        return msgspec.structs.replace(
            shared,
            messages=self._receipts.get(index, ()),
            changed=self._changed.get(index),
            chance=self._chance + index,
        )

    def _shared_surroundings(self, one: Conversation) -> Surroundings:
        """What is the same for every event of a channel in this batch."""
        channel = self._channel(one.channel_id, or_deleted=True)
        workspace = self._catalog.directory.workspaces[one.workspace_id]
        return Surroundings(
            now=self._now,
            workspace=workspace,
            channel=channel,
            audience=self._catalog.audience_of(channel.id),
            current_version=self._catalog.current_version(one.flow_id),
            defaults=self._catalog.defaults(one.flow_id),
            flows=self._catalog.flows,
            entry=self._catalog.directory.flows.get(one.flow_id),
            member_names=self._catalog.member_names,
            limits_of=_limits_of,
            segments=self._catalog.directory.segments.get(one.flow_id, {}),
            midnight=self._counting.midnight(workspace.timezone),
            groups=self._catalog.directory.agent_groups,
            staff=self._staff,
            bot=self._catalog.directory.vocabulary(one.flow_id).bot,
            types=self._catalog.directory.vocabulary(one.flow_id).types,
            templates=self._catalog.directory.templates.get(channel.id, NO_TEMPLATES),
            window=adapter_for(channel.type).window(channel),
            window_of_humans=adapter_for(channel.type).window_of_humans(channel),
            member_of=self._catalog.directory.member_of,
            custom_event_of=self._catalog.directory.custom_event,
            is_down=self._reach.is_down,
        )

    def _report_fault(self, event: AnyEvent, fault: Exception) -> None:
        id_ = self._existing(event)
        if id_ is None:
            return
        one = self._loaded[id_]
        self._problems.append(
            Problem(
                workspace_id=one.workspace_id,
                conversation_id=one.id,
                channel_id=one.channel_id,
                flow_id=one.flow_id,
                code=DecisionFailed.code,
                detail=f"{type(event).__name__} was not applied: {type(fault).__name__}",
                at=self._now,
            )
        )

    # Writing

    async def _write(self, connection: Connection) -> None:
        touched = {made.conversation.id for made in self._made}
        final = [self._loaded[id_] for id_ in sorted(touched)]
        await conversations.insert_new(connection, [one for one in final if one.id in self._new])
        await conversations.save(connection, [one for one in final if one.id not in self._new], self._before)
        await traits.save(connection, final, self._before)
        self._note_names(final)
        await media.insert_new(connection, _all(made.media for made in self._made))
        await messages.insert_new(connection, _all(made.messages for made in self._made))
        await self._write_transcripts(connection)
        await messages.update_statuses(connection, _all(made.updates for made in self._made))
        await self._write_replaced(connection, _all(made.replaced for made in self._made))
        await self._write_deliveries(connection, _all(made.deliveries for made in self._made))
        await problems.insert_new(connection, [*self._problems, *_all(made.problems for made in self._made)])
        await custom_events.insert_logged(connection, _all(made.logged for made in self._made), self._now)
        await applied.insert_new(connection, self._applied, self._now)
        await day_figures.add(connection, self._counting.figures, self._carriers.node)
        await self._write_work(connection)
        await broadcasts.note(connection, _all(made.reached for made in self._made), self._now)
        self.whispers = _all(made.whispers for made in self._made)

    async def _write_work(self, connection: Connection) -> None:
        """What is kept of the work of people."""
        work = [(made.conversation, one) for made in self._made for one in made.work]
        if not work:
            return
        done = [(of, one) for of, one in work if isinstance(one, Happened)]
        await cases.insert_activities(connection, done, self._now)
        await cases.insert_closed(
            connection, [(of, one.closed) for of, one in work if isinstance(one, CaseClosed)]
        )
        await cases.keep_assignments(connection, self._reassigned(done))
        turns = Counter(one.group_id for _, one in work if isinstance(one, TurnTaken))
        for id_, count in sorted(turns.items()):
            await agent_groups.take_turns(connection, id_, count)

    def _reassigned(self, done: Sequence[tuple[Conversation, Happened]]) -> list[Conversation]:
        """The conversations that are somebody else's now, or are so no more while they are open."""
        touched = {of.id for of, one in done if one.action == "assign" or of.member_id or of.group_id}
        return [self._loaded[id_] for id_ in touched]

    async def _write_transcripts(self, connection: Connection) -> None:
        """Into the deliveries that are to tell the latest messages, now that all of these are stored."""
        for made in self._made:
            for wanted in made.transcripts:
                latest = await messages.page(
                    connection,
                    made.conversation.id,
                    types=_TRANSCRIBED,
                    before_seq=wanted.before_seq,
                    limit=wanted.effect.transcript,
                )
                made.deliveries[wanted.index] = wanted.told(made.deliveries[wanted.index], latest[::-1])

    def _note_names(self, final: list[Conversation]) -> None:
        """The row of a name is made after the commit, by itself: nothing here waits for the configuration."""
        for one in final:
            before = self._before.get(one.id)
            if before is None or traits.may_differ(before.subscriber, one.subscriber):
                known = self._catalog.directory.vocabulary(one.flow_id)
                new = names_of(one.subscriber).unknown_to(known)
                if new:
                    self.new_names[one.flow_id] = self.new_names.get(one.flow_id, Names()) | new

    async def _write_replaced(self, connection: Connection, replaced: list[Message]) -> None:
        await messages.replace_contents(connection, replaced)
        for content in (one.content for one in replaced):
            if isinstance(content, Media) and content.problem:
                await media.settle(connection, content.media_id, state="failed", reason=content.problem)

    async def _write_deliveries(self, connection: Connection, new: list[Delivery]) -> None:
        if not new:
            return
        rows = [self._as_head(one) if _takes(self._busy, one.lane) else one for one in new]
        claimed = {one.id for one in self.reserved}
        await deliveries.insert_new(connection, rows, claimed, self._carriers.node)

    def _as_head(self, one: Delivery) -> Delivery:
        """The first of its lane: due now, and carried by this process if there is room."""
        head = msgspec.structs.replace(one, due_at=self._now)
        if self._carriers.reserve(one.destination):
            self.reserved.append(head)
        else:
            self.leaves_work = True
        return head

    def notices(self) -> Iterator[Notice]:
        """What whoever looks at these conversations is to see. Made one by one as they are taken: mostly
        nobody looks."""
        return (notice for made in self._made for notice in made.notices())

    @property
    def earliest_deadline(self) -> datetime | None:
        """When the first of the conversations of this batch wants to be woken."""
        return min((at for made in self._made if (at := made.conversation.wake_at)), default=None)

    @property
    def messages_by_type(self) -> Counter[str]:
        """How many messages were stored, by who said them."""
        types = Counter(message.type for made in self._made for message in made.messages)
        return Counter({type_.value: number for type_, number in types.items()})

    def release(self) -> None:
        """Give the reserved places back: the batch was not committed."""
        for one in self.reserved:
            self._carriers.unreserve(one.destination)
        self.reserved.clear()


def _count_loads(loads: dict[MemberId, int], work: Iterable[CaseWork]) -> None:
    for one in work:
        if isinstance(one, Happened) and one.action == "assign" and one.member_id is not None:
            loads[one.member_id] = loads.get(one.member_id, 0) + 1


def _limits_of(channel: Channel) -> Limits:
    return adapter_for(channel.type).limits(channel)


def _said_by_customer(stored: list[Message]) -> list[Message]:
    """The bot may have spoken before, in the same decision: what it had waited for too long to say."""
    return [message for message in stored if message.type is MessageType.IN]


def _refused(stored: list[Message]) -> str:
    return next((one.error for one in stored if one.status is MessageStatus.FAILED), "")


def _takes(busy: set[Lane], lane: Lane) -> bool:
    """Whether a delivery becomes its lane's head; the lane is busy from then on."""
    if lane in busy:
        return False
    busy.add(lane)
    return True


def _all(parts: Iterable[Iterable[T]]) -> list[T]:
    return [item for items in parts for item in items]
