"""docs/reference/cli.md has every command with every option, as `--help` has them, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from relevo.cli import COMMANDS, main

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
SECTIONS = dict(re.findall(r"^## (relevo [^\n]+)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S))


def leaves() -> list[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    found: list[tuple[str, click.Command]] = []
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        if isinstance(command, click.Group):
            found += [(f"relevo {name} {inner}", one) for inner, one in command.commands.items()]
        else:
            found.append((f"relevo {name}", command))
    return found


def option_rows(command: click.Command) -> dict[str, str]:
    """What `--help` says of each option."""
    context = click.Context(command, show_default=True)
    records = [
        option.get_help_record(context) for option in command.params if isinstance(option, click.Option)
    ]
    return {record[0]: " ".join(record[1].split()) for record in records if record is not None}


def test_every_command_is_documented_and_nothing_else_in_the_order_of_help() -> None:
    assert list(SECTIONS) == [words for words, _ in leaves()]


@pytest.mark.parametrize(("words", "command"), leaves(), ids=[words for words, _ in leaves()])
def test_the_section_of_a_command_says_what_its_help_says(words: str, command: click.Command) -> None:
    usage = " ".join(["$", words, *command.collect_usage_pieces(click.Context(command))])
    section = SECTIONS[words]
    text = section.partition("```console\n")[2]

    assert text.startswith(f"{usage}\n```\n")
    said = text.partition("```\n")[2].strip().partition("\n\n")[0]
    assert said.split() == (command.help or "").split()
    assert dict(re.findall(r"^\| `(.+?)` \| (.*) \|$", section, re.M)) == option_rows(command)


def test_no_command_is_named_anywhere_on_the_page_that_does_not_exist() -> None:
    named = set(re.findall(r"\brelevo ([a-z]+)", PAGE.read_text()))

    assert named == set(COMMANDS)
