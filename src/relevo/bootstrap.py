"""The composition root: settings in, a running server out. No decisions are made here."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import gc
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog
import uvicorn
import uvloop

from relevo import logs
from relevo.admin.changing import Means
from relevo.admin.trying import Trial
from relevo.couriers.call import CallCourier
from relevo.couriers.channel import ChannelCourier
from relevo.couriers.couriers import Couriers
from relevo.couriers.dialogues import Vendors, asking
from relevo.couriers.email import EmailCourier
from relevo.couriers.limiting import Limiter
from relevo.couriers.media import MediaCourier
from relevo.couriers.outages import Outages
from relevo.couriers.reporting import Reporter
from relevo.couriers.webhook import WebhookCourier, try_endpoint
from relevo.couriers.whispers import Whisperer
from relevo.domain.aws_signing import Credentials
from relevo.domain.deliveries import Delivery
from relevo.domain.errors import Unavailable
from relevo.domain.media_storage import MediaStorage
from relevo.domain.retries import WEBHOOK_SCHEDULE
from relevo.domain.workspaces import Endpoint
from relevo.engine.broadcasting import Broadcasting
from relevo.engine.catalog import Catalog
from relevo.engine.engine import Engine
from relevo.engine.housekeeping import Housekeeping
from relevo.engine.hub import Hub
from relevo.engine.materials import Workshop
from relevo.engine.naming import Naming
from relevo.engine.neighbours import Neighbours
from relevo.engine.redelivering import Redelivering
from relevo.engine.scheduling import Scheduling
from relevo.engine.sweeping import Sweeping
from relevo.engine.timers import Timers
from relevo.http_client.bucket_files import Bucket, BucketFiles
from relevo.http_client.client import Answer, HttpClient
from relevo.http_client.egress_guard import EgressGuard
from relevo.http_client.mail import SmtpMail
from relevo.metrics import EVENTS_WAITING, shows
from relevo.settings import SERVED_AT, Secret, Settings, secret_key
from relevo.store import schema
from relevo.store.database import Database, driver_url
from relevo.store.encryption import Cipher
from relevo.store.ids import IdBlocks
from relevo.system import workers
from relevo.system.chance import SystemChance
from relevo.system.clock import Clock, SystemClock
from relevo.system.companion import companion
from relevo.system.dns import resolve
from relevo.system.loops import Loops
from relevo.system.media_files import MediaFiles, sniff
from relevo.system.notes import SharedNotes
from relevo.web.app import create_app, create_watch
from relevo.web.console import first_run_code
from relevo.web.demo import sample as demo_sample
from relevo.web.demo.recording import Recording
from relevo.web.demo.routes import Demo, create_demo
from relevo.web.demo.sample import Sample
from relevo.web.demo.wire import Wire
from relevo.web.metrics import Levels
from relevo.web.one_write import OneWrite
from relevo.web.services import Edge, Services, TryEndpoint

log = structlog.get_logger()

DRAIN_FOR = timedelta(seconds=8)
"""How long attempts in flight may take to end when the server stops."""


DEMO_SCHEDULE = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 3, *[4] * 200))
"""The waits between attempts in the demo: short, since somebody is watching."""


class CannotRun(Exception):
    """A process that this installation has no place for."""


class AlreadyRunning(CannotRun):
    """Another relevo process works on this database. SQLite takes one; use PostgreSQL for more."""


class NeedsPostgreSQL(CannotRun):
    """More than one process needs PostgreSQL: set RELEVO_DATABASE_URL to postgresql://…
    On SQLite, `relevo serve` without --workers does all of it."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A server's parts, running."""

    services: Services
    couriers: Couriers
    timers: Timers
    http: HttpClient
    loops: Loops

    def is_well(self) -> bool:
        """Whether every loop runs."""
        return not self.loops.down


