"""One rehearsal from the emulated AWS's start to the served model."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from console.views.execution import Execution, Outcome
from console.views.progress import Progress
from rehearsal import cloudwatch_logs, data_bucket, emulated_aws, permissions, source, summary
from rehearsal.children import Children
from rehearsal.deploy import Cdk, settings_of
from rehearsal.failures import RehearsalFailed
from rehearsal.steps import Steps
from rehearsal.work_folder import work_folder

HOME = Path(__file__).resolve().parent.parent / ".rehearsal"
_SET_UP = "Setting up"
_EXECUTION = "Execution of the state machine"
_SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True)
class Request:
    """What a rehearsal is asked for.

    Attributes
    ----------
    source
        A folder in the data set's layout; None to draw synthetic bins.
    execution_input
        The state machine's input; `weights` may name a local file.
    result, export
        Where to write the result as JSON, and where to copy the data bucket's objects.
    keep
        Whether everything goes on serving after the execution, until an interrupt.
    context
        Settings, each as `name=value`, beside those of cdk.json.
    """

    source: Path | None
    execution_input: dict[str, Any]
    result: Path | None = None
    export: Path | None = None
    keep: bool = False
    context: tuple[str, ...] = ()


def rehearse(request: Request, console: Console) -> bool:
    """Run a rehearsal; whether its execution succeeded.

    Raises
    ------
    RehearsalFailed
        The application could not be deployed, or its endpoint does not answer.
    KeyboardInterrupt
        It was interrupted before its end. Nothing that it started goes on.
    """
    with work_folder(HOME) as work, Children() as children:
        with _failure_in(request.result), Progress(console) as progress:
            url, outputs = _deployed(request, work, children, progress)
            name = f"rehearsal-{work.name}"
            arguments = data_bucket.stage_weights(outputs["DataBucketName"], request.execution_input)
            started = boto3.client("stepfunctions").start_execution(
                stateMachineArn=outputs["StateMachineArn"], name=name, input=json.dumps(arguments)
            )
            execution = Execution(started["executionArn"])
            outcome = execution.follow(lambda lines: progress.show(_EXECUTION, lines), _SECONDS_BETWEEN_LOOKS)
        with _failure_in(request.result):
            cloudwatch_logs.save(work / "logs")
            ended = _ended(outcome, work, url, outputs)
        _write(request.result, ended.result())
        summary.tell(ended, console)
        if request.export:
            copied = data_bucket.export(outputs["DataBucketName"], request.export)
            console.print(f"The data bucket's {copied} objects are in {request.export}", soft_wrap=True)
        if request.keep:
            summary.tell_how_to_explore(ended, outputs, settings_of(request.context), console)
            _until_interrupted()
        return outcome.status == "SUCCEEDED"


def _deployed(request: Request, work: Path, children: Children, progress: Progress) -> tuple[str, dict[str, str]]:
    """Bring up the application; the emulated AWS's URL and the stacks' outputs."""
    photos = request.source or work / "source"
    photos.mkdir(exist_ok=True)
    with progress.step(_SET_UP, "Start the emulated AWS") as say:
        url = emulated_aws.start(children, work, photos)
        say(f"{url}, logs in {work.relative_to(HOME.parent)}")
    cdk, steps = Cdk(work, request.context), Steps(_SET_UP, progress, children)
    steps.wait_for(steps.start("cdk bootstrap", cdk.bootstrap()), steps.start("cdk synth", cdk.synth()))
    awaited = [steps.start("cdk deploy --all", cdk.deploy())]
    if request.source is None:
        # Nothing reads the bins before the execution does, and a deployment is mostly waiting.
        drawing = source.drawing(photos, work / "bins.log")
        awaited.append(steps.start(f"Draw {source.SYNTHETIC_BINS} synthetic bins", drawing))
    steps.wait_for(*awaited)
    return url, cdk.outputs()


def _ended(outcome: Outcome, work: Path, url: str, outputs: dict[str, str]) -> summary.Ended:
    """Fetch the report, and ask the live endpoint about one test photo if it serves the new model."""
    ended = summary.Ended(outcome, work, outputs["EndpointName"], url, permissions.fetch(url))
    data_bucket.download_page(outputs["DataBucketName"], ended.report)
    if outcome.output and outcome.output["decision"] == "deployed":
        id, photo, count = data_bucket.Report.of(outcome.output["evaluation"]["reportUri"]).sample()
        runtime = boto3.client("sagemaker-runtime")
        answer = runtime.invoke_endpoint(EndpointName=ended.endpoint, ContentType="image/jpeg", Body=photo)
        ended.photo.write_bytes(photo)
        ended.prediction = {"image": id, "trueCount": count, **json.loads(answer["Body"].read())}
    return ended


@contextmanager
def _failure_in(result: Path | None) -> Iterator[None]:
    """A failure of the rehearsal itself is written where its result would have been."""
    try:
        yield
    except (BotoCoreError, ClientError, RehearsalFailed) as failure:
        outcome = Outcome("FAILED", {}, error="RehearsalFailed", cause=str(failure))
        _write(result, {name: value for name, value in asdict(outcome).items() if value is not None})
        raise RehearsalFailed(str(failure)) from failure


def _write(file: Path | None, result: dict[str, Any]) -> None:
    if file is not None:
        file.write_text(json.dumps(result, indent=2) + "\n")


def _until_interrupted() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass
