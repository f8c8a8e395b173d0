"""The commands for whoever runs the server, and what every command has in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from relevo import __version__, bootstrap
from relevo.cli import COMMANDS, main
from relevo.domain.signing import check_secret
from relevo.settings import Settings
from tests.cli.conftest import Relevo


def test_the_commands_that_others_build_on_are_there() -> None:
    promised = {
        "serve",
        "work",
        "apply",
        "check",
        "token",
        "channels",
        "demo",
        "settings",
        "migrate",
        "member",
    }

    assert promised <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_is_for(relevo: Relevo, name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=45).endswith(".")
    assert relevo(name, "--help").exit_code == 0


def test_an_unknown_command_gets_the_nearest(relevo: Relevo) -> None:
    result = relevo("aply")

    assert result.exit_code == 2
    assert "There is no command 'aply'; did you mean \"apply\"?" in result.stderr


def test_the_version_is_that_of_the_package(relevo: Relevo) -> None:
    assert relevo("--version").stdout == f"{__version__}\n"


@pytest.mark.parametrize(
    "words", [("settings",), ("channels",), ("doctor",), ("migrate",), ("serve",), ("work",)]
)
def test_an_unknown_setting_stops_every_command(relevo: Relevo, words: tuple[str, ...]) -> None:
    result = relevo(*words, RELEVO_PUBLIC_URI="https://x.example", RELEVO_MAX_BODY="huge")

    assert result.exit_code == 1
    assert "RELEVO_PUBLIC_URI is not a setting of Relevo. Did you mean RELEVO_PUBLIC_URL?" in result.stderr
    assert "RELEVO_MAX_BODY" in result.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://nobody@127.0.0.1:1/x", "The database cannot be used now: "),
        ("sqlite:////dev/null/relevo.db", "Error: "),
    ],
)
def test_a_database_that_cannot_be_used_is_no_traceback(relevo: Relevo, url: str, said: str) -> None:
    result = relevo("channels", RELEVO_DATABASE_URL=url)

    assert result.exit_code == 1
    assert said in result.stderr


def test_a_database_that_is_not_there_is_no_traceback(relevo: Relevo, swept_database_url: str) -> None:
    if swept_database_url.startswith("postgresql"):
        result = relevo("channels", RELEVO_DATABASE_URL=swept_database_url.replace("/kept", "/nowhere_kept"))
        assert result.exit_code == 1
        assert "does not exist" in result.stderr


def test_migrating_says_from_where_to_where(
    environ: dict[str, str], database_url: str, relevo: Relevo
) -> None:
    environ["RELEVO_DATABASE_URL"] = database_url

    first, second = relevo("migrate"), relevo("migrate")

    assert first.stdout.endswith("(before: none).\n")
    assert second.stdout.startswith("The database has the newest tables already")


def test_a_secret_is_one_that_can_sign(relevo: Relevo) -> None:
    made = {relevo("secret").stdout.strip() for _ in range(2)}

    assert len(made) == 2
    assert [check_secret(secret) for secret in made] == [None, None]


def test_the_doctor_finds_nothing_where_all_is_well(installed: Relevo) -> None:
    result = installed("doctor")

    assert result.exit_code == 0
    assert {line.split()[0] for line in result.stdout.splitlines()} == {"ok"}
    assert "ok       endpoint desk: Relevo may connect to http://127.0.0.1:9100/uchat" in result.stdout


@pytest.mark.parametrize(
    ("more", "line", "exit_code"),
    [
        ({"RELEVO_PUBLIC_URL": ""}, "note     public URL: links begin with where", 0),
        (
            {"RELEVO_PUBLIC_URL": "http://chat.example.com"},
            "note     public URL: http://chat.example.com is not",
            0,
        ),
        ({"RELEVO_ALLOWED_NETWORKS": ""}, "problem  endpoint desk: http://127.0.0.1:9100/uchat leads to", 1),
        ({"RELEVO_ALLOWED_NETWORKS": ""}, "problem  channel other: http://127.0.0.1:9200/in leads to", 1),
        (
            {"RELEVO_SECRET_KEY": "ab" * 32},
            "problem  stored secrets: A secret in the database cannot be read",
            1,
        ),
        (
            {"RELEVO_DATA_DIR": "/dev/null/data"},
            "problem  data folder: /dev/null/data cannot be written to",
            1,
        ),
        (
            {"RELEVO_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"},
            "problem  database: The database cannot",
            1,
        ),
        (
            {"RELEVO_DATABASE_URL": "sqlite:///new.db"},
            "problem  tables: they are those of migration none, not",
            1,
        ),
    ],
)
def test_the_doctor_says_what_would_not_work_and_what_helps(
    installed: Relevo, more: dict[str, str], line: str, exit_code: int
) -> None:
    result = installed("doctor", **more)

    assert result.exit_code == exit_code
    (found,) = [one for one in result.stdout.splitlines() if one.startswith(line)]
    assert "; " in found


def test_serve_and_work_hand_over_to_the_bootstrap(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, relevo: Relevo, folder: Path
) -> None:
    calls: list[tuple[str, Any]] = []

    def serve(settings: Settings, *, host: str, port: int, **_: Any) -> None:
        calls.append((settings.public_url, (host, port)))

    def work(settings: Settings, *, host: str, port: int | None) -> None:
        calls.append((settings.public_url, (host, port)))
        raise bootstrap.AlreadyRunning("Another relevo process works on this database.")

    monkeypatch.setattr(bootstrap, "serve", serve)
    monkeypatch.setattr(bootstrap, "work", work)

    assert relevo("serve").exit_code == 0
    assert relevo("serve", "--host", "0.0.0.0", "--port", "80").exit_code == 0
    busy = relevo("work")
    relevo("work", "--port", "9090")

    assert calls == [
        ("https://relevo.example.com", ("127.0.0.1", 8080)),
        ("https://relevo.example.com", ("0.0.0.0", 80)),
        ("https://relevo.example.com", ("127.0.0.1", None)),
        ("https://relevo.example.com", ("127.0.0.1", 9090)),
    ]
    assert (busy.exit_code, busy.stderr) == (1, "Error: Another relevo process works on this database.\n")


def test_what_nobody_expected_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    def serve(settings: Settings, *, host: str, port: int, **_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bootstrap, "serve", serve)

    assert isinstance(CliRunner(env=environ).invoke(main, ["serve"]).exception, ZeroDivisionError)


def test_work_needs_postgresql(relevo: Relevo, environ: dict[str, str]) -> None:
    refused = relevo("work")

    assert refused.exit_code == 1
    assert "PostgreSQL" in refused.stderr or "SQLite" in refused.stderr
