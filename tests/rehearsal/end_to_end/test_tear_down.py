"""What comes after an execution: the same deployment again, its end, and the end of the rehearsal. Runs last."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from rehearsal.deploy import CDK, SETTINGS, cdk_environment
from tests.rehearsal.emulator import ROOT
from tests.rehearsal.end_to_end.kept_rehearsal import Kept

SERVERS = "/aws/sagemaker/Endpoints"
GONE = [
    ("application-autoscaling", "describe_scalable_targets", "ScalableTargets"),
    ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ("cloudwatch", "list_dashboards", "DashboardEntries"),
    ("dynamodb", "list_tables", "TableNames"),
    ("events", "list_rules", "Rules"),
    ("lambda", "list_functions", "Functions"),
    ("lambda", "list_layers", "Layers"),
    ("sagemaker", "list_endpoint_configs", "EndpointConfigs"),
    ("sagemaker", "list_models", "Models"),
    ("scheduler", "list_schedules", "Schedules"),
    ("sns", "list_subscriptions", "Subscriptions"),
    ("sns", "list_topics", "Topics"),
    ("sqs", "list_queues", "QueueUrls"),
    ("stepfunctions", "list_state_machines", "stateMachines"),
]
"""Calls that list what a stack may have made, and the member with the list."""


def left(kept: Kept, service: str, operation: str, member: str) -> list[Any]:
    namespace = {"ServiceNamespace": "sagemaker"} if service == "application-autoscaling" else {}
    found: list[Any] = getattr(kept.client(service), operation)(**namespace).get(member, [])
    return found


def cdk(kept: Kept, folder: Path, *arguments: str) -> str:
    """The real CDK command line as the rehearsal tells to use it; what it says."""
    environment = cdk_environment(os.environ) | {
        "AWS_ENDPOINT_URL": kept.url,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "rehearsal",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
    }
    command = [CDK, *arguments, "--all", "--no-notices", "--output", folder / "out"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_deploying_again_changes_nothing_and_keeps_the_model(kept: Kept, tmp_path: Path) -> None:
    # given the model that the state machine put behind the endpoint
    before = kept.ask(kept.photo())
    # when
    said = cdk(kept, tmp_path, "deploy", *SETTINGS, "--require-approval", "never")
    # then
    assert said.count("(no changes)") == 4
    assert kept.ask(kept.photo()) == before


def test_destroying_removes_every_stack(kept: Kept, tmp_path: Path) -> None:
    # when
    cdk(kept, tmp_path, "destroy", "--force")
    # then
    stacks = kept.client("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks] == ["CDKToolkit"]
    assert kept.client("sagemaker").list_endpoints()["Endpoints"] == []
    # ... and of what the stacks made there is nothing left
    assert {call: found for call in GONE if (found := left(kept, *call))} == {}
    roles = [role["RoleName"] for role in kept.client("iam").list_roles()["Roles"]]
    assert [role for role in roles if not role.startswith("cdk-")] == []
    # but for the photos' copies and the models, as the setting retainData says, with their place in the registry
    buckets = {bucket["Name"] for bucket in kept.client("s3").list_buckets()["Buckets"]}
    assert kept.result["output"]["dataset"]["uri"].split("/")[2] in buckets
    [group] = kept.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert group["ModelPackageGroupName"] in kept.result["output"]["model"]["packageArn"]
    # ... and the logs that SageMaker keeps of jobs and endpoints, in groups that no stack has
    groups = kept.client("logs").describe_log_groups()["logGroups"]
    assert {group["logGroupName"].rpartition("/")[0] for group in groups} <= {"/aws/sagemaker", SERVERS}


def test_an_interrupt_ends_what_was_kept(kept: Kept) -> None:
    # when the user has seen enough
    kept.process.process.send_signal(signal.SIGINT)
    # then it ends as the success that it was, and leaves no process
    kept.process.wait_until_all_ended()
    assert kept.process.process.returncode == 0
