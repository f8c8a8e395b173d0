"""A conversation without a phone: one person, one flow, and a clock that moves when told.

`Rehearsal` (`session.py`) holds a conversation in memory and hands what happens to `domain.deciding.decide`,
as the engine does. There is no database, no network and no real time. Everything that shows a flow before
it is published stands on it: `relevo try`, `relevo test` and the console's try-it pane.

    stage.py        what is set up: the flow, the kind of channel, hours, what servers answer
    actions.py      what a person may have happen
    session.py      what comes of it, as lines
    commands.py     actions as people type them: `/wait 10m`
    showing.py      lines as people read them
    scripts.py      tests: actions and what is expected, read from YAML
    playing.py      a test is played, and the first difference told
    recording.py    what was played becomes a test
    coverage.py     which steps and branches were taken
"""
