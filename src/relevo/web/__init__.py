"""The HTTP edge: no decisions, no SQL."""
