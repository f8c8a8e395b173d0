"""What must be true: of the database after every commit, and of everything when a run is over.

The checks read the file with the driver, and know nothing of how Relevo comes to its results.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from simulation.network import Arrival, Network
from simulation.people import BOT_WAS_TOLD, People
from simulation.template import ASKS, FOR_NOBODY

_TWO_HEADS = """
SELECT conversation_id, destination_kind, destination_id, count(*) FROM deliveries
WHERE state = 'waiting' AND due_at IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) > 1
"""
_NO_HEAD = """
SELECT conversation_id, destination_kind, destination_id FROM deliveries
WHERE state = 'waiting' GROUP BY 1, 2, 3 HAVING count(due_at) = 0
"""
_CLAIM_WITHOUT_DUTY = """
SELECT id, claimed_by FROM deliveries WHERE claimed_by IS NOT NULL AND (state <> 'waiting' OR due_at IS NULL)
"""


def of_lanes(file: sqlite3.Connection) -> Iterator[str]:
    """Every lane that has something to carry has one head; only heads are claimed."""
    yield from (f"lane {row[:3]} has {row[3]} heads" for row in file.execute(_TWO_HEADS))
    yield from (f"lane {row} has no head" for row in file.execute(_NO_HEAD))
    yield from (f"delivery {row[0]} is claimed and no head" for row in file.execute(_CLAIM_WITHOUT_DUTY))


_WAITING = "SELECT id, conversation_id, seq, due_at, claimed_by FROM deliveries WHERE state = 'waiting'"


def of_rest(file: sqlite3.Connection) -> Iterator[str]:
    """Nothing is left to be carried."""
    for row in file.execute(_WAITING):
        yield "still waits: delivery {} of conversation {}, seq {}, due_at {}, claimed by {}".format(*row)


def of_run(file: sqlite3.Connection, people: People, network: Network) -> Iterator[str]:
    """Every promise, when everything has come to rest."""
    file.row_factory = sqlite3.Row
    yield from _messages(file, people)
    yield from _hand_overs(file)
    yield from _deliveries(file)
    yield from _arrivals(file, network, people)
    yield from _calls(file, network, people)
    yield from _control(network)
    yield from _customers_heard(file, network)


# Messages


def _messages(file: sqlite3.Connection, people: People) -> Iterator[str]:
    """What was accepted is stored, once; messages are numbered without gaps."""
    by_conversation = defaultdict(list)
    mids = defaultdict(list)
    for row in file.execute("SELECT * FROM messages ORDER BY conversation_id, seq"):
        by_conversation[row["conversation_id"]].append(row)
        if row["type"] == "in":
            mids[row["mid"]].append(row["id"])
    for id_, rows in by_conversation.items():
        if [row["seq"] for row in rows] != list(range(1, len(rows) + 1)):
            yield f"the messages of conversation {id_} have the seqs {[row['seq'] for row in rows]}"
    yield from (f"mid {mid} is stored {len(ids)} times" for mid, ids in mids.items() if len(ids) > 1)
    for one in people.accepted:
        if mids[one.mid] != list(one.result.message_ids):
            yield f"{one.mid} was accepted as {one.result.message_ids} and is stored as {mids[one.mid]}"
    texts = [_text(row) for rows in by_conversation.values() for row in rows if row["type"] == "agent"]
    for text in people.replies:
        if texts.count(text) != 1:
            yield f"{text!r} was accepted and is stored {texts.count(text)} times"


def _text(row: sqlite3.Row) -> str:
    return str(msgspec.json.decode(row["content"]).get("text", ""))


_SILENCE = """
SELECT m.conversation_id, m.seq FROM messages m WHERE m.type = 'in'
AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.message_id = m.id AND d.event_type = 'message.received')
AND NOT EXISTS (SELECT 1 FROM messages o WHERE o.conversation_id = m.conversation_id AND o.seq = m.seq + 1
                AND o.type = 'out')
AND (SELECT o.content FROM messages o WHERE o.conversation_id = m.conversation_id AND o.seq < m.seq
     AND o.type = 'out' AND o.content NOT LIKE '%told%' ORDER BY o.seq DESC LIMIT 1) NOT LIKE '%One moment%'
