"""start: an execution, once its input is valid and its cost agreed to."""

from typing import Any, TextIO

import click

from console import cost_estimate
from console.deployment import by_name, find
from console.execution_input import given_input, read
from console.json_output import as_json
from console.starting import start_execution, starts


@click.command()
@given_input
@starts
@by_name
@as_json
def start(input_file: TextIO | None, settings: tuple[str, ...], name: str, **options: Any) -> int | None:
    """Start an execution whose input is valid.

    INPUT_FILE is its input, a JSON object; `-` is standard input. Without it the defaults are taken. What is wrong
    with it, and what it costs, is told before anything starts.
    """
    deployment, execution_input = find(name), read(input_file, settings)
    estimate = cost_estimate.ask(deployment.estimate_function, execution_input)
    return start_execution(deployment.machine, execution_input, estimate, **options)
