"""One page in CloudWatch: executions, what jobs learn and use, the endpoint, and what SageMaker costs."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.endpoint.serving import VARIANT
from stacks.settings import DeploymentSettings

DRIFT = "Stocktake"
"""The namespace of what the watch on drift measures."""
_JOBS = '"/aws/sagemaker/TrainingJobs"'


class Dashboard(Construct):
    """Of one deployment, whose things are all known by their names."""

    def __init__(
        self, scope: Construct, id: str, *, settings: DeploymentSettings, machine_arn: str, alarm: cloudwatch.IAlarm
    ) -> None:
        super().__init__(scope, id)
        self._settings, self._machine = settings, {"StateMachineArn": machine_arn}
        self._variant = {"EndpointName": settings.name, "VariantName": VARIANT}
        cloudwatch.Dashboard(
            self,
            "Default",
            # With the region, as an account's dashboards are global, unlike everything that this one shows.
            dashboard_name=f"{settings.name}-{Stack.of(self).region}",
            default_interval=Duration.days(7),
            widgets=[self._executions(alarm), self._jobs(), self._endpoint(), self._machines_and_money()],
        )

    def _executions(self, alarm: cloudwatch.IAlarm) -> list[cloudwatch.IWidget]:
        ended = ("Started", "Succeeded", "Failed", "TimedOut", "Aborted")
        return [
            _graph("Executions", *(self._of_machine(f"Executions{name}", "Sum", name) for name in ended)),
            _graph("Duration of executions, ms", self._of_machine("ExecutionTime", "Maximum", "longest")),
            cloudwatch.AlarmStatusWidget(title="Failed executions", alarms=[alarm], width=8, height=6),
        ]

    def _jobs(self) -> list[cloudwatch.IWidget]:
        """Each job is a line of its own."""
        learned = [("validation:accuracy", "Validation accuracy"), ("validation:loss", "Validation loss")]
        return [
            *(_graph(title, self._of_jobs("TrainingJobName", [metric])) for metric, title in learned),
            _graph("Processors of training jobs, %", self._of_jobs("Host", ["CPUUtilization", "GPUUtilization"])),
        ]

    def _endpoint(self) -> list[cloudwatch.IWidget]:
        counted = {"Invocations": "requests", "Invocation4XXErrors": "refused", "Invocation5XXErrors": "failed"}
        return [
            _graph("Requests", *(self._of_endpoint(name, "Sum", label) for name, label in counted.items())),
            _graph(
                "Latency, microseconds",
                *(self._of_endpoint("ModelLatency", statistic, statistic) for statistic in ("p50", "p99")),
            ),
            _graph("Latency that SageMaker adds, microseconds", self._of_endpoint("OverheadLatency", "p99", "p99")),
        ]

    def _machines_and_money(self) -> list[cloudwatch.IWidget]:
        used = ("CPUUtilization", "MemoryUtilization")
        # Only us-east-1 has it, and only where the account's billing alerts are on.
        charges = cloudwatch.Metric(
            namespace="AWS/Billing",
            metric_name="EstimatedCharges",
            dimensions_map={"ServiceName": "AmazonSageMaker", "Currency": "USD"},
            statistic="Maximum",
            period=Duration.hours(6),
            region="us-east-1",
        )
        return [
            _graph(
                "The endpoint's instances, %",
                *(self._of_endpoint(name, "Maximum", name, "/aws/sagemaker/Endpoints") for name in used),
            ),
            _graph("SageMaker's charges in this month, USD (needs billing alerts)", charges),
            *self._drift(),
        ]

    def _drift(self) -> list[cloudwatch.IWidget]:
        if not self._settings.watches_drift:
            return []
        distances = cloudwatch.SearchExpression(
            expression=f"SEARCH('{{{DRIFT},Endpoint,Quantity}} Endpoint=\"{self._settings.name}\"', 'Maximum', 3600)",
            label="",
            period=Duration.hours(1),
        )
        return [
            _graph(
                "Drift: distance from the test photos, and 1 for a drift",
                distances,
                drift_detected(self._settings.name),
            )
        ]

    def _of_machine(self, name: str, statistic: str, label: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/States",
            metric_name=name,
            dimensions_map=self._machine,
            statistic=statistic,
            label=label,
            period=Duration.hours(1),
        )

    def _of_endpoint(
        self, name: str, statistic: str, label: str, namespace: str = "AWS/SageMaker"
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=name,
            dimensions_map=self._variant,
            statistic=statistic,
            label=label,
            period=Duration.minutes(5),
        )

    def _of_jobs(self, dimension: str, metrics: list[str]) -> cloudwatch.SearchExpression:
        """Metrics of the jobs whose names have the deployment's prefix; what is in quotes would have to be whole."""
        names = " OR ".join(f'MetricName="{metric}"' for metric in metrics)
        prefix = " ".join(f"{dimension}={word}" for word in self._settings.job_prefix.split("-"))
        return cloudwatch.SearchExpression(
            expression=f"SEARCH('{{{_JOBS},{dimension}}} ({names}) {prefix}', 'Average', 60)",
            label="",
            period=Duration.minutes(1),
        )


def drift_detected(endpoint: str) -> cloudwatch.Metric:
    """1 where a look has found a drift, 0 where it has not."""
    return cloudwatch.Metric(
        namespace=DRIFT,
        metric_name="DriftDetected",
        dimensions_map={"Endpoint": endpoint},
        statistic="Maximum",
        period=Duration.hours(1),
    )


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, height=6)
