"""The endpoint exists only with a model, changes by its parameter alone, and rolls back by itself."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from run.contract import Architecture
from stacks.endpoint import capacity
from stacks.settings import DeploymentSettings
from stocktake.serving import answers, photos, workers
from tests.stacks.template import Template, as_list, resources, statements


def test_without_a_model_there_is_no_endpoint(templates: dict[str, Template]) -> None:
    template = templates["Endpoint"]
    assert template["Parameters"]["ModelPackageArn"]["Default"] == ""
    assert template["Conditions"]["HasModel"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ModelPackageArn"}, ""]}]}
    conditional = {r["Type"] for r in template["Resources"].values() if r.get("Condition") == "HasModel"}
    assert conditional == {
        "AWS::SageMaker::Model",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Endpoint",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudWatch::Alarm",
    }


def test_the_model_package_is_the_only_parameter(templates: dict[str, Template]) -> None:
    """Another one, such as CDK's bootstrap version, would have to be readable for whoever updates the stack."""
    assert list(templates["Endpoint"]["Parameters"]) == ["ModelPackageArn"]


def test_the_container_serves_the_package_and_knows_its_name(templates: dict[str, Template]) -> None:
    (model,) = resources(templates["Endpoint"], "AWS::SageMaker::Model").values()
    package = {"Ref": "ModelPackageArn"}
    assert model["PrimaryContainer"]["ModelPackageName"] == package
    assert model["PrimaryContainer"]["Environment"] == {"STOCKTAKE_MODEL_PACKAGE": package}
    # A fixed name could not be replaced by the next package's model.
    assert "ModelName" not in model


