"""Everything that an operator decides with environment variables: one table, read once.

A new setting is a row of `SETTINGS`, a field of `Settings` of the same name in lower case without
`RELEVO_`, and a section of docs/reference/settings.md. Add one only where an operator can
meaningfully have an opinion.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from relevo.system import secret_file

PREFIX = "RELEVO_"
SERVED_AT = "served-at"
"""A file of the data folder: the URL under which the server was started last, where none is set."""

SECRET_KEY_FILE = "secret.key"
SECRET_KEY_BYTES = 32

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LogLevel = Literal["debug", "info", "warning", "error"]
S3Address = Literal["path", "host"]
LogFormat = Literal["auto", "console", "json"]

T = TypeVar("T")


class SettingsError(Exception):
    """The settings cannot be used. `problems` has a sentence for each mistake: all of them, at once."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class Secret(Generic[T]):
    """A value that no log, error or page shows by accident: only `reveal` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "***"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table.

    `default` is written as an operator would write it; "" means none, or what `help` says.
    `parse` raises ValueError with what would be right; `show` writes what it can read.
    A `dangerous` setting opens a door.
    """

    name: str
    parse: Callable[[str], object]
    default: str
    help: str
    show: Callable[[Any], str] = str
    secret: bool = False
    dangerous: bool = False

    @property
    def field(self) -> str:
        return self.name.removeprefix(PREFIX).lower()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process, read and checked."""

    database_url: Secret[str]
    data_dir: Path
    public_url: str
    secret_key: Secret[bytes] | None
    allowed_networks: tuple[Network, ...]
    webhook_timeout: timedelta
    attempt_retention: timedelta
    work_retention: timedelta | None
    disable_failing_after: timedelta | None
    max_body: int
    max_upload: int
    rate_limit: int
    inbound_rate_limit: int
    s3_bucket: str
    s3_endpoint: str
    s3_region: str
    s3_access_key_id: str
    s3_secret_access_key: Secret[str]
    s3_address: S3Address
    trusted_proxies: tuple[Network, ...]
    log_level: LogLevel
    log_format: LogFormat


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings. An empty value counts as none. Raises SettingsError with every problem found."""
    problems = [
        _unknown(name) for name in sorted(environ) if name.startswith(PREFIX) and name not in _BY_NAME
    ]
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text = environ.get(setting.name, "").strip() or setting.default
        try:
            values[setting.field] = setting.parse(text)
        except ValueError as wrong:
            shown = "***" if setting.secret else repr(text)
            problems.append(f"{setting.name} is {shown}: {wrong}")
    problems += _incomplete(values)
    if problems:
        raise SettingsError(problems)
    return _completed(Settings(**values))


def secret_key(settings: Settings) -> Secret[bytes]:
    """The key that protects stored secrets: the one set, or the data folder's, made on the first start.

    Raises SettingsError when the file holds something else, OSError when it can be neither read nor made.
    """
    if settings.secret_key is not None:
        return settings.secret_key
    path = settings.data_dir / SECRET_KEY_FILE
    try:
        return Secret(_key_bytes(secret_file.read_or_make(path)))
    except ValueError as wrong:
        raise SettingsError([f"The file {path} holds no usable key: {wrong}"]) from None


def shown(setting: Setting, settings: Settings) -> str:
    """The value of a setting for a person to read; secrets as ***."""
    value = getattr(settings, setting.field)
    return "" if value is None and not setting.default else setting.show(value)


def _completed(settings: Settings) -> Settings:
    """With the defaults that follow from other settings."""
    if settings.database_url.reveal():
        return settings
    path = settings.data_dir / "relevo.db"
    return msgspec.structs.replace(settings, database_url=Secret(f"sqlite:///{path}"))


def _incomplete(values: Mapping[str, Any]) -> list[str]:
    """What a bucket cannot do without."""
    needed = ("s3_access_key_id", "s3_secret_access_key")
    if not values.get("s3_bucket"):
        return []
    names = [f"{PREFIX}{field.upper()}" for field in needed if values.get(field) in ("", Secret(""))]
    return [f"RELEVO_S3_BUCKET needs {' and '.join(names)} as well."] if names else []


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.upper(), _BY_NAME, n=1, cutoff=0.0)
    return f"{name} is not a setting of Relevo. Did you mean {near[0]}? `relevo settings` lists all of them."


# From text to value. Each raises ValueError with a sentence that says what would be right.


