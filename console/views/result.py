"""How an execution ended: its measurements and the decision, or the error and its cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.views.execution import Outcome
from console.views.money import with_on_demand

Figures = Sequence[tuple[str, str]]


def tell(outcome: Outcome, figures: Figures, console: Console) -> None:
    """Print the status, then the figures of an execution that succeeded, or why the other failed."""
    console.print()
    if outcome.output is None:
        console.print(f"[bold red]{outcome.status}[/] {outcome.error or ''}", highlight=False)
        console.print(outcome.cause or "", markup=False, highlight=False, soft_wrap=True)
        return
    console.print(f"[bold green]{outcome.status}[/]", highlight=False)
    if not console.is_terminal:
        # Nothing is wrapped or cut: an address has to be whole for whoever reads the file.
        width = max((len(name) for name, _ in figures), default=0)
        for name, value in figures:
            console.print(f"{name:<{width}}  {value}", markup=False, highlight=False, soft_wrap=True)
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in figures:
        table.add_row(name, Text(value))
    console.print(table)


def figures_of(output: Mapping[str, Any], report: str) -> list[tuple[str, str]]:
    """What the output tells, name by name; `report` is where the report lies."""
    return [
        *_data_figures(output["dataset"]),
        *_evaluation_figures(output["evaluation"]),
        *_training_figures(output),
        ("decision", output["decision"]),
        ("reason", output["reason"]),
        ("report", report),
        *_cost_figures(output["cost"]),
    ]


def _data_figures(dataset: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """None where a package was served that is registered already."""
    if dataset:
        counts = dataset["counts"].items()
        yield "images", ", ".join(f"{split} {sum(classes.values())}" for split, classes in counts)


def _evaluation_figures(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    low, high = evaluation["interval"]
    yield "accuracy", f"{evaluation['accuracy']:.3f}  (95 % interval {low:.3f} to {high:.3f})"
    yield "within one", f"{evaluation['withinOne']:.3f}"
    yield from _champion_figures(evaluation["champion"])


def _champion_figures(champion: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
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


def _training_figures(output: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
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
    if training is None:
        return
    if issues := [rule for rule, status in training["rules"].items() if status == "IssuesFound"]:
        yield "issues found", ", ".join(issues)
    if training["spot"]:
        seconds = f"{training['billableSeconds']} of {training['trainingSeconds']} seconds billed"
        yield "spot savings", f"{training['savingsPercent']} %  ({seconds})"


def _cost_figures(cost: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "usd" in cost:
        yield "cost", with_on_demand(cost)
