"""Flows from a few lines, a scene for them to play in, and a customer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from relevo.domain.flows import engine
from relevo.domain.flows.model import Flow
from relevo.domain.flows.parsing import parse
from relevo.domain.flows.runs import Act, Run, Say, Scene, SetField, Turn
from relevo.domain.ids import FlowVersionId
from relevo.domain.messages import Content, Text, plain_text
from relevo.domain.subscribers import Profile, Subscriber

NOON = datetime(2030, 5, 17, 12, 0, tzinfo=UTC)

ANA = Subscriber(
    user_id="visitor-1",
    profile=Profile(name="Ana Diaz", language="es"),
    fields={"plan": "Pro", "age": 42, "seats": "7", "paid": True, "colours": ["red", "blue"], "empty": ""},
    tags=("vip",),
    created_at=NOON,
)

SCENE = Scene(
    now=NOON,
    version_id=FlowVersionId(7),
    epoch=3,
    user_ns="f1001u34",
    flow_ns="f1001",
    channel_name="site",
    channel_type="web",
    subscriber=ANA,
    last_input="Hi there",
)


def flow_of(steps: str, *, more: str = "", head: str = "") -> Flow:
    """A flow whose subflow `a` has these steps; `more` holds other subflows, `head` other keys."""
    start = f"version: 1\nflow: test\nstart: a\n{head}\nsubflows:\n  a:\n"
    parsed = parse(f"{start}{_indented(steps, 4)}\n{_indented(more, 2)}\n", file="test.flow.yaml")
    assert parsed.flow is not None, [str(problem) for problem in parsed.problems]
    return parsed.flow


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line for line in text.strip("\n").split("\n"))


def with_fields(**fields: Any) -> Scene:
    """The scene with these fields instead of Ana's."""
    return msgspec.structs.replace(SCENE, subscriber=msgspec.structs.replace(ANA, fields=fields))


def walked(steps: str, *, more: str = "", head: str = "", scene: Scene = SCENE) -> Turn:
    """What the steps do at once."""
    return engine.begin(flow_of(steps, more=more, head=head), "a", scene)


def stored(run: Run | None) -> Run:
    """The run as it comes back from the database."""
    assert run is not None
    return msgspec.json.decode(msgspec.json.encode(run), type=Run)


def texts(turn: Turn) -> list[str]:
    """What is said, in words."""
    return [plain_text(act.content) for act in turn.acts if isinstance(act, Say)]


def fields_set(turn: Turn) -> dict[str, object]:
    return {act.name: act.value for act in turn.acts if isinstance(act, SetField)}


def said(turn: Turn, index: int = 0) -> Content:
    contents = [act.content for act in turn.acts if isinstance(act, Say)]
    return contents[index]


def others(turn: Turn) -> list[Act]:
    """All that is done besides saying something."""
    return [act for act in turn.acts if not isinstance(act, Say)]


class Customer:
    """Somebody who goes through a flow; each run is stored and loaded between two turns."""

    def __init__(self, flow: Flow, scene: Scene = SCENE) -> None:
        self.flow = flow
        self.scene = scene
        self.turn = engine.begin(flow, flow.start, scene)

    @property
    def run(self) -> Run:
        return stored(self.turn.run)

    def writes(self, words: str) -> list[str]:
        return self.sends(Text(words))

    def sends(self, content: Content) -> list[str]:
        self.turn = engine.answer(self.flow, self.run, content, self.scene)
        return texts(self.turn)

    def waits(self) -> list[str]:
        self.turn = engine.time_came(self.flow, self.run, self.scene)
        return texts(self.turn)

    def gets_the_bot_back(self) -> list[str]:
        self.turn = engine.returned(self.flow, self.run, self.scene)
        return texts(self.turn)
