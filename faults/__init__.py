"""Faults: real processes, sockets and databases, broken on purpose under load. `make faults`.

Every scenario has customers who write until they hear 200, one or more receivers that check what they
get, and something that goes wrong between. Whatever was accepted must arrive, in order.
"""
