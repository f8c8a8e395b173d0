"""The command that looks at an installation and says what would not work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import click
import msgspec

from relevo.admin import channels
from relevo.admin.addresses import look_up
from relevo.bootstrap import media_storage
from relevo.cli.failures import explained
from relevo.cli.installation import read_settings, run
from relevo.domain.errors import Unavailable
from relevo.http_client.egress_guard import EgressGuard
from relevo.settings import Settings, secret_key
from relevo.store import directory, schema
from relevo.store.database import Database
from relevo.store.directory import Directory
from relevo.store.encryption import Cipher
from relevo.system.clock import SystemClock
from relevo.system.dns import resolve


class Finding(msgspec.Struct, frozen=True):
    """What was looked at and what about it, with a remedy where it would not work."""

    about: str
    what: str
    remedy: str = ""
    is_problem: bool = True
    """With a remedy: whether it keeps something from working, or is only good to know."""

    def __str__(self) -> str:
        if not self.remedy:
            return f"ok       {self.about}: {self.what}"
        return f"{'problem' if self.is_problem else 'note':7}  {self.about}: {self.what}; {self.remedy}"

    @property
    def is_bad(self) -> bool:
        return bool(self.remedy) and self.is_problem


@click.command()
def doctor() -> None:
    """Say what would not work here.

    Looks at settings, data folder, key, database, bucket, and where endpoints lead. Each line is ok, a note,
    or a problem with what helps; with a problem the exit code is 1.
    """
    settings = read_settings()
    findings = [Finding("settings", "all of them are understood"), *run(_everything(settings))]
    for finding in findings:
        click.echo(str(finding))
    if any(finding.is_bad for finding in findings):
        raise click.exceptions.Exit(1)


async def _everything(settings: Settings) -> list[Finding]:
    findings = [_public_url(settings), _data_folder(settings)]
    key = _key(settings)
    findings += [key] if isinstance(key, Finding) else [Finding("secret key", "it can be read")]
    database = Database(settings.database_url.reveal())
    try:
        tables = [one async for one in _database(database)]
        findings += tables
        if not isinstance(key, Finding) and not any(one.is_bad for one in tables):
            findings += await _contents(settings, database, Cipher(key))
        if settings.s3_bucket:
            findings.append(await _bucket(settings))
    finally:
        await database.close()
    return findings


def _public_url(settings: Settings) -> Finding:
    about, url = "public URL", settings.public_url
    if not url:
        remedy = "set RELEVO_PUBLIC_URL as soon as anybody else is to reach this server"
        return Finding(about, "links begin with where `relevo serve` listens", remedy, is_problem=False)
    if urlsplit(url).scheme == "http" and urlsplit(url).hostname not in ("localhost", "127.0.0.1", "::1"):
        remedy = "put it behind a reverse proxy that speaks https"
        return Finding(about, f"{url} is not encrypted", remedy, is_problem=False)
    return Finding(about, url)


def _data_folder(settings: Settings) -> Finding:
    about, folder = "data folder", settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".relevo-doctor"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        return Finding(
            about, f"{folder} cannot be written to ({error.strerror})", "change its owner, or RELEVO_DATA_DIR"
        )
    return Finding(about, f"{folder} can be written to")


async def _bucket(settings: Settings) -> Finding:
    """Whether a file can be kept there, read, and deleted."""
    about, files = "bucket", media_storage(settings, SystemClock())
    try:
        await files.keep(_PROBE, b"relevo")
        read = b"".join([piece async for piece in files.read(_PROBE, 0, 6)])
        await files.delete(_PROBE)
    except Unavailable as error:
        remedy = "check the settings that begin with RELEVO_S3_, and what the key may do"
        return Finding(about, str(error.facts["cause"]), remedy)
    finally:
        await files.close()
    if read != b"relevo":
        return Finding(about, "it gives back something else than what was put there", "ask who runs it")
    return Finding(about, f"files are kept in {settings.s3_bucket}")


_PROBE = "relevo-doctor"


def _key(settings: Settings) -> bytes | Finding:
    try:
        return secret_key(settings).reveal()
    except Exception as error:
        return _failed("secret key", error, "restore the file, or set RELEVO_SECRET_KEY")


async def _database(database: Database) -> AsyncIterator[Finding]:
    about = "database"
    try:
        revision = await schema.current_revision(database)
    except Exception as error:
        yield _failed(about, error, "check RELEVO_DATABASE_URL, and that the server runs")
        return
    yield Finding(about, "it answers")
    if revision == schema.newest_revision():
        yield Finding("tables", f"they are those of this version (migration {revision})")
    else:
        what = f"they are those of migration {revision or 'none'}, not {schema.newest_revision()}"
        yield Finding("tables", what, "run `relevo migrate`, or `relevo serve`, which does it too")


async def _contents(settings: Settings, database: Database, cipher: Cipher) -> list[Finding]:
    try:
        async with database.read() as connection:
            found = await directory.load(connection, cipher)
    except Exception as error:
        return [_failed("stored secrets", error, "use the key that they were stored with")]
    findings = [Finding("stored secrets", "they can be read with this key"), *_disabled(found)]
    guard = EgressGuard(settings.allowed_networks, resolve)
    return findings + list(
        await asyncio.gather(*(_address(guard, about, url) for about, url in _called(found)))
    )


def _disabled(found: Directory) -> Iterator[Finding]:
    for endpoint in found.endpoints.values():
        if endpoint.disabled_reason:
            remedy = "put the platform right, then enable the endpoint in the console"
            yield Finding(f"endpoint {endpoint.name}", f"it is disabled: {endpoint.disabled_reason}", remedy)


def _called(found: Directory) -> Iterator[tuple[str, str]]:
    for endpoint in found.endpoints.values():
        yield f"endpoint {endpoint.name}", endpoint.url
    for channel in found.channels.values():
        for option in channels.CALLED:
            if option in channel.config:
                yield f"channel {channel.name}", channel.config[option]


async def _address(guard: EgressGuard, about: str, url: str) -> Finding:
    finding = await look_up(guard, url)
    if finding.wrong is not None:
        return Finding(about, *finding.wrong)
    if not finding.has_address:
        return Finding(
            about, f"the host of {url} has no address now", "look for a typing mistake, or start the host"
        )
    return Finding(about, f"Relevo may connect to {url}")


def _failed(about: str, error: Exception, remedy: str) -> Finding:
    lines = explained(error)
    if lines is None:
        raise error
    return Finding(about, lines[0].rstrip(".?"), remedy)
