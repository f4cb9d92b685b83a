"""Metrics that AWS's services publish of themselves."""

from __future__ import annotations

from collections.abc import Mapping

from moto.cloudwatch.models import cloudwatch_backends

from rehearsal.aws.location import ACCOUNT_ID


def publish(
    namespace: str, region: str, dimensions: Mapping[str, str], values: Mapping[str, float], unit: str = "Count"
) -> None:
    """Add one value to each of some metrics; ``values`` by the metric's name."""
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    data = [
        {"MetricName": name, "Dimensions": named, "Value": float(value), "Unit": unit} for name, value in values.items()
    ]
    cloudwatch_backends[ACCOUNT_ID][region].put_metric_data(namespace, data)
