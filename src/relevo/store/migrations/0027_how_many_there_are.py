"""The figures of the days add up to how many subscribers there are: the deleted ones are taken off."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"

_OTHERS = (
    "active_users", "in_messages", "out_messages", "agent_messages", "note_messages", "opened", "closed",
    "assigned", "assigned_new", "done_new", "replied_users", "responses", "first_waited", "resolved_after",
)  # fmt: skip


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # Whoever has added somebody waits here to count them, or has done both: so neither is missed.
        op.execute("LOCK TABLE day_figures IN EXCLUSIVE MODE")
    op.execute(
        f"INSERT INTO day_figures (flow_id, day, member_id, node, arrived, {', '.join(_OTHERS)}) "
        f"SELECT flow_id, 0, 0, 'gone', sum(there), {', '.join('0' for _ in _OTHERS)} FROM ("
        "SELECT flow_id, count(*) AS there FROM conversations GROUP BY flow_id UNION ALL "
        "SELECT flow_id, -arrived FROM day_figures WHERE member_id = 0) AS told "
        "GROUP BY flow_id HAVING sum(there) <> 0"
    )
