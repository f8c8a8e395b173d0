"""docs/reference/uchat-compatibility.md lists what there is and what there is not, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from relevo.web.api import CALLS
from relevo.web.api.access import METHOD
from relevo.web.not_ours import NOT_OURS, why_not
from tests.web.api.vendor import operations_of, vendors_document

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "uchat-compatibility.md").read_text()
ROWS = re.findall(r"^\| `(GET|POST|PUT|DELETE) (\S+)` \| (here|differs|not ours) \| (.*?) ?\|$", PAGE, re.M)
OWN = re.findall(r"^\| `(GET|POST|PUT|DELETE) (\S+)` \|$", PAGE, re.M)


def known(path: str) -> str:
    """The path with one name for any number in it."""
    return re.sub(r"\{[^}]*\}", "{id}", path)


def test_each_row_has_an_operation_and_a_state() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]

    assert len(ROWS) + len(OWN) == len(rows) == len({line.split("`")[1] for line in rows})
    assert [path for _, path, state, how in ROWS if state == "differs" and not how] == []


def test_what_is_here_can_be_called_and_everything_that_can_be_called_is_on_the_page() -> None:
    there = {(handler.opt[METHOD], known(path)) for handler in CALLS for path in handler.paths}
    here = {(method, known(path)) for method, path, state, _ in ROWS if state != "not ours"}

    assert here | {(method, known(path)) for method, path in OWN} == there
    assert not here & {*OWN}


def test_what_is_not_ours_says_so_and_all_that_says_so_is_on_the_page() -> None:
    named = [path for _, path, state, _ in ROWS if state == "not ours"]

    assert [path for path in named if not why_not(path)] == []
    for paths in NOT_OURS.values():
        for path in paths:
            pattern = re.escape(path).replace(re.escape("{…}"), ".+")
            assert any(re.fullmatch(pattern, one) for one in named), path


def test_every_operation_of_the_vendors_document_is_on_the_page() -> None:
    theirs = {(one.method, one.path) for one in operations_of(vendors_document())}

    assert theirs - {(method, path) for method, path, _, _ in ROWS} == set()
    assert len(theirs) == 187
