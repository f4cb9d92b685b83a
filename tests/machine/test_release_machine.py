"""Turns, promotion, going back: the definition's own states, in the interpreter that rehearsals have."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.machine.release_machine import Release, States
from tests.rehearsal.emulator import PATIENCE, ROLE, running_emulator

RUN = {"input": {"release": {"package": None}}, "report": None}


@pytest.fixture(scope="module")
def release(states: States, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    with running_emulator(tmp_path_factory.mktemp("aws") / "work") as emulator:
        yield Release(emulator, states)


def test_a_new_package_replaces_the_champion_and_notes_that(release: Release) -> None:
    # given a package that is served, and a new one that was compared with it
    old, new = release.package(), release.package()
    release.serve(old)
    # when
    ended = release.run(package=new, champion=old)
    # then
    assert ended["output"]["decision"] == "deployed"
    assert release.served() == new
    described = release.aws.client("sagemaker").describe_model_package(ModelPackageName=new)
    assert described["CustomerMetadataProperties"]["replaced"] == old
    assert release.turn() is None


def test_one_that_was_overtaken_stays_approved_and_is_not_served(release: Release) -> None:
    # given a package that was compared with one that is no longer served
    old, between, new = (release.package() for _ in range(3))
    release.serve(between)
    # when
    ended = release.run(package=new, champion=old)
    # then
    assert ended["output"]["decision"] == "superseded"
    assert between in ended["output"]["reason"]
    assert "it counts worse" in ended["output"]["reason"]
    assert (release.served(), release.status(new)) == (between, "Approved")
    assert release.turn() is None


def test_one_that_was_overtaken_and_is_better_is_served_all_the_same(release: Release) -> None:
    old, between, new = (release.package() for _ in range(3))
    release.serve(between)
    ended = release.run(package=new, champion=old, better=True)
    assert ended["output"]["decision"] == "deployed"
    assert release.served() == new
    assert release.turn() is None


def test_two_at_once_end_by_name_and_neither_fails(release: Release) -> None:
    # given two packages that were compared with the same champion
    old, packages = release.package(), [release.package(), release.package()]
    release.serve(old)
    states = release.aws.client("stepfunctions")
    executions = []
    # when both come to the endpoint at the same time
    for package in packages:
        definition = release.machine(run=RUN, package=package, champion=old)
        machine = states.create_state_machine(
            name=f"test-{uuid.uuid4().hex[:8]}",
            definition=json.dumps({"QueryLanguage": "JSONata", **definition}),
            roleArn=ROLE,
        )["stateMachineArn"]
        executions.append(states.start_execution(stateMachineArn=machine)["executionArn"])
    ended = [
        release.aws.wait_for(
            lambda arn=arn: states.describe_execution(executionArn=arn), lambda answer: answer["status"] != "RUNNING"
        )
        for arn in executions
    ]
    # then one is served and the other says that it was overtaken
    assert [answer["status"] for answer in ended] == ["SUCCEEDED", "SUCCEEDED"], ended
    outputs = [json.loads(answer["output"]) for answer in ended]
    assert sorted(output["decision"] for output in outputs) == ["deployed", "superseded"]
    (winner,) = [output["package"] for output in outputs if output["decision"] == "deployed"]
    assert release.served() == winner
    assert {release.status(package) for package in packages} == {"Approved"}
    assert release.turn() is None


def test_a_call_that_fails_for_a_moment_is_made_again(release: Release) -> None:
    # given a table of turns that is not there at first
    old, new = release.package(), release.package()
    release.serve(old)
    dynamodb, states = release.aws.client("dynamodb"), release.aws.client("stepfunctions")
    description = dynamodb.describe_table(TableName=release.table)["Table"]
    dynamodb.delete_table(TableName=release.table)
    # when an execution asks for its turn, and the table is back before it has given up
    definition = release.machine(run=RUN, package=new, champion=old)
    definition["States"]["Take turn"]["Retry"][-1]["MaxAttempts"] = int(PATIENCE)  # whenever the table is made
    execution = release.aws.start(definition)
    history = states.get_paginator("get_execution_history")
    release.aws.wait_for(
        lambda: [event["type"] for page in history.paginate(executionArn=execution) for event in page["events"]],
        lambda types: "TaskFailed" in types,
    )
    schema = {key: description[key] for key in ("TableName", "KeySchema", "AttributeDefinitions")}
    dynamodb.create_table(**schema, BillingMode="PAY_PER_REQUEST")
    # then it goes on as if nothing had happened
    ended = release.aws.ended(execution)
    assert ended["status"] == "SUCCEEDED", ended
    assert (release.served(), release.turn()) == (new, None)


def test_a_turn_of_an_execution_that_has_ended_is_taken_over(release: Release) -> None:
    # given a turn that nobody gave back, of an execution that has ended or is long forgotten
    old = release.package()
    release.serve(old)
    ended = release.aws.execute({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})["executionArn"]
    forgotten = ended.rpartition(":")[0] + ":no-such-execution"
    for holder in (ended, forgotten):
        item = {"id": {"S": "turn"}, "takenBy": {"S": holder}}
        release.aws.client("dynamodb").put_item(TableName=release.table, Item=item)
        # when
        new = release.package()
        assert release.run(package=new, champion=release.served())["output"]["decision"] == "deployed"
        # then
        assert release.served() == new
        assert release.turn() is None


def test_whoever_waits_too_long_fails_by_name_and_leaves_the_turn_alone(release: Release) -> None:
    # given an execution that stays at the endpoint
    states = release.aws.client("stepfunctions")
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
    machine = states.create_state_machine(
        name=f"test-{uuid.uuid4().hex[:8]}", definition=json.dumps(waits), roleArn=ROLE
    )["stateMachineArn"]
    holder = states.start_execution(stateMachineArn=machine)["executionArn"]
    item = {"id": {"S": "turn"}, "takenBy": {"S": holder}}
    release.aws.client("dynamodb").put_item(TableName=release.table, Item=item)
    # when another one has waited as often as it may
    definition = release.machine(run={"input": {"release": {"package": None}}}, package=release.package())
    definition["States"]["Ask for turn"]["Assign"]["waited"] = 239
    ended = release.aws.execute(definition)
    # then
    assert (ended["status"], ended["error"]) == ("FAILED", "NoTurn")
    assert holder in ended["cause"]
    assert release.turn() == holder
    states.stop_execution(executionArn=holder)


def test_a_failed_smoke_test_brings_back_the_last_approved_package(release: Release) -> None:
    # given that what is served was rejected meanwhile, and what it replaced was not
    oldest = release.package()
    old = release.package(replaced=oldest)
    release.serve(old)
    release.aws.client("sagemaker").update_model_package(ModelPackageArn=old, ModelApprovalStatus="Rejected")
    new = release.package()
    # when
    ended = release.run(package=new, champion=old, fails=True)
    # then
    assert (ended["error"], release.served()) == ("SmokeTestFailed", oldest)
    # and that the package says why, in one line, as descriptions have no others
    described = release.aws.client("sagemaker").describe_model_package(ModelPackageName=new)
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == ("Rejected", "it answers otherwise ")
    assert release.turn() is None


def test_without_an_approved_package_the_endpoint_is_switched_off(release: Release) -> None:
    # given that nothing good is left
    old = release.package()
    release.serve(old)
    release.aws.client("sagemaker").update_model_package(ModelPackageArn=old, ModelApprovalStatus="Rejected")
    # when
    ended = release.run(package=release.package(), champion=old, fails=True)
    # then
    assert (ended["error"], release.served()) == ("SmokeTestFailed", "")
    assert "the endpoint is switched off" in ended["cause"]


def test_rolling_back_twice_goes_further_back_past_what_is_rejected(release: Release) -> None:
    # given four packages that came one after the other, one of them rejected
    first = release.package()
    second = release.package(replaced=first)
    third = release.package("Rejected", replaced=second)
    fourth = release.package(replaced=third)
    release.serve(fourth)
    # when and then
    assert release.run(given="previous")["output"] == {
        "decision": "deployed",
        "reason": "release.package: previous",
        "package": second,
    }
    assert release.served() == second
    assert release.run(given="previous")["output"]["package"] == release.served() == first
    ended = release.run(given="previous")
    assert (ended["error"], release.served()) == ("NothingToGoBackTo", first)
    assert release.turn() is None


def test_a_package_is_promoted_only_if_it_is_approved(release: Release) -> None:
    # given
    served, good, waiting = release.package(), release.package(), release.package("PendingManualApproval")
    release.serve(served)
    # when and then
    ended = release.run(given=waiting)
    assert (ended["error"], release.served()) == ("NotApproved", served)
    assert release.run(given=good)["output"]["package"] == release.served() == good
    # ... and what is served already is only looked at and tried
    assert release.run(given=good)["output"]["decision"] == "deployed"


@pytest.mark.parametrize("changing", ["Updating", "SystemUpdating", "RollingBack"])
def test_an_endpoint_that_is_scaled_is_waited_for_before_and_after_the_update(release: Release, changing: str) -> None:
    # given a package that is served, and an endpoint that autoscaling has just given another size
    old, new = release.package(), release.package()
    release.serve(old)
    # when a new one is deployed, and the endpoint is scaled again as soon as the update is complete
    endpoint = {"name": "stocktake", "status": f"{{% $looks < 2 ? '{changing}' : 'InService' %}}"}
    scaled = {
        "Look at endpoint": {"endpoint": endpoint},
        "Describe endpoint": {"endpoint": endpoint, "decision": "deployed"},
    }
    execution = release.aws.start(release.machine(run=RUN, package=new, champion=old, instead=scaled))
    # then it is looked at until it rests, and the new one serves
    assert release.aws.ended(execution)["output"]["decision"] == "deployed"
    assert (release.served(), release.status(new), release.turn()) == (new, "Approved", None)
    entered = release.entered(execution)
    assert (entered.count("Look at endpoint"), entered.count("Describe endpoint")) == (3, 3)


def deploy_and_serve(release: Release, old: str, new: str, configuration: str) -> dict[str, Any]:
    """How a deployment ends after which the endpoint says that it serves this configuration."""
    release.serve(old)
    endpoint = {"name": "stocktake", "status": "InService"}
    says = {"Describe endpoint": {"endpoint": endpoint, "serving": configuration, "decision": "deployed"}}
    asked = ["Describe endpoint configuration"]
    return release.aws.execute(release.machine(run=RUN, package=new, champion=old, instead=says, asked=asked))


def test_an_endpoint_that_went_back_to_what_is_gone_has_its_package_withdrawn(release: Release) -> None:
    # given an update whose endpoint went back to a configuration that is cleaned up
    old, new = release.package(), release.package()
    # when a new package is deployed
    ended = deploy_and_serve(release, old, new, "no-such-configuration")
    # then it is rejected, and the stack is set back to what serves
    assert (ended["status"], ended["error"]) == ("FAILED", "NotServed")
    assert "serves no-such-configuration instead of" in ended["cause"]
    assert (release.served(), release.status(new), release.turn()) == (old, "Rejected", None)


def test_an_endpoint_that_cannot_be_looked_at_ends_the_execution_and_withdraws_nothing(release: Release) -> None:
    # given an update that is complete, and a question about the endpoint that AWS refuses
    old, new = release.package(), release.package()
    # when
    ended = deploy_and_serve(release, old, new, "no name!")
    # then its own error is told, and nothing is taken back
    assert ended["status"] == "FAILED"
    assert ended["cause"].startswith("Describe endpoint configuration: ")
    assert (release.served(), release.status(new), release.turn()) == (new, "Approved", None)


def test_one_that_never_rests_is_tried_all_the_same(release: Release) -> None:
    # given an endpoint with the right package that is scaled again and again
    old, new = release.package(), release.package()
    release.serve(old)
    scaled = {"name": "stocktake", "status": "Updating"}
    machine = release.machine(
        run=RUN, package=new, champion=old, instead={"Describe endpoint": {"endpoint": scaled, "decision": "deployed"}}
    )
    machine["States"]["See what serves"]["Assign"]["looks"] = 58
    # when it was looked at often enough, then it is as good as its answers
    assert release.aws.execute(machine)["output"]["decision"] == "deployed"
    assert release.status(new) == "Approved"
