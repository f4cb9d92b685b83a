"""An execution's input as a command line gives it; what its fields may be is for the deployment to say."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TextIO, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def given_input(command: _Command) -> _Command:
    """The arguments `input_file` and `settings` of a command, for `read`."""
    command = click.argument("input_file", type=click.File(encoding="utf-8"), required=False)(command)
    return click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="FIELD=VALUE",
        help="A field of the input, such as dataset.fraction=0.01; as often as needed.",
    )(command)


def read(input_file: TextIO | None, settings: Sequence[str]) -> dict[str, Any]:
    """The file's JSON object with single fields set over it; raises BadParameter for what is none."""
    given = _parsed(input_file) if input_file else {}
    for setting in settings:
        field, separator, value = setting.partition("=")
        if not separator or not all(field.split(".")):
            raise click.BadParameter(f"'{setting}' is not of the form FIELD=VALUE.", param_hint="--set")
        _put(given, field, value)
    return given


def _parsed(file: TextIO) -> dict[str, Any]:
    try:
        parsed = json.loads(file.read())
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"{file.name} is no JSON ({error}).", param_hint="INPUT_FILE") from None
    if not isinstance(parsed, dict):
        raise click.BadParameter(f"{file.name} must hold a JSON object such as {{}}.", param_hint="INPUT_FILE")
    return parsed


def _put(given: dict[str, Any], field: str, value: str) -> None:
    *parts, last = field.split(".")
    for part in parts:
        given = given.setdefault(part, {})
        if not isinstance(given, dict):
            raise click.BadParameter(f"'{field}' lies in '{part}', which is no object.", param_hint="--set")
    try:
        given[last] = json.loads(value)
    except ValueError:  # A text may be given without its quotes.
        given[last] = value
