"""The composition root: settings in, a running server out. No decisions are made here."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvicorn
import uvloop

from relevo import logs
from relevo.couriers.channel import ChannelCourier
from relevo.couriers.couriers import Couriers
from relevo.couriers.media import MediaCourier
from relevo.couriers.webhook import WebhookCourier
from relevo.couriers.whispers import Whisperer
from relevo.domain.deliveries import Delivery, Exchange, Outcome
from relevo.domain.ids import EndpointId
from relevo.domain.workspaces import Endpoint
from relevo.engine.catalog import Catalog
from relevo.engine.engine import Engine
from relevo.engine.housekeeping import Housekeeping
from relevo.engine.hub import Hub
from relevo.engine.materials import Workshop
from relevo.engine.timers import Timers
from relevo.http_client.client import HttpClient
from relevo.http_client.egress_guard import EgressGuard
from relevo.settings import SERVED_AT, Settings, secret_key
from relevo.store import directory, schema
from relevo.store.database import Database
from relevo.store.encryption import Cipher
from relevo.store.ids import IdBlocks
from relevo.system.chance import SystemChance
from relevo.system.clock import SystemClock
from relevo.system.dns import resolve
from relevo.system.media_files import MediaFiles
from relevo.web.app import create_app
from relevo.web.services import Edge, Services, TryEndpoint

log = structlog.get_logger()

DRAIN_FOR = timedelta(seconds=8)
"""How long attempts in flight may take to end when the server stops."""


class AlreadyRunning(Exception):
    """Another relevo process works on this database. SQLite takes one; use PostgreSQL for more."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A server's parts, running."""

    services: Services
    couriers: Couriers
    timers: Timers
    tasks: tuple[asyncio.Task[None], ...]

    def is_well(self) -> bool:
        """Whether every loop still runs."""
        return not any(task.done() for task in self.tasks)


