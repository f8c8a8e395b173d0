"""Commands that run until they are stopped."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import click

from relevo.settings import load
from relevo.system.workers import taking_part

_HOST, _PORT = "127.0.0.1", 8080

_host = click.option(
    "--host", metavar="ADDRESS", default=_HOST, help="The address to listen on; 0.0.0.0 for all."
)
_port = click.option(
    "--port", metavar="NUMBER", type=click.IntRange(0, 65535), default=_PORT, help="The port to listen on."
)


@click.command()
@_host
@_port
@click.option("--workers", metavar="NUMBER", type=click.IntRange(1, 64), default=1,
              help="Processes that share the port; more than one needs PostgreSQL.")  # fmt: skip
@click.option("--inherit", type=int, hidden=True)
@click.option("--worker", type=int, default=0, hidden=True)
@click.option("--shared", type=click.Path(path_type=Path), hidden=True)
def serve(host: str, port: int, workers: int, inherit: int | None, worker: int, shared: Path | None) -> None:
    """Run the server.

    Hooks, API, console, couriers and timers, in one process. It migrates the database first. With
    --workers, one that ends is started again, and connections wait for another.
    """
    with taking_part(shared, worker) if shared else nullcontext():
        from relevo import bootstrap
        from relevo.cli import supervising

        settings = load(os.environ)
        try:
            if workers > 1:
                supervising.serve(settings, host=host, port=port, workers=workers)
            else:
                bootstrap.serve(settings, host=host, port=port, inherited=inherit, shared=shared)
        except bootstrap.CannotRun as error:
            raise click.ClickException(str(error)) from None


@click.command()
@_host
@click.option("--port", metavar="NUMBER", type=click.IntRange(0, 65535),
              help="A port for /metrics, /healthz and /readyz; without it, nothing listens.")  # fmt: skip
def work(host: str, port: int | None) -> None:
    """Run couriers and timers only.

    For more capacity, beside servers on the same PostgreSQL.
    """
    from relevo import bootstrap

    try:
        bootstrap.work(load(os.environ), host=host, port=port)
    except bootstrap.CannotRun as error:
        raise click.ClickException(str(error)) from None


@click.command()
@_port
def demo(port: int) -> None:
    """Show a handoff from end to end.

    With a sample flow, beside a small live-chat platform. The address to open is printed.
    """
    from relevo import bootstrap

    bootstrap.demo(load(os.environ), port=port)
