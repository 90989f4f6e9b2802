"""The command ``upwind`` as a whole: what holds for every command of it."""

import os
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import upwind
from upwind.cli.printing import say
from upwind.common.caches import settle, show_anywhere
from upwind.common.errors import UpwindError
from upwind.common.same_bits import hold


class Commands(TyperGroup):
    """Commands whose :class:`UpwindError` is one message on stderr and exit code 1."""

    def invoke(self, ctx: Any) -> object:  # Typer's base class of a context has no public name
        """Run a command; what it computes and draws with is settled before it is loaded."""
        hold(os.environ)
        settle(os.environ)
        show_anywhere()
        try:
            return super().invoke(ctx)
        except UpwindError as error:
            say(f"Error: {error!s}", err=True)
            raise typer.Exit(1) from None


def say_version(asked: bool) -> None:
    """Print the version and end, where ``--version`` asks for it."""
    if asked:
        say(f"upwind {upwind.__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def upwind_(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=say_version, is_eager=True),
    ] = False,
) -> None:
    """Liver segmentation in CT: UNet, level set network and level set baseline."""