@asynccontextmanager
async def running(
    settings: Settings, *, public_url: str = "", is_demo: bool = False, shared: Path | None = None
) -> AsyncIterator[Running]:
    """Everything but the HTTP edge, from migrations to couriers; drains and stops at the end. `shared`: the
    folder of the workers that this is one of."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url.reveal())
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        if database.is_sqlite:
            stack.enter_context(_only_process(settings.data_dir))
        await schema.migrate(database)
        notes = stack.enter_context(_notes(settings, shared)) if shared else None
        parts = _assemble(settings, database, public_url or settings.public_url, is_demo=is_demo, notes=notes)
        stack.push_async_callback(parts.http.close)
        stack.push_async_callback(parts.services.files.close)
        yield await _start(parts, stack)


class _Parts(msgspec.Struct, frozen=True):
    services: Services
    couriers: Couriers
    timers: Timers
    housekeeping: Housekeeping
    reporter: Reporter
    outages: Outages
    neighbours: Neighbours | None
    redelivering: Redelivering
    broadcasting: Broadcasting
    scheduling: Scheduling
    naming: Naming
    sweeping: Sweeping
    http: HttpClient


def _notes(settings: Settings, shared: Path) -> contextlib.closing[SharedNotes]:
    key = _derive(secret_key(settings).reveal(), "notes")
    return contextlib.closing(SharedNotes(shared / workers.NOTES, key))


def _assemble(
    settings: Settings, database: Database, public_url: str, *, is_demo: bool, notes: SharedNotes | None
) -> _Parts:
    key = secret_key(settings).reveal()
    clock = SystemClock()
    chance = SystemChance(clock)
    cipher, hub, ids = Cipher(key), Hub(), IdBlocks(database)
    catalog = Catalog(database, cipher, clock)
    guard = EgressGuard(settings.allowed_networks, resolve)
    mail = SmtpMail(guard)
    http = HttpClient(guard, clock.monotonic)
    media_key = _derive(key, "media")
    files = media_storage(settings, clock)
    webhook = WebhookCourier(
        catalog=catalog,
        http=http,
        clock=clock,
        timeout=settings.webhook_timeout,
        schedule=DEMO_SCHEDULE if is_demo else WEBHOOK_SCHEDULE,
    )
    operations_key, unsubscribe_key = _derive(key, "operations"), _derive(key, "unsubscribe")
    reporter = Reporter(
        database=database,
        catalog=catalog,
        http=http,
        clock=clock,
        chance=chance,
        key=operations_key,
        disable_after=settings.disable_failing_after,
    )
    outages = Outages(database=database, clock=clock)
    couriers = Couriers(
        couriers={
            "endpoint": webhook,
            "channel": ChannelCourier(
                catalog=catalog,
                http=http,
                clock=clock,
                timeout=settings.webhook_timeout,
                public_url=public_url,
                database=database,
                notes=notes,
            ),
            "media": MediaCourier(
                catalog=catalog,
                http=http,
                database=database,
                keeper=files,
                clock=clock,
                limit=settings.max_upload,
            ),
            "call": CallCourier(catalog=catalog, http=http, database=database, clock=clock),
            "email": EmailCourier(
                catalog=catalog,
                mail=mail,
                database=database,
                clock=clock,
                public_url=lambda: public_url,
                key=unsubscribe_key,
            ),
        },
        database=database,
        hub=hub,
        clock=clock,
        chance=chance,
        disable_endpoint=reporter.disable,
        whisper=Whisperer(catalog=catalog, http=http, clock=clock, chance=chance),
        alone=database.is_sqlite,
        limits=Limiter(catalog),
        tell_health=lambda: _set(reporter.news, outages.news),
    )
    reporter.gates, reporter.node = lambda: couriers.gates, lambda: couriers.node
    neighbours = None if database.is_sqlite else _neighbours(database, hub, catalog, couriers, clock, chance)
    naming = Naming(database=database, catalog=catalog, clock=clock)
    engine = Engine(
        database=database,
        catalog=catalog,
        others=neighbours,
        namer=naming,
        workshop=Workshop(ids=ids, chance=chance, public_url=lambda: public_url, media_key=media_key),
        ids=ids,
        carriers=couriers,
        hub=hub,
        clock=clock,
        chance=chance,
    )
    couriers.recorder = engine
    outages.gates, outages.submit = lambda: couriers.gates, engine.submit
    shows(EVENTS_WAITING, lambda: engine.waiting)
    services = Services(
        edge=Edge(
            public_url=public_url,
            max_body=settings.max_body,
            max_upload=settings.max_upload,
            rate_limit=settings.rate_limit,
            inbound_rate_limit=settings.inbound_rate_limit,
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
        media_storage=files,
        media_key=media_key,
        visitor_key=_derive(key, "visitor"),
        cookie_key=_derive(key, "cookie"),
        operations_key=operations_key,
        unsubscribe_key=unsubscribe_key,
        is_demo=is_demo,
        try_endpoint=_trier(http, clock, settings.webhook_timeout),
        mail=mail,
        ask_vendor=asking(Vendors(http=http, clock=clock, timeout=settings.webhook_timeout)),
        notes=notes,
    )
    return _Parts(
        services,
        couriers,
        Timers(engine=engine, database=database, clock=clock),
        Housekeeping(
            database=database,
            clock=clock,
            retention=settings.attempt_retention,
            work_retention=settings.work_retention,
            files=files,
        ),
        reporter,
        outages,
        neighbours,
        Redelivering(database=database, hub=hub, clock=clock),
        Broadcasting(database=database, engine=engine, catalog=catalog, hub=hub, clock=clock),
        Scheduling(database=database, engine=engine, catalog=catalog, clock=clock),
        naming,
        Sweeping(engine=engine, database=database, catalog=catalog, clock=clock, files=files),
        http,
    )


def media_storage(settings: Settings, clock: Clock) -> MediaStorage:
    """Where customers' files are kept: in the data folder, or in the bucket that the operator names. That one
    may be anywhere: it has a client of its own, which goes nowhere else."""
    name, _, prefix = settings.s3_bucket.partition("/")
    if not name:
        return MediaFiles(settings.data_dir / "media")
    bucket = Bucket(
        endpoint=settings.s3_endpoint or f"https://s3.{settings.s3_region}.amazonaws.com",
        name=name,
        prefix=prefix,
        credentials=Credentials(
            settings.s3_access_key_id, settings.s3_secret_access_key.reveal(), settings.s3_region
        ),
        is_virtual_host=settings.s3_address == "host",
    )
    http = HttpClient(EgressGuard(_EVERYWHERE, resolve), clock.monotonic)
    return BucketFiles(bucket, http=http, now=clock.now, sniff=sniff)


_EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def _neighbours(database: Database, hub: Hub, catalog: Catalog, couriers: Couriers, clock: SystemClock,
                chance: SystemChance) -> Neighbours:  # fmt: skip
    return Neighbours(
        node=chance.object_id(),
        database=database,
        hub=hub,
        clock=clock,
        look_for_work=couriers.look,
        reload=lambda: catalog.refresh(at_once=True),
    )


async def _start(parts: _Parts, stack: contextlib.AsyncExitStack) -> Running:
    """Start the loops; the stack stops them in the reverse order: couriers before the engine that
    records what they did."""
    engine, couriers, timers = parts.services.engine, parts.couriers, parts.timers
    await parts.services.catalog.refresh(at_once=True)
    await couriers.start()
    loops = Loops(parts.services.clock)
    _begin(loops, "engine", engine, stack)
    if parts.neighbours:
        _begin(loops, "neighbours", parts.neighbours, stack)
    carrying = loops.begin("couriers", couriers.run), loops.begin("lease", couriers.keep_alive)
    stack.push_async_callback(_stop_couriers, couriers, *carrying)
    others: list[tuple[str, _Loop]] = [
        ("timers", timers),
        ("housekeeping", parts.housekeeping),
        ("redelivering", parts.redelivering),
        ("broadcasting", parts.broadcasting),
        ("schedules", parts.scheduling),
        ("naming", parts.naming),
        ("sweeping", parts.sweeping),
        ("health", parts.reporter),
        ("outages", parts.outages),
    ]
    if parts.services.notes is not None:
        others.append(("levels", Levels(parts.services.clock)))
    for name, one in others:
        _begin(loops, name, one, stack)
    return Running(services=parts.services, couriers=couriers, timers=timers, http=parts.http, loops=loops)


class _Loop(Protocol):
    """Something that runs until it is stopped."""

    async def run(self) -> None: ...

    def stop(self) -> None: ...


def _begin(loops: Loops, name: str, one: _Loop, stack: contextlib.AsyncExitStack) -> None:
    stack.push_async_callback(_ended, one.stop, loops.begin(name, one.run))


async def _ended(stop: Callable[[], None], task: asyncio.Task[None]) -> None:
    stop()
    with contextlib.suppress(Exception, asyncio.CancelledError):
        await asyncio.wait_for(task, DRAIN_FOR.total_seconds())


def _set(*events: asyncio.Event) -> None:
    for event in events:
        event.set()


async def _stop_couriers(couriers: Couriers, *tasks: asyncio.Task[None]) -> None:
    await couriers.stop(DRAIN_FOR)
    for task in tasks:
        task.cancel()
    with contextlib.suppress(Exception):
        await couriers.leave()


def _trier(http: HttpClient, clock: Clock, timeout: timedelta) -> TryEndpoint:
    async def attempt(endpoint: Endpoint, delivery: Delivery) -> Trial:
        return await try_endpoint(endpoint, delivery, http, clock, timeout)

    return attempt


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


def serve(
    settings: Settings, *, host: str, port: int, inherited: int | None = None, shared: Path | None = None
) -> None:
    """Server, engine and couriers in one process, until SIGTERM or SIGINT.

    `inherited`: the socket to take connections from, of a process that keeps us up; we end with our
    standard input, which it holds. `shared`: the folder of those that it keeps up.
    """
    _run(_serve(settings, host, port, inherited, shared))


def work(settings: Settings, *, host: str = "", port: int | None = None) -> None:
    """Couriers and timers only, beside servers on the same PostgreSQL. On the port it says how it is."""
    refuse_sqlite(settings)
    _run(_work(settings, host, port))


def refuse_sqlite(settings: Settings) -> None:
    """Raises `NeedsPostgreSQL` where there may be one process only."""
    if driver_url(settings.database_url.reveal()).get_backend_name() == "sqlite":
        raise NeedsPostgreSQL(" ".join((NeedsPostgreSQL.__doc__ or "").split()))


async def migrate(settings: Settings) -> None:
    """Bring the database to the newest tables, before processes start on it."""
    database = Database(settings.database_url.reveal())
    try:
        await schema.migrate(database)
    finally:
        await database.close()


async def _serve(
    settings: Settings, host: str, port: int, inherited: int | None, shared: Path | None
) -> None:
    logs.set_up(settings.log_level, settings.log_format)
    url = settings.public_url or _note_url(settings, host, port)
    async with running(settings, public_url=url, shared=shared) as parts:
        app = create_app(parts.services, is_well=parts.is_well)
        server = _Server(_uvicorn_config(app, host, port), on_stop=parts.services.hub.close)
        log.info("serving", url=parts.services.edge.public_url, host=host, port=port)
        await _invite_first_member(parts.services)
        if inherited is None:
            await server.serve()
            return
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), server.handle_exit, signal.SIGTERM, None)
        await server.serve(sockets=[socket.socket(fileno=inherited)])


async def _invite_first_member(services: Services) -> None:
    """Where nobody can sign in yet: the way to the first account, for whoever reads the log."""
    if code := await first_run_code(services):
        log.info("nobody_can_sign_in", open=f"{services.edge.public_url}/console/set-up", with_code=code)


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
        http=OneWrite,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who is believed is decided by RELEVO_TRUSTED_PROXIES
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


async def _work(settings: Settings, host: str, port: int | None) -> None:
    logs.set_up(settings.log_level, settings.log_format)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with running(settings) as parts:
        log.info("working", node=parts.couriers.node)
        if port is None:
            await stopping.wait()
        elif not stopping.is_set():
            app = create_watch(parts.services, is_well=parts.is_well)
            await _Server(_uvicorn_config(app, host, port), on_stop=stopping.set).serve()


# The demo


class PortTaken(OSError):
    """Somebody else listens where the demo wants to."""


class PlatformEnded(OSError):
    """The demo's platform has ended by itself."""


