"""Commands that have a conversation with a flow, and none with anybody else: `try` and `test`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from relevo.channels.registry import ADAPTERS
from relevo.cli.tables import lines as columns
from relevo.domain.flows.model import DEFAULTS, Flow
from relevo.domain.flows.parsing import ParsedFlow
from relevo.domain.flows.parsing import parse as parse_flow
from relevo.domain.yaml_reading import Problem
from relevo.rehearsal import commands, scripts, showing
from relevo.rehearsal.actions import Action, Line
from relevo.rehearsal.coverage import Coverage
from relevo.rehearsal.playing import Failure, Played, play
from relevo.rehearsal.recording import recorded
from relevo.rehearsal.scripts import Script
from relevo.rehearsal.session import NotPossible, Rehearsal
from relevo.rehearsal.stage import Answering, Stage

PATTERN = "*.test.yaml"
"""The files that hold tests."""

_PATH = click.Path(exists=True, dir_okay=False, path_type=Path)


# Trying


@click.command("try")
@click.argument("file", type=_PATH)
@click.option(
    "--channel", type=click.Choice(list(ADAPTERS)), default="web", help="What the customer writes on."
)
@click.option("--language", default="", help="The language of the customer, as in es or pt-BR.")
@click.option("--answers", type=_PATH, help="A file of what servers answer, so that nobody is asked.")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write what happened as a test, when you leave.",
)
def try_(file: Path, channel: str, language: str, answers: Path | None, record: Path | None) -> None:
    """Talk with a flow, without a phone.

    You write what the customer says; /help lists what else can happen: time passes (/wait 10m), an agent
    answers (/agent Hello), a server answers (/answer 200 {"state": "sent"}). Nothing is sent anywhere, and no
    database is needed.
    """
    flow = _flow(file).flow
    assert flow is not None
    person = msgspec.structs.replace(Stage(flow=flow).person, language=language)
    stage = Stage(
        flow=flow, defaults=_defaults(file), channel=channel, person=person, answers=_answers(answers)
    )
    happened = _talk(stage)
    if record is not None:
        name = f"Recorded from {file.name}"
        text = recorded(happened, flow=_from(record, file), name=name, channel=channel, begins=stage.begins)
        record.write_text(text, encoding="utf-8")
        click.echo(f"{record}: written; relevo test {record} plays it", err=True)


def _talk(stage: Stage) -> list[tuple[Action, Sequence[Line]]]:
    """Until the person leaves; what happened since the last beginning."""
    rehearsal = Rehearsal(stage)
    happened: list[tuple[Action, Sequence[Line]]] = []
    click.echo("You are the customer. /help says what else you can do.", err=True)
    for line in _typed():
        try:
            wanted = commands.read(line) if line.strip() else "state"
            if wanted == "quit":
                break
            if wanted == "restart":
                rehearsal = Rehearsal(stage)
                happened.clear()
            elif isinstance(wanted, str):
                _tell(rehearsal, wanted)
            else:
                seen = rehearsal.perform(wanted)
                happened.append((wanted, seen))
                _show(seen)
        except (commands.NotUnderstood, NotPossible) as refused:
            click.echo(f"  ! {refused}")
    return happened


def _typed() -> Iterator[str]:
    """What the person types, line by line."""
    prompt = "you> " if sys.stdin.isatty() else ""
    click.echo(prompt, nl=False)
    for line in sys.stdin:
        yield line.rstrip("\n")
        click.echo(prompt, nl=False)


def _tell(rehearsal: Rehearsal, wish: commands.Wish) -> None:
    if wish == "help":
        click.echo("\n".join(f"  {one}" for one in columns(commands.help_lines())))
        return
    for key, value in showing.state_of(rehearsal).items():
        click.echo(f"  {key}: {_plain(value)}")


def _plain(value: object) -> str:
    match value:
        case dict():
            return ", ".join(f"{key}={one}" for key, one in value.items()) or "-"
        case list():
            return ", ".join(map(str, value)) or "-"
        case _:
            return str(value) or "-"


def _show(seen: Sequence[Line]) -> None:
    for who, what in map(showing.shown, seen):
        if who != "customer":
            first, *rest = what.split("\n")
            click.echo("\n".join([f"{who:>8}> {first}", *(f"{'':>8}  {one}" for one in rest)]))


def _answers(file: Path | None) -> tuple[Answering, ...]:
    if file is None:
        return ()
    found, problems = scripts.parse_answers(file.read_text(encoding="utf-8-sig"), file=str(file))
    _refuse(problems)
    return found


def _from(record: Path, file: Path) -> str:
    """The path of a file as another one names it."""
    return os.path.relpath(file.resolve(), record.resolve().parent)


# Testing


@click.command("test")
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--fail-under", metavar="PERCENT", type=click.FloatRange(0, 100), help="Fail when less is covered."
)
@click.option("--coverage/--no-coverage", default=True, help="Show which steps and branches were not taken.")
def test(files: tuple[Path, ...], fail_under: float | None, coverage: bool) -> None:
    """Play conversations with flows, and say what is not as it should be.

    FILES are tests, or folders with files named *.test.yaml; without any, this folder. No database is needed.
    """
    found = [_Tested(path) for path in _paths(files)]
    if not found:
        raise click.ClickException(f"there are no tests here: no file is named {PATTERN}")
    failed = sum(_report(one) for one in found)
    covered = _covered(found)
    if coverage:
        click.echo("\n" + "\n".join(_table(covered)))
    count = sum(len(one.played) for one in found)
    click.echo(f"\n{count} {'test' if count == 1 else 'tests'}, {failed} failed")
    too_low = [one for one in covered if fail_under is not None and one.percent < fail_under]
    for one in too_low:
        click.echo(f"{one.flow}: {one.percent:.0f} % are covered, less than {fail_under:g} %", err=True)
    if failed or too_low:
        raise click.exceptions.Exit(1)


class _Tested:
    """A file of tests, played."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.script = _script(file)
        self.flow_file = file.parent / self.script.flow
        self.parsed = _flow_of(self.script, self.flow_file)
        flow = self.parsed.flow
        assert flow is not None
        defaults = _defaults(self.flow_file)
        self.played = [play(one, flow, defaults=defaults) for one in self.script.tests]


