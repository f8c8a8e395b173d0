"""The real clock, real ids and real chance: the only ones in Relevo."""
