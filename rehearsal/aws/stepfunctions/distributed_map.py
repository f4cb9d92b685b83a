"""Distributed Map for moto's interpreter: each item is a child execution that can fail.

moto drops a failed child's error, puts null into the result and goes on; it knows no toleration, and its children read
variables of their parent, which in AWS they cannot.
"""

from __future__ import annotations

import copy
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.item_reader_decl import ItemReader
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
    DistributedIterationComponentEvalInput,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (
    MapRunRecord,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError, ProgramStopped
from moto.stepfunctions.parser.asl.eval.states import ItemData, MapData
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore

from rehearsal.aws.iam import on_behalf
from rehearsal.aws.iam.enforcement import AccessDenied
from rehearsal.aws.stepfunctions import child_executions, permissions
from rehearsal.aws.stepfunctions.failures import failed

_MAX_PARALLEL_CHILDREN = 40
"""What this machine runs at once for MaxConcurrency 0, which in AWS means 10,000."""

_Failure = tuple[str, str]


def run_children_as_executions() -> None:
    """Run the items of a Distributed Map as child executions whose failures count against the tolerated ones."""
    DistributedIterationComponent._map_run = _map_run


def name_failed_readers() -> None:
    """Fail by ``States.ItemReaderFailed`` when items cannot be read: moto knows that of JSON that is no array."""
    read = ItemReader._eval_body

    def read_or_fail(self: ItemReader, env: Environment) -> None:
        try:
            read(self, env)
        except (ClientError, LookupError, ValueError) as error:
            message = error.response["Error"]["Message"] if isinstance(error, ClientError) else str(error)
            failure = StatesErrorNameType.StatesItemReaderFailed
            raise failed(env, failure, message, HistoryEventType.MapRunFailed) from error

    ItemReader._eval_body = read_or_fail


def _map_run(
    self: DistributedIterationComponent, env: Environment, eval_input: DistributedIterationComponentEvalInput
) -> None:
    items: list[Any] = env.stack.pop()
    _require_permissions(env, eval_input.map_run_record)
    record = eval_input.map_run_record
    for counter in (record.item_counter, record.execution_counter):
        counter.total.count(len(items))
        counter.pending.count(len(items))

    outputs: list[Any] = []
    failures: list[tuple[int, _Failure]] = []
    exceeded = threading.Event()

    def run(index: int) -> Any:
        if exceeded.is_set() or not env.is_running():
            return None
        output, failure = _run_child(self, env, eval_input, index, items[index])
        if failure is not None:
            failures.append((index, failure))
            if not _is_tolerated(len(failures), len(items), record):
                exceeded.set()
        return output

    with ThreadPoolExecutor(record.max_concurrency or _MAX_PARALLEL_CHILDREN) as pool:
        outputs = list(pool.map(run, range(len(items))))
    if exceeded.is_set():
        raise _threshold_exceeded(env, len(items), failures)
    failed = {index for index, _ in failures}
    env.stack.append([output for index, output in enumerate(outputs) if index not in failed])


def _require_permissions(env: Environment, record: MapRunRecord) -> None:
    """Children are executions, which the role has to be allowed to start."""
    machine = record.map_state_machine_arn.partition("/")[0]
    try:
        session = permissions.role_session(env.aws_execution_details.role_arn)
        on_behalf.require_all(session, permissions.map_run_needs(machine))
    except AccessDenied as denied:
        error = CustomErrorName("StepFunctions.AccessDeniedException")
        raise failed(env, error, str(denied), HistoryEventType.MapRunFailed) from denied


def _run_child(
    component: DistributedIterationComponent,
    env: Environment,
    eval_input: DistributedIterationComponentEvalInput,
    index: int,
    item: Any,
) -> tuple[Any, _Failure | None]:
    """One child execution: its output, or its error and cause."""
    counters = (eval_input.map_run_record.item_counter, eval_input.map_run_record.execution_counter)
    for counter in counters:
        counter.pending.count(-1)
        counter.running.count()
    own = _child_environment(env, eval_input.map_run_record)
    execution = own.states.context_object.context_object_data["Execution"]
    output, failure = None, None
    try:
        child_input = _select_input(env, eval_input, index, item)
        execution["Input"] = child_input
        child = child_executions.begin(eval_input.map_run_record, execution["Id"], own, child_input)
        own.states.reset(child_input)
        component._get_iteration_program().eval(own)
        end = own.program_state()
        if isinstance(end, ProgramError):
            details = end.error or {}
            failure = (details.get("error") or "", details.get("cause") or "")
            child.end(ExecutionStatus.FAILED, None, *failure)
        elif isinstance(end, ProgramStopped):
            failure = ("States.Aborted", "The execution was stopped.")
            child.end(ExecutionStatus.ABORTED, None, end.error, end.cause)
        else:
            output = own.states.get_input()
            child.end(ExecutionStatus.SUCCEEDED, output)
    except FailureEventException as error:
        name, cause = error.extract_error_cause_pair() or ("", "")
        failure = (name or "", cause or "")
    finally:
        env.delete_frame(own)
    for counter in counters:
        counter.running.count(-1)
        (counter.succeeded if failure is None else counter.failed).count()
    return output, failure


def _child_environment(env: Environment, record: MapRunRecord) -> Environment:
    """An environment with an execution and variables of its own, that still hears when the parent is stopped."""
    own = Environment.as_inner_frame_of(env, VariableStore(), EventHistoryContext.of_program_start())
    own._is_frame = False  # a whole execution, whose history has an end
    name = str(uuid.uuid4())
    context = own.states.context_object.context_object_data
    context["Execution"] = copy.copy(context["Execution"]) | {
        "Id": f"{record.map_state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}",
        "Name": name,
    }
    log = env.cloud_watch_logging_session
    own.event_manager = EventManager(log and log.of_child(context["Execution"]["Id"]))
    with env._state_mutex:
        env._frames.append(own)
    return own


def _select_input(env: Environment, eval_input: DistributedIterationComponentEvalInput, index: int, item: Any) -> Any:
    """The child's input: the item, or what ItemSelector (once called Parameters) makes of it in the parent's scope."""
    selector = eval_input.item_selector or eval_input.parameters
    if selector is None:
        return item
    frame = Environment.as_inner_frame_of(env=env, variable_store=env.variable_store)
    frame.states.reset(env.states.get_input())
    frame.states.context_object.context_object_data["Map"] = MapData(Item=ItemData(Index=index, Value=item))
    # JSONPath reads the map's input from the stack.
    frame.stack.append(env.stack[-1])
    selector.eval(frame)
    return frame.stack[-1]


def _is_tolerated(failed: int, total: int, record: MapRunRecord) -> bool:
    within_count = bool(failed <= record.tolerated_failure_count)
    within_percentage = bool(failed * 100 <= record.tolerated_failure_percentage * total)
    if record.tolerated_failure_count and record.tolerated_failure_percentage:
        return within_count and within_percentage
    return within_count or within_percentage


def _threshold_exceeded(env: Environment, total: int, failures: list[tuple[int, _Failure]]) -> FailureEventException:
    index, (error, cause) = min(failures)
    name = StatesErrorNameType.StatesExceedToleratedFailureThreshold
    sentence = (
        "The specified tolerated failure threshold was exceeded. "
        f"{len(failures)} of {total} items failed; item {index}: {error}: {cause}"
    )
    return failed(env, name, sentence, HistoryEventType.MapRunFailed)
