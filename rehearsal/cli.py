"""The command line: `python -m rehearsal run`, `permissions`, `mutations` and `bins`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from rehearsal import data_bucket, deploy, mutation, permissions, source
from rehearsal.bins import write_bins
from rehearsal.failures import BadArgument, RehearsalFailed
from rehearsal.session import Request, rehearse
from rehearsal.summary import DEFAULT_INPUT

_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when the execution succeeded (or the bins were drawn), 1 when not, 2 for bad arguments."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
    except BadArgument as error:
        print(error, file=sys.stderr)
        return 2
    except RehearsalFailed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; nothing is left running.", file=sys.stderr)
        return _INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description="The deployed application on one machine.")
    commands = parser.add_subparsers(required=True)

    run = commands.add_parser("run", help="deploy to an emulated AWS and run one execution")
    run.set_defaults(command=_run)
    run.add_argument("--source", type=Path, metavar="DIR", help="bins in the dataset's layout (default: drawn bins)")
    run.add_argument("--input", type=Path, metavar="FILE", help="the execution's input (default: a small one)")
    run.add_argument("--result", type=Path, metavar="FILE", help="write the result there, as JSON")
    run.add_argument("--export", type=Path, metavar="DIR", help="copy the data bucket's objects there")
    run.add_argument(
        "-c", "--context", action="append", default=[], metavar="NAME=VALUE", help="a setting, as of `cdk deploy`"
    )
    run.add_argument("--keep", action="store_true", help="go on serving until Ctrl-C")

    told = commands.add_parser("permissions", help="what a run's roles would miss without each statement")
    told.set_defaults(command=_permissions)
    told.add_argument("result", type=Path, metavar="FILE", help="what --result has written")

    mutated = commands.add_parser("mutations", help="execute a kept rehearsal without each statement in turn")
    mutated.set_defaults(command=_mutations)
    mutated.add_argument("aws", metavar="URL", help="the emulated AWS of a rehearsal that was started with --keep")
    mutated.add_argument("--input", type=Path, metavar="FILE", help="the executions' input (default: a small one)")
    mutated.add_argument("--role", default="", metavar="TEXT", help="only roles whose name contains this")
    mutated.add_argument("--statement", default="", metavar="TEXT", help="only statements whose name contains this")

    bins = commands.add_parser("bins", help="draw synthetic bins into a folder")
    bins.set_defaults(command=_bins)
    bins.add_argument("folder", type=Path, metavar="DIR")
    bins.add_argument("--count", type=int, default=source.SYNTHETIC_BINS, metavar="N")
    bins.add_argument("--seed", type=int, default=source.SYNTHETIC_SEED, metavar="S")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    if arguments.source:
        source.check_layout(arguments.source)
    for option, path in (("--result", arguments.result), ("--export", arguments.export)):
        if path and not path.absolute().parent.is_dir():
            raise BadArgument(f"{option}: there is no folder {path.absolute().parent}; create it first.")
    if arguments.export and arguments.export.exists() and not arguments.export.is_dir():
        raise BadArgument(f"--export: {arguments.export} is no folder; give a folder, which may be new.")
    if arguments.result and arguments.result.is_dir():
        raise BadArgument(f"--result: {arguments.result} is a folder; give a file.")
    for setting in arguments.context:
        if "=" not in setting:
            raise BadArgument(f"--context: {setting} was given; must be NAME=VALUE.")
    if not deploy.CDK.exists():
        raise BadArgument("The CDK command line is not installed; run `make setup`.")
    request = Request(
        source=arguments.source,
        execution_input=_execution_input(arguments.input),
        result=arguments.result,
        export=arguments.export,
        keep=arguments.keep,
        context=tuple(arguments.context),
    )
    return 0 if rehearse(request, Console()) else 1


def _permissions(arguments: argparse.Namespace) -> int:
    permissions.tell(permissions.read(arguments.result), Console(soft_wrap=True))
    return 0


def _mutations(arguments: argparse.Namespace) -> int:
    outcomes = []
    for outcome in mutation.executions(
        arguments.aws, _execution_input(arguments.input), arguments.role, arguments.statement
    ):
        outcomes.append(outcome)
        print(f"{outcome.status}: without {outcome.mutation.name}: {outcome.said}")
    missed = sum(outcome.named for outcome in outcomes)
    print(f"{missed} of {len(outcomes)} executions ended with the denial of what their role lacked")
    return 0 if missed == len(outcomes) else 1


def _bins(arguments: argparse.Namespace) -> int:
    if arguments.count < 1:
        raise BadArgument(f"--count: {arguments.count} was given; must be 1 or more.")
    if arguments.folder.exists() and (not arguments.folder.is_dir() or any(arguments.folder.iterdir())):
        raise BadArgument(f"{arguments.folder} is not empty; give a new or empty folder.")
    write_bins(arguments.folder, arguments.count, arguments.seed)
    print(f"{arguments.count} bins are in {arguments.folder}")
    return 0


def _execution_input(file: Path | None) -> dict[str, Any]:
    """The execution's input; what its fields may be is for the state machine to say."""
    file = file or DEFAULT_INPUT
    try:
        parsed = json.loads(file.read_text())
    except OSError as error:
        raise BadArgument(
            f"--input: {file} cannot be read ({error.strerror}); give a file with a JSON object."
        ) from None
    except ValueError as error:
        raise BadArgument(f"--input: {file} is no JSON ({error}).") from None
    if not isinstance(parsed, dict):
        raise BadArgument(f"--input: {file} holds {type(parsed).__name__}, but must hold a JSON object.")
    weights = data_bucket.local_weights(parsed)
    if weights and not weights.is_file():
        raise BadArgument(
            f"--input: weights is {weights}, but there is no such file; "
            f"allowed are {', '.join(data_bucket.IN_THE_CLOUD)}, an S3 URI or a file."
        )
    return parsed
