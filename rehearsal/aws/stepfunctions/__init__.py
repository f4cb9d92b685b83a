"""Step Functions: moto's interpreter of the States Language, made to run this application's state machine."""

from __future__ import annotations

from rehearsal.aws.stepfunctions import definition, distributed_map, interpreter, jsonata, permissions, sagemaker, sdk


def install() -> None:
    """Apply the repairs."""
    permissions.act_in_the_state_machines_role()
    permissions.check_roles_of_state_machines()
    permissions.trace_executions()
    definition.read_strings_as_json()
    definition.accept_whole_percentages()
    interpreter.execute_state_machines()
    interpreter.name_executions()
    interpreter.write_times_as_aws_does()
    interpreter.end_with_a_complete_answer()
    interpreter.let_reserved_errors_leave_a_map()
    interpreter.answer_queries_from_the_first_moment()
    interpreter.abort_at_once()
    interpreter.assign_for_the_next_state()
    jsonata.evaluate_with_bound_variables()
    distributed_map.run_children_as_executions()
    sagemaker.integrate_sagemaker_jobs()
    sdk.name_errors_as_aws_does()
    sdk.write_bodies_as_json()
    sdk.return_plain_json()
