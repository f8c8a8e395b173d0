"""docs/reference/faults.md names the scenarios that `make faults` plays, each of them and no other."""

from __future__ import annotations

import re
from pathlib import Path

from faults import scenarios

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "faults.md").read_text()
TABLE = PAGE.partition("## The scenarios")[2].partition("\n##")[0]
ROWS = re.findall(r"^\| (`.*?) \|", TABLE, re.M)


def test_the_tables_have_every_scenario_once() -> None:
    named = [name for row in ROWS for name in re.findall(r"`(.+?)`", row)]

    assert sorted(named) == sorted(scenarios.NAMES)