def _database_url(text: str) -> Secret[str]:
    scheme, separator, _ = text.partition("://")
    if text and scheme not in ("sqlite", "postgresql", "postgres"):
        begins = f"it begins with {scheme}:// and" if separator else "it"
        raise ValueError(f"{begins} must begin with sqlite:/// (and a path) or postgresql://")
    if scheme == "sqlite" and not text.removeprefix("sqlite://").startswith("/"):
        raise ValueError("a SQLite file is written sqlite:///relative/path or sqlite:////absolute/path")
    return Secret("postgresql" + text.removeprefix("postgres") if scheme == "postgres" else text)


def _folder(text: str) -> Path:
    return Path(text).expanduser()


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("it must be a whole address, as in https://chat.example.com")
    if parts.query or parts.fragment or parts.username:
        raise ValueError("it must have no ?…, no #… and no user name")
    _ = parts.port  # raises ValueError for one that cannot be
    return text.rstrip("/")


def _masked(secret: Secret[str]) -> str:
    return str(secret) if secret.reveal() else ""


def _bucket(text: str) -> str:
    if text and not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*", text):
        raise ValueError("it must be the name of a bucket, and a folder if you like, as in acme-relevo/media")
    return text


def _s3_endpoint(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/")):
        raise ValueError("it must be an address without a path, as in https://minio.internal:9000")
    return text.rstrip("/")


def _secret_key(text: str) -> Secret[bytes] | None:
    return Secret(_key_bytes(text)) if text else None


def _key_bytes(text: str) -> bytes:
    """Hex when it is nothing but hex digits; else base64, plain or URL-safe, padded or not."""
    try:
        key = bytes.fromhex(text) if re.fullmatch(r"([0-9a-fA-F]{2})+", text) else _from_base64(text)
    except binascii.Error:
        raise ValueError("it must be hex or base64") from None
    if len(key) < SECRET_KEY_BYTES:
        raise ValueError(
            f"it has {len(key)} bytes and needs {SECRET_KEY_BYTES}; `openssl rand -hex 32` makes one"
        )
    return key


def _from_base64(text: str) -> bytes:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(_network(item.strip()) for item in text.split(",") if item.strip())


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as wrong:
        raise ValueError(f"{wrong}; write networks as 10.1.0.0/16, fd00::/8 or 192.0.2.7") from None


def _networks_text(networks: tuple[Network, ...]) -> str:
    return ", ".join(str(network) for network in networks)


_SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*(ms|s|min|h|d)", text)
    if match is None or float(match[1]) == 0:
        raise ValueError("it must be a number above 0 with its unit (ms, s, min, h or d), as in 15s or 30d")
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def _duration_text(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    unit = next(unit for unit, size in reversed(_SECONDS.items()) if seconds >= size and seconds % size == 0)
    return f"{seconds / _SECONDS[unit]:g}{unit}"


def _duration_or_never(text: str) -> timedelta | None:
    return None if text.lower() == "never" else _duration(text)


def _duration_or_never_text(duration: timedelta | None) -> str:
    return "never" if duration is None else _duration_text(duration)


_BYTES = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3}


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d{1,12})\s*(B|KB|MB|GB)", text.upper())
    if match is None or int(match[1]) == 0:
        raise ValueError("it must be a whole number above 0 with its unit (B, KB, MB or GB), as in 25MB")
    return int(match[1]) * _BYTES[match[2]]


