"""Commands that run until they are stopped."""

from __future__ import annotations

import os

import click

from relevo.settings import load

_HOST, _PORT = "127.0.0.1", 8080

_port = click.option(
    "--port", metavar="NUMBER", type=click.IntRange(0, 65535), default=_PORT, help="The port to listen on."
)


@click.command()
@click.option("--host", metavar="ADDRESS", default=_HOST, help="The address to listen on; 0.0.0.0 for all.")
@_port
def serve(host: str, port: int) -> None:
    """Run the server.

    Hooks, API, console, couriers and timers, in one process. It migrates the database first.
    """
    from relevo import bootstrap

    try:
        bootstrap.serve(load(os.environ), host=host, port=port)
    except bootstrap.CannotRun as error:
        raise click.ClickException(str(error)) from None


@click.command()
def work() -> None:
    """Run couriers and timers only.

    For more capacity, beside servers on the same PostgreSQL.
    """
    from relevo import bootstrap

    try:
        bootstrap.work(load(os.environ))
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
