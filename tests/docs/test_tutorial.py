"""The tutorial is run as it stands, with other ports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from relevo.testing.ports import free_port

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs/tutorial.md").read_text()
MARK = "@@ command"


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def steps(text: str) -> list[tuple[str, str]]:
    """Each command of the console blocks, with the output that the page shows."""
    found: list[tuple[str, str]] = []
    for line in "".join(blocks("console", text)).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            command, shown = found[-1]
            found[-1] = (command, shown + line + "\n")
    return found


def as_pattern(shown: str) -> str:
    """`…` stands for anything on its line."""
    return ".*".join(re.escape(part) for part in shown.strip().split("…"))


def test_the_tutorial_works_as_it_stands(tmp_path: Path) -> None:
    server, platform = str(free_port()), str(free_port())
    text = TUTORIAL.replace("8080", server).replace("9100", platform)
    text = text.replace("relevo serve", f"relevo serve --port {server}")
    for block in [*blocks("python", text), *blocks("yaml", text)]:
        name = block.split("\n", 1)[0].removeprefix("# ")
        (tmp_path / name).write_text(block)
    commands = steps(text)
    script = "".join(f"{command}\necho '{MARK}'\n" for command, _ in commands)

    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\ntrap 'kill $(jobs -p)' EXIT\n{script}"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    outputs = done.stdout.split(f"{MARK}\n")
    assert len(outputs) > len(commands), done.stderr
    for (command, shown), output in zip(commands, outputs, strict=False):
        assert re.fullmatch(as_pattern(shown), output.strip()), f"$ {command}\n{output}\n{done.stderr}"
