"""`relevo channel`: a bot is made, connected and checked, with a Bot API on this machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from relevo.admin import reaching_us
from relevo.admin.reaching_us import Ourselves
from relevo.cli import main
from tests.channels.telegram_vendor import TOKEN, TelegramVendor

FLOW = "version: 1\nflow: support\nstart: a\nsubflows:\n  a:\n    - send: Hello\n"
WORKSPACE = "version: 1\nworkspace: Acme\nflows: [support.flow.yaml]\n"


@pytest.fixture
def vendor() -> Iterator[TelegramVendor]:
    """Serves in a loop of its own, as a command has one too."""
    vendor, loop = TelegramVendor(), asyncio.new_event_loop()
    loop.run_until_complete(vendor.__aenter__())
    serving = threading.Thread(target=loop.run_forever)
    serving.start()
    yield vendor
    asyncio.run_coroutine_threadsafe(vendor.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    serving.join()
    loop.close()


@pytest.fixture
def relevo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """An installation with a flow."""
    monkeypatch.setenv("RELEVO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RELEVO_ALLOWED_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("RELEVO_PUBLIC_URL", "https://relevo.example.com")
    monkeypatch.setattr(reaching_us, "ask", _well)
    (tmp_path / "support.flow.yaml").write_text(FLOW)
    (tmp_path / "relevo.yaml").write_text(WORKSPACE)
    runner = CliRunner()
    applied = runner.invoke(main, ["apply", str(tmp_path / "relevo.yaml")], catch_exceptions=False)
    assert applied.exit_code == 0, applied.output
    return runner


def _well(us: Ourselves) -> reaching_us.Asking:
    """We are reached; without the Internet."""
    yield from ()
    return ""


def test_that_nobody_reaches_us_is_told(
    relevo: CliRunner, vendor: TelegramVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(us: Ourselves) -> reaching_us.Asking:
        yield from ()
        return "a proxy answers 502"

    given = ["--option", f"bot_token={TOKEN}", "--option", f"api_url={vendor.url}"]
    assert relevo.invoke(main, ["channel", "connect", "telegram", "--name", "bot", *given]).exit_code == 0
    monkeypatch.setattr(reaching_us, "ask", lost)

    told = relevo.invoke(main, ["channel", "check", "bot"])

    assert told.exit_code == 1
    assert "Relevo does not reach itself at https://relevo.example.com: a proxy answers 502" in told.stderr


def test_a_bot_is_made_and_connected(relevo: CliRunner, vendor: TelegramVendor) -> None:
    result = relevo.invoke(
        main,
        ["channel", "connect", "telegram", "--name", "bot", "--option", f"api_url={vendor.url}"],
        input=f"{TOKEN}\n",
    )

    assert result.exit_code == 0, result.output
    assert "Bot: @acme_bot\n" in result.stdout
    assert "All is well." in result.stdout
    assert TOKEN not in result.output
    assert vendor.webhook["url"].startswith("https://relevo.example.com/hooks/telegram/")


def test_a_bot_that_is_there_is_connected_again_and_checked(
    relevo: CliRunner, vendor: TelegramVendor
) -> None:
    words = ["channel", "connect", "telegram", "--name", "bot"]
    given = ["--option", f"bot_token={TOKEN}", "--option", f"api_url={vendor.url}"]
    assert relevo.invoke(main, [*words, *given]).exit_code == 0
    vendor.webhook = {"url": "https://elsewhere.example/bot"}

    lost = relevo.invoke(main, ["channel", "check", "bot"])
    again = relevo.invoke(main, words)
    well = relevo.invoke(main, ["channel", "check", "bot"])

    assert (lost.exit_code, again.exit_code, well.exit_code) == (1, 0, 0)
    assert "posts to https://elsewhere.example/…" in lost.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["connect", "telegramm"], 'did you mean "telegram"?'),
        (["connect", "telegram", "--option", "bot_token"], "write NAME=VALUE"),
        (["connect", "telegram", "--option", "bot_token=x"], "That is no bot token"),
        (["check", "bot"], "`relevo channel connect TYPE` makes one"),
    ],
)
def test_what_is_wrong_is_told(relevo: CliRunner, words: list[str], told: str) -> None:
    result = relevo.invoke(main, ["channel", *words])

    assert result.exit_code in (1, 2)
    assert told.lower() in result.stderr.lower()
    assert "Traceback" not in result.output


def test_what_is_to_be_copied_is_printed_where_connecting_fails(
    relevo: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELEVO_PUBLIC_URL", "http://relevo.example.com")
    options = {"phone_number_id": "106540352242922", "waba_id": "102290129340398"}
    options |= {"access_token": "EAAJB" + "x" * 40, "app_secret": "0123456789abcdef" * 2}
    given = [word for name, value in options.items() for word in ("--option", f"{name}={value}")]

    result = relevo.invoke(main, ["channel", "connect", "whatsapp", *given])

    assert result.exit_code == 1
    assert "Callback URL: http://relevo.example.com/hooks/whatsapp/" in result.stdout
    assert "Verify token: " in result.stdout
    assert not any(options[secret] in result.output for secret in ("access_token", "app_secret"))


def test_the_hook_url_is_printed_where_it_has_to_be_copied(relevo: CliRunner) -> None:
    result = relevo.invoke(
        main, ["channel", "connect", "apichat", "--option", "webhook_url=http://127.0.0.1:9/in"]
    )

    assert result.exit_code == 0, result.output
    assert "Hook URL: https://relevo.example.com/hooks/apichat/" in result.stdout
