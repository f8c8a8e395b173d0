"""Commands about workspace and flow files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from relevo.admin import apply as applying
from relevo.admin.apply import Change
from relevo.admin.channels import channel_types
from relevo.channels.registry import adapter_for
from relevo.cli.installation import opened, run
from relevo.cli.tables import lines
from relevo.domain.degrading import Limits
from relevo.domain.flows import checking, parsing
from relevo.domain.workspace_file import (
    FlowText,
    ParsedWorkspace,
    Unreadable,
    WorkspacePlan,
    is_workspace_file,
    parse,
)
from relevo.domain.yaml_reading import Problem, did_you_mean

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.command()
@_FILE
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
def apply(file: Path, dry_run: bool) -> None:
    """Make a workspace as its file says.

    Prints what became of each object: created, updated, unchanged, or kept, which is not in FILE and
    left alone. All of it is done or nothing. Twice is once. A secret that was made is shown this once.
    """
    text = _read(file)
    if isinstance(text, Unreadable):
        raise click.ClickException(f"cannot read {file}: {text.why}")
    parsed = _parsed(file, text.text)
    if parsed.plan is None:
        _tell(parsed.problems, err=True)
        raise click.exceptions.Exit(1)
    changes = run(_apply(parsed.plan, dry_run=dry_run))
    click.echo("\n".join(lines([_row(change) for change in changes])))
    if dry_run:
        click.echo("This was a dry run: nothing is changed.", err=True)


@click.command()
@_FILE
@click.option(
    "--channel",
    "channels",
    multiple=True,
    type=click.Choice(sorted(channel_types())),
    help="Look at a flow with the eyes of such a channel. May be given several times.",
)
@click.option("--strict", is_flag=True, help="Take advice for a problem.")
def check(file: Path, channels: tuple[str, ...], strict: bool) -> None:
    """Say what is wrong with a file.

    FILE is a workspace or a flow. Each problem is a line, FILE:LINE:COL: what is wrong; what would be
    right. Advice has the word advice before it: what is most likely not meant, but can be run. No database
    is needed.
    """
    text = _read(file)
    if isinstance(text, Unreadable):
        unreadable = Problem(str(file), 1, 1, text.why, "save it as UTF-8 text")
        found = Findings((unreadable,))
    elif is_workspace_file(text.text):
        found = _findings_of_workspace(file, text.text)
    else:
        found = _findings_of_flow(text, channels)
    _tell(found.problems, err=False)
    for one in found.advice:
        click.echo(f"{one.file}:{one.line}:{one.column}: advice: {one.what}; {one.remedy}")
    if found.problems or (strict and found.advice):
        raise click.exceptions.Exit(1)
    click.echo(f"{file}: no problems", err=True)


class Findings(msgspec.Struct, frozen=True):
    """What was found in a file: problems, and, where there are none, advice."""

    problems: tuple[Problem, ...] = ()
    advice: tuple[Problem, ...] = ()


def _findings_of_flow(text: FlowText, channels: Sequence[str]) -> Findings:
    parsed = parsing.parse(text.text, file=text.file)
    return Findings(parsed.problems, checking.check(parsed, _limits(channels)))


def _findings_of_workspace(file: Path, text: str) -> Findings:
    """Each flow is looked at with the eyes of the channels that it is on."""
    plan = _parsed(file, text)
    if plan.plan is None:
        return Findings(plan.problems)
    found: list[Problem] = []
    for flow in plan.plan.flows:
        types = dict.fromkeys(one.type for one in plan.plan.channels if one.flow == flow.name and one.type)
        parsed = parsing.parse(flow.source, file=flow.file)
        found += checking.check(parsed, _limits(list(types)))
    return Findings((), tuple(found))


def _limits(channels: Sequence[str]) -> dict[str, Limits]:
    return {type_: adapter_for(type_).capabilities.limits for type_ in channels}


async def _apply(plan: WorkspacePlan, *, dry_run: bool) -> tuple[Change, ...]:
    async with opened() as means:
        return await applying.apply(means, plan, dry_run=dry_run)


def _parsed(file: Path, text: str) -> ParsedWorkspace:
    return parse(
        text,
        file=str(file),
        environ=os.environ,
        types=channel_types(),
        read_flow=lambda path: _read(file.parent / path),
    )


def _read(file: Path) -> FlowText | Unreadable:
    try:
        return FlowText(str(file), file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return Unreadable(f"there is no such file{_meant(file)}")
    except IsADirectoryError:
        return Unreadable("it is a folder")
    except UnicodeDecodeError as error:
        return Unreadable(f"the byte {error.start} is not UTF-8")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return Unreadable((getattr(error, "strerror", None) or str(error)).lower())


def _meant(file: Path) -> str:
    """A file of the same folder that somebody may have meant."""
    others = [other.name for other in file.parent.glob("*.y*ml")] if file.parent.is_dir() else []
    remedy = did_you_mean(file.name, sorted(others)) if others else ""
    return f" ({remedy})" if remedy.startswith("did you mean") else ""


def _tell(problems: tuple[Problem, ...], *, err: bool) -> None:
    for problem in problems:
        click.echo(str(problem), err=err)


def _row(change: Change) -> tuple[str, ...]:
    secret = f"secret, shown once: {change.secret}" if change.secret else ""
    return (change.action, change.kind, change.name, ", ".join(filter(None, (change.detail, secret))))
