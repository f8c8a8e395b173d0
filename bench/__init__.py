"""The benchmark: a floor and Relevo under one harness, in one run. `make bench`.

Only ratios within a run mean anything: server, receiver and load share the machine.
"""
