"""The command line. A command is a thin shell: it reads its words, calls a function of `admin` or
`bootstrap`, and says what became of it.

What a script wants to read goes to stdout, all else to stderr. Exit codes: 0 done, 1 it could not be
done, 2 the command was not understood.
"""

from __future__ import annotations

import gc
from importlib import import_module
from typing import IO, Any

import click

from relevo import __version__
from relevo.cli.failures import explained
from relevo.domain.yaml_reading import did_you_mean

COMMANDS = {
    "serve": "running:serve",
    "work": "running:work",
    "demo": "running:demo",
    "apply": "files:apply",
    "check": "files:check",
    "try": "rehearsing:try_",
    "test": "rehearsing:test",
    "flow": "flows:flow",
    "channels": "channels:channels",
    "channel": "connecting:channel",
    "endpoints": "endpoints:endpoints",
    "inbound": "inbound:inbound",
    "token": "tokens:token",
    "member": "members:member",
    "deliveries": "deliveries:deliveries",
    "settings": "operating:settings",
    "migrate": "operating:migrate",
    "backup": "operating:backup",
    "doctor": "doctor:doctor",
    "secret": "operating:secret",
    "secrets": "secrets:secrets",
    "email": "email:email",
}
"""Where each command is, in the order in which people are shown them."""


class Failed(click.ClickException):
    """It could not be done. `has_places`: the lines begin with file, line and column, for editors."""

    def __init__(self, lines: list[str], *, has_places: bool) -> None:
        super().__init__("\n".join(lines))
        self.has_places = has_places

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message if self.has_places else f"Error: {self.message}", err=True)


_COLLECT_EVERY = (100_000, 20, 50)
"""For garbage with cycles. Loading modules makes none of it, nor does a batch at full load; looking through
all that there is, time and again, is a tenth of what starting takes."""


class Commands(click.Group):
    """Loads a command when it is asked for: none waits for what only another needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(f"relevo.cli.{module}"), name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; what a person can put right is told without a traceback."""
        gc.set_threshold(*_COLLECT_EVERY)
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort, click.ClickException):
            raise
        except Exception as error:
            lines = explained(error)
            if lines is None:
                raise
            raise Failed(lines, has_places=hasattr(error, "problems")) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"There is no command {args[0]!r}; {did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(__version__, message="%(version)s")
def main() -> None:
    """Relevo answers your customers and hands them over to your people.

    Settings are environment variables that begin with RELEVO_; `relevo settings` lists them.
    """
