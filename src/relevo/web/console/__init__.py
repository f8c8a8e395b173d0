"""The console: pages for the people who run Relevo and for those who answer in it.

Every page is rendered here and works without a script; `static/console.js` makes some of them live.
Nothing is written but by `relevo.admin` and `engine.submit`.
"""

from __future__ import annotations

from relevo.web.console.mounting import create_console
from relevo.web.console.setting_up import first_run_code

__all__ = ["create_console", "first_run_code"]
