"""estimate: what an execution would cost."""

from typing import TextIO

import click
from rich.console import Console

from console import cost_estimate
from console.deployment import by_name, find
from console.execution_input import given_input, read
from console.json_output import answer, as_json
from console.views import cost_estimate as view


@click.command()
@given_input
@by_name
@as_json
def estimate(input_file: TextIO | None, settings: tuple[str, ...], name: str, as_json: bool) -> None:
    """Say what an execution would cost. Starts nothing.

    INPUT_FILE is the execution's input, a JSON object; `-` is standard input. Without it the defaults are taken.
    """
    found = cost_estimate.ask(find(name).estimate_function, read(input_file, settings))
    if as_json:
        answer(found)
    else:
        view.tell(found, Console())
