"""What can be said of every file: how long its functions are, and what none of them may hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import pytest

from tests.architecture.sources import ROOT, named, parsed, project_files, python_files

MEDIAN_LINES = 9  # "under ten", and nine in ten under thirty (CONTRIBUTING.md)
NINETIETH_LINES = 30

HOME_FOLDERS = (
    r"(?<![\w.])/(?:home|Users)/(?!you/|me/)[\w.-]+/|(?<![\w.])/(?:root|work)/\w|(?<![\w.])/opt/[\w-]+"
)
REGISTRIES = r"pypi\.org/simple|files\.pythonhosted\.org|registry\.npmjs\.org|extra-index-url|index-url ?[=h]"
ELSEWHERE = re.compile(f"{HOME_FOLDERS}|{REGISTRIES}")
"""What holds on one machine only: somebody's folders, and where somebody downloads from."""


class Function(NamedTuple):
    place: str
    lines: int


def functions() -> Iterator[Function]:
    """Every function of src, with its lines from `def` to its end, the docstring not counted."""
    for path in python_files("src"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield Function(f"{named(path)}:{node.lineno} {node.name}", length(node))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def test_functions_are_short() -> None:
    by_length = sorted(functions(), key=lambda function: function.lines)
    lengths = [function.lines for function in by_length]
    middle, ninetieth = median(lengths), quantiles(lengths, n=10)[-1]

    longest = "\n".join(f"{function.lines:4} lines: {function.place}" for function in by_length[:-11:-1])
    report = (
        f"{len(lengths)} functions; median {middle:g} lines, ninetieth percentile {ninetieth:g}\n{longest}"
    )
    print(report)
    assert middle <= MEDIAN_LINES, report
    assert ninetieth <= NINETIETH_LINES, report


def test_every_module_opens_with_what_belongs_in_it() -> None:
    modules = {named(path): parsed(path) for path in python_files("src", "bench")}

    assert [name for name, module in modules.items() if module.body and not ast.get_docstring(module)] == []


def test_no_file_knows_a_machine_or_a_place_to_download_from() -> None:
    found = [
        f"{named(path)}:{number}: {match[0]}"
        for path in project_files()
        if path != Path(__file__) and (text := readable(path))
        for number, line in enumerate(text.splitlines(), 1)
        if (match := ELSEWHERE.search(line))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("line", "knows"),
    [
        ("cp /home/ana/x .", True),
        ("/Users/ana/relevo", True),
        ("see /root/x", True),
        ("/opt/wheels", True),
        ("--extra-index-url https://x", True),
        ("https://files.pythonhosted.org/packages", True),
        ("GET /api/root/x", False),
        ("the way home/work/life", False),
        ("/srv/relevo", False),
    ],
)
def test_the_search_for_machines_finds_what_it_should(line: str, knows: bool) -> None:
    assert bool(ELSEWHERE.search(line)) == knows


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_requirements_are_pinned_with_hashes_and_name_no_address(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]

    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert not re.search(r"https?:|file:|@|--(?:extra-)?index|--find-links", text)


def test_what_runs_in_production_is_what_was_tested() -> None:
    run, dev = (pins((ROOT / "requirements" / name).read_text()) for name in ("run.txt", "dev.txt"))

    assert run <= dev


def pins(requirements: str) -> set[str]:
    return set(re.findall(r"^[\w.-]+==[^\s;]+", requirements, re.M))


def readable(path: Path) -> str:
    """The text of a file; none for a picture or another file that is no text."""
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""
