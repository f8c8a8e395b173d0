"""Whether lines for developers are shown: for those who would write thousands of them a second."""

from __future__ import annotations

import structlog

_DEBUG = 10


def shows_debug() -> bool:
    """Whether a line at `debug` would be seen. Making one that is thrown away costs ten times this look."""
    shown: bool = structlog.get_config()["wrapper_class"].is_enabled_for(None, _DEBUG)
    return shown
