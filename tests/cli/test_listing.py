"""The commands that list what there is, and what programs read of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relevo.settings import SERVED_AT
from tests.cli.conftest import Relevo


def test_channels_tell_programs_what_they_need(installed: Relevo) -> None:
    site, other = json.loads(installed("channels", "--json").stdout)

    url = "https://relevo.example.com"
    key = site["hook_url"].rpartition("/")[2]
    assert site == {
        "name": "site",
        "type": "web",
        "workspace": "Acme",
        "flow": "support",
        "flow_ns": "f1001",
        "live_chat": {"mode": "webhook", "endpoint": "desk"},
        "status": "active",
        "hook_url": f"{url}/hooks/web/{key}",
        "widget": f'<script type="module" src="{url}/widget.js" data-channel="{key}"></script>',
        "chat_url": f"{url}/chat/{key}",
    }
    assert (other["name"], other["type"]) == ("other", "apichat")
    assert other["hook_url"].startswith(f"{url}/hooks/apichat/")


def test_channels_tell_people_too(installed: Relevo) -> None:
    lines = installed("channels").stdout.splitlines()

    assert lines[0].split() == ["NAME", "TYPE", "FLOW", "STATUS", "HOOK_URL"]
    assert lines[2].split()[:4] == ["other", "apichat", "support", "active"]
    assert any(line.strip().startswith("on your site     <script") for line in lines)


def test_without_a_public_url_the_hooks_are_where_serve_listens_by_itself(installed: Relevo) -> None:
    described = json.loads(installed("channels", "--json", RELEVO_PUBLIC_URL="").stdout)

    assert described[0]["hook_url"].startswith("http://127.0.0.1:8080/hooks/web/")


def test_without_a_public_url_a_server_that_ran_has_noted_its_own(installed: Relevo, folder: Path) -> None:
    (folder / "data" / SERVED_AT).write_text("http://127.0.0.1:9999\n")

    noted, set_ = installed("channels", "--json", RELEVO_PUBLIC_URL=""), installed("channels", "--json")

    assert json.loads(noted.stdout)[0]["hook_url"].startswith("http://127.0.0.1:9999/hooks/web/")
    assert json.loads(set_.stdout)[0]["hook_url"].startswith("https://relevo.example.com/hooks/web/")


def test_where_there_is_nothing_it_says_what_makes_some(
    environ: dict[str, str], swept_database_url: str, relevo: Relevo
) -> None:
    environ["RELEVO_DATABASE_URL"] = swept_database_url

    for words, remedy in (
        (("channels",), "relevo apply FILE"),
        (("token", "list"), "relevo token create"),
        (("member", "list"), "relevo member add"),
    ):
        result = relevo(*words)
        assert (result.exit_code, result.stdout) == (0, "")
        assert remedy in result.stderr
    assert relevo("channels", "--json").stdout == "[]\n"
    assert "There is no workspace yet" in relevo("channels", "--workspace", "Acme").stderr


@pytest.mark.parametrize("words", [("channels",), ("member", "list"), ("token", "list")])
def test_a_workspace_can_be_chosen(installed: Relevo, words: tuple[str, ...]) -> None:
    assert installed(*words, "--workspace", "Acme").exit_code == 0

    unknown = installed(*words, "--workspace", "Acne")
    assert unknown.exit_code == 1
    assert unknown.stderr == 'Error: There is no workspace "Acne"; did you mean "Acme"?\n'


def test_settings_are_listed_with_secrets_masked(relevo: Relevo) -> None:
    key = "00112233445566778899aabbccddeeff" * 2
    result = relevo("settings", RELEVO_SECRET_KEY=key, RELEVO_DATABASE_URL="postgresql://u:pa55word@db/x")

    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert rows["RELEVO_PUBLIC_URL"] == ["https://relevo.example.com", "set"]
    assert rows["RELEVO_LOG_LEVEL"] == ["info", "default"]
    assert key not in result.output
    assert "pa55word" not in result.output


def test_the_health_of_endpoints_is_a_table(installed: Relevo) -> None:
    headings, row = installed("endpoints", "health").stdout.splitlines()

    assert headings.split()[:3] == ["NAME", "STATE", "SINCE"]
    assert row.split() == ["desk", "healthy", "-", "-", "0", "–", "-", "-", "0", "-"]
