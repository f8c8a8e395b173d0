"""Lists that are shown a page at a time, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode


def older(here: str, shown: Sequence[Any], more: Sequence[Any], **filters: str) -> str:
    """The address of what comes behind the `shown` rows (by their `id`); "" when there is no `more`."""
    return f"{here}?{urlencode({**filters, 'before': shown[-1].id})}" if more else ""
