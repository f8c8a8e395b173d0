"""The commands about secrets of flows, and about the mail server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from relevo.store import directory as directories
from relevo.store.database import Database
from relevo.store.directory import Directory
from relevo.store.encryption import Cipher
from tests.cli.conftest import Relevo

Stored = Callable[[], Directory]

KEY = "00" * 32
PEM = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"
PASSWORD = "p4ss-w0rd"
SET_EMAIL = ("email", "set", "--host", "127.0.0.1", "--port", "465", "--security", "tls",
             "--username", "acme", "--from", "Acme <hello@acme.example>",
             "--reply-to", "help@acme.example")  # fmt: skip


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, "RELEVO_SECRET_KEY": KEY}


@pytest.fixture
def stored(swept_database_url: str) -> Stored:
    """What is in the database, read by somebody who has the key."""

    async def read() -> Directory:
        database = Database(swept_database_url)
        async with database.read() as connection:
            found = await directories.load(connection, Cipher(bytes.fromhex(KEY)))
        await database.close()
        return found

    return lambda: asyncio.run(read())


def lines(relevo: Relevo, *words: str) -> list[list[str]]:
    """The rows of a table, without its head."""
    return [line.split() for line in relevo(*words).stdout.splitlines()[1:]]


@pytest.mark.parametrize(("given", "kept"), [("k-1\n", "k-1"), (f"{PEM}\n", PEM), ("two\n\n", "two\n")])
def test_a_secret_is_read_from_stdin_and_kept_as_it_is(
    installed: Relevo, stored: Stored, given: str, kept: str
) -> None:
    done = installed("secrets", "set", "SHOP_KEY", given=given)

    assert done.stderr.strip() == "The secret SHOP_KEY is set."
    assert done.stdout == ""
    assert [dict(one) for one in stored().secrets.values()] == [{"SHOP_KEY": kept}]


def test_secrets_are_listed_by_name_and_never_shown(installed: Relevo) -> None:
    assert "There are no secrets yet" in installed("secrets", "list").stderr
    installed("secrets", "set", "SHOP_KEY", given="k-very-secret")
    installed("secrets", "set", "AI_KEY", given="k-other")

    listed = installed("secrets", "list")

    assert [row[0] for row in lines(installed, "secrets", "list")] == ["AI_KEY", "SHOP_KEY"]
    assert "k-" not in listed.output


def test_a_secret_of_the_same_name_is_replaced(installed: Relevo, stored: Stored) -> None:
    installed("secrets", "set", "SHOP_KEY", given="old")
    installed("secrets", "set", "SHOP_KEY", given="new")

    assert [dict(one) for one in stored().secrets.values()] == [{"SHOP_KEY": "new"}]


def test_a_removed_secret_is_gone_and_cannot_be_removed_again(installed: Relevo) -> None:
    installed("secrets", "set", "SHOP_KEY", given="k-1")

    removed = installed("secrets", "remove", "SHOP_KEY")
    again = installed("secrets", "remove", "SHOP_KEY")

    assert removed.stderr.strip() == "The secret SHOP_KEY is removed."
    assert lines(installed, "secrets", "list") == []
    assert again.exit_code == 1
    assert "There is no secret SHOP_KEY" in again.stderr


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SHOP-KEY", "k-1", "use letters, digits and _"),
        ("SHOP_KEY", "", "the secret is empty"),
        ("SHOP_KEY", "x" * 8001, "at most 8000 are possible"),
    ],
)
def test_a_secret_that_cannot_be_is_refused(installed: Relevo, name: str, value: str, says: str) -> None:
    refused = installed("secrets", "set", name, given=value)

    assert refused.exit_code != 0
    assert says in refused.stderr.lower()
    assert lines(installed, "secrets", "list") == []


def test_the_workspace_has_to_be_there(installed: Relevo) -> None:
    for words in (("secrets", "list"), ("secrets", "set", "KEY"), ("email", "show"), ("email", "remove")):
        refused = installed(*words, "--workspace", "Nobody", given="x")

        assert refused.exit_code != 0
        assert "Nobody" in refused.stderr


# The mail server


def test_the_mail_server_is_set_and_shown_without_its_password(installed: Relevo, stored: Stored) -> None:
    assert "There is no mail server yet" in installed("email", "show").stderr

    done = installed(*SET_EMAIL, given=f"{PASSWORD}\n")
    shown = installed("email", "show")

    assert done.stderr.strip() == "E-mails go over 127.0.0.1, from Acme <hello@acme.example>."
    assert shown.stdout.strip() == "127.0.0.1:465 (tls), from Acme <hello@acme.example>"
    assert PASSWORD not in done.output + shown.output
    (box,) = stored().mailboxes.values()
    assert (box.username, box.password, box.reply_to) == ("acme", PASSWORD, "help@acme.example")


def test_without_a_user_name_no_password_is_read(installed: Relevo, stored: Stored) -> None:
    done = installed("email", "set", "--host", "127.0.0.1", "--from", "hello@acme.example", given="not read")

    assert done.exit_code == 0
    (box,) = stored().mailboxes.values()
    assert (box.port, box.security, box.username, box.password) == (587, "starttls", "", "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--host", "127.0.0.1", "--from", "nobody"), "nobody"),
        (("--host", "10.1.2.3", "--from", "a@acme.example"), "10.1.2.3"),
        (("--host", "127.0.0.1", "--port", "0", "--from", "a@acme.example"), "no port 0"),
        (("--host", "127.0.0.1", "--security", "ssl", "--from", "a@acme.example"), "ssl"),
    ],
)
def test_a_mail_server_that_cannot_be_is_refused(
    installed: Relevo, stored: Stored, words: tuple[str, ...], says: str
) -> None:
    refused = installed("email", "set", *words)

    assert refused.exit_code != 0
    assert says in refused.stderr
    assert stored().mailboxes == {}


def test_a_removed_mail_server_is_gone_and_cannot_be_removed_again(installed: Relevo) -> None:
    installed(*SET_EMAIL, given=PASSWORD)

    assert installed("email", "remove").stderr.strip() == "The mail server is removed."
    assert "There is no mail server yet" in installed("email", "show").stderr
    assert installed("email", "remove").exit_code == 1