def demo(settings: Settings, *, port: int) -> None:
    """A server, a sample workspace, and a small live-chat platform on the next port; until SIGTERM or
    SIGINT, and then nothing of it is left. Raises `PortTaken`, and `PlatformEnded`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a signal during the start, too, tidies up
    with contextlib.suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix="relevo-demo-") as folder:
        _run(_demo(_demo_settings(settings, Path(folder)), port))


def _demo_settings(settings: Settings, folder: Path) -> Settings:
    return msgspec.structs.replace(
        settings,
        data_dir=folder,
        database_url=Secret(f"sqlite:///{folder / 'relevo.db'}"),
        secret_key=None,
        allowed_networks=(ip_network("127.0.0.1/32"),),
        log_level="warning",
    )


async def _demo(settings: Settings, port: int) -> None:
    logs.set_up(settings.log_level, settings.log_format)
    async with contextlib.AsyncExitStack() as stack:
        listening = stack.enter_context(_listen(port))
        port = listening.getsockname()[1]
        with _listen(port + 1, why=f"--port {port} needs the next one too: "):
            pass
        url, desk_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
        parts = await stack.enter_async_context(running(settings, public_url=url, is_demo=True))
        sample = await demo_sample.set_up(_means(parts.services), f"{desk_url}/uchat")
        await parts.services.catalog.refresh(at_once=True)
        desk = await stack.enter_async_context(_desk(sample, url, port + 1))
        await _until_open(parts, desk, desk_url)
        await _show(parts, sample, desk, desk_url, listening)


@contextlib.contextmanager
def _listen(port: int, why: str = "") -> Iterator[socket.socket]:
    """A socket that listens on this machine only; 0 is any port."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
            listening.listen()
        except (OSError, OverflowError):
            raise PortTaken(f"{why}port {port} cannot be used. Choose another with --port.") from None
        yield listening


