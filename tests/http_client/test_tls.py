from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from relevo.domain.deliveries import Forbidden, Unreachable
from relevo.http_client.client import Answer, HttpClient
from relevo.http_client.egress_guard import Address, EgressGuard
from relevo.testing.clock import FakeClock
from tests.http_client.loopback import Loopback

# The library asks the machine's clock whether a certificate is valid.
FROM, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)


class Authority:
    """A certificate authority of one test run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Relevo's tests")])
        self.certificate = (
            _certificate(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def server_context(self, host: str) -> ssl.SSLContext:
        """What a server needs to prove that it is `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = (
            _certificate(subject, self._name, key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self._folder / f"{host}.pem"
        file.write_bytes(_private(key) + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(FROM)
        .not_valid_after(UNTIL)
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def everything_is_here(host: str, port: int) -> Sequence[Address]:
    return [ip_address("127.0.0.1")]


def make_client(*trusted: bytes, connect_timeout: timedelta = timedelta(seconds=20)) -> HttpClient:
    guard = EgressGuard([ip_network("127.0.0.0/8")], everything_is_here)
    return HttpClient(
        guard, FakeClock().monotonic, trusted_certificates=trusted, connect_timeout=connect_timeout
    )


async def post(http: HttpClient, desk: Loopback) -> Answer | Unreachable | Forbidden:
    try:
        url = f"https://desk.test:{desk.port}/"
        return await http.request("POST", url, {}, b"{}", timedelta(seconds=20))
    finally:
        await http.close()


async def test_a_server_proves_the_name_although_its_address_is_given(authority: Authority) -> None:
    async with Loopback(tls=authority.server_context("desk.test")) as desk:
        outcome = await post(make_client(authority.pem), desk)

    assert isinstance(outcome, Answer)
    assert outcome.address == "127.0.0.1"


async def test_a_certificate_for_another_name_is_not_accepted(authority: Authority) -> None:
    async with Loopback(tls=authority.server_context("other.test")) as desk:
        outcome = await post(make_client(authority.pem), desk)

    assert outcome == Unreachable("tls")
    assert desk.requests == []


async def test_a_certificate_of_an_unknown_authority_is_not_accepted(authority: Authority) -> None:
    async with Loopback(tls=authority.server_context("desk.test")) as desk:
        outcome = await post(make_client(), desk)

    assert outcome == Unreachable("tls")
    assert desk.requests == []


class Plain(Loopback):
    """Takes a connection and hangs up."""

    async def _answer_next(self, reader: object, writer: object) -> bool:
        return False


class Silent(Loopback):
    """Takes a connection and says nothing."""

    async def _answer_next(self, reader: asyncio.StreamReader, writer: object) -> bool:
        return bool(await reader.read())


async def test_a_server_without_tls_is_told_apart_from_one_that_is_not_there() -> None:
    async with Plain() as desk:
        assert await post(make_client(), desk) == Unreachable("tls")

    assert await post(make_client(), desk) == Unreachable("connect")


async def test_a_handshake_that_takes_too_long_is_no_connection() -> None:
    async with Silent() as desk:
        http = make_client(connect_timeout=timedelta(milliseconds=150))

        assert await post(http, desk) == Unreachable("connect")
