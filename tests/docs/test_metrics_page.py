"""docs/reference/metrics.md says what Relevo counts, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from relevo.metrics import REGISTRY

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
SECTIONS = dict(re.findall(r"^## `(\S+)`\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S))
SUFFIXES = {"counter": "_total", "gauge": "", "histogram": ""}


def counted() -> dict[str, Any]:
    """Every metric, by the name under which Prometheus lists it."""
    metrics = set(REGISTRY._collector_to_names)
    return {metric._name + SUFFIXES[metric._type]: metric for metric in metrics}  # type: ignore[attr-defined]


def test_every_metric_is_documented_and_nothing_else() -> None:
    assert sorted(SECTIONS) == sorted(counted())


@pytest.mark.parametrize("name", sorted(counted()))
def test_the_section_of_a_metric_says_what_it_is(name: str) -> None:
    metric = counted()[name]
    labels = ", ".join(f"`{label}`" for label in metric._labelnames) or "none"

    first, second, *_ = SECTIONS[name].strip().split("\n\n")
    assert first.split() == f"A {metric._type}. Labels: {labels}.".split()
    assert second.split()[: len(metric._documentation.split())] == metric._documentation.split()


def test_no_metric_is_named_on_the_page_that_does_not_exist() -> None:
    named = set(re.findall(r"relevo_[a-z_]*[a-z]", PAGE.read_text()))
    series = {f"{name}{end}" for name in counted() for end in ("", "_bucket", "_count", "_sum")}

    assert named <= series
