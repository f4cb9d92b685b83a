"""What the topic is told at an execution's end and when a model waits: a text for mails, JSON for machines."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.stacks.execution import rendered, variables
from tests.stacks.template import Template, machine_definition, walk

States = dict[str, dict[str, Any]]
NOTIFICATIONS = ("Report", "Ask for approval", "Notify failure")
ID = "arn:aws:states:eu-central-1:123456789012:execution:stocktake:first-run"
CONTEXT = {"Execution": {"Id": ID, "Name": "first-run"}}
PACKAGE = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/stocktake-models/3"
EVALUATION = {
    "accuracy": 0.4451,
    "interval": [0.41604, 0.4752],
    "images": 1094,
    "reportUri": "s3://data/reports/r/report.html",
    "release": {"reason": "accuracy 0.445 is at least release.minimumAccuracy 0.3"},
}
FAILURE = {"state": "Train", "error": "QuotaTooSmall", "cause": "the quota 'ml.g4dn.xlarge' is 0 and the job needs 1"}
LINKS = (
    """\
Report s3://data/reports/r/report.html:
https://eu-central-1.console.aws.amazon.com/s3/object/data?region=eu-central-1&prefix=reports/r/report.html

Execution first-run:
https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/"""
    + ID
)


def published(states: States, name: str, context: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """What SNS is given, `Message` parsed into its protocols."""
    known = variables({"release": {"approval": "manual"}}, evaluation=EVALUATION, failure=FAILURE, package=PACKAGE)
    known |= {"decision": "deployed", "reason": "it counts well", "cost": {"usd": 0.2083}} | more
    known["run"]["report"]["uri"] = "s3://data/reports/r"
    output = {"evaluation": EVALUATION, "decision": known["decision"]}
    arguments = rendered(states[name]["Arguments"], known, output, context=context or CONTEXT)
    assert arguments["MessageStructure"] == "json"
    return arguments | {"Message": json.loads(arguments["Message"])}


def test_a_deployed_model_is_told_with_its_figures_its_report_and_the_next_command(states: States) -> None:
    told = published(states, "Report")
    assert told["Subject"] == "Stocktake: model deployed, 44.5% right"
    assert told["Message"]["email"] == (
        "Model deployed: it counts 44.5% of 1094 test photos (95% interval 41.6% to 47.5%) right.\n"
        "Why: it counts well\nCost: 0.21 USD\n\nTry it: make try\nGo back to the model before: make rollback\n\n"
        + LINKS
    )


def test_a_cost_that_is_not_known_is_left_out(states: States) -> None:
    for cost in ({"usd": None, "reason": "the function timed out"}, {}):
        assert "Cost" not in published(states, "Report", cost=cost)["Message"]["email"]


def test_a_rejection_needs_no_command_and_a_superseded_model_can_be_promoted(states: States) -> None:
    rejected = published(states, "Report", decision="rejected")
    assert rejected["Subject"] == "Stocktake: model rejected, 44.5% right"
    assert "make" not in rejected["Message"]["email"]
    superseded = published(states, "Report", decision="superseded")["Message"]["email"]
    assert f"\nServe it all the same: make promote PACKAGE={PACKAGE}\n" in superseded


def test_a_model_that_waits_is_told_with_both_commands_and_the_time_left(states: States) -> None:
    told = published(states, "Ask for approval")
    assert told["Subject"] == "Stocktake: a model waits for approval"
    assert told["Message"]["email"] == (
        "A model waits for your decision. It counts 44.5% of 1094 test photos (95% interval 41.6% to 47.5%) right.\n"
        "It is good enough: accuracy 0.445 is at least release.minimumAccuracy 0.3\n\n"
        "Serve it: make approve EXECUTION=first-run\nReject it: make reject EXECUTION=first-run REASON=...\n"
        f"It is rejected if nobody answers within 168 hours.\n\nPackage {PACKAGE}\n\n" + LINKS
    )


def test_a_failure_is_told_with_its_sentence(states: States) -> None:
    told = published(states, "Notify failure")
    assert told["Subject"] == "Stocktake: an execution failed, in Train"
    sentence, _, links = told["Message"]["email"].partition("\n\n")
    assert sentence == f"Train failed: QuotaTooSmall\n{FAILURE['cause']}\nCost so far: 0.21 USD"
    partly = published(states, "Notify failure", cost={"usd": 0.1, "notCounted": "the jobs of Train"})
    assert "\nCost so far: 0.1 USD, not counting the jobs of Train\n" in partly["Message"]["email"]
    assert "Cost" not in published(states, "Notify failure", cost={"usd": None})["Message"]["email"]
    assert LINKS.endswith(links)
    long = published(states, "Notify failure", failure=FAILURE | {"cause": "x" * 15_000})["Message"]
    assert "x [...]\n" in long["email"]
    assert len(long["email"]) < 2_500
    assert len(json.loads(long["default"])["failure"]["cause"]) == 10_000


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("Report", {"execution": ID, "output": {"evaluation": EVALUATION, "decision": "deployed"}}),
        ("Notify failure", {"execution": ID, "failure": FAILURE, "cost": {"usd": 0.2083}}),
        (
            "Ask for approval",
            {
                "execution": ID,
                "package": PACKAGE,
                "accuracy": 0.4451,
                "report": "s3://data/reports/r/report.html",
                "secondsLeft": 604_800,
                "approve": "make approve EXECUTION=first-run",
                "reject": "make reject EXECUTION=first-run REASON=...",
            },
        ),
    ],
)
def test_every_other_subscriber_gets_the_facts_as_json(states: States, name: str, facts: dict[str, Any]) -> None:
    message = published(states, name)["Message"]
    assert message.keys() == {"default", "email"}
    assert json.loads(message["default"]) == facts


@pytest.mark.parametrize("name", NOTIFICATIONS)
def test_subjects_are_what_sns_takes(states: States, name: str) -> None:
    """ASCII without control characters, fewer than 100, the first one a letter, digit or punctuation."""
    longest = max(states, key=len)
    told = published(states, name, failure=FAILURE | {"state": longest * 5}, decision="superseded")
    assert re.fullmatch(r"[!-~][ -~]{0,98}", told["Subject"])


@pytest.mark.parametrize(
    ("partition", "region", "console"),
    [
        ("aws", "us-east-1", "https://us-east-1.console.aws.amazon.com/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
    ],
)
def test_links_lead_to_the_partitions_own_console(states: States, partition: str, region: str, console: str) -> None:
    arn = f"arn:{partition}:states:{region}:1:execution:stocktake:e"
    email = published(states, "Notify failure", {"Execution": {"Id": arn, "Name": "e"}})["Message"]["email"]
    assert email.endswith(f"{console}states/home?region={region}#/v2/executions/details/{arn}")


def test_commands_name_a_deployment_of_another_name(synthesize: Callable[..., dict[str, Template]]) -> None:
    states = walk(machine_definition(synthesize(name="other")["Workflow"]))
    assert "make rollback DEPLOYMENT=other\n" in published(states, "Report")["Message"]["email"]
    approval = published(states, "Ask for approval")["Message"]
    assert "make reject EXECUTION=first-run DEPLOYMENT=other REASON=...\n" in approval["email"]
    assert json.loads(approval["default"])["approve"] == "make approve EXECUTION=first-run DEPLOYMENT=other"
