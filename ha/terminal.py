"""Terminal: what all commands of `evergrid-ha` show things on, or take alike."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

# Into a file or a pipe a table is written whole, not folded to the 80 columns of no terminal.
_WIDTH = None if sys.stdout.isatty() else 160
console = Console(highlight=False, width=_WIDTH)
complaints = Console(stderr=True, highlight=False, width=_WIDTH)

Name = Annotated[str, typer.Option("--name", help="Of the lab.")]
HostName = Annotated[str, typer.Argument(metavar="HOST")]
BrokenHost = Annotated[
    str, typer.Argument(metavar="HOST", help="Its name; `primary` is whichever leads.")
]
