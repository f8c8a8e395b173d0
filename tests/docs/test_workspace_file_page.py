"""docs/reference/workspace-file.md names every key that a workspace file may have, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relevo.channels.registry import ADAPTERS
from relevo.domain import workspace_file
from relevo.domain.configuring import OPTIONAL_EVENTS
from relevo.domain.workspace_file import FlowText
from relevo.domain.workspaces import LiveChatMode, PausedAutomation

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "workspace-file.md"
TEXT = PAGE.read_text()
TABLES = re.findall(r"^\| ([\w ]+|key of `live_chat`) \|.*\n\|---.*\n((?:\|.*\n)+)", TEXT, re.M)
EXAMPLE = re.findall(r"```yaml\n(.*?)```", TEXT, re.S)[0]
SUPPORT = (Path(__file__).parents[2] / "examples" / "support.flow.yaml").read_text()


def first_column(table: str) -> list[str]:
    return re.findall(r"^\| `(.+?)` \|", table, re.M)


def table_after(heading: str) -> str:
    return TEXT.partition(f"\n## {heading}\n")[2]


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("The file", workspace_file.KEYS),
        ("Business hours", workspace_file.HOURS_KEYS),
        ("Endpoints", workspace_file.ENDPOINT_KEYS),
        ("Agents", workspace_file.AGENT_KEYS),
        ("Channels", workspace_file.CHANNEL_KEYS),
        ("Inbound webhooks", workspace_file.INBOUND_KEYS),
        ("Email", workspace_file.EMAIL_KEYS),
    ],
)
def test_the_first_table_of_a_section_has_every_key_in_order(heading: str, keys: tuple[str, ...]) -> None:
    section = table_after(heading)
    table = section[section.index("| key |") :].partition("\n\n")[0]

    assert first_column(table) == list(keys)


def test_the_other_tables_have_every_event_and_every_key_of_live_chat() -> None:
    tables = dict(TABLES)

    assert first_column(tables["event"]) == [event.value for event in OPTIONAL_EVENTS]
    assert first_column(tables["key of `live_chat`"]) == list(workspace_file.LIVE_CHAT_KEYS)


@pytest.mark.parametrize(
    ("key", "words"), [("type", ADAPTERS), ("paused_automation", PausedAutomation), ("mode", LiveChatMode)]
)
def test_the_row_of_a_key_has_every_word_that_it_may_be(key: str, words: list[str]) -> None:
    rows = re.findall(rf"^\| `{key}` \| (.*) \|$", TEXT, re.M)

    assert len(rows) == 1
    assert set(words) <= set(re.findall(r"`(\w+)`", rows[0]))


def test_the_example_is_right() -> None:
    parsed = workspace_file.parse(
        EXAMPLE,
        file="relevo.yaml",
        environ={"DESK_KEY": "k", "DESK_SECRET": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="},
        types={type_: adapter.check_config for type_, adapter in ADAPTERS.items()},
        read_flow=lambda path: FlowText(path, SUPPORT),
    )

    assert parsed.problems == ()