def _means(services: Services) -> Means:
    return Means(
        database=services.database,
        cipher=services.cipher,
        clock=services.clock,
        chance=services.chance,
        guard=services.guard,
    )


def _desk(sample: Sample, url: str, port: int) -> contextlib.AbstractAsyncContextManager[Process]:
    arguments = ["-m", "relevo.desk", "--base-url", url, "--port", str(port), "--header", sample.header]
    secrets = {"DESK_TOKEN": sample.token, "DESK_SECRET": sample.secret}
    return companion([*arguments, "--for-demo"], secrets)


async def _until_open(parts: Running, desk: Process, desk_url: str) -> None:
    while not isinstance(await parts.http.request("GET", desk_url, {}, b"", _A_MOMENT), Answer):
        if desk.returncode is not None:
            raise PlatformEnded("The demo's live-chat platform did not start.")
        await parts.services.clock.sleep(0.05)


_A_MOMENT = timedelta(seconds=5)


async def _show(
    parts: Running, sample: Sample, desk: Process, desk_url: str, listening: socket.socket
) -> None:
    services = parts.services
    wire = Wire(services.hub, sample.workspace_id)
    take_down = _switch(parts.http, f"{desk_url}/outage")
    shown = Demo(services, wire, channel_key=sample.channel_key, desk_url=desk_url, take_down=take_down)
    app = create_app(services, is_well=parts.is_well, extra_routes=[create_demo(shown)])
    config = _uvicorn_config(Recording(app, wire, services.clock), "127.0.0.1", 0)
    server = _DemoServer(config, on_stop=services.hub.close, on_start=lambda: _invite(services))
    collecting = parts.loops.begin("wire", wire.collect)
    watching = asyncio.create_task(_stop_after(desk, server))
    await server.serve(sockets=[listening])
    watching.cancel()
    await asyncio.wait([collecting, watching])
    if desk.returncode is not None:
        raise PlatformEnded(f"The demo's live-chat platform ended by itself ({desk.returncode}).")