"""


def _hand_overs(file: sqlite3.Connection) -> Iterator[str]:
    """A message goes to the platform or is answered by the bot, unless the flow is in a `wait`."""
    for row in file.execute(_SILENCE):
        yield f"message {row['seq']} of conversation {row['conversation_id']} reached nobody"


# Deliveries


def _deliveries(file: sqlite3.Connection) -> Iterator[str]:
    """Lanes to the platform are numbered without gaps, as many as the conversation says; what was not
    delivered has a reason; attempts are numbered, too."""
    seqs = defaultdict(list)
    query = "SELECT * FROM deliveries WHERE destination_kind = 'endpoint' ORDER BY conversation_id, seq"
    for row in file.execute(query):
        seqs[row["conversation_id"]].append(row["seq"])
    for row in file.execute("SELECT id, state FROM conversations"):
        given = msgspec.json.decode(row["state"]).get("webhook_seqs", {}).get("1", 0)
        if seqs[row["id"]] != list(range(1, given + 1)):
            yield f"conversation {row['id']} gave {given} numbers and has the deliveries {seqs[row['id']]}"
    for row in file.execute("SELECT * FROM deliveries WHERE state <> 'done' AND reason = ''"):
        yield f"delivery {row['id']} is {row['state']} without a reason"
    query = """SELECT d.id, d.attempts_made, count(a.number) AS n, max(a.number) AS last
               FROM deliveries d LEFT JOIN attempts a ON a.delivery_id = d.id GROUP BY d.id"""
    for row in file.execute(query):
        if not row["attempts_made"] == row["n"] == (row["last"] or 0):
            yield f"delivery {row['id']} had {row['attempts_made']} attempts, {row['n']} are recorded"


def _arrivals(file: sqlite3.Connection, network: Network, people: People) -> Iterator[str]:
    """The platform got everything that counts as delivered, as it was meant, in order; again only
    under the same id."""
    first: dict[str, Arrival] = {}
    for one in network.arrivals:
        known = first.setdefault(one.webhook_id, one)
        if (known.seq, known.body) != (one.seq, one.body):
            yield f"{one.webhook_id} arrived as seq {known.seq} and again as another seq {one.seq}"
    yield from _not_arrived(file, first)
    yield from _out_of_order(file, first, people)


def _not_arrived(file: sqlite3.Connection, first: dict[str, Arrival]) -> Iterator[str]:
    meant = {}
    for row in file.execute("SELECT * FROM deliveries WHERE destination_kind = 'endpoint'"):
        meant[row["webhook_id"]] = row["body"]
        if row["state"] == "done" and row["webhook_id"] not in first:
            yield f"lost: conversation {row['conversation_id']} seq {row['seq']} is done and never arrived"
    for id_, one in first.items():
        if meant.get(id_) != one.body:
            yield f"{id_} arrived at {one.user_ns} as seq {one.seq} and is no delivery of ours"


def _out_of_order(file: sqlite3.Connection, first: dict[str, Arrival], people: People) -> Iterator[str]:
    """What was given up, or put back by a person, lost its place."""
    query = "SELECT id, webhook_id FROM deliveries WHERE state = 'done' AND destination_kind = 'endpoint'"
    kept_place = {row["webhook_id"] for row in file.execute(query) if row["id"] not in people.redelivered}
    last: defaultdict[str, int] = defaultdict(int)
    for id_, one in first.items():
        if id_ not in kept_place:
            continue
        if one.seq <= last[one.user_ns]:
            yield f"reordered: {one.user_ns} seq {one.seq} first arrived after {last[one.user_ns]}"
        last[one.user_ns] = one.seq


# Calls


def _calls(file: sqlite3.Connection, network: Network, people: People) -> Iterator[str]:
    """Each call has one end: its answer is said, or that there is none, or nobody waited any more. What comes
    when the bot has made another call, or has gone on, changes nothing."""
    calls = defaultdict(list)
    for row in file.execute(
        "SELECT * FROM deliveries WHERE event_type = 'http' ORDER BY conversation_id, seq"
    ):
        calls[row["conversation_id"]].append(row)
        if row["state"] == "done" and row["webhook_id"] not in network.called:
            yield f"call {row['seq']} of conversation {row['conversation_id']} is done and was never made"
    ours = {row["webhook_id"] for rows in calls.values() for row in rows}
    yield from (f"{id_} was called and is no call of ours" for id_ in network.called - ours)
    for row in file.execute("SELECT id, state, fields FROM conversations").fetchall():
        yield from _of_calls(file, row, calls[row["id"]], people)


def _of_calls(
    file: sqlite3.Connection, conversation: sqlite3.Row, calls: list[sqlite3.Row], people: People
) -> Iterator[str]:
    name, state = f"conversation {conversation['id']}", msgspec.json.decode(conversation["state"])
    made, seqs = state.get("calls", 0), [row["seq"] for row in calls]
    if seqs != list(range(1, made + 1)):
        yield f"{name} made {made} calls, and has the deliveries {seqs}"
    query = "SELECT * FROM messages WHERE conversation_id = ? AND type = 'out' ORDER BY seq"
    texts = [_text(row) for row in file.execute(query, (conversation["id"],))]
    yield from _of_answers(name, texts, calls, people)
    said = [_order(text) for text in texts if _is_order(text)]
    if (last := msgspec.json.decode(conversation["fields"]).get("order")) != (said[-1] if said else None):
        yield f"{name} heard {said} and has kept {last}"


def _of_answers(name: str, texts: list[str], calls: list[sqlite3.Row], people: People) -> Iterator[str]:
    """Between two calls, there is at most one answer: that of the first."""
    asked, answers = 0, 0
    for text in texts:
        if text == ASKS:
            asked, answers = asked + 1, 0
        elif _is_order(text) or text == "No.":
            answers += 1
            call = calls[asked - 1] if 0 < asked <= len(calls) else None
            if call is None or answers > 1 or not _is_answer(text, call, people):
                yield f"{name} was told {text!r} after call {asked}, {answers} times"
    if asked != len(calls):
        yield f"{name} was told {asked} times that a call is made, and {len(calls)} were"


def _is_answer(text: str, call: sqlite3.Row, people: People) -> bool:
    is_done = call["state"] == "done"
    if text == "No.":
        return not is_done or call["id"] in people.redelivered
    return bool(is_done and _order(text) == call["webhook_id"])


def _is_order(text: str) -> bool:
    return text.startswith("Order ")


def _order(text: str) -> str:
    return text.removeprefix("Order ").rstrip(".")


# Control


def _control(network: Network) -> Iterator[str]:
    """By what the platform heard, in the order of seq: the bot is silent while an agent has control,
    and epochs only grow."""
    streams: defaultdict[str, dict[int, Arrival]] = defaultdict(dict)
    for one in network.arrivals:
        streams[one.user_ns][one.seq] = one
    for user, stream in streams.items():
        yield from _of_stream(user, [stream[seq] for seq in sorted(stream)])


def _of_stream(user: str, stream: list[Arrival]) -> Iterator[str]:
    paused, taken, epoch, before = False, False, 0, 0
    for one in stream:
        if one.epoch < epoch:
            yield f"{user}: the epoch fell from {epoch} to {one.epoch} at seq {one.seq}"
        if one.seq != before + 1:
            paused = False  # what is missing was parked: who has control is unknown
        epoch, before = one.epoch, one.seq
        if one.type in ("handoff.requested", "handoff.returned"):
            paused, taken = one.type == "handoff.requested", False
        taken |= one.type == "handoff.accepted"
        if paused and one.type == "message.sent" and _is_the_bot(one) and (taken or not _is_for_nobody(one)):
            yield f"{user}: the bot spoke while paused, at seq {one.seq}"


def _is_for_nobody(arrival: Arrival) -> bool:
    return _said(arrival)["content"] in FOR_NOBODY


def _said(arrival: Arrival) -> dict[str, str]:
    message: dict[str, str] = msgspec.json.decode(arrival.body)["event"]["message"]
    return message


def _is_the_bot(arrival: Arrival) -> bool:
    message = _said(arrival)
    return message["type"] == "out" and not message["content"].startswith(BOT_WAS_TOLD)


# The customer's side


def _customers_heard(file: sqlite3.Connection, network: Network) -> Iterator[str]:
    """What was said on a channel that is pushed arrived there, in order."""
    query = """SELECT m.object_id, m.seq, d.state, m.conversation_id FROM deliveries d JOIN messages m
               ON m.id = d.message_id WHERE d.destination_kind = 'channel'"""
    meant = {row["object_id"]: row for row in file.execute(query)}
    heard = dict.fromkeys(one.mid for one in network.said)
    for mid, row in meant.items():
        if row["state"] == "done" and mid not in heard:
            yield f"lost: message {row['seq']} of conversation {row['conversation_id']} was never said"
    last: defaultdict[int, int] = defaultdict(int)
    yield from (f"{mid} was said and is no message of ours" for mid in heard.keys() - meant.keys())
    for mid in heard:
        row = meant.get(mid)
        if row is None or row["state"] != "done":
            continue
        if row["seq"] < last[row["conversation_id"]]:
            yield f"reordered: message {row['seq']} of conversation {row['conversation_id']} was said late"
        last[row["conversation_id"]] = row["seq"]
