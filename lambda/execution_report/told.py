"""What an execution's page is made of: what the states hand over, and what lies in the data bucket."""

from dataclasses import dataclass
from typing import Any

import storage


@dataclass(frozen=True)
class Told:
    """An execution that has come to its end.

    Attributes
    ----------
    execution
        Its `id` (the ARN), `start`, and `given`: its input as text, shortened.
    run
        What Plan made of the input; None where Plan failed.
    output
        The execution's output. Of one that failed the same parts as far as they are known, the others None.
    failure
        The `state` that failed, its `error` and `cause`; None of one that succeeded.
    card, metrics, trials
        The documents of its dataset, evaluation and tuning, where there are any.
    sections
        HTML that the evaluation drew for its own page, by name.
    """

    execution: dict[str, Any]
    run: dict[str, Any] | None
    output: dict[str, Any]
    failure: dict[str, Any] | None
    card: dict[str, Any] | None
    metrics: dict[str, Any] | None
    trials: dict[str, Any] | None
    sections: dict[str, str]


def gather(event: dict[str, Any]) -> Told:
    """Read what the states only name."""
    run = event["run"] or {}
    dataset, report = run.get("dataset"), run.get("report")

    def of_report(name: str) -> Any:
        return storage.find_json(report["bucket"], f"{report['prefix']}/{name}") if report else None

    return Told(
        execution=event["execution"],
        run=event["run"],
        output=event["output"],
        failure=event["failure"],
        card=storage.find_json(dataset["bucket"], f"{dataset['prefix']}/card.json") if dataset else None,
        metrics=of_report("metrics.json"),
        trials=of_report("tuning/trials.json"),
        sections=of_report("sections.json") or {},
    )
