"""follow: an execution shown live until its end."""

from collections.abc import Mapping
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from console.deployment import by_name, find
from console.executions import described
from console.json_output import answer, as_json
from console.remedies import sentence
from console.views import audit_result, result
from console.views.execution import Execution, Outcome
from console.views.next_command import next_command
from console.views.progress import Progress

_SECONDS_BETWEEN_LOOKS = 2.0


@click.command()
@click.argument("execution", required=False)
@by_name
@as_json
def follow(execution: str | None, name: str, as_json: bool) -> int:
    """Show an execution live until its end.

    States, items, jobs with their epochs, trials; then the result. EXECUTION is a name or an ARN; without one it is
    the newest. Ctrl-C leaves the execution running. The exit status is 1 if it did not succeed.
    """
    arn = described(find(name).machines, execution)["executionArn"]
    return end_of(follow_to_end(arn, as_json), as_json, {"name": arn.rpartition(":")[2], "arn": arn})


class Interrupted(click.ClickException):
    """Somebody no longer wants to look."""

    exit_code = 130

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file, err=True)


def follow_to_end(arn: str, as_json: bool) -> Outcome:
    """Show the execution's progress, on stderr if stdout is for JSON.

    Raises
    ------
    ClickException
        It was interrupted, or AWS no longer answers; the execution goes on.
    """
    goes_on = f"The execution goes on. See it again: {next_command('follow', arn)}"
    try:
        with Progress(Console(stderr=as_json)) as progress:
            heading = f"Execution {arn.rpartition(':')[2]}"
            return Execution(arn).follow(lambda lines: progress.show(heading, lines), _SECONDS_BETWEEN_LOOKS)
    except KeyboardInterrupt:
        raise Interrupted(f"{goes_on}\nEnd it: {next_command('stop', arn)}") from None
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(f"{sentence(error)}\n{goes_on}") from None


def end_of(outcome: Outcome, as_json: bool, known: Mapping[str, Any]) -> int:
    """Tell how it ended, beside what is `known` of it already; the exit status."""
    if as_json:
        end = {"output": outcome.output} if outcome.output else {"error": outcome.error, "cause": outcome.cause}
        answer({**known, "status": outcome.status, "seconds": outcome.seconds, **end})
    else:
        result.tell(outcome, _figures(outcome.output), Console())
    return 0 if outcome.status == "SUCCEEDED" else 1


def _figures(output: Mapping[str, Any] | None) -> result.Figures:
    if not output:
        return []
    if "pageUri" in output:
        return audit_result.figures_of(output)
    report = output.get("reportUri") or output["evaluation"]["reportUri"]
    return result.figures_of(output, report) if report else []