@asynccontextmanager
async def running(
    settings: Settings, *, public_url: str = "", is_demo: bool = False
) -> AsyncIterator[Running]:
    """Everything but the HTTP edge, from migrations to couriers; drains and stops at the end."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url.reveal())
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        if database.is_sqlite:
            stack.enter_context(_only_process(settings.data_dir))
        await schema.migrate(database)
        parts = _assemble(settings, database, public_url or settings.public_url, is_demo=is_demo)
        stack.push_async_callback(parts.http.close)
        yield await _start(parts, stack)


class _Parts(msgspec.Struct, frozen=True):
    services: Services
    couriers: Couriers
    timers: Timers
    housekeeping: Housekeeping
    http: HttpClient


def _assemble(settings: Settings, database: Database, public_url: str, *, is_demo: bool) -> _Parts:
    key = secret_key(settings).reveal()
    clock = SystemClock()
    chance = SystemChance(clock)
    cipher, hub, ids = Cipher(key), Hub(), IdBlocks(database)
    catalog = Catalog(database, cipher, clock)
    guard = EgressGuard(settings.allowed_networks, resolve)
    http = HttpClient(guard, clock.monotonic)
    media_key = _derive(key, "media")
    files = MediaFiles(settings.data_dir / "media")
    webhook = WebhookCourier(catalog=catalog, http=http, clock=clock, timeout=settings.webhook_timeout)
    couriers = Couriers(
        couriers={
            "endpoint": webhook,
            "channel": ChannelCourier(
                catalog=catalog, http=http, clock=clock, timeout=settings.webhook_timeout
            ),
            "media": MediaCourier(
                http=http, database=database, keeper=files, clock=clock, limit=settings.max_upload
            ),
        },
        database=database,
        hub=hub,
        clock=clock,
        chance=chance,
        disable_endpoint=_disabler(database, catalog),
        whisper=Whisperer(catalog=catalog, http=http, clock=clock, chance=chance),
        alone=database.is_sqlite,
    )
    engine = Engine(
        database=database,
        catalog=catalog,
        workshop=Workshop(ids=ids, chance=chance, public_url=lambda: public_url, media_key=media_key),
        ids=ids,
        carriers=couriers,
        hub=hub,
        clock=clock,
        chance=chance,
    )
    couriers.recorder = engine
    services = Services(
        edge=Edge(
            public_url=public_url,
            max_body=settings.max_body,
            max_upload=settings.max_upload,
            rate_limit=settings.rate_limit,
            trusted_proxies=settings.trusted_proxies,
        ),
        database=database,
        cipher=cipher,
        catalog=catalog,
        engine=engine,
        hub=hub,
        guard=guard,
        clock=clock,
        chance=chance,
        media_folder=settings.data_dir / "media",
        media_key=media_key,
        visitor_key=_derive(key, "visitor"),
        cookie_key=_derive(key, "cookie"),
        is_demo=is_demo,
        try_endpoint=_trier(webhook),
    )
    return _Parts(
        services,
        couriers,
        Timers(engine=engine, database=database, clock=clock),
        Housekeeping(database=database, clock=clock, retention=settings.attempt_retention),
        http,
    )


async def _start(parts: _Parts, stack: contextlib.AsyncExitStack) -> Running:
    """Start the loops; the stack stops them in the reverse order: couriers before the engine that
    records what they did."""
    engine, couriers, timers = parts.services.engine, parts.couriers, parts.timers
    await parts.services.catalog.refresh(at_once=True)
    await couriers.start()
    committing = _spawn(engine.run(), "engine")
    stack.push_async_callback(_ended, engine.stop, committing)
    carrying, living = _spawn(couriers.run(), "couriers"), _spawn(couriers.keep_alive(), "lease")
    stack.push_async_callback(_stop_couriers, couriers, carrying, living)
    firing = _spawn(timers.run(), "timers")
    stack.push_async_callback(_ended, timers.stop, firing)
    tidying = _spawn(parts.housekeeping.run(), "housekeeping")
    stack.push_async_callback(_ended, parts.housekeeping.stop, tidying)
    return Running(
        services=parts.services,
        couriers=couriers,
        timers=timers,
        tasks=(committing, carrying, living, firing, tidying),
    )


def _spawn(work: Awaitable[None], name: str) -> asyncio.Task[None]:
    async def run() -> None:
        try:
            await work
        except Exception:
            log.exception("loop.died", loop=name)
            raise

    return asyncio.create_task(run(), name=name)


async def _ended(stop: Callable[[], None], task: asyncio.Task[None]) -> None:
    stop()
    with contextlib.suppress(Exception, asyncio.CancelledError):
        await asyncio.wait_for(task, DRAIN_FOR.total_seconds())


async def _stop_couriers(couriers: Couriers, *tasks: asyncio.Task[None]) -> None:
    await couriers.stop(DRAIN_FOR)
    for task in tasks:
        task.cancel()
    with contextlib.suppress(Exception):
        await couriers.leave()


def _trier(webhook: WebhookCourier) -> TryEndpoint:
    async def attempt(endpoint: Endpoint, delivery: Delivery) -> tuple[Outcome, Exchange | None]:
        tried = await webhook.post(endpoint, delivery)
        return tried.outcome, tried.exchange

    return attempt


def _disabler(database: Database, catalog: Catalog) -> Callable[[EndpointId, str], Awaitable[None]]:
    async def disable(id_: EndpointId, reason: str) -> None:
        async with database.write() as connection:
            await directory.disable_endpoint(connection, id_, reason)
        await catalog.refresh(at_once=True)
        log.warning("endpoint.disabled", endpoint=id_, reason=reason)

    return disable


def _derive(key: bytes, purpose: str) -> bytes:
    """A key for one purpose: a leak of one says nothing of the others."""
    return sha256(f"relevo {purpose} ".encode() + key).digest()


@contextlib.contextmanager
def _only_process(folder: Path) -> Iterator[None]:
    """Holds the folder's lock: on SQLite one process carries everything."""
    with (folder / "relevo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning((AlreadyRunning.__doc__ or "").strip()) from None
        yield


# Commands


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Server, engine and couriers in one process, until SIGTERM or SIGINT."""
    _run(_serve(settings, host, port))


def work(settings: Settings) -> None:
    """Couriers and timers only, beside servers on the same PostgreSQL."""
    _run(_work(settings))


async def _serve(settings: Settings, host: str, port: int) -> None:
    logs.set_up(settings.log_level, settings.log_format)
    async with running(settings, public_url=settings.public_url or _note_url(settings, host, port)) as parts:
        app = create_app(parts.services, is_well=parts.is_well)
        server = _Server(_uvicorn_config(app, host, port), on_stop=parts.services.hub.close)
        log.info("serving", url=parts.services.edge.public_url, host=host, port=port)
        await server.serve()


def _note_url(settings: Settings, host: str, port: int) -> str:
    """The URL that this server has by itself, noted for the commands that print links to it."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    url = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / SERVED_AT).write_text(url)
    return url


def _uvicorn_config(app: object, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(DRAIN_FOR.total_seconds()),
    )


class _Server(uvicorn.Server):
    """Closes live connections at the first signal: they would hold the shutdown up."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGTERM and SIGINT. Uvicorn's own way raises them again afterwards, and the process
        would end by a signal instead of with 0."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def shutdown(self, sockets: object = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)  # type: ignore[arg-type]


async def _work(settings: Settings) -> None:
    logs.set_up(settings.log_level, settings.log_format)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with running(settings) as parts:
        log.info("working", node=parts.couriers.node)
        await stopping.wait()


def _run(main: Coroutine[Any, Any, None]) -> None:
    gc.collect()
    gc.freeze()  # what is there at the start stays: no need to look through it again and again
    gc.set_threshold(20_000, 20, 50)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
