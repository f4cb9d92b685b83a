"""What an execution would cost, asked of the deployed function, which validates the input as Plan does."""

from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console

from console.functions import FunctionFailed, call


def ask(function: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The estimate of the function with this name; raises ClickException with what it refuses an input for."""
    try:
        with Console(stderr=True).status("Estimating what it costs"):
            return call(function, asked)
    except FunctionFailed as failure:
        if failure.error == "InvalidInput":
            raise click.ClickException("The input is refused:\n" + failure.message) from None
        raise click.ClickException(f"The estimate failed: {failure}") from None
