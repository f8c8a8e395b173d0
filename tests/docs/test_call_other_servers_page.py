"""docs/how-to/call-other-servers.md and email.md have flows that work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relevo.domain.flows.parsing import parse

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
EXAMPLES = [
    example
    for page in ("call-other-servers.md", "email.md")
    for example in re.findall(r"^```yaml\n(.*?)^```", (PAGES / page).read_text(), re.M | re.S)
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_flow_is_right(example: str) -> None:
    assert [str(problem) for problem in parse(example, file="example").problems] == []
