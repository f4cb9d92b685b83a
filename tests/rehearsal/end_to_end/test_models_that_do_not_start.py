"""Models whose server does not start: the endpoint goes on with the one that it has."""

from __future__ import annotations

from stacks.endpoint.stack import PARAMETER
from tests.rehearsal.emulator import PATIENCE, Emulator
from tests.rehearsal.end_to_end.kept_rehearsal import Kept
from tests.rehearsal.end_to_end.load import Load

STACK = "Stocktake-Endpoint"


def artifact_of(kept: Kept, package: str) -> str:
    """The URI of a model package's artifact."""
    found = kept.client("sagemaker").describe_model_package(ModelPackageName=package)
    [container] = found["InferenceSpecification"]["Containers"]
    uri: str = container["ModelDataUrl"]
    return uri


def approved(kept: Kept, like: str, uri: str) -> str:
    """The ARN of a new package that is like another one but for its artifact, and approved."""
    registry = kept.client("sagemaker")
    package = registry.describe_model_package(ModelPackageName=like)
    [container] = package["InferenceSpecification"]["Containers"]
    specification = package["InferenceSpecification"] | {
        "Containers": [{"Image": container["Image"], "ModelDataUrl": uri}]
    }
    arn: str = registry.create_model_package(
        ModelPackageGroupName=package["ModelPackageGroupName"],
        InferenceSpecification=specification,
        ModelApprovalStatus="Approved",
        ModelMetrics=package["ModelMetrics"],
    )["ModelPackageArn"]
    return arn


def test_a_model_that_does_not_start_is_rolled_back_in_the_update_role(kept: Kept) -> None:
    # given a live model, and a registered one whose artifact is no archive
    before = kept.ask(kept.photo())
    cloudformation = kept.client("cloudformation")
    bucket = artifact_of(kept, before["model"]).split("/")[2]
    kept.client("s3").put_object(Bucket=bucket, Key="models/broken/model.tar.gz", Body=b"no archive")
    broken = approved(kept, before["model"], f"s3://{bucket}/models/broken/model.tar.gz")
    # when the endpoint's stack is to serve it, in the role of its last update
    parameter = {"ParameterKey": PARAMETER, "ParameterValue": broken}
    cloudformation.update_stack(
        StackName=STACK, UsePreviousTemplate=True, Capabilities=["CAPABILITY_IAM"], Parameters=[parameter]
    )
    ended = Emulator.wait_for(
        lambda: cloudformation.describe_stacks(StackName=STACK)["Stacks"][0],
        lambda stack: not stack["StackStatus"].endswith("_IN_PROGRESS"),
    )
    # then what the update made is gone again, the role sufficed for that, and the endpoint answers as before
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "UpdateRole" in ended["RoleARN"]
    assert kept.ask(kept.photo()) == before
    kept.client("sagemaker").delete_model_package(ModelPackageName=broken)


def halved(content: bytes) -> bytes:
    return content[: len(content) // 2]


def test_a_model_whose_server_never_answers_fails_the_execution_by_name_and_the_old_one_serves(kept: Kept) -> None:
    # given an approved package whose model.json is damaged, so that its server ends before it is ever healthy
    before = kept.ask(kept.photo())
    cloudformation = kept.client("cloudformation")
    champion = artifact_of(kept, before["model"])
    uri = kept.change_artifact(champion, "models/damaged/model.tar.gz", "model.json", halved)
    damaged = approved(kept, before["model"], uri)
    # when it is promoted while clients ask
    with Load(kept, kept.photo()) as load:
        promotion = kept.console("promote", damaged)
        _, complaint = promotion.communicate(timeout=PATIENCE)
    # then nobody notices but whoever promoted it, who is told what to look at
    assert promotion.returncode == 1
    assert "FAILED DeployFailed: Deploy: stack Stocktake-Endpoint ended in UPDATE_ROLLBACK_COMPLETE" in complaint
    assert f"{before['model']} serves as before" in complaint
    assert "aws logs tail /aws/sagemaker/Endpoints/stocktake" in complaint
    assert load.faults == []
    assert {answer.package for answer in load.answers} == {before["model"]}
    assert kept.ask(kept.photo()) == before
    # ... and the command that the sentence gives shows the reason
    events = kept.client("logs").filter_log_events(logGroupName="/aws/sagemaker/Endpoints/stocktake")["events"]
    assert "JSONDecodeError" in str(events)
    assert cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    kept.client("sagemaker").delete_model_package(ModelPackageName=damaged)