def test_an_update_is_rolled_back_by_the_alarms(templates: dict[str, Template]) -> None:
    (endpoint,) = resources(templates["Endpoint"], "AWS::SageMaker::Endpoint").values()
    watched = {
        alarm["AlarmName"]["Ref"] for alarm in endpoint["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    }
    alarms = resources(templates["Endpoint"], "AWS::CloudWatch::Alarm")
    assert watched == set(alarms)
    assert {a["MetricName"] for a in alarms.values()} == {"Invocation5XXErrors", "ModelLatency"}
    # An endpoint that nobody calls has no metrics and is not broken.
    assert {a["TreatMissingData"] for a in alarms.values()} == {"notBreaching"}


def test_the_old_fleet_waits_until_the_alarms_can_have_fired(templates: dict[str, Template]) -> None:
    (endpoint,) = resources(templates["Endpoint"], "AWS::SageMaker::Endpoint").values()
    alarms = resources(templates["Endpoint"], "AWS::CloudWatch::Alarm").values()
    slowest = max(alarm["Period"] * alarm["EvaluationPeriods"] for alarm in alarms)
    metrics_arrive_late = 120
    policy = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TerminationWaitInSeconds"] > slowest + metrics_arrive_late
    assert policy["MaximumExecutionTimeoutInSeconds"] > policy["TerminationWaitInSeconds"]
    # The service needs to know although nothing is shifted bit by bit.
    assert policy["TrafficRoutingConfiguration"]["WaitIntervalInSeconds"] == 0


def test_the_endpoints_role_sees_the_rollback_alarms(templates: dict[str, Template]) -> None:
    (sees,) = [
        s for s in statements(templates["Endpoint"], "EndpointRole") if s["Action"] == "cloudwatch:DescribeAlarms"
    ]
    alarms = resources(templates["Endpoint"], "AWS::CloudWatch::Alarm").values()
    for alarm in alarms:
        _, (fixed, _configuration) = alarm["AlarmName"]["Fn::Join"]
        assert f":alarm:{fixed}*'" in str(sees["Resource"])


def test_the_rollback_alarms_watch_the_fleet_that_an_update_puts_up(templates: dict[str, Template]) -> None:
    """On the whole endpoint's errors the old fleet's would end the update that is to mend them."""
    [(config, _)] = resources(templates["Endpoint"], "AWS::SageMaker::EndpointConfig").items()
    alarms = resources(templates["Endpoint"], "AWS::CloudWatch::Alarm")
    configuration = {"Fn::GetAtt": [config, "EndpointConfigName"]}
    for alarm in alarms.values():
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
        assert dimensions == {"EndpointName": "stocktake", "VariantName": "live", "EndpointConfigName": configuration}
        # one that is changed keeps its state, so each configuration has alarms of its own
        assert configuration in alarm["AlarmName"]["Fn::Join"][1]
    [endpoint] = resources(templates["Endpoint"], "AWS::SageMaker::Endpoint").values()
    named = endpoint["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert [alarm["AlarmName"] for alarm in named] == [{"Ref": name} for name in alarms]


def test_scaling_can_be_switched_off(synthesize: Callable[..., dict[str, Template]]) -> None:
    template = synthesize(endpointInstances=2, endpointMaxInstances=2)["Endpoint"]
    assert not resources(template, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert not resources(template, "AWS::ApplicationAutoScaling::ScalingPolicy")


def test_whoever_updates_the_stack_passes_autoscalings_own_checks(templates: dict[str, Template]) -> None:
    """RegisterScalableTarget tries these calls with the caller's permissions, on names that it makes up."""
    (anything,) = [s for s in statements(templates["Endpoint"], "UpdateRole") if s["Resource"] == "*"]
    assert {
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
    } <= set(anything["Action"])


def test_a_canary_needs_two_instances(synthesize: Callable[..., dict[str, Template]]) -> None:
    def routing(**settings: int) -> str:
        (endpoint,) = resources(synthesize(**settings)["Endpoint"], "AWS::SageMaker::Endpoint").values()
        policy = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]
        return str(policy["TrafficRoutingConfiguration"]["Type"])

    assert (routing(), routing(endpointInstances=2, endpointMaxInstances=2)) == ("ALL_AT_ONCE", "CANARY")


def test_linear_moves_a_share_and_ends_in_time(synthesize: Callable[..., dict[str, Template]]) -> None:
    for instances, percent in ((2, 50), (4, 25)):
        template = synthesize(endpointInstances=instances, endpointTraffic="linear")["Endpoint"]
        (endpoint,) = resources(template, "AWS::SageMaker::Endpoint").values()
        policy = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]
        routing = policy["TrafficRoutingConfiguration"]
        assert routing["Type"] == "LINEAR"
        assert routing["LinearStepSize"] == {"Type": "CAPACITY_PERCENT", "Value": percent}
        # A step is an instance at least, and half of the fleet at most.
        assert instances * percent >= 100
        assert percent <= 50
        waits = 100 // percent * routing["WaitIntervalInSeconds"] + policy["TerminationWaitInSeconds"]
        assert policy["MaximumExecutionTimeoutInSeconds"] > 1.5 * waits


def test_nothing_is_captured_unless_asked_for(templates: dict[str, Template]) -> None:
    (config,) = resources(templates["Endpoint"], "AWS::SageMaker::EndpointConfig").values()
    assert "DataCaptureConfig" not in config
    assert "captured" not in str(statements(templates["Endpoint"], "EndpointRole"))


def test_a_share_of_the_requests_is_captured_below_one_folder(synthesize: Callable[..., dict[str, Template]]) -> None:
    made = synthesize(capturePercent=20)
    template = made["Endpoint"]
    (config,) = resources(template, "AWS::SageMaker::EndpointConfig").values()
    capture = config["DataCaptureConfig"]
    assert (capture["EnableCapture"], capture["InitialSamplingPercentage"]) == (True, 20)
    assert capture["CaptureOptions"] == [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
    assert "/captured'" in str(capture["DestinationS3Uri"])
    # The role may write there, and nowhere else.
    (write,) = [s for s in statements(template, "EndpointRole") if "s3:PutObject" in as_list(s["Action"])]
    assert write["Action"] == "s3:PutObject"
    assert str(write["Resource"]).count("/captured/*") == len(as_list(write["Resource"])) == 1
    # What is captured is encrypted, and does not stay for ever.
    (bucket,) = resources(made["Storage"], "AWS::S3::Bucket").values()
    assert bucket["BucketEncryption"]
    rules = {rule.get("Prefix"): rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["captured/"]["ExpirationInDays"] == 90


def test_a_fleet_that_scales_keeps_its_size_in_an_update_and_another_follows_the_settings(
    synthesize: Callable[..., dict[str, Template]],
) -> None:
    def retains(**settings: int) -> object:
        (endpoint,) = resources(synthesize(**settings)["Endpoint"], "AWS::SageMaker::Endpoint").values()
        # To exclude data capture is "not currently supported", so it is not tried.
        assert "ExcludeRetainedVariantProperties" not in endpoint
        return endpoint.get("RetainAllVariantProperties")

    assert (retains(), retains(endpointInstances=2, endpointMaxInstances=2)) == (True, None)


def test_target_and_threshold_follow_from_network_and_instance() -> None:
    def of(**settings: Any) -> tuple[int, int]:
        chosen = DeploymentSettings(**settings)
        return capacity.slowest_sound_answer(chosen), capacity.photos_a_minute(chosen)

    small, large = {"architectures": ["resnet18"]}, {"architectures": ["resnet152"]}
    default, faster, slower = of(), of(defaults=small), of(defaults=large)
    twice = of(defaults={"recipe": "fine-tuning"})
    older, bigger = of(endpoint_instance_type="ml.m5.large"), of(endpoint_instance_type="ml.m7i.2xlarge")
    # then a larger network or a processor without bfloat16 answers fewer photos, and takes longer for them
    assert faster[1] > default[1] > slower[1] > 0
    assert faster[0] < default[0] < slower[0]
    assert twice[1] == pytest.approx(default[1] / 2, rel=0.01)
    assert twice[0] > default[0]
    assert default[1] > older[1]
    assert default[0] < older[0]
    assert bigger[1] == pytest.approx(4 * default[1], rel=0.01)
    # SageMaker gives an answer up after a minute; the alarm has to be earlier.
    assert max(slower[0], older[0]) < 60_000


@pytest.mark.parametrize("defaults", [{}, {"recipe": "fine-tuning"}])
def test_alarm_and_autoscaling_take_what_follows(
    synthesize: Callable[..., dict[str, Template]], defaults: dict[str, Any]
) -> None:
    template = synthesize(**{"defaults": defaults} if defaults else {})["Endpoint"]
    expected = DeploymentSettings(defaults=defaults)
    (alarm,) = [a for a in resources(template, "AWS::CloudWatch::Alarm").values() if a["MetricName"] == "ModelLatency"]
    assert alarm["Threshold"] == 1000 * capacity.slowest_sound_answer(expected)
    (policy,) = resources(template, "AWS::ApplicationAutoScaling::ScalingPolicy").values()
    target = policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
    assert target == pytest.approx(capacity.photos_a_minute(expected) / 2, abs=1)


def test_the_estimates_are_of_every_network_and_of_the_applications_own_limits() -> None:
    assert set(capacity.MILLISECONDS) == set(get_args(Architecture))
    assert (capacity.QUEUE, capacity.MAXIMUM_PHOTOS) == (workers.QUEUE, photos.MAXIMUM_PHOTOS)


def test_a_package_says_what_the_application_takes_answers_and_computes_in(states: dict[str, dict[str, Any]]) -> None:
    specification = states["Register"]["Arguments"]["InferenceSpecification"]
    [container] = specification["Containers"]
    assert container["Environment"] == {"STOCKTAKE_PRECISION": "{% $evaluation.precision %}"}
    taken = {*photos.PHOTO_TYPES, photos.FORM, photos.JSON_LINES}
    assert set(specification["SupportedContentTypes"]) == taken
    assert set(specification["SupportedResponseMIMETypes"]) == set(answers.ANSWER_TYPES)


def test_scaling_and_alarms_know_the_variant_by_the_same_name(templates: dict[str, Template]) -> None:
    template = templates["Endpoint"]
    (config,) = resources(template, "AWS::SageMaker::EndpointConfig").values()
    (variant,) = config["ProductionVariants"]
    (target,) = resources(template, "AWS::ApplicationAutoScaling::ScalableTarget").values()
    assert target["ResourceId"] == f"endpoint/stocktake/variant/{variant['VariantName']}"
    for alarm in resources(template, "AWS::CloudWatch::Alarm").values():
        assert {"Name": "VariantName", "Value": variant["VariantName"]} in alarm["Dimensions"]


def test_the_endpoint_reads_models_and_nothing_else_in_the_bucket(templates: dict[str, Template]) -> None:
    reads = [s for s in statements(templates["Endpoint"], "EndpointRole") if "s3:GetObject" in as_list(s["Action"])]
    (read,) = reads
    assert str(read["Resource"]).count("/models/*") == 1
    assert len(as_list(read["Resource"])) == 1


def test_whoever_updates_the_stack_can_change_the_endpoint_and_no_role_or_policy(
    templates: dict[str, Template],
) -> None:
    found = statements(templates["Endpoint"], "UpdateRole")
    actions = {action for s in found for action in as_list(s["Action"])}
    harmless = {"iam:PassRole", "iam:GetRole", "iam:CreateServiceLinkedRole"}
    assert not {a for a in actions if a.startswith("iam:")} - harmless
    assert not {a for a in actions if a.split(":")[0] in {"s3", "lambda", "states", "cloudformation"}}
    assert not {a for a in actions if "*" in a}
    (pass_role,) = [s for s in found if s["Action"] == "iam:PassRole"]
    assert pass_role["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert str(pass_role["Resource"]).count("EndpointRole") == 1
