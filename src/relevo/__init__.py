"""Relevo: chat automation that hands conversations to your own live-chat platform."""

__version__ = "0.1.0"