def _paths(files: Sequence[Path]) -> Iterator[Path]:
    for path in files or (Path(),):
        yield from sorted(path.rglob(PATTERN)) if path.is_dir() else (path,)


def _script(file: Path) -> Script:
    script, problems = scripts.parse(file.read_text(encoding="utf-8-sig"), file=str(file))
    _refuse(problems)
    assert script is not None
    return script


def _flow_of(script: Script, file: Path) -> ParsedFlow:
    if not file.is_file():
        place = script.flow_place
        wrong = Problem(script.file, place.line, place.column, f"there is no file {file}", "write its path")
        _refuse((wrong,))
    return _flow(file)


def _flow(file: Path) -> ParsedFlow:
    parsed = parse_flow(file.read_text(encoding="utf-8-sig"), file=str(file))
    _refuse(parsed.problems)
    return parsed


def _defaults(file: Path) -> Flow | None:
    """What the workspace has for all its flows: in a file of its name beside that of the flow."""
    beside = file.parent / f"{DEFAULTS}.flow.yaml"
    return _flow(beside).flow if beside.is_file() else None


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        click.echo("\n".join(map(str, problems)), err=True)
        raise click.exceptions.Exit(1)


def _report(one: _Tested) -> int:
    """Say what failed; how many."""
    failures = [(played, failure) for played in one.played if (failure := played.failure) is not None]
    click.echo(f"{one.file}: {len(one.played) - len(failures)} of {len(one.played)} as expected")
    for played, failure in failures:
        click.echo("\n".join(_in_words(one.file, played, failure)))
    return len(failures)


def _in_words(file: Path, played: Played, failure: Failure) -> Iterator[str]:
    place = failure.place
    yield f"{file}:{place.line}:{place.column}: {played.test.name}: {failure.what}"
    yield from (f"    {line}" for line in failure.difference)


def _covered(found: Sequence[_Tested]) -> list[Coverage]:
    """Of each flow, all tests of it together."""
    by_file: dict[Path, list[_Tested]] = {}
    for one in found:
        by_file.setdefault(one.flow_file.resolve(), []).append(one)
    return [
        Coverage.of(
            group[0].parsed, frozenset().union(*(played.taken for one in group for played in one.played))
        )
        for group in by_file.values()
    ]


def _table(covered: Sequence[Coverage]) -> list[str]:
    headings = ("FLOW", "STEPS", "BRANCHES", "COVERED", "MISSING LINES")
    return columns([headings, *(_row(one) for one in covered)])


def _row(one: Coverage) -> tuple[str, ...]:
    steps = f"{one.steps - one.missed_steps}/{one.steps}"
    branches = f"{one.branches - one.missed_branches}/{one.branches}"
    return (one.flow, steps, branches, f"{one.percent:.0f} %", one.lines)
