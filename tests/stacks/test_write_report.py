"""The states that have an execution's page written, whatever became of it."""

import json
from typing import Any

import pytest

from tests.stacks.execution import rendered, variables
from tests.stacks.template import Template, resources

States = dict[str, dict[str, Any]]
CONTEXT = {"Execution": {"Id": "arn:e", "StartTime": "now", "Input": {"seed": 5}}}
EXECUTION = {"id": "arn:e", "start": "now", "given": '{"seed":5}'}
URI = "s3://data/reports/r/index.html"


def test_the_page_of_an_execution_is_about_its_output_and_named_in_it(states: States) -> None:
    state, output = states["Write report"], {"decision": "deployed", "evaluation": {"accuracy": 0.5}}
    payload = rendered(state["Arguments"]["Payload"], variables(), output, context=CONTEXT)
    assert payload["execution"] == EXECUTION
    assert (payload["output"], payload["failure"]) == (output, None)
    assert payload["run"] == variables()["run"]
    after = rendered(state["Output"], variables(), output, {"Payload": {"uri": URI}})
    assert after == output | {"reportUri": URI}


def test_a_page_that_cannot_be_written_leaves_the_output_and_the_decision(states: States) -> None:
    output = {"decision": "deployed", "evaluation": {"accuracy": 0.5}}
    for catch in states["Write report"]["Catch"]:
        assert catch["Next"] == "Report"
        assert rendered(catch["Output"], variables(), output) == output | {"reportUri": None}
        assert "Assign" not in catch


def test_the_page_of_a_failure_is_about_what_was_reached(states: States) -> None:
    failure = {"state": "Train", "error": "NoResult", "cause": "it was stopped"}
    known = variables(failure=failure, spent=[{"trainingSeconds": 7, "billableSeconds": 3}])
    payload = rendered(states["Write report of failure"]["Arguments"]["Payload"], known, context=CONTEXT)
    assert payload["failure"] == failure
    assert payload["output"]["dataset"] == known["dataset"]
    assert payload["output"]["training"] is None
    assert payload["output"]["cost"]["trainingSeconds"] == 7


def test_a_plan_that_fails_leaves_all_that_the_page_asks_for(states: States) -> None:
    # given nothing but what the Catch of the first state assigns
    for catch in states["Plan"]["Catch"]:
        known = rendered(catch["Assign"], {}, errorOutput={"Error": "InvalidInput", "Cause": "any"})
        # then the page of the failure can be asked for
        payload = rendered(states["Write report of failure"]["Arguments"]["Payload"], known, context=CONTEXT)
        assert payload["run"] is None
        assert payload["failure"] == {"state": "Plan", "error": "InvalidInput", "cause": "any"}
        assert payload["output"]["model"] == {"packageArn": None}


def test_a_page_that_cannot_be_written_hides_no_failure(states: States) -> None:
    state = states["Write report of failure"]
    assert rendered(state["Output"], {}, {}, {"Payload": {"uri": URI}}) == {"reportUri": URI}
    assert [catch["ErrorEquals"] for catch in state["Catch"]] == [["States.DataLimitExceeded"], ["States.ALL"]]
    for catch in state["Catch"]:
        assert (catch["Next"], catch["Output"]["reportUri"]) == ("Notify failure", "{% null %}")
        # The failure that the execution ends with stays the one that was caught.
        assert "Assign" not in catch
    assert state["Next"] == "Notify failure"


@pytest.mark.parametrize(("uri", "told"), [(URI, True), (None, False)])
def test_the_mail_of_a_failure_names_its_page_if_there_is_one(states: States, uri: str | None, told: bool) -> None:
    known = variables(failure={"state": "Train", "error": "NoResult", "cause": "it was stopped"})
    context = {"Execution": {"Id": "arn:aws:states:eu-west-1:1:execution:m:e", "Name": "e"}}
    message = rendered(states["Notify failure"]["Arguments"]["Message"], known, {"reportUri": uri}, context=context)
    protocols = json.loads(message)
    assert (f"Report {URI}:" in protocols["email"]) is told
    assert "Train failed: NoResult" in protocols["email"]
    assert json.loads(protocols["default"])["reportUri"] == uri


@pytest.mark.parametrize(("uri", "told"), [(URI, URI), (None, "s3://data/reports/r/report.html")])
def test_the_mail_of_a_decision_names_the_page_or_else_the_evaluations(
    states: States, uri: str | None, told: str
) -> None:
    evaluation = {"accuracy": 0.5, "interval": [0.4, 0.6], "images": 9, "reportUri": "s3://data/reports/r/report.html"}
    output = {"evaluation": evaluation, "reportUri": uri}
    known = variables(decision="deployed", reason="any", cost={"usd": None})
    context = {"Execution": {"Id": "arn:aws:states:eu-west-1:1:execution:m:e", "Name": "e"}}
    message = rendered(states["Report"]["Arguments"]["Message"], known, output, context=context)
    assert f"Report {told}:" in json.loads(message)["email"]


@pytest.mark.parametrize(
    ("sid", "action", "folders"),
    [("ReadWhatIsReported", "s3:GetObject", ["datasets", "reports"]), ("WriteReport", "s3:PutObject", ["reports"])],
)
def test_the_function_reads_and_writes_below_its_own_prefixes(
    templates: dict[str, Template], sid: str, action: str, folders: list[str]
) -> None:
    roles = resources(templates["Workflow"], "AWS::IAM::Role")
    (role,) = [role for name, role in roles.items() if "WriteReportRole" in name]
    (policy,) = role["Policies"]
    (statement,) = [s for s in policy["PolicyDocument"]["Statement"] if s.get("Sid") == sid]
    assert statement["Action"] == action
    given = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
    assert [resource["Fn::Join"][1][-1] for resource in given] == [f"/{folder}/*" for folder in folders]
