"""Channels: one folder each. Pure: bytes in, values out. No I/O, no store, and not each other."""
