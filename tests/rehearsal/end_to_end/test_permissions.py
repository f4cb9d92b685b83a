"""What all tests of this folder together used of the roles' statements, and what is missed without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal import mutation, permissions
from rehearsal.permissions import Mutation
from tests.rehearsal.end_to_end.kept_rehearsal import INPUT, Kept

_SMALL = INPUT | {"trainable": "head"}

UNUSED = {
    # A deny, of what no execution does.
    "StateMachineRole OnlyInUpdateRole",
    # Only for the published ImageNet weights, which are not drawn here.
    "FunctionsStageWeightsRole WriteLogs",
    "FunctionsStageWeightsRole FindObjects",
    "FunctionsStageWeightsRole StageWeights",
    # For source buckets that are not public, as the dataset's is.
    *(
        f"Functions{name}Role {statement}"
        for name in ("Plan", "Catalogue", "Pack", "PlanAudit")
        for statement in ("FindBins", "ReadBins")
    ),
    "AuditJobRole FindBins",
    "AuditJobRole ReadBins",
    # For somebody who redrives.
    "StateMachineRole states:RedriveExecution",
    # Asked for by AWS's documentation, without a rehearsal's needing it.
    "EndpointRole FindModel",
    "UpdateRole ReadEndpointRole",
}
TWICE = {
    # CDK's, besides RunJobs.
    "StateMachineRole sagemaker:describeTrainingJob",
    "StateMachineRole sagemaker:describeProcessingJob",
    "AuditRole sagemaker:describeProcessingJob",
    # An execution of the machine may be another one at the endpoint or a map's child: each statement allows both.
    "StateMachineRole states:describeExecution",
    "StateMachineRole states:DescribeExecution, states:StopExecution",
}


@pytest.fixture
def mutations(request: pytest.FixtureRequest, kept: Kept) -> list[Mutation]:
    here = Path(__file__).parent
    files = {item.path for item in request.session.items if item.path.parent == here}
    if not set(here.glob("test_*.py")) <= files:
        pytest.skip("needs what all other tests of this folder did")
    return list(permissions.mutations(permissions.fetch(kept.url)))


def test_every_statement_is_used_but_for_those_with_a_reason(mutations: list[Mutation]) -> None:
    assert {mutation.name for mutation in mutations if not mutation.uses} == UNUSED


def test_every_used_statement_is_missed_when_taken_away(mutations: list[Mutation]) -> None:
    assert {mutation.name for mutation in mutations if mutation.uses and not mutation.denied} == TWICE


@pytest.mark.parametrize(
    ("role", "statement", "action"),
    [
        ("SplitRole", "WorkOnDataset", "s3:GetObject"),
        ("TrainingRole", "ReadObjects", "s3:GetObject"),
        ("StateMachineRole", "PassJobRoles", "iam:PassRole"),
    ],
)
def test_an_execution_ends_with_the_denial_of_what_its_role_lacks(
    kept: Kept, role: str, statement: str, action: str
) -> None:
    # given a role without one of its statements, when the machine is executed
    [outcome] = mutation.executions(kept.url, _SMALL, role, statement)
    # then it fails, and the cause names the action
    assert outcome.status == "FAILED"
    assert action in outcome.said
