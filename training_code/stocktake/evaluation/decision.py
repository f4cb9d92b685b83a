"""The rule of a release: whether a model is good enough to serve, and why.

Estimates decide and intervals are told. A test split of the default size leaves an accuracy uncertain by several
percent: to ask that a whole interval lies above a limit would refuse sound models for want of test images, and between
two models the better estimate is the better bet whatever its uncertainty.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

ANY = 1.0
"""The margin that takes a model whatever the champion is, as two accuracies are never further apart."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class Rule:
    """`release` of the execution's input.

    Attributes
    ----------
    above_majority
        Whether more images must be right than by always giving the most frequent count.
    margin
        How much lower the accuracy may be than the champion's on the same images.
    minimum_recall
        What each count that has images must reach.
    """

    minimum_accuracy: float
    above_majority: bool
    margin: float
    minimum_recall: float

    @classmethod
    def read(cls, text: str) -> "Rule":
        """From JSON, fields named as in the input."""
        given = json.loads(text)
        return cls(given["minimumAccuracy"], given["aboveMajority"], given["margin"], given["minimumRecall"])


def decide(rule: Rule, metrics: dict[str, Any], champion: dict[str, Any] | None) -> dict[str, Any]:
    """Apply the rule.

    Parameters
    ----------
    metrics
        As `counting_metrics` returns them.
    champion
        `comparable`, and what `compare` returns or else the `reason` why not; None when nothing serves yet.

    Returns
    -------
    dict
        `accepted`; the `reason`: of a rejected model the failed checks, otherwise all; `checks`, each with its field of
        `release`, whether it is `passed`, and a `sentence`.
    """
    checks = list(_checks(rule, metrics, champion))
    failed = [check for check in checks if not check.passed]
    return {
        "accepted": not failed,
        "reason": "; ".join(check.sentence for check in failed or checks),
        "checks": [check._asdict() for check in checks],
    }


class Check(NamedTuple):
    """Whether a field of `release` is satisfied."""

    rule: str
    passed: bool
    sentence: str


def _checks(rule: Rule, metrics: dict[str, Any], champion: dict[str, Any] | None) -> Iterator[Check]:
    accuracy, majority = metrics["accuracy"], metrics["majorityAccuracy"]
    enough = accuracy >= rule.minimum_accuracy
    is_ = "at least" if enough else "below"
    yield Check(
        "minimumAccuracy",
        enough,
        f"accuracy {_share(accuracy)} on the test split is {is_} release.minimumAccuracy {rule.minimum_accuracy:g}",
    )
    if rule.above_majority:
        above = accuracy > majority
        yield Check(
            "aboveMajority",
            above,
            f"accuracy {_share(accuracy)} is {'' if above else 'not '}above {_share(majority)}, what always giving the "
            "most frequent count reaches (release.aboveMajority)",
        )
    if rule.minimum_recall:
        yield _recall_check(rule, metrics["recall"])
    if champion:
        yield _champion_check(rule, champion)


def _recall_check(rule: Rule, recall: dict[str, float | None]) -> Check:
    measured = {label: share for label, share in recall.items() if share is not None}
    low = {label: share for label, share in measured.items() if share < rule.minimum_recall}
    is_ = "below" if low else "at least"
    lowest = min(measured, key=lambda label: measured[label])
    told = ", ".join(
        f"{_share(share)} of count {label}" for label, share in (low or {lowest: measured[lowest]}).items()
    )
    return Check("minimumRecall", not low, f"the recall {told} is {is_} release.minimumRecall {rule.minimum_recall:g}")


def _champion_check(rule: Rule, champion: dict[str, Any]) -> Check:
    asked = f"release.margin {rule.margin:g}"
    if not champion["comparable"]:
        why = f"the champion cannot be compared with: {champion['reason']}"
        if rule.margin >= ANY:
            return Check("margin", True, f"{why}; {asked} takes the model all the same")
        return Check(
            "margin", False, f"{why}; release.margin 1 takes a model without a comparison, and it is {rule.margin:g}"
        )
    difference = champion["difference"]["accuracy"]
    low, high = difference["interval"]
    passed = difference["estimate"] >= -rule.margin - ROUNDING
    ours, theirs = champion["challenger"]["accuracy"], champion["champion"]["accuracy"]
    return Check(
        "margin",
        passed,
        f"accuracy {_share(ours)} against the champion's {_share(theirs)} on {champion['images']} test images, a "
        f"difference of {difference['estimate']:+.4f} (95% interval {low:+.4f} to {high:+.4f}), is "
        f"{'not lower' if passed else 'lower'} by more than {asked}",
    )


def _share(value: float) -> str:
    return f"{value:.4f}"
