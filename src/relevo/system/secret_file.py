"""A secret that Relevo makes for itself on its first start, and keeps in a file that only its owner reads."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

SECRET_BYTES = 32


def read_or_make(path: Path) -> str:
    """The text of this file; a new secret (64 hex digits, file mode 0600) when there is no such file.

    Of several processes that start together one makes it, and all return the same.
    """
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        make(path)
        return path.read_text().strip()


def make(path: Path) -> None:
    """Make a secret unless somebody was faster.

    It is written beside its place and then linked into it: nobody can ever read half a secret.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(SECRET_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its secret is the one
    finally:
        draft.unlink()
