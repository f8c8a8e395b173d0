"""A person at a terminal, in a folder with files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relevo.cli import main

Relevo = Callable[..., Result]

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

WORKSPACE = """\
version: 1
workspace: Acme
endpoints:
  - name: desk
    url: http://127.0.0.1:9100/uchat
    headers: {X-Desk-Key: "{{ env.DESK_KEY }}"}
    secret: "{{ env.DESK_SECRET }}"          # whsec_…; made and shown once if left out
agents:
  - {name: Luis, email: luis@example.com}
flows:
  - support.flow.yaml
channels:
  - {name: site, type: web, flow: support, live_chat: {mode: webhook, endpoint: desk}}
  - name: other
    type: apichat
    flow: support
    webhook_url: http://127.0.0.1:9200/in
    live_chat: {mode: webhook, endpoint: desk}
"""

FLOW = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [agent, human], do: person}
subflows:
  welcome:
    - send: "Hello {{ first_name }}. Write *agent* to talk to a person."
  person:
    - send: "I am getting somebody for you."
    - pause_bot: {minutes: 30}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files are, and where the person is."""
    (tmp_path / "relevo.yaml").write_text(WORKSPACE)
    (tmp_path / "support.flow.yaml").write_text(FLOW)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def environ(folder: Path) -> dict[str, str]:
    """What the person has set; no database yet."""
    return {
        "RELEVO_DATA_DIR": str(folder / "data"),
        "RELEVO_ALLOWED_NETWORKS": "127.0.0.0/8",
        "RELEVO_PUBLIC_URL": "https://relevo.example.com",
        "DESK_KEY": "k-123456",
        "DESK_SECRET": SECRET,
    }


@pytest.fixture
def relevo(environ: dict[str, str]) -> Relevo:
    """Run a command as the person does. Nothing but an expected failure may end it."""

    def run(*words: str, given: str = "", **more: str) -> Result:
        result = CliRunner(env=environ | more).invoke(main, list(words), input=given, prog_name="relevo")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def installed(environ: dict[str, str], swept_database_url: str, relevo: Relevo) -> Relevo:
    """The same, on a database in which the workspace file is applied."""
    environ["RELEVO_DATABASE_URL"] = swept_database_url
    assert relevo("apply", "relevo.yaml").exit_code == 0
    return relevo
