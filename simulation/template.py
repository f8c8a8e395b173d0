"""The installation that every run begins with: a company, its flow, its endpoint and its channels."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from relevo.domain.ids import ChannelId
from relevo.store import schema
from relevo.store.database import Database
from relevo.testing.builders import make_engine

FOR_NOBODY = (
    "Nobody has come yet.",
    "Nobody has said anything yet.",
    "Nobody can hear us.",
    "You are silent.",
)
"""What the bot may say while control is with the agents, as long as none of them has accepted."""
ASKS = "One moment, I ask."
"""What the bot says with each call that it makes."""
FLOW = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [agent], do: person}
  - {on: keyword, words: [later], do: later}
  - {on: keyword, words: [menu], do: menu}
  - {on: keyword, words: [order], do: order}
  - {on: default, do: answer}
subflows:
  welcome:
    - send: Hello.
  answer:
    - send: I see.
  later:
    - send: One moment.
    - wait: 3s
    - send: Here I am.
  order:
    - send: One moment, I ask.
    - http:
        url: https://shop.example.com/orders
        save: {order: id}
        timeout: 2s
        retry: {after: 1s}
        catch: {error: [{send: No.}, end]}
    - send: "Order {{ order }}."
  person:
    - send: I am getting somebody for you.
    - pause_bot:
        minutes: 1
        leave_words: [bot]
        tell: {summary: "{{ first_name }} asks", transcript: 2}
        not_accepted: {after: 4s, do: [{send: Nobody has come yet.}]}
        no_reply: {after: 9s, do: [{send: Nobody has said anything yet.}]}
        customer_silent: {after: 11s, do: [{send: You are silent.}, resume_bot]}
        platform_down: {do: [{send: Nobody can hear us.}]}
    - send: I am back.
  menu:
    - resume_bot
    - send: The menu.
"""


class Template(msgspec.Struct, frozen=True):
    """A database to copy."""

    path: Path
    channels: list[ChannelId]


def make_template(folder: Path) -> Template:
    path = folder / "template.db"
    channels = asyncio.run(_fill(path))
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE workspaces SET agent_reply_pauses_for_seconds = 20")
        file.commit()
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Template(path, channels)


async def _fill(path: Path) -> list[ChannelId]:
    database = Database(f"sqlite:///{path}")
    try:
        await schema.migrate(database)
        async with make_engine(database, flow=FLOW) as world:
            return [world.company.web.id, world.company.apichat.id]
    finally:
        await database.close()
