"""docs/reference/metrics.md says what Relevo counts, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import Metric

from relevo.metrics import FIGURES, REGISTRY, Figures

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
SECTIONS = dict(re.findall(r"^## `(\S+)`\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S))
SUFFIXES = {"counter": "_total", "gauge": "", "histogram": ""}


def counted() -> dict[str, tuple[Metric, str]]:
    """Every metric with its labels, by the name under which Prometheus lists it."""
    found: dict[str, tuple[Metric, str]] = {}
    for one in {*REGISTRY._collector_to_names, *FIGURES._collector_to_names}:
        (metric,) = one.describe()  # type: ignore[attr-defined]
        labels = [one.label] if isinstance(one, Figures) else one._labelnames  # type: ignore[attr-defined]
        found[metric.name + SUFFIXES[metric.type]] = metric, ", ".join(f"`{label}`" for label in labels)
    return found


def test_every_metric_is_documented_and_nothing_else() -> None:
    assert sorted(SECTIONS) == sorted(counted())


@pytest.mark.parametrize("name", sorted(counted()))
def test_the_section_of_a_metric_says_what_it_is(name: str) -> None:
    metric, labels = counted()[name]

    first, second, *_ = SECTIONS[name].strip().split("\n\n")
    assert first.split() == f"A {metric.type}. Labels: {labels or 'none'}.".split()
    assert second.split()[: len(metric.documentation.split())] == metric.documentation.split()


def test_no_metric_is_named_on_the_page_that_does_not_exist() -> None:
    named = set(re.findall(r"relevo_[a-z_]*[a-z]", PAGE.read_text()))
    series = {f"{name}{end}" for name in counted() for end in ("", "_bucket", "_count", "_sum")}

    assert named <= series
