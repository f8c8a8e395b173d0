"""Types of channels as UChat calls them."""

from __future__ import annotations

_THEIRS = {"whatsapp": "whatsapp_cloud", "messenger": "facebook"}
_OURS = {theirs: ours for ours, theirs in _THEIRS.items()}


def on_the_wire(type_: str) -> str:
    """A type of ours as an answer has it."""
    return _THEIRS.get(type_, type_)


def ours(type_: str) -> str:
    """A type as it is asked for, in their word or in ours."""
    return _OURS.get(type_, type_)
