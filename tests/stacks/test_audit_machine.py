"""The audit's state machine: what its job is given, what its roles may do, and how it ends."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.stacks.execution import accepted, rendered
from tests.stacks.template import Template, as_list, machine, machine_definition, resources, statements, walk

States = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def states(templates: dict[str, Template]) -> States:
    return walk(machine_definition(templates["Workflow"], audit=True))


def planned(**more: Any) -> dict[str, Any]:
    """The variables after Plan audit."""
    audit = {
        "input": {"instanceType": "ml.m5.xlarge", "instanceCount": 3, "maxRunSeconds": 86_400},
        "uri": "s3://data/audits/a1",
        "bucket": "data",
        "prefix": "audits/a1",
        "source": {"uri": "s3://aft-vbi-pds", "anonymous": True},
        "model": {
            "packageArn": "arn:p",
            "artifact": "s3://data/models/m/model.tar.gz",
            "precision": "bfloat16",
            "bins": "s3://data/datasets/d/splits.json",
            "known": True,
        },
        "bins": 535_000,
        "ready": False,
        "job": "stocktake-0123456789ab-audit",
    }
    return {"audit": audit | more, "seconds": 0}


def job(states: States, **more: Any) -> dict[str, Any]:
    return accepted("CreateProcessingJob", rendered(states["Count bins"]["Arguments"], planned(**more)))


def options(request: dict[str, Any]) -> list[str]:
    return list(request["AppSpecification"]["ContainerArguments"])


def inputs(request: dict[str, Any]) -> dict[str, str]:
    return {one["InputName"]: one["S3Input"]["S3Uri"] for one in request["ProcessingInputs"]}


def test_the_job_counts_on_as_many_instances_as_asked_and_reads_the_source_itself(states: States) -> None:
    request = job(states)
    cluster = request["ProcessingResources"]["ClusterConfig"]
    assert (cluster["InstanceType"], cluster["InstanceCount"]) == ("ml.m5.xlarge", 3)
    assert request["NetworkConfig"]["EnableNetworkIsolation"] is False
    # boto3 in the container has no other way to know
    assert request["Environment"].keys() == {"AWS_DEFAULT_REGION"}
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 86_400}
    given = options(request)
    pairs = dict(pairwise(given))
    assert pairs["--source"] == "s3://aft-vbi-pds"
    assert pairs["--precision"] == "bfloat16"
    assert pairs["--results"] == "s3://data/audits/a1/results"
    assert pairs["--learned"] == "input/learned"
    assert "--anonymous" in given
    assert "--learned-unknown" not in given
    found = inputs(request)
    assert found.pop("code").startswith("s3://")
    assert found == {
        "model": "s3://data/models/m/model.tar.gz",
        "batches": "s3://data/audits/a1/batches/",
        "learned": "s3://data/datasets/d/splits.json",
    }


def test_a_source_that_asks_for_a_signature_and_a_model_without_a_list(states: States) -> None:
    request = job(
        states,
        source={"uri": "s3://own", "anonymous": False},
        model={"artifact": "s3://data/models/m/model.tar.gz", "precision": "float32", "bins": None, "known": False},
    )
    assert "--learned-unknown" in options(request)
    assert "--anonymous" not in options(request)
    assert "--learned" not in options(request)
    assert inputs(request).keys() == {"code", "model", "batches"}


@pytest.mark.parametrize(("value", "live"), [("arn:p", "arn:p"), ("", None)])
def test_the_model_is_the_one_that_the_endpoints_stack_names(states: States, value: str, live: str | None) -> None:
    state, answered = states["Read live model"], {"ParameterKey": "ModelPackageArn", "ParameterValue": value}
    assigned = rendered(state["Assign"], {}, input={"package": None}, result={"Stacks": [{"Parameters": [answered]}]})
    assert assigned == {"live": live}
    # and the input goes on
    assert rendered(state["Output"], {}, input={"instanceCount": 2}) == {"instanceCount": 2}


def test_one_that_is_complete_is_told_again_and_not_counted(states: States) -> None:
    choice = states["Audited already?"]
    [done] = choice["Choices"]
    assert rendered(done["Condition"], planned(ready=True)) is True
    assert rendered(done["Condition"], planned(ready=False)) is False
    assert (done["Next"], choice["Default"]) == ("Read audit", "Count bins")


def test_the_job_of_one_deployment_carries_its_tags(states: States) -> None:
    tags = {tag["Key"]: tag["Value"] for tag in job(states)["Tags"]}
    # The machine's own name is another.
    assert tags["stocktake:deployment"] == "stocktake"


def test_every_error_is_told_and_fails_the_audit(states: States) -> None:
    for name in ("Read live model", "Plan audit", "Count bins", "Describe audit", "Read audit"):
        ways = {catch["Next"] for catch in states[name]["Catch"]}
        assert "Notify failure" in ways, name
    assert states["Notify failure"]["Next"] == "Failed"
    # but neither a price that is not known nor a topic that cannot be reached
    assert {catch["Next"] for catch in states["Add up cost of audit"]["Catch"]} == {"Summarise audit"}
    assert {catch["Next"] for catch in states["Tell of audit"]["Catch"]} == {"Done"}


def test_a_job_over_its_time_is_no_result(states: States) -> None:
    stopped = {
        "ProcessingJobStatus": "Stopped",
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "ProcessingJobName": "j",
    }
    problem = rendered(states["Describe audit"]["Output"], planned(), result=stopped)["problem"]
    assert "60 seconds" in problem


def test_the_notification_tells_what_was_found(states: States) -> None:
    output = {
        "pageUri": "s3://data/audits/a1/results/index.html",
        "summary": {
            "bins": 8500,
            "outcomes": {"scored": 5000, "above": 3500},
            "byRecorded": {"1": {"expectedWrong": 100.4}, "2": {"expectedWrong": 149.5}},
            "errorRate": {"bins": 600},
        },
    }
    context = {
        "Execution": {"Id": "arn:aws:states:us-east-1:1:execution:stocktake-audit:a", "Name": "a"},
    }
    sent = rendered(
        states["Tell of audit"]["Arguments"],
        planned() | {"cost": {"usd": 1.234}},
        input=output,
        context=context,
    )
    assert sent["Subject"] == "Stocktake: audit of 8500 bins, about 250 wrong"
    mail = json.loads(sent["Message"])["email"]
    assert "5000 of 8500 bins have a record that the model can judge; it expects about 250 of them to be wrong." in mail
    assert "Cost: 1.23 USD" in mail
    assert "s3://data/audits/a1/results/index.html" in mail


def test_no_bin_that_could_be_judged_is_a_sentence_too(states: States) -> None:
    summary = {"bins": 2, "outcomes": {"no-photo": 2}, "byRecorded": {}, "errorRate": {"bins": 0}}
    output = {"pageUri": "s3://d/a", "summary": summary}
    context = {"Execution": {"Id": "arn:aws:states:us-east-1:1:execution:stocktake-audit:a", "Name": "a"}}
    sent = rendered(states["Tell of audit"]["Arguments"], planned() | {"cost": {}}, input=output, context=context)
    assert "how many of them are wrong cannot be estimated" in json.loads(sent["Message"])["email"]
    assert sent["Subject"] == "Stocktake: audit of 2 bins"


def test_the_machine_starts_processing_jobs_alone_in_the_audits_role(templates: dict[str, Template]) -> None:
    found = {one.get("Sid"): one for one in statements(templates["Workflow"], "AuditRole")}
    assert not [action for action in found["RunJobs"]["Action"] if "Training" in action]
    assert "AuditJobRole" in json.dumps(found["PassJobRoles"]["Resource"])
    assert "TrainingRole" not in json.dumps(found["PassJobRoles"]["Resource"])
    assert machine(templates["Workflow"], audit=True)["StateMachineName"] == "stocktake-audit"


def test_the_job_writes_below_audits_alone(templates: dict[str, Template]) -> None:
    writing = [
        resource
        for one in statements(templates["Workflow"], "AuditJobRole")
        if "s3:PutObject" in as_list(one["Action"])
        for resource in as_list(one["Resource"])
    ]
    assert [resource["Fn::Join"][1][-1] for resource in writing] == ["/audits/*"]


def test_bins_are_counted_on_cpus_wherever_models_are_evaluated(synthesize: Callable[..., dict[str, Template]]) -> None:
    # given evaluations on a GPU
    functions = resources(synthesize(evaluationInstanceType="ml.g4dn.xlarge")["Workflow"], "AWS::Lambda::Function")
    types = {
        function["Environment"]["Variables"]["AUDIT_INSTANCE_TYPE"]
        for function in functions.values()
        if "audit" in function["Handler"]
    }
    # then audits run beside the endpoint
    assert types == {"ml.m7i.xlarge"}
