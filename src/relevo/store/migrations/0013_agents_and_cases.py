"""Groups of agents, cases and the activity log, the figures of each day, closing notes and shortcuts.

Subscribers that there are already count for the day on which they came (UTC); messages are counted from
now on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_FIGURES = (
    "arrived", "active_users", "in_messages", "out_messages", "agent_messages", "note_messages", "opened",
    "closed", "assigned", "assigned_new", "done_new", "replied_users", "responses", "first_waited",
    "resolved_after",
)  # fmt: skip
_A_DAY = 86_400_000_000  # microseconds


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("channels_off", sa.Text))
    op.add_column("workspaces", sa.Column("sidebar", sa.Text))
    _groups()
    _notes()
    _cases()
    _figures()


def _groups() -> None:
    op.create_table(
        "agent_groups",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("workspace_id", _ID, sa.ForeignKey("workspaces.id"), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("image", sa.Text, nullable=False),
        sa.Column("assign_method", sa.String(20), nullable=False),
        sa.Column("online_first", sa.Integer, nullable=False),
        sa.Column("only_own", sa.Integer, nullable=False),
        sa.Column("turns", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("workspace_id", "name"),
    )
    op.create_table(
        "agent_group_members",
        sa.Column("group_id", _ID, sa.ForeignKey("agent_groups.id"), primary_key=True),
        sa.Column("member_id", _ID, sa.ForeignKey("members.id"), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("weighting", sa.Integer, nullable=False),
    )
    op.create_table(
        "presence",
        sa.Column("member_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("online_until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "assignments",
        sa.Column("conversation_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("workspace_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger),
        sa.Column("group_id", sa.BigInteger),
        sa.Column("is_open", sa.Integer, nullable=False),
    )
    op.create_index("ix_assignments_member", "assignments", ["member_id", "is_open"])
    op.create_index("ix_assignments_group", "assignments", ["group_id", "is_open"])
    op.execute(
        "INSERT INTO assignments (conversation_id, workspace_id, member_id, is_open) "
        "SELECT id, workspace_id, member_id, CASE WHEN status = 'done' THEN 0 ELSE 1 END "
        "FROM conversations WHERE member_id IS NOT NULL"
    )


def _notes() -> None:
    op.create_table(
        "closing_notes",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("flow_id", _ID, sa.ForeignKey("flows.id"), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("require_summary", sa.Integer, nullable=False),
        sa.Column("require_attachment", sa.Integer, nullable=False),
        sa.UniqueConstraint("flow_id", "name"),
    )
    op.create_table(
        "shortcuts",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("flow_id", _ID, sa.ForeignKey("flows.id"), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.UniqueConstraint("flow_id", "name"),
    )


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("workspace_id", sa.BigInteger, nullable=False),
        sa.Column("flow_id", sa.BigInteger, nullable=False),
        sa.Column("conversation_id", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=False),
        sa.Column("closed", sa.Text, nullable=False),
    )
    op.create_index("ix_cases_flow", "cases", ["flow_id", "id"])
    op.create_index("ix_cases_flow_closed_at", "cases", ["flow_id", "closed_at", "id"])
    op.create_index("ix_cases_conversation", "cases", ["conversation_id", "id"])
    op.create_table(
        "activities",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("workspace_id", sa.BigInteger, nullable=False),
        sa.Column("flow_id", sa.BigInteger, nullable=False),
        sa.Column("conversation_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_activities_flow", "activities", ["flow_id", "created_at", "id"])
    op.create_index("ix_activities_conversation", "activities", ["conversation_id", "created_at"])
    of_somebody = sa.text("member_id IS NOT NULL")
    op.create_index(
        "ix_activities_member",
        "activities",
        ["member_id", "created_at"],
        sqlite_where=of_somebody,
        postgresql_where=of_somebody,
    )


def _figures() -> None:
    op.create_table(
        "day_figures",
        sa.Column("flow_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("member_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("node", sa.String(40), primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _FIGURES),
    )
    others = ", ".join("0" for _ in _FIGURES[1:])
    op.execute(
        f"INSERT INTO day_figures (flow_id, day, member_id, node, {', '.join(_FIGURES)}) "
        f"SELECT flow_id, created_at / {_A_DAY}, 0, '', count(*), {others} FROM conversations "
        f"GROUP BY flow_id, created_at / {_A_DAY}"
    )
