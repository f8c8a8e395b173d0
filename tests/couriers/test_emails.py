"""E-mails: what is sent, what is tried again, and who gets none."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from relevo.domain.deliveries import Accepted, Outcome, Refused, Rejected, Unreachable
from relevo.domain.emails import Mailbox, unsubscribe_url, who_unsubscribes
from relevo.domain.events import AgentReplied, ByConversation, EmailTold, SubscriberChanged
from relevo.domain.flows.runs import OptsOut
from relevo.domain.messages import Text
from relevo.domain.subscribers import Profile
from relevo.http_client.mail import Posted
from relevo.store import mailboxes, problems
from relevo.store.database import Database
from relevo.testing.builders import PUBLIC_URL
from tests.couriers.carrying import Carrying, carrying

FLOW = """\
version: 1
flow: support
start: welcome
triggers:
  - {on: keyword, words: [order], do: order}
subflows:
  welcome: [{send: Hello.}]
  order:
    - email:
        subject: "Order\\n{{ last_input }}"
        text: "Hello {{ first_name }}!"
        reply_to: orders@acme.example
    - send: You have mail.
"""
BOX = Mailbox(
    host="smtp.acme.example", username="acme", password="p4ss-w0rd", sender="Acme <hi@acme.example>"
)


class FakeMail:
    """A mail server that answers from a row, and then takes everything."""

    def __init__(self, *answers: Outcome, is_locked_out: bool = False) -> None:
        self.answers = list(answers)
        self.is_locked_out = is_locked_out
        self.sent: list[tuple[str, bytes]] = []

    async def send(self, box: Mailbox, to: str, message: bytes, timeout: timedelta) -> Posted:  # noqa: ASYNC109
        assert box == BOX
        self.sent.append((to, message))
        outcome = self.answers.pop(0) if self.answers else Accepted(250)
        return Posted(outcome, is_locked_out=self.is_locked_out)

    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(one, policy=policy.default) for _, one in self.sent]


async def ordering(
    here: Carrying, email: str = "ana@example.com", box: Mailbox | None = BOX
) -> ByConversation:
    world = here.world
    if box is not None:
        async with world.database.write() as connection:
            of = world.company.workspace.id
            await mailboxes.put(connection, world.cipher, of, box, world.clock.now())
        await world.catalog.refresh(at_once=True)
    to = ByConversation((await world.says("Hello")).conversation_id)
    await world.submit(SubscriberChanged(to=to, profile=Profile(email=email)))
    await world.says("order 7")
    await here.settle_down()
    return to


async def reported(here: Carrying) -> list[str]:
    async with here.world.database.read() as connection:
        rows = await problems.listing(connection, here.world.company.workspace.id, limit=50)
    return [row.code for row in rows]


async def test_an_email_is_written_over_the_workspaces_server(database: Database) -> None:
    mail = FakeMail()
    async with carrying(database, flow=FLOW, mail=mail) as here:
        to = await ordering(here)

        (message,) = mail.messages()
        assert mail.sent[0][0] == message["To"] == "ana@example.com"
        assert message["From"] == "Acme <hi@acme.example>"
        assert message["Subject"] == "Order order 7"
        assert message["Reply-To"] == "orders@acme.example"
        assert message.get_content().strip() == "Hello Ana!"
        link = unsubscribe_url(PUBLIC_URL, to.id, b"unsubscribe")
        assert message["List-Unsubscribe"] == f"<{link}>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert who_unsubscribes(link.rpartition("/")[2], b"unsubscribe") == to.id
        (row,) = await here.rows("email")
        assert row.state == "done"


@pytest.mark.parametrize(
    ("answers", "sent", "state", "reason"),
    [
        ([Refused(451, reason="smtp")], 2, "done", ""),
        ([Unreachable("timeout"), Unreachable("dns")], 3, "done", ""),
        ([Rejected("smtp_550")], 1, "given_up", "smtp_550"),
        ([Refused(421)] * 9, 6, "parked", "schedule_exhausted"),
    ],
)
async def test_what_is_refused_for_now_is_tried_again(
    database: Database, answers: list[Outcome], sent: int, state: str, reason: str
) -> None:
    mail = FakeMail(*answers)
    async with carrying(database, flow=FLOW, mail=mail) as here:
        await ordering(here)
        for _ in range(7):
            await here.later(timedelta(hours=10))

        (row,) = await here.rows("email")
        assert (len(mail.sent), row.state, row.reason) == (sent, state, reason)
        assert len({one["Message-ID"] for one in mail.messages()}) == 1


async def test_wrong_credentials_and_no_server_park_what_waits(database: Database) -> None:
    mail = FakeMail(Refused(535, reason="auth"), is_locked_out=True)
    async with carrying(database, flow=FLOW, mail=mail) as here:
        await ordering(here, box=None)
        await ordering(here)

        rows = await here.rows("email")
        assert [(row.state, row.reason) for row in rows] == [("parked", "no_mailbox"), ("parked", "auth")]


async def test_whoever_wants_no_emails_gets_none(database: Database) -> None:
    """Neither what is written from then on, nor what waits for its retry."""
    mail = FakeMail(Refused(451))
    async with carrying(database, flow=FLOW, mail=mail) as here:
        to = await ordering(here)
        await here.world.submit(SubscriberChanged(to=to, acts=(OptsOut("email"),)))
        await here.world.submit(EmailTold(to=to, subject="News", text="There is more."))
        await here.later(timedelta(hours=1))

        assert len(mail.sent) == 1
        (row,) = await here.rows("email")
        assert (row.state, row.reason) == ("given_up", "opted_out")
        assert await reported(here) == ["email_refused"]


async def test_a_flow_writes_nothing_while_an_agent_has_control(database: Database) -> None:
    mail = FakeMail()
    waiting = FLOW.replace("    - email", "    - wait: 1m\n    - email")
    async with carrying(database, flow=waiting, mail=mail) as here:
        to = await ordering(here)
        await here.world.submit(AgentReplied(to=to, contents=(Text("I am Luis."),)))
        await here.later(timedelta(hours=1))
        assert mail.sent == []

        await here.world.submit(EmailTold(to=to, subject="News", text="By the platform."))
        await here.settle_down()
        assert len(mail.sent) == 1


async def test_nobody_to_write_to_is_told(database: Database) -> None:
    async with carrying(database, flow=FLOW, mail=FakeMail()) as here:
        to = await ordering(here, email="")
        await here.world.submit(EmailTold(to=to, subject="News", text="x"))

        assert await here.rows("email") == []
        assert await reported(here) == ["no_email_address"] * 2


def test_a_link_that_was_changed_is_nobodys() -> None:
    token = unsubscribe_url("", ByConversation(7).id, b"key").rpartition("/")[2]  # type: ignore[arg-type]

    assert who_unsubscribes(token, b"key") == 7
    for wrong in (token.replace("7-", "8-"), token[:-1], "7-", "x", "", "-", "7-ü", "٣-x"):
        assert who_unsubscribes(wrong, b"key") is None
