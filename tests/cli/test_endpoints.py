"""The commands about endpoints."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from relevo.domain.signing import check_secret
from tests.cli.conftest import SECRET, Relevo


def row_of(relevo: Relevo) -> str:
    (heading, row) = relevo("endpoints", "list").stdout.splitlines()
    assert heading.split("  ")[0] == "NAME"
    return row


def test_the_list_says_what_each_is_told(installed: Relevo) -> None:
    row = row_of(installed)

    assert re.split(r" {2,}", row) == [
        "desk",
        "http://127.0.0.1:9100/uchat",
        "site, other",
        "-",
        "-",
        "one",
        "active",
    ]


def test_no_endpoint_is_said_to_be_none(relevo: Relevo) -> None:
    result = relevo("endpoints", "list")

    assert (result.stdout, result.exit_code) == ("", 0)
    assert "`relevo apply FILE` makes some" in result.stderr


def test_a_secret_is_replaced_and_the_old_one_ended(installed: Relevo) -> None:
    rotated = installed("endpoints", "rotate", "desk", "--keep-old", "7d")

    secret = rotated.stdout.strip()
    assert check_secret(secret) is None
    assert secret != SECRET
    assert "The old secret signs too until" in rotated.stderr
    assert "two until 20" in row_of(installed)

    assert "The old secret signs no more" in installed("endpoints", "retire", "desk").stderr
    assert "There was no old secret" in installed("endpoints", "retire", "desk").stderr
    assert "  one  " in row_of(installed)


def test_an_old_secret_need_not_sign_on(installed: Relevo) -> None:
    assert (
        "The old secret signs no more." in installed("endpoints", "rotate", "desk", "--keep-old", "0").stderr
    )
    assert "  one  " in row_of(installed)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("desk", "--keep-old", "soon"), 2, '"soon" is not a duration; write one like 30m, 24h or 7d, or 0'),
        (("desk", "--keep-old", "31d"), 1, "at most 30d"),
        (("dekk",), 1, 'There is no endpoint "dekk"; did you mean "desk"?'),
        (("desk", "--workspace", "Acne"), 1, 'There is no workspace "Acne"'),
    ],
)
def test_what_cannot_be_is_said(installed: Relevo, words: tuple[str, ...], code: int, said: str) -> None:
    result = installed("endpoints", "rotate", *words)

    assert result.exit_code == code
    assert said in result.stderr
    assert "  one  " in row_of(installed)


def test_an_endpoint_is_deleted_once_nobody_uses_it(installed: Relevo) -> None:
    refused = installed("endpoints", "delete", "desk")
    assert refused.exit_code == 1
    assert "the live chat of site, other goes to desk" in refused.stderr

    for name in ("site", "other"):
        assert installed("channels", "--delete", name).stderr == f"{name} is deleted.\n"
    deleted = installed("endpoints", "delete", "desk")

    assert (deleted.exit_code, deleted.stderr) == (0, "desk is deleted.\n")
    assert installed("endpoints", "list").stdout == ""
    assert installed("channels").stdout == ""
    assert 'There is no endpoint "desk"' in installed("endpoints", "delete", "desk").stderr
    assert 'There is no channel "site"' in installed("channels", "--delete", "site").stderr


def test_what_was_deleted_is_made_anew_by_the_file(installed: Relevo) -> None:
    installed("channels", "--delete", "site")

    applied = installed("apply", "relevo.yaml").stdout

    assert "created    channel    site" in applied
    assert "unchanged  channel    other" in applied


@contextmanager
def desk(status: int) -> Iterator[tuple[int, list[str]]]:
    """A platform that answers every webhook; its port, and the types of event that came."""
    came: list[str] = []

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            came.append(self.headers["relevo-event"])
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"noted")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Desk)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield server.server_port, came
    server.shutdown()
    serving.join()
    server.server_close()


def move_to(relevo: Relevo, folder: Path, port: int) -> None:
    file = folder / "relevo.yaml"
    file.write_text(file.read_text().replace(":9100/", f":{port}/"))
    assert relevo("apply", "relevo.yaml").exit_code == 0


def test_a_test_event_is_sent_and_shown(installed: Relevo, folder: Path) -> None:
    with desk(200) as (port, came):
        move_to(installed, folder, port)
        result = installed("endpoints", "test", "desk", "--event", "handoff.requested")

    lines = result.stdout.splitlines()
    assert (result.exit_code, came) == (0, ["handoff.requested"])
    assert lines[0] == "POST /uchat HTTP/1.1"
    assert lines[1] == "X-Desk-Key: ••••"
    assert any(line.startswith("webhook-signature: v1,") for line in lines)
    assert f"host: 127.0.0.1:{port}" in lines
    assert '"event":{"type":"handoff.requested","reason":"flow"' in result.stdout
    assert re.search(
        r"^HTTP/1.0 200 \(from 127.0.0.1, begun after \d+ ms, whole after \d+ ms\)$", result.stdout, re.M
    )
    assert lines[-1] == "noted"
    assert "k-123456" not in result.output


def test_a_test_that_is_not_accepted_fails(installed: Relevo, folder: Path) -> None:
    with desk(500) as (port, _):
        move_to(installed, folder, port)
        refused = installed("endpoints", "test", "desk")
    nobody = installed("endpoints", "test", "desk")

    assert (refused.exit_code, refused.stderr) == (1, "Error: refused: 500\n")
    assert (nobody.exit_code, nobody.stderr) == (1, "Error: unreachable: refused\n")
    assert "(no answer, after " in nobody.stdout
    assert installed("endpoints", "test", "desk", "--event", "nothing").exit_code == 2
