"""What the pages on deploying and backups tell people to type and to write exists."""

from __future__ import annotations

import re
import shlex
from configparser import ConfigParser

import click
import pytest

from relevo.cli import main
from relevo.settings import SETTINGS
from relevo.store import pooled_postgresql
from relevo.web.console import live
from relevo.web.widget import feed
from tests.architecture.sources import ROOT

PAGES = ["docs/how-to/deploy.md", "docs/how-to/backups.md"]
TEXT = {page: (ROOT / page).read_text() for page in PAGES}
DEPLOY = TEXT["docs/how-to/deploy.md"]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def commands() -> list[str]:
    """Every `relevo …` that is typed or started."""
    typed = [
        line[2:] for text in TEXT.values() for block in blocks(text, "console") for line in block.splitlines()
    ]
    started = re.findall(r"^ExecStart=/srv/relevo/bin/(.+)$", DEPLOY, re.M)
    return [line for line in [*typed, *started] if line.startswith("relevo ")]


@pytest.mark.parametrize("line", commands())
def test_a_command_is_one_that_relevo_takes(line: str) -> None:
    name, *words = shlex.split(line.replace("%i", "8081"))[1:]
    command = main.get_command(click.Context(main), name)

    assert command is not None
    command.make_context(name, words)  # raises for what it does not take


def test_there_are_commands() -> None:
    assert {line.split()[1] for line in commands()} == {"serve", "work", "backup"}


@pytest.mark.parametrize("page", PAGES)
def test_settings_that_are_named_exist(page: str) -> None:
    assert set(re.findall(r"RELEVO_[A-Z_]+[A-Z]", TEXT[page])) <= {setting.name for setting in SETTINGS}


def test_units_can_be_read_and_are_hardened() -> None:
    (unit,) = [block for block in blocks(DEPLOY, "ini") if "[Install]" in block]
    parser = ConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(unit)

    service = parser["Service"]
    assert service["NoNewPrivileges"] == service["DynamicUser"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert int(service["TimeoutStopSec"]) > 20  # longer than a worker is given


def test_a_proxy_waits_for_longer_than_we_are_silent() -> None:
    cuts = [int(seconds) for seconds in re.findall(r"proxy_read_timeout (\d+)s", DEPLOY)]

    assert min(cuts) > max(live.PING_EVERY, feed.PING_EVERY, feed.LONGEST_WAIT)
    assert "every 15 seconds" in DEPLOY
    assert live.PING_EVERY == feed.PING_EVERY == 15


def test_postgresql_is_told_the_numbers_that_the_page_names() -> None:
    given = pooled_postgresql._SERVER_SETTINGS

    assert "ends after five seconds, a dead connection after ten" in DEPLOY
    assert given["idle_in_transaction_session_timeout"] == "5000"
    assert given["tcp_user_timeout"] == "10000"
