"""The flow language: parsing a file into a `Flow`, and walking through it.

Parsing (`parsing.py`) finds every problem of a file at once, each with its place. The
interpreter (`engine.py`) is a pure function: it is told what happened and answers with
a `Turn`: what to do, in order, and where the customer now stands.
"""
