"""Step Functions: moto's interpreter of the States Language, made to run this application's state machine."""

from __future__ import annotations

from moto.stepfunctions.responses import StepFunctionResponse

from rehearsal.aws import constraints
from rehearsal.aws.stepfunctions import (
    child_executions,
    distributed_map,
    entry,
    executions,
    expressions,
    failures,
    interpreter,
    limits,
    nested_executions,
    observation,
    parser,
    permissions,
    requests,
    sagemaker,
    sdk,
)
from rehearsal.aws.stepfunctions.definitions import answers


def install() -> None:
    """Apply the repairs."""
    permissions.act_in_the_state_machines_role()
    permissions.check_roles_of_state_machines()
    permissions.trace_executions()
    requests.name_errors()
    requests.refuse_another_machine_of_the_name()
    requests.refuse_what_is_no_arn()
    requests.take_only_good_names_and_inputs()
    requests.keep_what_an_execution_is_stopped_with()
    parser.read_each_alone()
    parser.read_strings_as_json()
    parser.accept_whole_percentages()
    parser.read_each_once()
    parser.say_what_cannot_be_read()
    answers.refuse_invalid_definitions()
    answers.validate_definitions()
    interpreter.execute_state_machines()
    interpreter.complete_the_context()
    interpreter.end_with_a_complete_answer()
    interpreter.let_reserved_errors_leave_a_map()
    interpreter.answer_queries_from_the_first_moment()
    interpreter.abort_at_once()
    interpreter.end_what_is_stopped_before_its_first_state()
    interpreter.match_terminal_errors_by_name_alone()
    entry.note_entries()
    failures.name_the_state_and_its_event()
    failures.write_failed_evaluations_down()
    expressions.evaluate_with_bound_variables()
    expressions.refuse_items_and_times_that_are_none()
    limits.measure_what_states_pass_on()
    limits.end_long_histories()
    limits.end_waits_that_are_too_long()
    distributed_map.name_failed_readers()
    observation.tell_cloudwatch()
    executions.page_through_histories()
    executions.name_missing_executions()
    executions.abort_executions_of_deleted_machines()
    distributed_map.run_children_as_executions()
    child_executions.show_to_clients()
    executions.count_redrives()
    sagemaker.integrate_sagemaker_jobs()
    sdk.name_errors_as_aws_does()
    sdk.convert_requests()
    sdk.return_plain_json()
    nested_executions.spell_requests_and_answers()
    constraints.enforce(StepFunctionResponse, "stepfunctions")
