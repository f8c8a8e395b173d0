"""Relevo on a virtual clock, with faults at every await, and the same for the same seed."""
