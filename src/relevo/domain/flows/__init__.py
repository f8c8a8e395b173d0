"""The flow language: parsing a file into a `Flow`, and walking through it.

Parsing (`parsing.py`) finds every problem of a file at once, each with its place. The
interpreter (`engine.py`) is a pure function: it is told what happened and answers with
a `Turn`: what to do, in order, and where the customer now stands.

A step is added in one place: a subclass of `model.Step` in the module of its family in `steps/`,
and its name in the list of `steps/__init__.py`. The class is the whole of it:

    word, about, shape    its key in a flow file; what it does, in a sentence; the form of its value,
                          both for the JSON Schema (`shapes.py`, `schema.py`)
    beside                the keys that may stand beside that key
    read(keys, reader)    the step as the file says it; what is wrong is reported
    take(walk)            what it does: `walk.do(act)`, `walk.say(…)`; then `walk.advance()`, or one of
                          `walk.enter(name)`, `walk.go(subflow)`, `walk.stand(waiting)`
    branches              the lists of steps that it holds, by the name that places give them
    answered, timed_out   what becomes of a step at which the run waits for an answer
    leaves, waits         whether what follows is never reached; whether the walk always stands still here
    messages              what it says, for `checking.py`

What it wants done outside the conversation is an `Act` (`runs.py`), carried out by
`deciding`. A trigger is added in the same way, in `triggers/`; a condition in `model.Condition`,
`conditions.py` and `condition_parsing.py`. Then give it a heading in docs/reference/flow-language.md, and
write the schema anew (`relevo flow schema > docs/reference/flow.schema.json`): tests miss them otherwise.
"""
