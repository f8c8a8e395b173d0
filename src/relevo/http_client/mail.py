"""One e-mail out, and what came of it. It goes to an address that the egress guard has checked, as every
request does."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import timedelta
from typing import Protocol

import aiosmtplib
import msgspec

from relevo.domain.deliveries import Accepted, Forbidden, Outcome, Refused, Rejected, Unreachable
from relevo.domain.emails import Mailbox, sender_address
from relevo.domain.errors import ForbiddenAddress, UnknownHost
from relevo.http_client.egress_guard import EgressGuard


class Posted(msgspec.Struct, frozen=True):
    """What came of it. `is_locked_out`: the server does not take the user name and password. `said`: its own
    words when it refused."""

    outcome: Outcome
    is_locked_out: bool = False
    said: str = ""


class Mail(Protocol):
    async def send(self, box: Mailbox, to: str, message: bytes, timeout: timedelta) -> Posted: ...  # noqa: ASYNC109


class SmtpMail:
    """Sends over SMTP. Permanent refusals (5xx) are told from temporary ones (4xx)."""

    def __init__(self, guard: EgressGuard, context: ssl.SSLContext | None = None) -> None:
        self._guard, self._context = guard, context

    async def send(self, box: Mailbox, to: str, message: bytes, timeout: timedelta) -> Posted:  # noqa: ASYNC109
        """`timeout` covers all of it."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                return await self._send(box, to, message)
        except ForbiddenAddress as error:
            return Posted(Forbidden(str(error.facts.get("address", "")), str(error.facts.get("reason", ""))))
        except UnknownHost:
            return Posted(Unreachable("dns"))
        except aiosmtplib.SMTPAuthenticationError as error:
            return Posted(Refused(error.code, reason="auth"), error.code >= 500, error.message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return Posted(_refusal(error.recipients[0]), said=error.recipients[0].message)
        except aiosmtplib.SMTPResponseException as error:
            return Posted(_refusal(error), said=error.message)
        except (TimeoutError, aiosmtplib.SMTPTimeoutError):
            return Posted(Unreachable("timeout"))
        except aiosmtplib.SMTPNotSupported:
            return Posted(Refused(502, reason="auth"), is_locked_out=True)
        except ssl.SSLError:
            return Posted(Unreachable("tls"))
        except ConnectionRefusedError:
            return Posted(Unreachable("refused"))
        except (aiosmtplib.SMTPException, OSError) as error:
            return Posted(Unreachable("tls" if isinstance(error.__cause__, ssl.SSLError) else "broken"))

    async def _send(self, box: Mailbox, to: str, message: bytes) -> Posted:
        connected = await self._connected(box)
        smtp = aiosmtplib.SMTP(
            hostname=box.host,
            sock=connected,
            use_tls=box.security == "tls",
            start_tls=box.security == "starttls",
            tls_context=self._context,
            username=box.username or None,
            password=box.password or None,
        )
        try:
            await smtp.connect()
            await smtp.sendmail(sender_address(box), [to], message)
        finally:
            smtp.close()
            connected.close()  # which it does not do itself where nothing came of connecting
        return Posted(Accepted(250))

    async def _connected(self, box: Mailbox) -> socket.socket:
        """To the very address that was looked at."""
        target = await self._guard.check(f"https://{box.host}:{box.port}")
        address = target.addresses[0]
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(made, (str(address), box.port))
        except BaseException:
            made.close()
            raise
        return made


def _refusal(error: aiosmtplib.SMTPResponseException) -> Outcome:
    if 500 <= error.code < 600:
        return Rejected(f"smtp_{error.code}")
    return Refused(error.code, reason="smtp") if error.code >= 400 else Unreachable("broken")
