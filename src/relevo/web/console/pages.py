"""Templates: what they are rendered with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from relevo.admin.health import percent
from relevo.web.console import json_showing, navigation, speaking, static_files, times, words
from relevo.web.console.forms import sentence

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, context: Mapping[str, Any]) -> str:
    return environment().get_template(template).render(context)


@cache
def environment() -> Environment:
    """Everything is escaped; a name that is not there is a mistake, not nothing."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "static": static_files.address_of,
        "sections_for": navigation.sections_for,
        "may": navigation.may,
        "words": words,
    }
    made.filters |= {
        "sentence": sentence,
        "duration": times.length,
        "average": times.average,
        "took": times.took,
        "percent": percent,
        "linked": speaking.linked,
        "as_json": json_showing.highlighted,
        "initials": speaking.initials,
        "safe_url": speaking.safe_url,
        "encoded": msgspec.json.encode,
        "field_text": speaking.field_text,
    }
    return made
