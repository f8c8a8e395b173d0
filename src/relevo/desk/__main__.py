"""`python -m relevo.desk`: the desk on a port of its own."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from threading import Thread

import uvicorn
from litestar import Litestar

from relevo.desk.app import create_desk


def main() -> None:
    options = _parser().parse_args()
    level = logging.WARNING if options.for_demo else logging.INFO
    logging.basicConfig(level=level, format="%(message)s")
    desk = _desk(options)
    print(f"The desk is at http://{options.host}:{options.port}/ and takes webhooks at /uchat")
    if options.for_demo:
        Thread(target=_end_with_input, daemon=True).start()
    where = {"host": options.host, "port": options.port}
    _Server(uvicorn.Config(desk, **where, log_level="warning", timeout_graceful_shutdown=1)).run()


class _Server(uvicorn.Server):
    """Ends what open pages listen to: that would hold the end up."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app = self.config.app
        assert isinstance(app, Litestar)
        app.state.desk.live.close()
        await super().shutdown(sockets)


def _desk(options: argparse.Namespace) -> Litestar:
    if not options.token:
        raise SystemExit("no --token given: make one with `relevo token create --flow NAME`")
    try:
        header = _header(options.header)
        return create_desk(
            options.base_url,
            options.token,
            options.secret,
            custom_header=header,
            can_be_down=options.for_demo,
        )
    except ValueError as error:
        raise SystemExit(str(error)) from error


def _end_with_input() -> None:
    """Whoever started us holds the other end of our standard input: when they are gone, so are we."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _header(text: str) -> tuple[str, str] | None:
    """`X-Desk-Key: the value` as a pair; None when there is nothing."""
    if not text:
        return None
    name, _, value = text.partition(":")
    if not (name.strip() and value.strip()):
        raise ValueError(f"--header is {text!r}; it looks like 'X-Desk-Key: the value'")
    return name.strip(), value.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m relevo.desk", description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:8080", help="where Relevo is (%(default)s)")
    parser.add_argument("--token", help="an API token of the flow, or DESK_TOKEN in the environment")
    parser.add_argument("--secret", help="the endpoint's whsec_… secret, or DESK_SECRET in the environment")
    parser.add_argument("--header", default="", help="a header that webhooks must carry, 'Name: value'")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (%(default)s)")
    parser.add_argument("--port", type=int, default=9100, help="the port to listen at (%(default)s)")
    parser.add_argument(
        "--for-demo", action="store_true", help="end with the standard input; let POST /outage play a failure"
    )
    parser.set_defaults(token=os.environ.get("DESK_TOKEN", ""), secret=os.environ.get("DESK_SECRET", ""))
    return parser


if __name__ == "__main__":
    main()