def _size_text(size: int) -> str:
    unit = next(unit for unit, factor in reversed(_BYTES.items()) if size % factor == 0)
    return f"{size // _BYTES[unit]}{unit}"


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,12}", text):
        raise ValueError("it must be a whole number, 0 or above")
    return int(text)


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"it must be one of {', '.join(choices)}")
        return text.lower()

    return parse


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="RELEVO_DATABASE_URL",
        parse=_database_url,
        default="",
        help="Where everything is stored: `sqlite:///relevo.db` or `postgresql://user:password@host/name`. "
        "Without it, the SQLite file `relevo.db` in the data folder.",
        secret=True,
    ),
    Setting(
        name="RELEVO_DATA_DIR",
        parse=_folder,
        default="./relevo-data",
        help="The data folder: the SQLite database, files and the secret key. Made on the first start.",
    ),
    Setting(
        name="RELEVO_PUBLIC_URL",
        parse=_public_url,
        default="",
        help="The address under which customers, vendors and your platform reach this server; links and hook "
        "addresses begin with it. Without it, `http://` and the host and port of `relevo serve`.",
    ),
    Setting(
        name="RELEVO_SECRET_KEY",
        parse=_secret_key,
        default="",
        help="At least 32 bytes in hex or base64 that encrypt stored secrets and sign links. Without it, the "
        "key in `secret.key` in the data folder, made on the first start. All processes on one database "
        "need the same key.",
        secret=True,
    ),
    Setting(
        name="RELEVO_ALLOWED_NETWORKS",
        parse=_networks,
        show=_networks_text,
        default="",
        help="Private networks that webhooks and flow calls may reach nevertheless, as in "
        "`10.1.0.0/16, ::1/128`. Whoever may edit an endpoint or a flow can then send requests there.",
        dangerous=True,
    ),
    Setting(
        name="RELEVO_WEBHOOK_TIMEOUT",
        parse=_duration,
        show=_duration_text,
        default="15s",
        help="How long an attempt at a webhook or a vendor's API may take, connecting included.",
    ),
    Setting(
        name="RELEVO_ATTEMPT_RETENTION",
        parse=_duration,
        show=_duration_text,
        default="30d",
        help="How long finished deliveries keep their attempts, with what was sent and answered.",
    ),
    Setting(
        name="RELEVO_WORK_RETENTION",
        parse=_duration_or_never,
        show=_duration_or_never_text,
        default="never",
        help="When closed cases and the activity log of agents are forgotten: so long after. "
        "The figures of days, and messages, stay.",
    ),
    Setting(
        name="RELEVO_DISABLE_FAILING_AFTER",
        parse=_duration_or_never,
        show=_duration_or_never_text,
        default="5d",
        help="An endpoint that has failed for so long, without one success, is disabled; what waits for it "
        "is parked. `never` leaves it to people.",
    ),
    Setting(
        name="RELEVO_MAX_BODY",
        parse=_size,
        show=_size_text,
        default="1MB",
        help="The largest request that the API and the hooks take; a larger one is answered 413.",
    ),
    Setting(
        name="RELEVO_MAX_UPLOAD",
        parse=_size,
        show=_size_text,
        default="25MB",
        help="The largest file that a customer or an agent may send, and that is fetched from a vendor.",
    ),
    Setting(
        name="RELEVO_RATE_LIMIT",
        parse=_count,
        default="36000",
        help="API requests that one token may make in an hour; more are answered 429. 0 means no limit.",
    ),
    Setting(
        name="RELEVO_INBOUND_RATE_LIMIT",
        parse=_count,
        default="36000",
        help="Requests that one inbound webhook takes in an hour; more are answered 429. 0 means no limit.",
    ),
    Setting(
        name="RELEVO_S3_BUCKET",
        parse=_bucket,
        default="",
        help="Where files of customers and agents are kept instead of in the data folder: a bucket of S3, or "
        "of what speaks like it, and a folder in it if you like, as in `acme-relevo/media`. Several servers "
        "on one database need it. Files of the data folder have to be copied there, under the same names.",
    ),
    Setting(
        name="RELEVO_S3_ENDPOINT",
        parse=_s3_endpoint,
        default="",
        help="Where the bucket's service answers, as in `https://minio.internal:9000`; it may have a private "
        "address. Without it, Amazon's of the region.",
    ),
    Setting(
        name="RELEVO_S3_REGION",
        parse=str,
        default="us-east-1",
        help="The bucket's region. Services with only one take any, or call it `auto`.",
    ),
    Setting(
        name="RELEVO_S3_ACCESS_KEY_ID",
        parse=str,
        default="",
        help="The id of the key to the bucket. It must be allowed to get, put and delete objects, and to "
        "abort multipart uploads.",
    ),
    Setting(
        name="RELEVO_S3_SECRET_ACCESS_KEY",
        parse=Secret,
        show=_masked,
        default="",
        help="The key itself.",
        secret=True,
    ),
    Setting(
        name="RELEVO_S3_ADDRESS",
        parse=_one_of("path", "host"),
        default="path",
        help="Where the bucket's name stands: `path`, as in `https://host/bucket/…`, or `host`, as in "
        "`https://bucket.host/…`.",
    ),
    Setting(
        name="RELEVO_TRUSTED_PROXIES",
        parse=_networks,
        show=_networks_text,
        default="",
        help="The networks of your reverse proxies. Only from there are `X-Forwarded-For` and "
        "`X-Forwarded-Proto` believed; whoever sends from there can claim any address.",
        dangerous=True,
    ),
    Setting(
        name="RELEVO_LOG_LEVEL",
        parse=_one_of("debug", "info", "warning", "error"),
        default="info",
        help="The least important line that is logged: `debug`, `info`, `warning` or `error`.",
    ),
    Setting(
        name="RELEVO_LOG_FORMAT",
        parse=_one_of("auto", "console", "json"),
        default="auto",
        help="`console` for people, `json` for machines, or `auto`: `console` in a terminal, else `json`.",
    ),
)

_BY_NAME = {setting.name: setting for setting in SETTINGS}
