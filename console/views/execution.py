"""One execution of the deployed state machine, followed to its end and told as progress."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import boto3
from botocore import exceptions, xform_name
from botocore.exceptions import BotoCoreError, ClientError

from console.views.history import Job, Visit, visits_of
from console.views.job_logs import JobNotes, notes_on
from console.views.next_command import next_command
from console.views.progress import Line, Status
from console.views.state_order import expected_states

_Answer = TypeVar("_Answer")
_SECONDS_UNTIL_FOUND = 30.0
_SECONDS_OF_SILENCE = 60.0
"""How long AWS may be out of reach, as for a laptop that slept, or too busy."""
_BUSY = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"}


@dataclass(frozen=True)
class Outcome:
    """How an execution ended; `output` when it succeeded, else `error` and `cause`."""

    status: str
    seconds: dict[str, float]
    output: dict[str, Any] | None = None
    error: str | None = None
    cause: str | None = None


class Execution:
    """An execution that was started, by its ARN; AWS may not find it in the first seconds."""

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self._states: Any = boto3.client("stepfunctions")
        self._logs: Any = boto3.client("logs")
        self._sagemaker: Any = boto3.client("sagemaker")
        self._job_notes: dict[str, JobNotes] = {}
        machine = _patiently(lambda: self._states.describe_state_machine_for_execution(executionArn=arn))
        self._expected = expected_states(json.loads(machine["definition"]))

    def follow(self, show: Callable[[Sequence[Line]], None], seconds_between_looks: float) -> Outcome:
        """Show the execution's progress until its end."""
        while True:
            answer, seen, lines = _patiently(self._look)
            show(lines)
            if answer["status"] != "RUNNING":
                return _outcome(answer, seen)
            time.sleep(seconds_between_looks)

    def _look(self) -> tuple[dict[str, Any], list[Visit], list[Line]]:
        """DescribeExecution's answer, what was done until now, and that as lines."""
        # Asked first, so that the history of an ended execution is complete.
        answer = self._states.describe_execution(executionArn=self.arn)
        seen = visits_of(self._states, self.arn)
        return answer, seen, self._lines(seen, answer["stopDate"] if answer["status"] != "RUNNING" else None)

    def _lines(self, seen: list[Visit], stopped: datetime | None) -> list[Line]:
        """One line for each top-level state: the expected ones, and any other that failed or is running."""
        ended = stopped is not None
        outer = [visit for visit in seen if visit.inside is None]
        unexpected = [visit.state for visit in outer if visit.failed or (visit.left is None and not ended)]
        titles = list(dict.fromkeys([*self._expected, *unexpected]))
        left_alone = [visit.job for visit in outer if visit.left and visit.job and not visit.job.waited_for]
        last_entered = max((titles.index(visit.state) for visit in outer if visit.state in titles), default=-1)
        return [
            self._line(
                title,
                [visit for visit in outer if visit.state == title],
                [visit for visit in seen if visit.inside and visit.inside.state == title],
                left_alone[-1:],
                passed=ended or place < last_entered,
                stopped=stopped,
            )
            for place, title in enumerate(titles)
        ]

    def _line(
        self,
        title: str,
        own: list[Visit],
        inner: list[Visit],
        left_alone: list[Job],
        *,
        passed: bool,
        stopped: datetime | None,
    ) -> Line:
        if not own:
            return Line(title, "skipped" if passed else "waiting")
        latest, now = own[-1], stopped or datetime.now(UTC)
        running = latest.left is None and stopped is None
        status: Status = "running" if running else "failed" if latest.failed or latest.left is None else "done"
        seconds = sum(visit.seconds(now) for visit in own)
        jobs = self._jobs([latest, *inner], left_alone) if running else []
        decision = self._to_decide() if running and latest.token else []
        return Line(
            title,
            status,
            time.monotonic() - seconds,
            seconds,
            self._detail(latest),
            notes=(*decision, *(note for job in jobs for note in job.notes())),
            live_notes=tuple(note for job in jobs for note in job.live_notes()),
        )

    def _to_decide(self) -> list[str]:
        """What helps a person to decide, and the commands to do so."""
        looks, accepts, refuses = (next_command(verb, self.arn) for verb in ("report", "approve", "reject"))
        return ["waits for a person to decide:", looks, accepts, f"{refuses} REASON=..."]

    def _detail(self, visit: Visit) -> str:
        if visit.map_run:
            try:
                counts = self._states.describe_map_run(mapRunArn=visit.map_run)["itemCounts"]
            except ClientError:  # not found yet, or throttled
                return ""
            failed = f", {counts['failed']} failed" if counts["failed"] else ""
            return f"{counts['succeeded']}/{counts['total']} items{failed}"
        if visit.items is not None:
            return f"{visit.items_done}/{visit.items} items"
        return f"attempt {visit.attempts}" if visit.attempts > 1 else ""

    def _jobs(self, visits: list[Visit], left_alone: list[Job]) -> list[JobNotes]:
        """The jobs that have something to say: of running states, and one that the running state looks after."""
        running = [visit.job for visit in visits if visit.left is None and visit.job]
        jobs = []
        for started in [*running, *(job for job in left_alone if self._runs(job))]:
            job = notes_on(self._logs, self._sagemaker, started.action, started.arguments)
            if job is not None:
                jobs.append(self._job_notes.setdefault(job.job, job))
        return jobs

    def _runs(self, job: Job) -> bool:
        describe = getattr(self._sagemaker, xform_name(f"Describe{job.kind}"))
        try:
            return bool(describe(**{f"{job.kind}Name": job.name})[f"{job.kind}Status"] == "InProgress")
        except ClientError:  # not created yet, or throttled
            return False


def _patiently(ask: Callable[[], _Answer]) -> _Answer:
    """The answer to a question about an execution that there is, asked again where a later try may be answered."""
    started = time.monotonic()
    while True:
        try:
            return ask()
        except (BotoCoreError, ClientError) as error:
            if time.monotonic() - started > _patience_with(error):
                raise
        time.sleep(1)


def _patience_with(error: BotoCoreError | ClientError) -> float:
    """Seconds after which nobody asks again."""
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "ExecutionDoesNotExist":  # These APIs are eventually consistent: a new one may not be found yet.
            return _SECONDS_UNTIL_FOUND
        return _SECONDS_OF_SILENCE if status >= 500 or code in _BUSY else 0
    return _SECONDS_OF_SILENCE if isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError) else 0


def _outcome(answer: dict[str, Any], seen: list[Visit]) -> Outcome:
    seconds: defaultdict[str, float] = defaultdict(float)
    for visit in seen:
        seconds[visit.state] += visit.seconds(answer["stopDate"])
    return Outcome(
        status=answer["status"],
        seconds={state: round(total, 3) for state, total in seconds.items()},
        output=json.loads(answer["output"]) if "output" in answer else None,
        error=answer.get("error"),
        cause=answer.get("cause"),
    )
