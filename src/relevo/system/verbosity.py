"""Whether lines for developers are shown: for those who would write thousands of them a second."""

from __future__ import annotations

_shown = True


def show_debug(shown: bool) -> None:
    """Say once, when logging is set up, whether lines at `debug` are seen."""
    global _shown
    _shown = shown


def shows_debug() -> bool:
    """Whether a line at `debug` would be seen. Making one that is thrown away costs some microseconds."""
    return _shown
