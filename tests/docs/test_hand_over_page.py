"""docs/how-to/hand-over.md has a flow that works as it says."""

from __future__ import annotations

import re
from pathlib import Path

from relevo.domain.flows.parsing import parse
from relevo.domain.flows.steps.standard import STANDARD

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "hand-over.md").read_text()


def test_the_flow_has_no_mistakes() -> None:
    (text,) = re.findall(r"```yaml\n(.+?)```", PAGE, re.S)

    assert parse(text, file="hand-over").problems == ()


def test_every_name_of_a_standard_subflow_is_there_and_no_other() -> None:
    variables = {"handoff_reason", "handoff_outcome", "handoff_note"}

    assert set(re.findall(r"`(handoff_\w+)`", PAGE)) - variables == {*STANDARD, "handoff_returned"}
