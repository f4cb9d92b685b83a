"""What AWS limits in size and number, at the largest settings that are taken."""

import json
import re
from collections.abc import Callable
from typing import Any

from run import contract
from stacks.settings import DeploymentSettings
from stacks.states.turn import WAITS
from tests.stacks.context import COMPANY
from tests.stacks.template import Template, resources

EVENTS = {"Task": 5, "Wait": 2, "Choice": 2}
"""Events in an execution's history for a state that succeeds at once."""


def longest(value: Any) -> str:
    """The value with every reference as long as it can become."""
    match value:
        case str():
            return value
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(map(longest, parts))
        case {"Fn::FindInMap": _} | {"Ref": "AWS::AccountId"}:
            return "1" * 12
        case {"Ref": name} if name.startswith("AWS::"):
            return "r" * 25
        case _:  # a bucket's name or ARN, or a log group's ARN
            return "b" * 128


def test_the_largest_settings_fit_into_functions_and_roles(synthesize: Callable[..., dict[str, Template]]) -> None:
    # given as many and as long names as are allowed, and as many defaults
    buckets = [f"{number:063d}" for number in range(20)]
    source = f"s3://{buckets[0]}/"
    length = 2000 - len(json.dumps({"dataset": {"source": source}}))
    defaults = {"dataset": {"source": source + "p" * length}}
    given = COMPANY | {"name": "n" * 20, "sourceBuckets": buckets, "defaults": defaults, "managedDebugger": True}
    # when
    template = synthesize(**given)["Workflow"]
    # then every function's environment is below Lambda's 4 KB
    environments = [
        function.get("Environment", {}).get("Variables", {})
        for function in resources(template, "AWS::Lambda::Function").values()
    ]
    sizes = [sum(len(name) + len(longest(value)) for name, value in variables.items()) for variables in environments]
    assert 3000 < max(sizes) <= 4096
    # ... and every role's policies, in the role and beside it, below IAM's 10,240 characters
    sizes_of_roles = {
        name: sum(policy_size(policy["PolicyDocument"]) for policy in role.get("Policies", []))
        for name, role in resources(template, "AWS::IAM::Role").items()
    }
    for policy in resources(template, "AWS::IAM::Policy").values():
        for role in policy["Roles"]:
            sizes_of_roles[role["Ref"]] += policy_size(policy["PolicyDocument"])
    assert 9_000 < max(sizes_of_roles.values()) <= 10_240
    # ... with nothing left over that CDK would put into managed policies
    assert not resources(template, "AWS::IAM::ManagedPolicy")


def policy_size(document: Any) -> int:
    """Characters of a policy, white space not counted."""
    if isinstance(document, dict) and not set(document) & {"Ref", "Fn::Join", "Fn::GetAtt", "Fn::ImportValue"}:
        return 2 + sum(len(name) + 4 + policy_size(value) for name, value in document.items())
    if isinstance(document, list):
        return 2 + sum(policy_size(value) + 1 for value in document)
    return 2 + len(longest(document))


def test_looking_at_two_long_updates_fits_into_an_executions_history(
    states: dict[str, dict[str, Any]], templates: dict[str, Template]
) -> None:
    # given the shortest interval, and the loop from one look to the next
    (shortest,) = [
        limit.ge for limit in DeploymentSettings.model_fields["poll_seconds"].metadata if hasattr(limit, "ge")
    ]
    loop, name = [], "Wait for endpoint stack"
    while name not in loop:
        loop.append(name)
        name = states[name].get("Next") or states[name]["Choices"][0]["Next"]
    assert name == loop[0]
    # when an update takes as long as it may, rolls back as slowly, and the model is then taken back in the same way
    (endpoint,) = resources(templates["Endpoint"], "AWS::SageMaker::Endpoint").values()
    policy = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    seconds = 2 * 2 * (policy["MaximumExecutionTimeoutInSeconds"] + policy["TerminationWaitInSeconds"])
    # then its looks leave most of the 25,000 events to what comes before
    looks = seconds / shortest
    looking = looks * sum(EVENTS[states[name]["Type"]] for name in loop)
    assert looking < 20_000
    # ... even of an execution that has waited for its turn as often as it may
    waiting = ["Take turn", "Whose turn", "Turn given back?", "Look at whose turn it is", "Turn left behind?"]
    assert states["Wait for turn"]["Next"] == waiting[0]
    (last,) = [choice for choice in states["Turn left behind?"]["Choices"] if "$waited >=" in choice["Condition"]]
    waits = int(re.sub(r"\D", "", last["Condition"]))
    assert looking + waits * sum(EVENTS[states[name]["Type"]] for name in [*waiting, "Wait for turn"]) < 22_000


def test_a_turn_is_waited_for_longer_than_two_deployments_that_roll_back(
    states: dict[str, dict[str, Any]], templates: dict[str, Template]
) -> None:
    (endpoint,) = resources(templates["Endpoint"], "AWS::SageMaker::Endpoint").values()
    policy = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    one = policy["MaximumExecutionTimeoutInSeconds"] + policy["TerminationWaitInSeconds"]
    assert states["Wait for turn"]["Seconds"] * WAITS >= 2 * one


def test_an_execution_may_wait_for_a_person_as_long_as_the_input_allows(definition: dict[str, Any]) -> None:
    longest = max(
        limit.le for limit in contract.Release.model_fields["approval_seconds"].metadata if hasattr(limit, "le")
    )
    week = 7 * 24 * 3600
    assert definition["TimeoutSeconds"] >= longest + week
