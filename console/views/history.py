"""An execution's history as visits of its states."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """What a task starts in SageMaker.

    Attributes
    ----------
    action, arguments
        The API action that creates it, such as createTrainingJob, and what that is given.
    waited_for
        Whether the task lasts as long as the job does.
    """

    action: str
    arguments: dict[str, Any]
    waited_for: bool = True

    @property
    def kind(self) -> str:
        """Such as TrainingJob, the API's word for it."""
        return self.action.removeprefix("create")

    @property
    def name(self) -> str:
        name: str = self.arguments[f"{self.kind}Name"]
        return name


@dataclass
class Visit:
    """One visit of a state, from its being entered to its being left.

    Attributes
    ----------
    inside
        The visit of the Map or Parallel state that this one belongs to.
    failed
        Whether the last attempt failed, be it caught or not.
    items, items_done
        Of an inline Map. A Distributed Map has `map_run` instead.
    job
        The job that a task started last.
    token
        Whether it waits until somebody hands its task's token back.
    """

    state: str
    entered: datetime
    left: datetime | None = None
    inside: Visit | None = None
    failed: bool = False
    attempts: int = 0
    items: int | None = None
    items_done: int = 0
    map_run: str | None = None
    job: Job | None = None
    token: bool = False

    def seconds(self, now: datetime) -> float:
        return ((self.left or now) - self.entered).total_seconds()

    @property
    def around(self) -> Iterator[Visit]:
        """This visit and those that it is inside of, innermost first."""
        yield self
        if self.inside is not None:
            yield from self.inside.around


def visits_of(states: Any, execution: str) -> list[Visit]:
    """What an execution, by its ARN, has done until now; `states` is a client of Step Functions."""
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution, maxResults=1000)
    return visits(event for page in pages for event in page["events"])


def visits(events: Iterable[Event]) -> list[Visit]:
    """The visits that a complete GetExecutionHistory answer (oldest event first) tells of, in the order of entry."""
    found: list[Visit] = []
    visit_of: dict[int, Visit | None] = {}
    for event in events:
        visit = visit_of.get(event["previousEventId"])
        while visit is not None and visit.left is not None:
            visit = visit.inside
        if "stateEnteredEventDetails" in event:
            visit = Visit(event["stateEnteredEventDetails"]["name"], event["timestamp"], inside=visit)
            found.append(visit)
        elif visit is not None:
            visit = _told(visit, event)
        visit_of[event["id"]] = visit
    return found


def _told(visit: Visit, event: Event) -> Visit:
    """Add to a visit what an event tells of it; returns the visit that the event is about."""
    kind: str = event["type"]
    if "stateExitedEventDetails" in event:
        name = event["stateExitedEventDetails"]["name"]
        visit = next(around for around in visit.around if around.state == name)
        visit.left = event["timestamp"]
    elif kind == "MapStateStarted":
        visit.items = event["mapStateStartedEventDetails"]["length"]
    elif kind == "MapIterationSucceeded":
        name = event["mapIterationSucceededEventDetails"]["name"]
        visit = next(around for around in visit.around if around.state == name)
        visit.items_done += 1
    elif kind == "MapRunStarted":
        visit.map_run = event["mapRunStartedEventDetails"]["mapRunArn"]
    elif kind.endswith(("Scheduled", "TimedOut", "Failed", "Aborted")):
        visit.failed = not kind.endswith("Scheduled")
        visit.attempts += kind.endswith("Scheduled")
        if kind == "TaskScheduled":
            visit.job = _job(event["taskScheduledEventDetails"])
            visit.token = event["taskScheduledEventDetails"]["resource"].endswith(".waitForTaskToken")
    return visit


def _job(details: Mapping[str, Any]) -> Job | None:
    action, _, pattern = details["resource"].partition(".")
    is_job = action.startswith("create") and action.endswith("Job")
    return Job(action, json.loads(details["parameters"]), bool(pattern)) if is_job else None
