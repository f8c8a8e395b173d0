"""`python -m bench.flows`: what one decision of a flow costs, and checking a file of 1,000 steps.

The decision is the whole of it, as the engine takes it: a customer's message, found as a keyword, starts a
subflow of ten steps with two templates and one condition, and everything that follows from it is decided.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

from relevo.domain.conversations import Conversation
from relevo.domain.deciding import Surroundings, decide
from relevo.domain.events import ByConversation, MessageReceived
from relevo.domain.flows.checking import check
from relevo.domain.flows.parsing import parse
from relevo.domain.ids import ChannelId, ConversationId, FlowId, FlowVersionId, WorkspaceId
from relevo.domain.messages import Text
from relevo.domain.subscribers import Profile, Subscriber
from relevo.domain.workspaces import Channel, Workspace

ROUNDS, TIMES = 200, 50
GOAL_US, GOAL_CHECK = 200, 1.0

FLOW = """\
version: 1
flow: bench
start: welcome
triggers:
  - {on: keyword, words: [agent, human, person], do: person}
  - {on: keyword, words: [price, prices, how much], do: prices}
  - {on: default, do: welcome}
subflows:
  welcome: [{send: Hello}]
  person: [pause_bot]
  prices:
    - tag: interested
    - set: {topic: prices}
    - send: "Hello {{ first_name | default: 'there' }}, here are our prices."
    - when: {field: plan, is: pro}
      then:
        - send: You are on the best plan that we have.
        - set: {asked: 1}
    - untag: silent
    - set: {source: "{{ channel }}-{{ last_input | downcase }}"}
    - send: {text: Which one?, buttons: [{title: Pro, do: person}, {title: Basic, do: person}]}
    - wait: 10m
    - send: Are you still there?
"""
NOON = datetime(2030, 5, 17, 12, tzinfo=UTC)
VERSION = FlowVersionId(1)
ANA = Conversation(
    id=ConversationId(1),
    workspace_id=WorkspaceId(1),
    flow_id=FlowId(1001),
    channel_id=ChannelId(1),
    subscriber=Subscriber(
        user_id="1",
        profile=Profile(name="Ana Diaz", language="es"),
        fields={"plan": "Pro", "seats": 7},
        tags=("lead", "silent"),
        created_at=NOON - timedelta(days=30),
    ),
    started=True,
)


def main() -> None:
    usual, least = _decision()
    rate = 1e6 / usual
    print(f"one decision: median {usual:.0f} µs ({rate:,.0f}/s), least {least:.0f} µs; goal {GOAL_US} µs")
    seconds = _check()
    print(f"checking 1,000 steps: median {seconds * 1000:.0f} ms; goal {GOAL_CHECK * 1000:.0f} ms")


def _decision() -> tuple[int, float]:
    parsed = parse(FLOW, file="bench")
    assert parsed.flow is not None, parsed.problems
    around = Surroundings(
        now=NOON,
        workspace=Workspace(id=WorkspaceId(1), name="Acme"),
        channel=Channel(
            id=ChannelId(1),
            workspace_id=WorkspaceId(1),
            flow_id=FlowId(1001),
            name="site",
            type="web",
            key="k",
        ),
        current_version=VERSION,
        flows={VERSION: parsed.flow},
    )
    event = MessageReceived(to=ByConversation(ANA.id), content=Text("What are your prices?"))
    decided = decide(ANA, event, around)
    assert len(decided.messages) == 4, decided  # the customer's, and three of the bot's
    taken = _seconds(lambda: decide(ANA, event, around))
    return median(taken) * 1e6, min(taken) * 1e6


def _seconds(act: Callable[[], object]) -> list[float]:
    """What one call takes of the processor, by rounds of many calls each: others who use it do not count."""
    gc.collect()
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(TIMES):
            act()
        taken.append((time.process_time() - started) / TIMES)
    return taken


def _check() -> float:
    text = _thousand_steps()
    taken = []
    for _ in range(5):
        started = time.process_time()
        parsed = parse(text, file="bench")
        check(parsed)
        taken.append(time.process_time() - started)
        assert parsed.flow is not None, parsed.problems[:3]
    return median(taken)


def _thousand_steps() -> str:
    """A hundred subflows of ten steps, of all kinds."""
    subflow = """\
  s{n}:
    - send: "Hello {{{{ first_name | default: 'there' }}}}, number {n}"
    - typing
    - ask: {{text: "Which, {{{{ name }}}}?", choices: [Pro, Basic], save: plan}}
    - when: {{field: plan, is: pro}}
      then: [{{tag: pro}}, {{set: {{seats: "{{{{ seats | plus: 1 }}}}"}}}}]
      else: [{{untag: pro}}]
    - send: {{text: More?, buttons: [{{title: Yes, do: s{next}}}, {{title: Shop, url: "https://example.com/{n}"}}]}}
    - wait: 10m
    - go: s{next}
"""
    head = "version: 1\nflow: bench\nstart: s0\nsubflows:\n"
    return head + "".join(subflow.format(n=n, next=(n + 1) % 100) for n in range(100))


if __name__ == "__main__":
    main()
