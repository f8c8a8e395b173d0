"""docs/how-to/call-other-servers.md has flows that work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relevo.domain.flows.parsing import parse

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "call-other-servers.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_flow_is_right(example: str) -> None:
    assert [str(problem) for problem in parse(example, file="example").problems] == []
