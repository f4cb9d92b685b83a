"""What a rehearsal tells at its end: the measurements, the endpoint's answer, and how to look further."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from rehearsal.execution import Outcome

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
        result: dict[str, Any] = {"status": outcome.status, "seconds": outcome.seconds}
        result["permissions"] = self.permissions
        if outcome.output is None:
            return result | {"error": outcome.error, "cause": outcome.cause}
        return result | {
            "output": outcome.output,
            "endpoint": {"name": self.endpoint, "url": self.endpoint_url},
            "prediction": self.prediction,
        }


def tell(ended: Ended, console: Console) -> None:
    """Print how the execution ended."""
    outcome = ended.outcome
    console.print()
    if outcome.output is None:
        console.print(f"[bold red]{outcome.status}[/] {outcome.error or ''}", highlight=False)
        console.print(outcome.cause or "", markup=False, highlight=False, soft_wrap=True)
        console.print(
            f"The logs of its functions and jobs are in {ended.work / 'logs'}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return
    console.print(f"[bold green]{outcome.status}[/]", highlight=False)
    table = Table.grid(padding=(0, 2))
    for name, value in _figures(ended, outcome.output):
        table.add_row(f"[dim]{name}[/]", value)
    console.print(table, soft_wrap=True)
    console.print(f"\n[dim]{NOT_SHOWN}[/]", highlight=False)


def tell_how_to_explore(ended: Ended, outputs: dict[str, str], console: Console) -> None:
    """Print how to reach what goes on serving."""
    ask = f"""
  aws sagemaker describe-endpoint --endpoint-url {ended.aws_url} --endpoint-name {ended.endpoint}
  curl --user rehearsal:rehearsal --aws-sigv4 aws:amz:us-east-1:sagemaker -H 'Content-Type: image/jpeg' \\
      --data-binary @{ended.photo} {ended.endpoint_url}
  make predict IMAGE={ended.photo} ENDPOINT={ended.endpoint}"""
    commands = f"""
Everything goes on serving until Ctrl-C. In another terminal:

  export AWS_ENDPOINT_URL={ended.aws_url} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=rehearsal AWS_SECRET_ACCESS_KEY=rehearsal

  aws stepfunctions start-execution --endpoint-url {ended.aws_url} --state-machine-arn {outputs["StateMachineArn"]} \\
      --input file://{Path(__file__).with_name("default_input.json")}
  aws stepfunctions list-executions --endpoint-url {ended.aws_url} --state-machine-arn {outputs["StateMachineArn"]}
  aws s3 ls --endpoint-url {ended.aws_url} --recursive s3://{outputs["DataBucketName"]}{ask if ended.prediction else ""}
  make deploy        # the same stacks again: no changes
  make rollback      # the model that was served before; make promote, approve and reject work here, too
"""
    console.print(commands, markup=False, highlight=False, soft_wrap=True)


def _figures(ended: Ended, output: dict[str, Any]) -> list[tuple[str, str]]:
    evaluation = output["evaluation"]
    low, high = evaluation["interval"]
    counts = output["dataset"]["counts"]
    images = ", ".join(f"{split} {sum(classes.values())}" for split, classes in counts.items())
    figures = [
        ("images", images),
        ("accuracy", f"{evaluation['accuracy']:.3f}  (95 % interval {low:.3f} to {high:.3f})"),
        ("within one", f"{evaluation['withinOne']:.3f}"),
        *_champion_figures(evaluation["champion"]),
        *_training_figures(output),
        ("decision", output["decision"]),
        ("reason", output["reason"]),
        ("report", str(ended.report)),
    ]
    if ended.prediction:
        says, truth = ended.prediction["count"], ended.prediction["trueCount"]
        figures.append(("endpoint", f"counts {says} in photo {ended.prediction['image']}; its label says {truth}"))
    return figures


def _champion_figures(champion: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """How the model that served before did on the same images."""
    if champion and champion["comparable"]:
        difference = champion["difference"]["accuracy"]
        low, high = difference["interval"]
        yield (
            "champion",
            f"accuracy {champion['champion']['accuracy']:.3f} on {champion['images']} images where this one has "
            f"{champion['challenger']['accuracy']:.3f}: {difference['estimate']:+.3f}  "
            f"(95 % interval {low:+.3f} to {high:+.3f})",
        )
    elif champion:
        yield "champion", f"not compared with: {champion['reason']}"


def _training_figures(output: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """How the model was chosen, and what its training's rules found."""
    training, tuning = output["training"], output["tuning"]
    if output["comparison"]:
        accuracies = ", ".join(
            f"{candidate['architecture']} {candidate['validationAccuracy']:.3f}" for candidate in output["comparison"]
        )
        yield "architecture", f"{training['architecture']}, by validation accuracy ({accuracies})"
    if tuning:
        best = tuning["bestHyperparameters"]
        flattery = ", which flatters the accuracy above: it was chosen on the test split"
        yield (
            "tuning",
            f"{tuning['trials']} trials, best {tuning['objectiveMetric']} {tuning['objective']:.3f} at learning rate "
            f"{best['learningRate']:.3g}, batch size {best['batchSize']}, {best['epochs']} epochs"
            f"{flattery if tuning['selectedOnTest'] else ''}",
        )
    if issues := [rule for rule, status in training["rules"].items() if status == "IssuesFound"]:
        yield "issues found", ", ".join(issues)
    if training["spot"]:
        seconds = f"{training['billableSeconds']} of {training['trainingSeconds']} seconds billed"
        yield "spot savings", f"{training['savingsPercent']} %  ({seconds})"
