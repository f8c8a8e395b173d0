"""The mail server over which a workspace writes e-mails."""

from __future__ import annotations

import re

from relevo.admin.changing import Means, changing, reading, refuse
from relevo.domain.configuring import Wrong, check_email
from relevo.domain.emails import Mailbox, sender_address
from relevo.domain.errors import ForbiddenAddress, NotFound, UnknownHost
from relevo.domain.ids import WorkspaceId
from relevo.store import mailboxes

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


async def put(means: Means, workspace_id: WorkspaceId, box: Mailbox) -> None:
    """Have e-mails go over this server from now on."""
    refuse(_wrongs(box))
    await _look_up(means, box)
    async with changing(means) as change:
        await mailboxes.put(change.connection, means.cipher, workspace_id, box, means.clock.now())


async def _look_up(means: Means, box: Mailbox) -> None:
    """A server that may not be connected to is refused at once; one without an address may have one later."""
    try:
        await means.guard.check(f"https://{box.host}:{box.port}")
    except ForbiddenAddress as error:
        what = f"{box.host} leads to {error.facts.get('address')}, which is {error.facts.get('reason')}"
        refuse({"host": Wrong(what, "use a public server, or list its network in RELEVO_ALLOWED_NETWORKS")})
    except UnknownHost:
        pass


async def remove(means: Means, workspace_id: WorkspaceId) -> None:
    """Write no e-mails any more: those that wait are parked."""
    async with changing(means) as change:
        if not await mailboxes.remove(change.connection, workspace_id):
            raise NotFound("This workspace has no mail server")


async def find(means: Means, workspace_id: WorkspaceId) -> Mailbox | None:
    return (await reading(means)).mailboxes.get(workspace_id)


def _wrongs(box: Mailbox) -> dict[str, Wrong]:
    wrongs: dict[str, Wrong] = {}
    if not _HOST.fullmatch(box.host):
        wrongs["host"] = Wrong(f"{box.host!r} is not the name of a server", "write one like smtp.example.com")
    if not 1 <= box.port <= 65535:
        wrongs["port"] = Wrong(f"there is no port {box.port}", "587 with starttls, or 465 with tls")
    if "\n" in box.sender or check_email(sender_address(box)):
        wrongs["sender"] = Wrong(f"{box.sender!r} is no sender", "write one like Acme <hello@example.com>")
    if box.reply_to and check_email(box.reply_to):
        wrongs["reply_to"] = Wrong(f"{box.reply_to!r} is no e-mail address", "leave it out, or correct it")
    if box.username and box.security == "none":
        wrongs["security"] = Wrong("a password would be sent for everybody to read", "use starttls or tls")
    return wrongs
