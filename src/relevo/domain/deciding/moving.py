"""A conversation goes over to the version of its flow that is running now, where that version says how."""

from __future__ import annotations

from relevo.domain.deciding.draft import Draft
from relevo.domain.flows.migrating import moved


def move_run(draft: Draft) -> None:
    """Whoever cannot be moved goes on with the version that they began."""
    run, version_id = draft.state.run, draft.around.current_version
    if run is None or version_id is None or run.version_id == version_id:
        return
    old, new = draft.flow_of_run(), draft.current_flow()
    if old is not None and new is not None and (now := moved(run, old, new, version_id)) is not None:
        draft.change(run=now)
