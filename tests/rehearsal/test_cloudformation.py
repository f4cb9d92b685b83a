"""The emulated CloudFormation: what the CDK CLI and the endpoint's stack need of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.cloudformation_stack import Stack, parameter
from tests.rehearsal.emulator import ROLE, Emulator
from tests.rehearsal.sagemaker.bucket import NAME, Bucket
from tests.rehearsal.sagemaker.serving_model import APPLICATION, put_model

ENDPOINT = {
    "Parameters": {"Package": {"Type": "String", "Default": ""}},
    "Conditions": {"HasModel": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Package"}, ""]}]}},
    "Resources": {
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Condition": "HasModel",
            "Properties": {
                "EndpointName": "stocktake",
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                "DeploymentConfig": {
                    "BlueGreenUpdatePolicy": {
                        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
                    }
                },
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Condition": "HasModel",
            "Properties": {
                "ProductionVariants": [
                    {
                        "VariantName": "live",
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "InstanceType": "ml.m5.large",
                        "InitialInstanceCount": 1,
                    }
                ]
            },
        },
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Condition": "HasModel",
            "Properties": {
                "ExecutionRoleArn": ROLE,
                "PrimaryContainer": {
                    "ModelPackageName": {"Ref": "Package"},
                    "Environment": {"STOCKTAKE_MODEL_PACKAGE": {"Ref": "Package"}},
                },
            },
        },
    },
    "Outputs": {
        "EndpointName": {"Condition": "HasModel", "Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}},
        "Topic": {"Value": {"Ref": "Topic"}},
    },
}


@pytest.fixture
def stack(aws: Emulator) -> Stack:
    """A stack that does not exist yet."""
    return Stack(aws)


@pytest.fixture(scope="module")
def bucket(aws: Emulator) -> Bucket:
    """A bucket for models."""
    aws.client("s3").create_bucket(Bucket=NAME)
    aws.client("sagemaker").create_model_package_group(ModelPackageGroupName="models")
    return Bucket(aws.client("s3"))


def register(aws: Emulator, bucket: Bucket, word: str, application: str = APPLICATION) -> str:
    """An approved model package whose endpoint answers with a word."""
    answer = aws.client("sagemaker").create_model_package(
        ModelPackageGroupName="models",
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": "ray", "ModelDataUrl": put_model(bucket, word, application)}],
            "SupportedContentTypes": ["image/jpeg"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )
    return str(answer["ModelPackageArn"])


def ask(aws: Emulator) -> dict[str, Any]:
    """The live endpoint's answer."""
    answer = aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="stocktake", ContentType="image/jpeg", Body=b"x"
    )
    return dict(json.loads(answer["Body"].read()))


def names(aws: Emulator) -> tuple[int, int]:
    """How many models and endpoint configurations there are."""
    sagemaker = aws.client("sagemaker")
    return len(sagemaker.list_models()["Models"]), len(sagemaker.list_endpoint_configs()["EndpointConfigs"])


def test_endpoint_follows_the_parameter(aws: Emulator, bucket: Bucket, stack: Stack) -> None:
    # Given a stack whose endpoint is switched off, Then only the rest is there, and the output is not.
    created = stack.create(ENDPOINT)
    assert created["StackStatus"] == "CREATE_COMPLETE"
    assert set(stack.resources()) == {"Topic"}
    assert [output["OutputKey"] for output in created["Outputs"]] == ["Topic"]

    # When the parameter gets its first value, Then the update takes until the endpoint serves.
    first = register(aws, bucket, "first")
    assert stack.release(first)["StackStatus"] == "UPDATE_IN_PROGRESS"
    done = stack.settled()
    assert done["StackStatus"] == "UPDATE_COMPLETE"
    assert {"OutputKey": "EndpointName", "OutputValue": "stocktake"} in done["Outputs"]
    assert (ask(aws)["word"], ask(aws)["model"]) == ("first", first)

    # When it gets another value, Then model and configuration are replaced, the endpoint is updated, the old ones go.
    before = stack.resources()
    stack.release(register(aws, bucket, "second"))
    assert stack.settled()["StackStatus"] == "UPDATE_COMPLETE"
    after = stack.resources()
    assert ask(aws)["word"] == "second"
    assert {name for name in after if after[name] != before[name]} == {"Model", "Config"}
    assert names(aws) == (1, 1)

    # When a model does not start, Then the stack goes back, says why, and the second model still answers.
    stack.release(register(aws, bucket, "broken", "raise RuntimeError('no such label')"))
    failed = stack.settled()
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "ping health check" in failed["StackStatusReason"]
    assert ask(aws)["word"] == "second"
    assert stack.resources() == after
    assert names(aws) == (1, 1)

    # When the same template comes again with its previous value, Then there is nothing to do.
    previous = [{"ParameterKey": "Package", "UsePreviousValue": True}]
    assert stack.propose(ENDPOINT, Parameters=previous)["StatusReason"].startswith(
        "The submitted information didn't contain changes."
    )

    # When the parameter is emptied, Then the endpoint is gone and the rest stays.
    stack.release("")
    assert stack.settled()["StackStatus"] == "UPDATE_COMPLETE"
    assert set(stack.resources()) == {"Topic"}
    assert names(aws) == (0, 0)
    with pytest.raises(ClientError, match="not find"):
        aws.client("sagemaker").describe_endpoint(EndpointName="stocktake")


