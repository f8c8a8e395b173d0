"""Fakes and suites that ship: what a test of Relevo, or of a channel from elsewhere, is made of."""
