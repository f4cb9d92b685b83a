"""What a rehearsal tells at its end: the measurements, the endpoint's answer, and how to look further."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from console.views import result
from console.views.execution import Outcome

DEFAULT_INPUT = Path(__file__).with_name("default_input.json")
"""Made for the few bins that a rehearsal draws, and for two cores."""

NOT_SHOWN = (
    "What a rehearsal cannot show: service quotas (make doctor asks AWS), organisations' policies, VPC networking, "
    "GPUs, start-up times, prices. docs/rehearsal.md has every known difference."
)


@dataclass
class Ended:
    """An ended execution with what was fetched afterwards."""

    outcome: Outcome
    work: Path
    endpoint: str
    aws_url: str
    permissions: list[dict[str, Any]] = field(default_factory=list)
    prediction: dict[str, Any] | None = None

    @property
    def report(self) -> Path:
        return self.work / "report.html"

    @property
    def photo(self) -> Path:
        return self.work / "photo.jpg"

    @property
    def endpoint_url(self) -> str:
        return f"{self.aws_url}/endpoints/{self.endpoint}/invocations"

    def result(self) -> dict[str, Any]:
        """The result file's content."""
        outcome = self.outcome
        told: dict[str, Any] = {"status": outcome.status, "seconds": outcome.seconds}
        told["permissions"] = self.permissions
        if outcome.output is None:
            return told | {"error": outcome.error, "cause": outcome.cause}
        return told | {
            "output": outcome.output,
            "endpoint": {"name": self.endpoint, "url": self.endpoint_url},
            "prediction": self.prediction,
        }


def tell(ended: Ended, console: Console) -> None:
    """Print how the execution ended."""
    outcome = ended.outcome
    result.tell(outcome, list(_figures(ended)), console)
    if outcome.output is None:
        report = f", its report is {ended.report}" if ended.report.exists() else ""
        logs = f"The logs of its functions and jobs are in {ended.work / 'logs'}{report}"
        console.print(logs, markup=False, highlight=False, soft_wrap=True)
    else:
        console.print(f"\n[dim]{NOT_SHOWN}[/]", highlight=False, soft_wrap=not console.is_terminal)


def _figures(ended: Ended) -> Iterator[tuple[str, str]]:
    if output := ended.outcome.output:
        # The execution's page may not have been written; the evaluation's report is in the bucket.
        report = str(ended.report) if ended.report.exists() else output["evaluation"]["reportUri"]
        yield from result.figures_of(output, report)
    if ended.prediction:
        yield "endpoint", _answer(ended.prediction)


def _answer(prediction: dict[str, Any]) -> str:
    """How sure the endpoint is belongs to what it counts: a model may be wrong, and this one has learned little."""
    says, truth = prediction["count"], prediction["trueCount"]
    sure = prediction["probabilities"][prediction["labels"].index(says)]
    return f"counted {says} in photo {prediction['image']} ({sure:.0%} sure; the label is {truth})"


def tell_how_to_explore(ended: Ended, outputs: dict[str, str], settings: Sequence[str], console: Console) -> None:
    """Print how to reach what goes on serving; `settings` are the options that cdk had."""
    ask = f"""
  aws sagemaker describe-endpoint --endpoint-url {ended.aws_url} --endpoint-name {ended.endpoint}
  curl --user rehearsal:rehearsal --aws-sigv4 aws:amz:us-east-1:sagemaker -H 'Content-Type: image/jpeg' \\
      --data-binary @{ended.photo} {ended.endpoint_url}
  make predict IMAGE={ended.photo} ENDPOINT={ended.endpoint}
  make try ENDPOINT={ended.endpoint}     # a page that asks it: drop photos, or click test photos"""
    commands = f"""
Everything goes on serving until Ctrl-C. In another terminal (an AWS CLI is .venv/bin/aws):

  export AWS_ENDPOINT_URL={ended.aws_url} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=rehearsal AWS_SECRET_ACCESS_KEY=rehearsal

  aws stepfunctions start-execution --endpoint-url {ended.aws_url} --state-machine-arn {outputs["StateMachineArn"]} \\
      --input file://{DEFAULT_INPUT}
  aws stepfunctions list-executions --endpoint-url {ended.aws_url} --state-machine-arn {outputs["StateMachineArn"]}
  aws s3 ls --endpoint-url {ended.aws_url} --recursive s3://{outputs["DataBucketName"]}{ask if ended.prediction else ""}
  make start INPUT=rehearsal/{DEFAULT_INPUT.name}     # an execution as this one; the defaults need more bins
  make list          # executions; make follow, stop and report work here, too
  make deploy {shlex.quote("ARGS=" + shlex.join(settings))}     # the same stacks again: no changes
  make rollback      # the model that was served before; make promote, approve and reject work here, too
"""
    console.print(commands, markup=False, highlight=False, soft_wrap=True)
