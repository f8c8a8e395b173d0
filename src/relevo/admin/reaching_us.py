"""Whether we are reached where the world is told that we are.

We ask ourselves by the public URL, as a vendor would, and only this installation knows the answer: another
server there, a proxy with nothing behind it, and a certificate that nobody trusts are told apart.
"""

from __future__ import annotations

from collections.abc import Generator
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from relevo.admin.changing import Means
from relevo.channels.adapter import VendorAnswer, VendorCall
from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.http_client.egress_guard import why_forbidden
from relevo.store.encryption import Cipher

PLACE = "/hooks/reached/"
"""Under it a nonce is answered; beside the hooks, so that a proxy treats it like them."""
LONGEST_NONCE = 64
_NONCE_BYTES = 24
_REMEDY = "set RELEVO_PUBLIC_URL to an https address that the whole internet reaches"


class Echo(msgspec.Struct, frozen=True):
    """What we answer: the proof that it is us, and who else it could be."""

    relevo: str = ""


class Ourselves(msgspec.Struct, frozen=True):
    """The question to ask at `public_url`, and the answer that only this installation has."""

    public_url: str
    nonce: str
    proof: str

    @property
    def url(self) -> str:
        return f"{self.public_url}{PLACE}{self.nonce}"


def ourselves(means: Means, public_url: str) -> Ourselves:
    nonce = means.chance.token(_NONCE_BYTES)
    return Ourselves(public_url, nonce, means.cipher.proof(nonce))


def echo(cipher: Cipher, nonce: str) -> bytes:
    """The answer to a nonce."""
    return msgspec.json.encode(Echo(cipher.proof(nonce)))


def why_no_vendor_comes(public_url: str) -> str:
    """Why no vendor can post to us, as far as the address tells; "": one may."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    is_public = parts.scheme == "https" and "." in host and not host.endswith((".local", ".internal"))
    return "" if is_public and not _is_private(host) else _REMEDY


def _is_private(host: str) -> bool:
    try:
        return why_forbidden(ip_address(host)) is not None
    except ValueError:
        return False


Asking = Generator[VendorCall, VendorAnswer, str]


def ask(us: Ourselves) -> Asking:
    """Ends with what is wrong with the answer; "": we have answered."""
    answer = yield VendorCall(method="GET", url=us.url)
    said = _read(answer.body)
    if said is None or not said.relevo:
        return _another_server(answer)
    if said.relevo != us.proof:
        return "another installation of Relevo answers there: one with another RELEVO_SECRET_KEY"
    return ""


def _read(body: bytes) -> Echo | None:
    try:
        return msgspec.json.decode(body, type=Echo)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _another_server(answer: VendorAnswer) -> str:
    match answer.status:
        case 301 | 302 | 303 | 307 | 308:
            place = answer.headers.get("location", "elsewhere")[:200]
            return f"it leads on to {place}, and vendors do not follow; set RELEVO_PUBLIC_URL to that"
        case 401 | 403 | 407:
            return f"something before Relevo answers {answer.status}; have it let everybody come to /hooks/"
        case 502 | 503 | 504:
            return f"a proxy answers {answer.status}: is Relevo running, and does the proxy lead to its port?"
        case status:
            name = answer.headers.get("server", "")[:60]
            return f"another server answers there ({status}{f', {name}' if name else ''}), not Relevo"


def why_not_reached(us: Ourselves, said: str | Unreachable | Forbidden) -> str:
    """What came of asking, in words for whoever sets the channel up; "": we have answered."""
    parts = urlsplit(us.public_url)
    host, port = parts.hostname or "", parts.port or 443
    match said:
        case Unreachable(reason="dns"):
            return f"the DNS knows no address of {host}; is the name right, and its record there?"
        case Unreachable(reason="refused"):
            return f"{host} refuses connections to port {port}: does the proxy, or Relevo, listen there?"
        case Unreachable(reason="connect_timeout"):
            return f"{host} does not react at port {port}: a firewall, or an address where nobody is"
        case Unreachable(reason="connect"):
            return f"no connection to {host}, port {port}, comes about"
        case Unreachable(reason="tls"):
            return (
                f"the certificate of {host} is not to be trusted: it has run out, is of another name"
                " or of nobody known, or its chain is not whole"
            )
        case Unreachable(reason="timeout"):
            return f"{host} took the connection and did not answer in time"
        case Unreachable():
            return f"{host} broke the connection off"
        case Forbidden(address=address, reason=reason):
            return (
                f"{host} leads to {address or 'an address'} from here ({reason}), which no vendor reaches;"
                " if the world sees another one, allow this one in RELEVO_ALLOWED_NETWORKS"
            )
        case str():
            return said


def hook_nonce(path: str) -> str:
    """The nonce of a path under `PLACE`; "" if there is none, or none of ours."""
    nonce = path.removeprefix(PLACE)
    is_one = 0 < len(nonce) <= LONGEST_NONCE and nonce.isascii() and "/" not in nonce
    return nonce if path.startswith(PLACE) and is_one else ""
