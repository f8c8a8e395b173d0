"""SQLite and PostgreSQL: the only SQL of Relevo. One set of queries serves both."""
