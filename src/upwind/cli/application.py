"""The command ``upwind`` as a whole: what holds for every command of it."""

import os
from typing import Any

import typer
from typer.core import TyperGroup

from upwind.common.caches import settle, show_anywhere
from upwind.common.errors import UpwindError
from upwind.common.same_bits import hold
from upwind.common.wording import printable


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
            typer.echo(f"Error: {printable(str(error))}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=Commands,
    help="Liver segmentation in CT: UNet, level set network and level set baseline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
