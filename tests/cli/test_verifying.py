"""`relevo channels --verify`: the other side shows that it knows the key."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from relevo.cli import main

FLOW = "version: 1\nflow: support\nstart: a\nsubflows:\n  a:\n    - send: Hello\n"


@contextmanager
def other_side(key: str) -> Iterator[int]:
    """Answers with the challenge to whoever has the key; its port."""

    class Side(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            knows = asked["hub_verify_token"] == key and asked["hub_mode"] == "subscribe"
            self.send_response(200 if knows else 403)
            self.end_headers()
            self.wfile.write(asked["hub_challenge"].encode() if knows else b"no")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Side)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield server.server_port
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RELEVO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RELEVO_ALLOWED_NETWORKS", "127.0.0.0/8")
    (tmp_path / "support.flow.yaml").write_text(FLOW)
    return tmp_path


def verified(installation: Path, port: int) -> tuple[int, str]:
    """The exit code and the words of the command, for a channel whose key is `sesame`."""
    (installation / "acme.yaml").write_text(
        "version: 1\nworkspace: Acme\nflows: [support.flow.yaml]\nchannels:\n"
        f"  - {{name: other, type: apichat, flow: support, webhook_url: 'http://127.0.0.1:{port}/in',\n"
        "     verification_key: sesame}\n"
    )
    runner = CliRunner()
    applied = runner.invoke(main, ["apply", str(installation / "acme.yaml")])
    assert applied.exit_code == 0, applied.output
    result = runner.invoke(main, ["channels", "--verify", "other"])
    return result.exit_code, result.output


def test_the_other_side_is_verified_when_it_answers_with_the_challenge(installation: Path) -> None:
    with other_side("sesame") as port:
        assert verified(installation, port) == (0, "other is verified.\n")


def test_it_is_not_when_it_does_not_know_the_key(installation: Path) -> None:
    with other_side("another") as port:
        code, words = verified(installation, port)

    assert code == 1
    assert "it answered 403 without the challenge" in words


def test_it_is_not_when_nobody_answers(installation: Path) -> None:
    with other_side("sesame") as port:
        pass
    code, words = verified(installation, port)

    assert code == 1
    assert "no answer came (refused)" in words


def test_an_unknown_channel_is_named(installation: Path) -> None:
    result = CliRunner().invoke(main, ["channels", "--verify", "nobody"])

    assert (result.exit_code, "nobody" in result.output) == (1, True)
