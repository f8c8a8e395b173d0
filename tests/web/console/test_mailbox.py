"""The mail server in the console: set, tried, removed; the password is never shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from email import message_from_bytes, policy

import msgspec
import pytest

from relevo.admin.changing import reading
from relevo.domain.deliveries import Accepted, Forbidden, Refused, Rejected, Unreachable
from relevo.domain.emails import Mailbox
from relevo.http_client.mail import Posted
from relevo.testing.builders import World
from relevo.web.services import Services
from tests.web.console.browsing import Browser, means_of

PASSWORD = "p4ss-w0rd"
FORM = {
    "host": "desk.example.com",
    "port": "465",
    "security": "tls",
    "username": "acme",
    "password": PASSWORD,
    "sender": "Acme <hello@acme.example>",
    "reply_to": "help@acme.example",
}
BOX = Mailbox(
    host="desk.example.com",
    port=465,
    security="tls",
    username="acme",
    password=PASSWORD,
    sender="Acme <hello@acme.example>",
    reply_to="help@acme.example",
)


class FakeMail:
    def __init__(self) -> None:
        self.answer = Posted(Accepted(250))
        self.sent: list[tuple[Mailbox, str, bytes]] = []

    async def send(self, box: Mailbox, to: str, message: bytes, timeout: timedelta) -> Posted:  # noqa: ASYNC109
        self.sent.append((box, to, message))
        return self.answer


@pytest.fixture
def database_kind() -> str:
    """What is stored is tested elsewhere, on both databases."""
    return "sqlite"


@pytest.fixture
def mail() -> FakeMail:
    return FakeMail()


@pytest.fixture
def services(services: Services, mail: FakeMail) -> Services:
    return msgspec.structs.replace(services, mail=mail)


async def kept(services: Services, world: World) -> Mailbox | None:
    found = await reading(means_of(services))
    return found.mailboxes.get(world.company.workspace.id)


def changed(**fields: str) -> Mapping[str, str]:
    return {**FORM, **fields}


async def test_a_server_is_set_and_shown_without_its_password(
    browser: Browser, services: Services, world: World
) -> None:
    assert "Send a test e-mail" not in (await browser.get("/console/email")).text

    page = await browser.follow(await browser.send("/console/email", FORM))

    assert await kept(services, world) == BOX
    assert "E-mails go over desk.example.com now." in page.text
    assert page.field("host").get("value") == "desk.example.com"
    assert page.main.one("input", name="security", checked="").get("value") == "tls"
    assert PASSWORD not in page.html


async def test_a_password_that_is_not_written_stays_for_the_same_server_alone(
    browser: Browser, services: Services, world: World
) -> None:
    await browser.send("/console/email", FORM)

    await browser.send("/console/email", changed(password="", sender="hi@acme.example"))
    elsewhere = await browser.send("/console/email", changed(password="", host="other.example.com"))

    assert elsewhere.problems == ["The password is missing; write it, or leave the user name out."]
    assert await kept(services, world) == msgspec.structs.replace(BOX, sender="hi@acme.example")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        (
            "host",
            "smtp example",
            '"smtp example" is not the name of a server; write one like smtp.example.com.',
        ),
        ("host", "inside.example.com", "inside.example.com leads to 10.0.0.5, which is"),
        ("port", "0", "There is no port 0; use 587 with starttls, or 465 with tls."),
        ("port", "many", "There is no port 0; use 587"),
        ("security", "none", "The password would be sent for everybody to read; use starttls or tls."),
        ("sender", "Acme", '"Acme" is no sender; write one like Acme <hello@example.com>.'),
        ("reply_to", "help", '"help" is not an e-mail address'),
    ],
)
async def test_a_mistake_stands_beside_its_field(
    browser: Browser, services: Services, world: World, field: str, value: str, says: str
) -> None:
    page = await browser.send("/console/email", changed(**{field: value}))

    assert page.status == 422
    assert page.problems[0].startswith(says)
    assert PASSWORD not in page.html
    assert await kept(services, world) is None


async def test_a_test_goes_to_whoever_asks_for_it_over_the_server_that_is_set(
    browser: Browser, mail: FakeMail, world: World
) -> None:
    await browser.send("/console/email", FORM)

    page = await browser.follow(await browser.send("/console/email/test"))

    ((box, to, raw),) = mail.sent
    message = message_from_bytes(raw, policy=policy.default)
    assert (box, to) == (BOX, world.company.owner.email)
    assert message["To"] == to
    assert "List-Unsubscribe" not in message
    assert f"desk.example.com has taken the e-mail to {to}." in page.text
    assert page.main.all("div", class_="notice notice-ok")


@pytest.mark.parametrize(
    ("posted", "says"),
    [
        (
            Posted(Refused(535, reason="auth"), is_locked_out=True, said="5.7.8 no"),
            "desk.example.com does not accept the user name and password. It said: “5.7.8 no”",
        ),
        (Posted(Refused(451, reason="smtp")), "does not take the e-mail to olga@example.com now (451)."),
        (Posted(Rejected("smtp_550")), "refused the e-mail to olga@example.com for good (550)."),
        (
            Posted(Forbidden("10.0.0.5", "private")),
            "does not connect to desk.example.com: 10.0.0.5 is private.",
        ),
        (Posted(Unreachable("dns")), "could not be reached: no server has this name."),
        (Posted(Unreachable("timeout")), "nothing answered on the port within 15 seconds."),
        (Posted(Unreachable("tls")), "the encryption failed;"),
        (Posted(Unreachable("broken")), "no connection could be made, or it broke;"),
    ],
)
async def test_what_did_not_work_is_said_with_what_to_look_at(
    browser: Browser, mail: FakeMail, posted: Posted, says: str
) -> None:
    await browser.send("/console/email", FORM)
    mail.answer = posted

    page = await browser.follow(await browser.send("/console/email/test"))

    assert says in page.text
    assert page.main.all("div", class_="notice notice-bad")


async def test_a_server_that_is_removed_is_gone(browser: Browser, services: Services, world: World) -> None:
    await browser.send("/console/email", FORM)

    page = await browser.follow(await browser.send("/console/email/remove"))

    assert await kept(services, world) is None
    assert "The mail server is removed." in page.text
    assert (await browser.send("/console/email/remove")).status == 404
    assert (await browser.send("/console/email/test")).status == 404
