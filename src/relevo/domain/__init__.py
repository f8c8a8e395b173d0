"""Values and decisions. No async, no I/O, no clock, no chance, no logging."""
