"""What an update leaves an endpoint's fleet, and which updates SageMaker refuses."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto.sagemaker.exceptions import AWSValidationException
from moto.sagemaker.models import FakeEndpoint

from rehearsal.aws.sagemaker.endpoint_updates import Update
from tests.rehearsal.emulator import Emulator
from tests.rehearsal.sagemaker.bucket import Bucket
from tests.rehearsal.sagemaker.serving_model import configure, put_model, serve, settled

COUNT = [{"VariantPropertyType": "DesiredInstanceCount"}]


def target(endpoint: str, **limits: int) -> dict[str, Any]:
    dimension = "sagemaker:variant:DesiredInstanceCount"
    resource = f"endpoint/{endpoint}/variant/AllTraffic"
    return {"ServiceNamespace": "sagemaker", "ScalableDimension": dimension, "ResourceId": resource} | limits


def size(sagemaker: Any, endpoint: str) -> int:
    description = settled(sagemaker, endpoint)
    assert description["EndpointStatus"] == "InService"
    count: int = description["ProductionVariants"][0]["DesiredInstanceCount"]
    return count


def test_a_scaled_variant_keeps_its_size_and_its_type(
    aws: Emulator, sagemaker: Any, bucket: Bucket, endpoint: str
) -> None:
    # given a fleet of one that scaling brings to its smallest size
    serve(sagemaker, bucket, endpoint)
    autoscaling = aws.client("application-autoscaling")
    autoscaling.register_scalable_target(**target(endpoint, MinCapacity=2, MaxCapacity=4))
    assert size(sagemaker, endpoint) == 2
    container = {"Image": "ray", "ModelDataUrl": put_model(bucket, "second")}
    # when it is updated to a configuration of one instance, then it keeps its size, unless that is excluded
    retained = {"EndpointName": endpoint, "RetainAllVariantProperties": True}
    sagemaker.update_endpoint(EndpointConfigName=configure(sagemaker, container), **retained)
    assert size(sagemaker, endpoint) == 2
    sagemaker.update_endpoint(
        EndpointConfigName=configure(sagemaker, container), ExcludeRetainedVariantProperties=COUNT, **retained
    )
    assert size(sagemaker, endpoint) == 1
    # and another type is refused until scaling is taken away
    other = configure(sagemaker, container, "ml.m7i.large")
    with pytest.raises(ClientError, match="target for auto scaling"):
        sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)
    autoscaling.deregister_scalable_target(**target(endpoint))
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)
    assert settled(sagemaker, endpoint)["EndpointConfigName"] == other


def test_only_a_variant_that_is_there_and_not_burstable_scales(
    aws: Emulator, sagemaker: Any, bucket: Bucket, endpoint: str
) -> None:
    autoscaling = aws.client("application-autoscaling")
    with pytest.raises(ClientError, match="There is no variant AllTraffic"):
        autoscaling.register_scalable_target(**target(endpoint, MinCapacity=1, MaxCapacity=2))
    config = configure(sagemaker, {"Image": "ray", "ModelDataUrl": put_model(bucket, "first")}, "ml.t2.large")
    sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    assert size(sagemaker, endpoint) == 1
    with pytest.raises(ClientError, match=r"on ml\.t2\.large, a burstable performance instance"):
        autoscaling.register_scalable_target(**target(endpoint, MinCapacity=1, MaxCapacity=2))


def test_an_update_that_names_an_alarm_that_is_on_is_rolled_back_whoever_turned_it_on(
    aws: Emulator, sagemaker: Any, bucket: Bucket, endpoint: str
) -> None:
    # given an endpoint, and an alarm that its own fleet has turned on
    serve(sagemaker, bucket, endpoint)
    before = settled(sagemaker, endpoint)["EndpointConfigName"]
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocation5XXErrors", "Statistic": "Sum", "Period": 60}
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=endpoint,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
        **metric,
    )
    cloudwatch.set_alarm_state(AlarmName=endpoint, StateValue="ALARM", StateReason="errors")
    config = configure(sagemaker, {"Image": "ray", "ModelDataUrl": put_model(bucket, "second")})
    update = {
        "EndpointName": endpoint,
        "EndpointConfigName": config,
        "DeploymentConfig": {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": endpoint}]},
        },
    }
    # when it is updated, then the old configuration serves on and the reason names the alarm
    sagemaker.update_endpoint(**update)
    left = settled(sagemaker, endpoint)
    assert (left["EndpointStatus"], left["EndpointConfigName"]) == ("InService", before)
    assert f"alarms are on: {endpoint}" in left["FailureReason"]
    # ... and when the alarm is off again, the new one does
    cloudwatch.set_alarm_state(AlarmName=endpoint, StateValue="OK", StateReason="none")
    sagemaker.update_endpoint(**update)
    assert settled(sagemaker, endpoint)["EndpointConfigName"] == config


def test_an_endpoint_whose_configuration_is_gone_cannot_be_updated(
    sagemaker: Any, bucket: Bucket, endpoint: str
) -> None:
    serve(sagemaker, bucket, endpoint)
    sagemaker.delete_endpoint_config(EndpointConfigName=settled(sagemaker, endpoint)["EndpointConfigName"])
    config = configure(sagemaker, {"Image": "ray", "ModelDataUrl": put_model(bucket, "second")})
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)


def fleet(count: int) -> tuple[FakeEndpoint, list[dict[str, Any]]]:
    variants = [{"VariantName": "live", "InitialInstanceCount": count, "InitialVariantWeight": 1.0}]
    return FakeEndpoint("1", "x", "any", "any", variants, {}, []), variants


@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.booleans(),
    st.sampled_from([("CANARY", "CanarySize"), ("LINEAR", "LinearStepSize")]),
    st.sampled_from(["INSTANCE_COUNT", "CAPACITY_PERCENT"]),
    st.integers(1, 100),
)
def test_a_step_of_the_traffic_is_a_share_of_the_fleet_as_it_will_be(
    old: int, new: int, retains: bool, kind: tuple[str, str], unit: str, value: int
) -> None:
    # given an update from one size to another
    traffic = {"Type": kind[0], kind[1]: {"Type": unit, "Value": value}, "WaitIntervalInSeconds": 300}
    policy = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic}}
    update = Update.of_request({"RetainAllVariantProperties": retains, "DeploymentConfig": policy})
    endpoint, before = fleet(old)
    _, after = fleet(new)
    # then a canary is half of it at most, and a linear step a tenth at least, too
    share = value / 100 if unit == "CAPACITY_PERCENT" else value / (old if retains else new)
    least = 0.1 if kind[0] == "LINEAR" else 0
    if least <= share <= 0.5:
        update.require(endpoint, "us-east-1", before, after)
    else:
        with pytest.raises(AWSValidationException, match=f"{kind[1]} is .* at most 50%"):
            update.require(endpoint, "us-east-1", before, after)


def test_a_canary_without_a_size_is_refused_by_name() -> None:
    endpoint, variants = fleet(2)
    policy = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "CANARY"}}}
    with pytest.raises(AWSValidationException, match="of type CANARY needs CanarySize"):
        Update.of_request({"DeploymentConfig": policy}).require(endpoint, "us-east-1", variants, variants)
