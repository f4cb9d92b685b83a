"""SageMaker's managed Debugger: absent unless the setting asks for it, and then on the jobs that may have it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.aws.stepfunctions.definitions import diagnose
from tests.stacks.execution import accepted, rendered, variables
from tests.stacks.template import Template, as_list, machine_definition, resources, statements, walk

FIELDS = {"DebugHookConfig", "DebugRuleConfigurations"}


@pytest.fixture(scope="module")
def watched(synthesize: Callable[..., dict[str, Template]]) -> Template:
    return synthesize(managedDebugger=True)["Workflow"]


def plan_function(template: Template) -> dict[str, Any]:
    (plan,) = [f for f in resources(template, "AWS::Lambda::Function").values() if f["Handler"] == "plan.handler"]
    return plan


def test_a_new_account_is_asked_for_nothing_it_cannot_have(
    templates: dict[str, Template], states: dict[str, dict[str, Any]]
) -> None:
    for name in ("Train candidate", "Train"):
        assert not FIELDS & states[name]["Arguments"].keys()
    assert "DebuggerRuleAccounts" not in templates["Workflow"]["Mappings"]
    assert "debug/*" not in str(statements(templates["Workflow"], "TrainingRole"))
    assert plan_function(templates["Workflow"])["Environment"]["Variables"]["MANAGED_DEBUGGER"] == "false"


@pytest.mark.parametrize("name", ["Train candidate", "Train"])
def test_hooks_and_rules_watch_each_training(watched: Template, name: str) -> None:
    state = walk(machine_definition(watched))[name]
    known = variables({"debugging": {"saveInterval": 20}})
    request = accepted("CreateTrainingJob", rendered(state["Arguments"], known, known["chosen"]))
    hook = request["DebugHookConfig"]
    assert hook["S3OutputPath"].endswith("/debug/")
    assert {c["CollectionName"]: c["CollectionParameters"] for c in hook["CollectionConfigurations"]} == {
        name: {"save_interval": "20"} for name in ("losses", "gradients", "relu_input")
    }
    rules = [r["RuleParameters"]["rule_to_invoke"] for r in request["DebugRuleConfigurations"]]
    assert rules == ["VanishingGradient", "Overfit", "Overtraining", "PoorWeightInitialization", "LossNotDecreasing"]
    for rule in request["DebugRuleConfigurations"]:
        assert rule["RuleEvaluatorImage"].startswith("123456789012.dkr.ecr.")
        assert rule["RuleEvaluatorImage"].endswith("/sagemaker-debugger-rules:latest")


def test_trials_have_no_fields_for_it(watched: Template) -> None:
    assert not FIELDS & walk(machine_definition(watched))["Tune"]["Arguments"]["TrainingJobDefinition"].keys()


def test_the_rules_image_is_that_of_the_region(watched: Template) -> None:
    accounts = watched["Mappings"]["DebuggerRuleAccounts"]
    assert accounts["us-east-1"]["account"] == "503895931360"
    assert accounts["eu-central-1"]["account"] == "482524230118"
    assert len(accounts) == 24


def test_the_training_role_may_run_the_rules(watched: Template) -> None:
    found = statements(watched, "TrainingRole")
    (kept,) = [s for s in found if "/debug/*" in str(s["Resource"])]
    assert set(as_list(kept["Action"])) == {"s3:GetObject", "s3:PutObject"}
    assert any("sagemaker-debugger-rules" in str(s["Resource"]) for s in found)
    assert any("ProcessingJobs" in str(s["Resource"]) for s in found)


def test_plan_knows_to_refuse_several_instances(watched: Template) -> None:
    assert plan_function(watched)["Environment"]["Variables"]["MANAGED_DEBUGGER"] == "true"


def test_aws_would_take_the_definition_with_it(watched: Template) -> None:
    assert diagnose(json.dumps(machine_definition(watched))) == []
