"""How the tables became what they are: one file a step, `NNNN_what_it_brings.py`, in order.

A new one: change `tables.py`, add a file whose `down_revision` is the newest, write out what
changes (nothing is imported from Relevo), and run tests/store/test_migrations.py, which compares
the two. Steps go forward only, never change once released, and must leave alone what a process
of the version before reads and writes: it may still be running.
"""
