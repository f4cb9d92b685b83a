"""Rules applied to a finished training: who found an issue, and why."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import torch

from stocktake.debugging.low_utilisation import low_utilisation
from stocktake.debugging.utilisation import Samples

NO_ISSUES, ISSUES, ERROR = "NoIssuesFound", "IssuesFound", "Error"
CODES = {NO_ISSUES: 0, ISSUES: 1, ERROR: 2}
"""What the job's metric definitions read; statuses are those of SageMaker's own rule evaluations."""


class Verdict(TypedDict):
    """`status` is NoIssuesFound, IssuesFound or Error; `reason` one sentence for people, empty without issues."""

    status: str
    reason: str


def judge_tensors(folder: Path) -> dict[str, Verdict]:
    """Apply the rules over saved tensors; rules that too little was saved for are absent."""
    from smdebug.exceptions import RuleEvaluationConditionMet
    from smdebug.rules import invoke_rule

    from stocktake.debugging.rules import TENSOR_RULES, TensorRule
    from stocktake.debugging.saved_tensors import open_trial

    trial = open_trial(folder)
    if trial is None:
        return {}

    def find(rule_class: type[TensorRule]) -> str | None:
        rule = rule_class(trial)
        steps = rule.judged_steps()
        try:
            for step in steps:
                invoke_rule(rule, step, step + 1, raise_eval_cond=True)
        except RuleEvaluationConditionMet:
            return rule.reason
        return "" if steps else None

    verdicts = {name: _verdict(lambda rule=rule: find(rule)) for name, rule in TENSOR_RULES.items()}  # type: ignore[misc]
    return {name: verdict for name, verdict in verdicts.items() if verdict}


def judge_utilisation(samples: Samples, device: torch.device) -> dict[str, Verdict]:
    """Apply the rule over utilisation to the processor that trained."""
    processor = "cpu" if device.type == "cpu" else "gpu"
    if not samples.get(processor):
        return {}
    verdict = _verdict(lambda: low_utilisation(samples[processor], samples["seconds"]))
    return {f"low_{processor}_utilization": verdict} if verdict else {}


def _verdict(find: Callable[[], str | None]) -> Verdict | None:
    """`find` returns a sentence about an issue, an empty one when there is none, None when it could not judge."""
    try:
        reason = find()
    except Exception as error:
        return Verdict(status=ERROR, reason=f"{type(error).__name__}: {error}")
    if reason is None:
        return None
    return Verdict(status=ISSUES if reason else NO_ISSUES, reason=reason)


def publish(verdicts: dict[str, Verdict], folder: Path) -> None:
    """Print a line for each rule, as the job's metric definitions read it, and write rules.json."""
    for name, verdict in verdicts.items():
        print(f"rule:{name}={CODES[verdict['status']]} {verdict['reason']}".rstrip(), flush=True)
    (folder / "rules.json").write_text(json.dumps(verdicts, indent=2))
