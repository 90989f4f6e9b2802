"""How commands print. What they name may be anybody's file, and its name is text, not commands to
the terminal: nothing else here prints."""

from typing import TYPE_CHECKING

import typer

from upwind.common.wording import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

_PIPE_WIDTH = 120


def say(text: str, err: bool = False) -> None:
    """Print a text."""
    typer.echo(printable(text), err=err)


def display(found: "RenderableType") -> None:
    """Print what rich renders. Lines are not broken in a pipe, which has no width, as narrowly as
    rich would."""
    from rich.console import Console
    from rich.segment import Segment, Segments

    console = Console(highlight=False)
    console.width = console.width if console.is_terminal else _PIPE_WIDTH
    rendered = console.render(found)
    console.print(
        Segments([Segment(printable(text), style, control) for text, style, control in rendered]),
        end="",
    )
