"""The jobs that an execution has run, from its variables."""

from collections.abc import Iterator, Mapping
from typing import Any

from costs.bill import Job

PHASES = {phase: phase for phase in ("Extract features", "Compare", "Tune", "Train", "Evaluate")} | dict.fromkeys(
    ("Tune to criteria", "Describe tuning", "Collect trials"), "Tune"
)
"""Whose jobs are not known where this state has failed."""


def executed_jobs(variables: Mapping[str, Any], evaluation_type: str) -> Iterator[Job]:
    """A job for each that left something behind; those that failed and were tried again are not known.

    Args:
        variables: run, extracted, comparison, tuning, training, evaluationSeconds as the state machine has them.
        evaluation_type: the instance type of evaluations.
    """
    if not variables["run"]:  # Plan has failed
        return
    given, run = variables["run"]["input"], variables["run"]
    for features in variables["extracted"]:
        what, seconds = f"Extract features: {features['architecture']}", features["seconds"]
        yield Job(what, "processing", given["training"]["instanceType"], seconds, seconds)
    compared = variables["comparison"] or []
    for candidate in compared:
        yield _training(f"Compare: {candidate['architecture']}", candidate)
    if tuning := variables["tuning"]:
        yield Job(
            "Tune",
            "training",
            run["trainingInstanceType"],
            tuning["trainingSeconds"],
            tuning["billableSeconds"],
            given["training"]["instanceCount"],
            tuning["trials"],
            given["training"]["spot"],
            tuning["jobName"],
        )
    training = variables["training"]
    if training and training["jobName"] not in {candidate["jobName"] for candidate in compared}:
        yield _training("Train", training)
    if seconds := variables["evaluationSeconds"]:
        yield Job("Evaluate", "processing", evaluation_type, seconds, seconds)


def not_counted(failure: Mapping[str, Any] | None) -> str | None:
    """Jobs that an execution may have been billed besides: those of the state that failed leave nothing behind."""
    phase = PHASES.get(failure["state"]) if failure else None
    return f"the jobs of {phase}" if phase else None


def _training(what: str, described: Mapping[str, Any]) -> Job:
    return Job(
        what,
        "training",
        described["instanceType"],
        described["trainingSeconds"],
        described["billableSeconds"],
        described["instanceCount"],
        spot=described["spot"],
        name=described["jobName"],
    )


def packed_photos(variables: Mapping[str, Any]) -> int:
    """Photos of the dataset that this execution has made; 0 if it was there."""
    dataset, planned = variables["dataset"], (variables["run"] or {}).get("dataset")
    if not dataset or not planned or planned["ready"]:
        return 0
    counted = sum(sum(classes.values()) for classes in dataset["counts"].values())
    return int(counted + dataset.get("uncounted", 0))
