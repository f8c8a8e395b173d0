"""Integrations → Email: the mail server over which flows and the API write to customers."""

from __future__ import annotations

from typing import Any, cast, get_args

import msgspec
from litestar import Response, get, post

from relevo.admin import mailboxes
from relevo.domain.emails import Mailbox, Security
from relevo.domain.errors import InvalidInput, NotFound
from relevo.web.console import forms, words
from relevo.web.console.forms import Form
from relevo.web.console.notices import Notice
from relevo.web.console.visits import Page, TheVisit, Visit

LONGEST_SAID = 300
"""Of what a server says, this is shown."""


@get("/email")
async def show(visit: TheVisit) -> Page:
    return _page(visit, _filled(_box(visit)))


def _box(visit: Visit) -> Mailbox | None:
    return visit.directory.mailboxes.get(visit.workspace_id)


def _filled(box: Mailbox | None) -> Form:
    if box is None:
        return forms.filled(port="587", security="starttls")
    return forms.filled(
        host=box.host,
        port=str(box.port),
        security=box.security,
        username=box.username,
        sender=box.sender,
        reply_to=box.reply_to,
    )


def _page(visit: Visit, form: Form, status: int = 200) -> Page:
    return visit.page("mailbox.html", title="Email", status=status, form=form, box=_box(visit))


@post("/email")
async def save(visit: TheVisit) -> Response[Any]:
    form = await visit.form()
    try:
        await mailboxes.save(visit.means, visit.workspace_id, _wanted(form, _box(visit)))
    except InvalidInput as error:
        return _page(visit, form.refused(error), status=422)
    what = f"E-mails go over {form.get('host')} now. Send yourself one to see whether they do."
    return visit.go("/console/email", what)


def _wanted(form: Form, known: Mailbox | None) -> Mailbox:
    """A password that is not written is the one that is set, as long as it goes to the same server."""
    security = form.get("security")
    box = Mailbox(
        host=form.get("host"),
        port=form.number("port") or 0,
        security=cast(Security, security) if security in get_args(Security) else "starttls",
        username=form.get("username"),
        password=form.raw("password") if form.get("username") else "",
        sender=form.get("sender"),
        reply_to=form.get("reply_to"),
    )
    if known is not None and not box.password and _is_same_account(box, known):
        return msgspec.structs.replace(box, password=known.password)
    return box


def _is_same_account(one: Mailbox, other: Mailbox) -> bool:
    return (one.host, one.port, one.username) == (other.host, other.port, other.username)


@post("/email/test")
async def send_test(visit: TheVisit) -> Response[Any]:
    box, mail, to = _box(visit), visit.services.mail, visit.member.email
    if box is None or mail is None:
        raise NotFound("This workspace has no mail server")
    posted = await mailboxes.send_test(visit.means, mail, box, to)
    is_taken = words.is_success(posted.outcome)
    said = f" It said: “{posted.said[:LONGEST_SAID]}”" if posted.said else ""
    text = words.posted(posted, box, to) + said
    return visit.go("/console/email", Notice(text, "ok" if is_taken else "bad"))


@post("/email/remove")
async def remove(visit: TheVisit) -> Response[Any]:
    await mailboxes.remove(visit.means, visit.workspace_id)
    return visit.go("/console/email", "The mail server is removed. No e-mails are written any more.")
