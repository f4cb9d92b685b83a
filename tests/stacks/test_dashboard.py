"""The dashboard: each graph is of what the deployment has, by the names that it has there."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stacks.states.training_job import METRICS
from tests.stacks.template import Template, machine, resources

Graphs = dict[str, list[Any]]


@pytest.fixture(scope="module")
def graphs(templates: dict[str, Template]) -> Graphs:
    """Metrics by their graph's title: an expression, or [namespace, name, dimension, value, ...]."""
    (dashboard,) = resources(templates["Observability"], "AWS::CloudWatch::Dashboard").values()
    # A dashboard's name is the account's: two regions may have deployments of the same name.
    assert dashboard["DashboardName"] == {"Fn::Join": ["", ["stocktake-", {"Ref": "AWS::Region"}]]}
    joined = dashboard["DashboardBody"]["Fn::Join"][1]
    body = json.loads("".join(part if isinstance(part, str) else "REF" for part in joined))
    shown = [widget["properties"] for widget in body["widgets"] if widget["type"] == "metric"]
    return {graph["title"]: list(_metrics(graph["metrics"])) for graph in shown}


def _metrics(rows: list[list[Any]]) -> Iterator[Any]:
    for row in rows:
        yield next((part["expression"] for part in row if isinstance(part, dict) and "expression" in part), row[:-1])


def test_the_endpoints_graphs_are_of_its_own_variant(graphs: Graphs, templates: dict[str, Template]) -> None:
    (endpoint,) = resources(templates["Endpoint"], "AWS::SageMaker::Endpoint").values()
    (config,) = resources(templates["Endpoint"], "AWS::SageMaker::EndpointConfig").values()
    [variant] = config["ProductionVariants"]
    of_it = ["EndpointName", endpoint["EndpointName"], "VariantName", variant["VariantName"]]
    assert [metric[:2] for metric in graphs["Requests"]] == [
        ["AWS/SageMaker", name] for name in ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors")
    ]
    for title in ("Requests", "Latency, microseconds", "The endpoint's instances, %"):
        assert [metric[2:] for metric in graphs[title]] == [of_it] * len(graphs[title]), title


def test_executions_are_those_of_the_machine(graphs: Graphs, templates: dict[str, Template]) -> None:
    name = machine(templates["Workflow"])["StateMachineName"]
    for metric in (*graphs["Executions"], *graphs["Duration of executions, ms"]):
        assert metric[0] == "AWS/States"
        assert metric[2] == "StateMachineArn"
        assert metric[3].endswith(f":stateMachine:{name}")


def test_jobs_are_found_by_what_their_names_begin_with_and_what_they_print(graphs: Graphs) -> None:
    for metric in ("validation:accuracy", "validation:loss"):
        assert metric in METRICS
        [search] = graphs[metric.replace(":", " ").capitalize()]
        assert search == (
            f"""SEARCH('{{"/aws/sagemaker/TrainingJobs",TrainingJobName}} (MetricName="{metric}") """
            "TrainingJobName=stocktake', 'Average', 60)"
        )
