"""`relevo token` and `relevo member`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Relevo


def test_a_token_stands_alone_on_stdout_and_is_listed_by_its_end(installed: Relevo) -> None:
    made = installed("token", "create", "--flow", "support")
    rows = [line.split() for line in installed("token", "list").stdout.splitlines()[1:]]

    assert made.exit_code == 0
    assert made.stderr == ""
    token = made.stdout.removesuffix("\n")
    assert len(token) == 60
    assert token.isalnum()
    assert [row[:6] + row[7:] for row in rows] == [
        ["1", "token", "support", "Manage", "Flow", token[-4:], "never", "active"]
    ]


def test_a_token_may_have_scopes_a_name_and_a_member(installed: Relevo) -> None:
    installed("token", "create", "--flow", "f1001", "--scope", "manage team", "--scope", "Send Message",
              "--name", "desk", "--member", "Luis@example.com")  # fmt: skip

    assert "1   desk  support  Manage Team, Send Message" in installed("token", "list").stdout


def test_a_token_is_revoked_by_its_id(installed: Relevo) -> None:
    installed("token", "create", "--flow", "support", "--name", "desk")

    assert installed("token", "revoke", "1").stderr == "Token 1 (desk) is revoked.\n"
    assert installed("token", "list").stdout.rstrip().endswith("revoked")
    assert installed("token", "revoke", "7").exit_code == 1


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (("--flow", "suport"), 1, 'There is no flow "suport"; did you mean "support"?'),
        (("--flow", "f7"), 1, 'There is no flow "f7"; only support is known here'),
        (("--flow", "support", "--member", "nobody@example.com"), 1, "There is no member nobody@example.com"),
        (("--flow", "support", "--scope", "Fly"), 2, "'Fly' is not one of 'manage flow', 'manage team'"),
        ((), 2, "Missing option '--flow'"),
    ],
)
def test_what_a_token_cannot_be_for_is_said(
    installed: Relevo, words: tuple[str, ...], exit_code: int, said: str
) -> None:
    result = installed("token", "create", *words)

    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert said in result.stderr


def test_a_flow_s_name_in_two_workspaces_needs_the_workspace(installed: Relevo, folder: Path) -> None:
    (folder / "relevo.yaml").write_text((folder / "relevo.yaml").read_text().replace("Acme", "Other"))
    installed("apply", "relevo.yaml")

    unclear = installed("token", "create", "--flow", "support")
    assert unclear.exit_code == 2
    assert "say --workspace with one of: Acme, Other" in unclear.stderr
    assert installed("token", "create", "--flow", "support", "--workspace", "Other").exit_code == 0
    assert "several workspaces" in installed("member", "add", "--email", "ana@example.com").stderr


def test_the_first_member_needs_nothing_and_the_made_password_stands_alone_on_stdout(
    environ: dict[str, str], swept_database_url: str, relevo: Relevo
) -> None:
    environ["RELEVO_DATABASE_URL"] = swept_database_url

    result = relevo("member", "add", "--email", "Ana@example.com", "--name", "Ana")

    assert result.exit_code == 0
    assert len(result.stdout.strip()) == 20
    assert result.stderr == "ana@example.com can sign in with this password, which is not shown again:\n"
    assert relevo("member", "list").stdout.splitlines()[1].split() == [
        "ana@example.com",
        "Ana",
        "owner",
        "My",
        "workspace",
    ]


def test_a_password_of_ones_own_is_read_and_not_printed(installed: Relevo) -> None:
    words = ("member", "add", "--email", "ana@example.com", "--role", "admin", "--password-stdin")
    result = installed(*words, given="correct horse battery\n")

    assert (result.exit_code, result.stdout) == (0, "")
    assert ["ana@example.com", "ana", "admin", "Acme"] in [
        line.split() for line in installed("member", "list").stdout.splitlines()
    ]
    nothing = installed("member", "add", "--email", "bo@example.com", "--password-stdin", given="\n")
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    short = installed("member", "add", "--email", "bo@example.com", "--password-stdin", given="short\n")
    assert (short.exit_code, short.stderr) == (1, "Error: the password has 5 characters; use 10 to 200\n")


def test_an_agent_of_the_workspace_file_only_needs_a_password(installed: Relevo) -> None:
    refused = installed("member", "add", "--email", "luis@example.com")
    assert refused.exit_code == 1
    assert "`relevo member password --email luis@example.com` lets them sign in" in refused.stderr

    made = installed("member", "password", "--email", "Luis@example.com")
    assert len(made.stdout.strip()) == 20
    assert installed("member", "password", "--email", "nobody@example.com").exit_code == 1