def _switch(http: HttpClient, url: str) -> Callable[[bool], Awaitable[None]]:
    async def take_down(is_down: bool) -> None:
        body = msgspec.json.encode({"is_down": is_down})
        result = await http.request("POST", url, {"content-type": "application/json"}, body, _A_MOMENT)
        if not (isinstance(result, Answer) and result.status_code == 200):
            raise Unavailable(cause="the demo's platform does not answer")

    return take_down


async def _stop_after(desk: Process, server: uvicorn.Server) -> None:
    await desk.wait()
    server.should_exit = True


class _DemoServer(_Server):
    """Says when it listens."""

    def __init__(
        self, config: uvicorn.Config, on_stop: Callable[[], None], on_start: Callable[[], None]
    ) -> None:
        super().__init__(config, on_stop)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_start()


def _invite(services: Services) -> None:
    print(f"\n  The demo is at  {services.edge.public_url}/demo\n  Ctrl-C ends it.\n", flush=True)


def _share_memory_among_threads() -> None:
    """glibc gives each thread memory of its own, and what one has freed the others cannot use: a fifth
    of what draining takes. Only one runs at a time here. (`mallopt(3)`; other systems do without.)"""
    arenas_at_most = -8
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(arenas_at_most, 1)


def _run(main: Coroutine[Any, Any, None]) -> None:
    _share_memory_among_threads()
    gc.collect()
    gc.freeze()  # what is there at the start stays: no need to look through it again and again
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
