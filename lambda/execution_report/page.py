"""An execution as one page that needs no other file."""

import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

from execution_report.remedies import remedy
from execution_report.told import Told
from pages import environment

STEPS = {
    "Plan": "run",
    "Dataset": "dataset",
    "Comparison of architectures": "comparison",
    "Tuning": "tuning",
    "Training": "training",
    "Evaluation": "evaluation",
    "Registration": "package",
}
"""What an execution goes through, and where one can see that it has: see `reached`."""
STATES = {
    "Compare": "Comparison of architectures",
    "Tune": "Tuning",
    "Train": "Training",
    "Evaluate": "Evaluation",
    "Register": "Registration",
}
"""States that are a step by themselves: what failed there was reached."""

DECISIONS = {
    "deployed": "A model was deployed",
    "rejected": "The model was rejected",
    "superseded": "The model was overtaken by a better one",
}


def render(told: Told, code: dict[str, str]) -> str:
    """The page.

    Parameters
    ----------
    code
        Hashes of the code that ran, by what it is.
    """
    output = told.output
    templates = environment(Path(__file__).parent)
    templates.filters["usd"] = lambda value: "not known" if value is None else f"{value:,.4f} USD"
    return templates.get_template("page.html.j2").render(
        told=told,
        title=title(told),
        name=told.execution["id"].rpartition(":")[2],
        machine=told.execution["id"].rpartition(":")[0].replace(":execution:", ":stateMachine:"),
        failure=told.failure,
        remedy=remedy(told.failure["error"]) if told.failure else None,
        steps=reached(told, told.failure["state"]) if told.failure else [],
        output=output,
        metrics=told.metrics,
        card=told.card,
        data=data(told.card) if told.card else None,
        # Drawn by the evaluation of this deployment, which escaped what it was given.
        sections={name: Markup(section) for name, section in told.sections.items()},
        trials=told.trials,
        cost=output.get("cost") or {},
        given=json.dumps(told.run["input"], indent=2, ensure_ascii=False) if told.run else told.execution["given"],
        seed=told.run["input"]["seed"] if told.run else None,
        code=code,
    )


def title(told: Told) -> str:
    """What became of the execution, in one line."""
    if told.failure:
        return f"The execution failed in {told.failure['state']}"
    decided = DECISIONS.get(told.output["decision"], told.output["decision"])
    if told.metrics:
        return f"{decided}: {100 * told.metrics['accuracy']:.1f}% of {told.metrics['images']:,} bins counted right"
    return str(decided)


def reached(told: Told, failed: str) -> list[tuple[str, str]]:
    """Each step with how it went, the state that failed among them; what was not asked for is left out."""
    asked = told.run["input"] if told.run else {}
    known: dict[str, Any] = told.output | {
        "run": told.run,
        "evaluation": told.metrics,
        "package": told.output["model"]["packageArn"],
    }
    wanted = {
        "Comparison of architectures": len(asked.get("architectures", ())) > 1,
        "Tuning": asked.get("tuning", {}).get("enabled", False),
    }
    steps = [(step, known[found] is not None) for step, found in STEPS.items() if wanted.get(step, True)]
    if asked.get("release", {}).get("package"):
        steps = [step for step in steps if step[0] == "Plan"]
    done = [("done", step) for step, was in steps if was]
    missed = [step for step, was in steps if not was and step != STATES.get(failed, failed)]
    return [*done, ("failed", failed), *(("not reached", step) for step in missed)]


def data(card: dict[str, Any]) -> dict[str, Any]:
    """The card's essentials; what an earlier version's card does not tell is left out."""
    counts: dict[str, dict[str, int]] = card["counts"]
    labels = list(next(iter(counts.values())))
    return {
        "header": ["split", *(f"{label} item{'' if label == '1' else 's'}" for label in labels), "all"],
        "counts": [[name, *classes.values(), sum(classes.values())] for name, classes in counts.items()],
        "images": sum(sum(classes.values()) for classes in counts.values()),
        "rejected": [[reason, found["count"]] for reason, found in card["rejected"].items()],
        "linked": sum(groups for size, groups in card["groups"].items() if size != "1"),
        "groups": sum(card["groups"].values()),
        "copies": card.get("copies"),
        "wrong_labels": card.get("wrongLabels", {}).get("count"),
        "leak": card["leak"]["asBuilt"],
    }
