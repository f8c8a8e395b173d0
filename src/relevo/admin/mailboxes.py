"""The mail server over which a workspace writes e-mails."""

from __future__ import annotations

from datetime import timedelta

from relevo.admin.addresses import Finding
from relevo.admin.changing import Action, Changing, Means, changing, reading, refuse
from relevo.domain.configuring import Wrong, check_mailbox
from relevo.domain.emails import EmailTask, Mailbox, written
from relevo.domain.errors import ForbiddenAddress, NotFound, UnknownHost
from relevo.domain.ids import WorkspaceId
from relevo.http_client.egress_guard import EgressGuard
from relevo.http_client.mail import Mail, Posted
from relevo.store import mailboxes

TRIED_FOR = timedelta(seconds=15)
"""Somebody waits for the answer."""


async def save(means: Means, workspace_id: WorkspaceId, box: Mailbox) -> Action:
    """Have e-mails go over this server from now on."""
    refuse(check_mailbox(box))
    finding = await look_up(means.guard, box)
    refuse({"host": finding.wrong} if finding.wrong else {})
    async with changing(means) as change:
        return await put(change, workspace_id, box)


async def put(change: Changing, workspace_id: WorkspaceId, box: Mailbox) -> Action:
    """The same, within a change, of a server that was looked up."""
    refuse(check_mailbox(box))
    known = change.directory.mailboxes.get(workspace_id)
    if known == box:
        return "unchanged"
    now = change.means.clock.now()
    await mailboxes.put(change.connection, change.means.cipher, workspace_id, box, now)
    return "updated" if known else "created"


async def look_up(guard: EgressGuard, box: Mailbox) -> Finding:
    """A server that may not be connected to is wrong; one without an address may have one later."""
    try:
        await guard.check(f"https://{box.host}:{box.port}")
    except ForbiddenAddress as error:
        what = f"{box.host} leads to {error.facts.get('address')}, which is {error.facts.get('reason')}"
        return Finding(Wrong(what, "use a public server, or list its network in RELEVO_ALLOWED_NETWORKS"))
    except UnknownHost:
        return Finding(has_address=False)
    return Finding()


async def remove(means: Means, workspace_id: WorkspaceId) -> None:
    """Write no e-mails any more: those that wait are parked."""
    async with changing(means) as change:
        if not await mailboxes.remove(change.connection, workspace_id):
            raise NotFound("This workspace has no mail server")


async def find(means: Means, workspace_id: WorkspaceId) -> Mailbox | None:
    return (await reading(means)).mailboxes.get(workspace_id)


async def send_test(means: Means, mail: Mail, box: Mailbox, to: str) -> Posted:
    """Write one e-mail over the server now, once, to whoever asks for it."""
    text = f"This e-mail came over {box.host}. Flows can write to your customers now.\n"
    task = EmailTask(to=to, subject="A test of Relevo", text=text)
    now = means.clock.now()
    message = written(task, box, message_id=f"test-{means.chance.token()}", now=now, unsubscribe="")
    return await mail.send(box, to, message, TRIED_FOR)
