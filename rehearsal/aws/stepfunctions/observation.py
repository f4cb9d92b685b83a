"""What Step Functions tells CloudWatch of an execution: a log event for each event of its history, and metrics.

moto's executions are started without a log, and its log cannot be written.
"""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.event.logging import (
    CloudWatchLoggingConfiguration,
    CloudWatchLoggingSession,
    HistoryLog,
)
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution

from rehearsal.aws import metrics

_METRICS = {
    ExecutionStatus.SUCCEEDED: "ExecutionsSucceeded",
    ExecutionStatus.FAILED: "ExecutionsFailed",
    ExecutionStatus.ABORTED: "ExecutionsAborted",
    ExecutionStatus.TIMED_OUT: "ExecutionsTimedOut",
}


class ExecutionLog(CloudWatchLoggingSession):
    """One execution's stream in the log group of its state machine."""

    def __init__(self, execution_arn: str, configuration: CloudWatchLoggingConfiguration) -> None:
        super().__init__(execution_arn, configuration)
        machine = configuration.state_machine_arn.rsplit(":", 1)[1]
        minute = datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d-%H-%M")
        self._stream = f"states/{machine}/{minute}/{uuid.uuid4().hex[:8]}"

    def of_child(self, execution_arn: str) -> ExecutionLog:
        """The log of a child execution, in a stream of its own."""
        return ExecutionLog(execution_arn, self.configuration)

    def publish_history_log(self, history_log: HistoryLog) -> None:
        """Write one event; nothing if the group is gone, as AWS does."""
        group = self.configuration.log_group_name
        if group not in self._logs_client.groups:
            return
        moment = int(datetime.datetime.fromisoformat(str(history_log["event_timestamp"])).timestamp() * 1000)
        details = dict(history_log.get("details") or {})
        if not self.configuration.include_execution_data:
            details.pop("parameters", None)  # of a task: moto takes away the rest
        event = {**history_log, "details": details, "redrive_count": "0", "event_timestamp": str(moment)}
        self._logs_client.ensure_log_stream(group, self._stream)
        self._logs_client.put_log_events(
            group, self._stream, [{"timestamp": moment, "message": json.dumps(event, default=str)}]
        )


def tell_cloudwatch() -> None:
    """Log executions as their state machine says, and publish how many start and how they end."""
    start, terminated = Execution.start, BaseExecutionWorkerCommunication.terminated

    def start_observed(self: Execution) -> None:
        configuration: dict[str, Any] = self.state_machine.loggingConfiguration or {}
        found = CloudWatchLoggingConfiguration.from_logging_configuration(
            self.state_machine_arn, {"includeExecutionData": False, **configuration}
        )
        self._cloud_watch_logging_session = ExecutionLog(self.exec_arn, found) if found else None
        _publish(self, {"ExecutionsStarted": 1})
        start(self)

    def terminated_observed(self: BaseExecutionWorkerCommunication) -> None:
        terminated(self)
        execution = self.execution
        _publish(execution, {_METRICS[execution.exec_status]: 1})
        seconds = (execution.stop_date - execution.start_date).total_seconds()
        _publish(execution, {"ExecutionTime": seconds * 1000}, "Milliseconds")

    Execution.start = start_observed
    BaseExecutionWorkerCommunication.terminated = terminated_observed


def _publish(execution: Execution, values: dict[str, float], unit: str = "Count") -> None:
    dimensions = {"StateMachineArn": execution.state_machine_arn}
    metrics.publish("AWS/States", execution.region_name, dimensions, values, unit)