def test_first_endpoint_that_fails_leaves_nothing(aws: Emulator, bucket: Bucket, stack: Stack) -> None:
    # Given no endpoint yet, When the first model does not start, Then the stack is as before.
    stack.create(ENDPOINT)
    stack.release(register(aws, bucket, "broken", "raise RuntimeError('no such label')"))
    assert stack.settled()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert set(stack.resources()) == {"Topic"}
    assert aws.client("sagemaker").list_endpoints()["Endpoints"] == []
    assert names(aws) == (0, 0)


def test_unknown_type_fails_the_stack(aws: Emulator, stack: Stack) -> None:
    # Given a type that the rehearsal cannot deploy, Then the stack fails by its name and what was made is removed.
    template = {
        "Resources": {
            "Kept": parameter(f"/{stack.name}", "1"),
            "Cluster": {"Type": "AWS::EKS::Cluster", "DependsOn": "Kept"},
        }
    }
    failed = stack.create(template)
    assert failed["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "The rehearsal cannot deploy AWS::EKS::Cluster" in failed["StackStatusReason"]
    with pytest.raises(ClientError, match="ParameterNotFound"):
        aws.client("ssm").get_parameter(Name=f"/{stack.name}")


def test_failed_update_takes_every_step_back(aws: Emulator, stack: Stack) -> None:
    # Given an update that changes one resource, makes another and fails at a third, Then both steps are undone.
    name = f"/{stack.name}"
    stack.create({"Resources": {"Old": parameter(name, "1")}})
    failed = stack.update(
        {
            "Resources": {
                "Old": parameter(name, "2"),
                "New": parameter(f"{name}/new", "1", DependsOn="Old"),
                "Bad": {"Type": "AWS::Nothing::Here", "DependsOn": "New"},
            }
        }
    )
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    ssm = aws.client("ssm")
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "1"
    with pytest.raises(ClientError, match="ParameterNotFound"):
        ssm.get_parameter(Name=f"{name}/new")
    assert set(stack.resources()) == {"Old"}


def test_removed_resources_go_and_retained_ones_stay(aws: Emulator, stack: Stack) -> None:
    # Given two resources that a template no longer has, one to be retained, Then only the other is deleted.
    name = f"/{stack.name}"
    kept = parameter(name, "1")
    gone, retained = parameter(f"{name}/gone", "1"), parameter(f"{name}/retained", "1", DeletionPolicy="Retain")
    stack.create({"Resources": {"Kept": kept, "Gone": gone, "Retained": retained}})
    assert stack.update({"Resources": {"Kept": kept}})["StackStatus"] == "UPDATE_COMPLETE"
    ssm = aws.client("ssm")
    found = ssm.get_parameters(Names=[f"{name}/gone", f"{name}/retained"])
    assert [entry["Name"] for entry in found["Parameters"]] == [f"{name}/retained"]
    assert stack.delete()["StackStatus"] == "DELETE_COMPLETE"
    assert ssm.get_parameters(Names=[name])["Parameters"] == []


def test_export_in_use_protects_its_stack(aws: Emulator) -> None:
    # Given a stack that imports another's export, Then the exporting one is changed and deleted only after it.
    exporting, importing = Stack(aws), Stack(aws)
    export = f"{exporting.name}:value"
    resources = {"P": parameter(f"/{exporting.name}", "shared")}
    outputs = {"Value": {"Value": {"Fn::GetAtt": ["P", "Value"]}, "Export": {"Name": export}}}
    exporting.create({"Resources": resources, "Outputs": outputs})
    importing.create({"Resources": {"P": parameter(f"/{importing.name}", {"Fn::ImportValue": export})}})
    assert aws.client("ssm").get_parameter(Name=f"/{importing.name}")["Parameter"]["Value"] == "shared"
    other = {"P": parameter(f"/{exporting.name}", "another")}
    for change, template in (("updated", {"Resources": other, "Outputs": outputs}), ("deleted", {"Resources": other})):
        assert exporting.update(template)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert f"Export {export} cannot be {change} as it is in use by {importing.name}" in exporting.reasons()
        assert aws.client("ssm").get_parameter(Name=f"/{exporting.name}")["Parameter"]["Value"] == "shared"
    refused = exporting.delete()
    assert refused["StackStatus"] == "DELETE_FAILED"
    assert importing.name in refused["StackStatusReason"]
    assert importing.delete()["StackStatus"] == "DELETE_COMPLETE"
    assert exporting.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_change_sets_as_the_cdk_cli_uses_them(aws: Emulator, stack: Stack) -> None:
    # Given the CLI's sequence: delete and describe what is not there, create, execute, and create again.
    client = aws.client("cloudformation")
    client.delete_change_set(StackName=stack.name, ChangeSetName="none")
    with pytest.raises(client.exceptions.ChangeSetNotFoundException):
        client.describe_change_set(StackName=stack.name, ChangeSetName="none")
    template = {"Resources": {"P": parameter(f"/{stack.name}", "1")}}
    proposed = stack.propose(template, ChangeSetType="CREATE")
    assert stack.describe()["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert (proposed["Status"], proposed["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    client.execute_change_set(ChangeSetName=proposed["ChangeSetId"])
    assert stack.settled()["StackStatus"] == "CREATE_COMPLETE"
    again = stack.propose(template)
    assert (again["Status"], again["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert json.loads(json.dumps(client.get_template(StackName=stack.name)["TemplateBody"])) == template
    with pytest.raises(ClientError, match=r"No updates are to be performed\."):
        stack.update(template)


def test_a_deleted_stack_is_deployed_again(aws: Emulator, stack: Stack) -> None:
    # Given a stack that was deployed by a change set and deleted, When a change set of that name deploys it again,
    # Then that is the new one and not the executed one of the deleted stack, and the stack is there.
    client = aws.client("cloudformation")
    template = json.dumps({"Resources": {"P": parameter(f"/{stack.name}/p", "v")}})
    names = {"StackName": stack.name, "ChangeSetName": "cdk-deploy-change-set"}
    for _ in range(2):
        client.create_change_set(**names, TemplateBody=template, ChangeSetType="CREATE")
        assert client.describe_change_set(**names)["ExecutionStatus"] == "AVAILABLE"
        client.execute_change_set(**names)
        assert stack.settled()["StackStatus"] == "CREATE_COMPLETE"
        assert stack.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_busy_stack_refuses_a_second_operation(aws: Emulator, bucket: Bucket, stack: Stack) -> None:
    # Given an update that waits for its endpoint, Then another one is refused.
    stack.create(ENDPOINT)
    stack.release(register(aws, bucket, "first"))
    with pytest.raises(ClientError, match="UPDATE_IN_PROGRESS state and can not be updated"):
        stack.release("")
    stack.settled()
    stack.delete()


def test_update_asked_for_again_with_its_token_is_one_update(aws: Emulator, stack: Stack) -> None:
    # Given an update with a token, Then the same request again is answered, and a new token asks for a new update.
    template = {"Resources": {"P": parameter(f"/{stack.name}", "2")}}
    stack.create({"Resources": {"P": parameter(f"/{stack.name}", "1")}})
    for _ in range(2):
        assert stack.update(template, ClientRequestToken="first")["StackStatus"] == "UPDATE_COMPLETE"
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stack.update(template, ClientRequestToken="second")


def test_stack_that_is_not_there(aws: Emulator, stack: Stack) -> None:
    # Given no stack, Then describing it is CloudFormation's ValidationError, which the CLI reads as "not deployed".
    with pytest.raises(ClientError, match=r"ValidationError.*does not exist"):
        stack.describe()


def test_wrong_parameters_are_refused(aws: Emulator, stack: Stack) -> None:
    # Given a parameter that the template does not have, Then the stack is refused before anything is made.
    options = {"Parameters": [{"ParameterKey": "Packages", "ParameterValue": "x"}]}
    with pytest.raises(ClientError, match=r"Packages.*do not exist"):
        stack.propose(ENDPOINT, ChangeSetType="CREATE", **options)


def test_bucket_that_denies_all_without_tls_still_answers(aws: Emulator, stack: Stack) -> None:
    # Given CDK's enforce_ssl policy, Then a client without TLS reads and writes: loopback has none.
    template = {
        "Resources": {
            "Data": {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}},
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": {"Ref": "Data"},
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Action": "s3:*",
                                "Effect": "Deny",
                                "Principal": {"AWS": "*"},
                                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                                "Resource": {"Fn::Sub": "${Data.Arn}/*"},
                            }
                        ],
                    },
                },
            },
        }
    }
    stack.create(template)
    name, s3 = stack.resources()["Data"], aws.client("s3")
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert s3.get_object(Bucket=name, Key="k")["VersionId"]
    assert "SecureTransport" in s3.get_bucket_policy(Bucket=name)["Policy"]
    assert stack.delete()["StackStatus"] == "DELETE_FAILED"


def test_a_dashboard_of_a_name_that_the_account_has_is_refused(aws: Emulator, stack: Stack) -> None:
    # given a stack with a dashboard, which it may change
    def template(text: str) -> dict[str, Any]:
        body = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": text}}]})
        dashboard = {"DashboardName": f"of-{stack.name}", "DashboardBody": body}
        return {"Resources": {"Dashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": dashboard}}}

    assert stack.create(template("first"))["StackStatus"] == "CREATE_COMPLETE"
    assert stack.update(template("second"))["StackStatus"] == "UPDATE_COMPLETE"
    # when another stack, such as another region's, has one of the same name
    other = Stack(aws)
    # then it is not created, and the first one's is as it was
    assert other.create(template("third"))["StackStatus"] == "ROLLBACK_COMPLETE"
    found = aws.client("cloudwatch").get_dashboard(DashboardName=f"of-{stack.name}")
    assert "second" in found["DashboardBody"]
