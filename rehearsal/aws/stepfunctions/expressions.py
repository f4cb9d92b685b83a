"""Expressions in moto's interpreter, which comes without a JSONata engine.

moto pastes every variable into the text of each expression: strings unescaped, large documents parsed again and again.
Here an expression is evaluated with its variables bound as values, and its errors name the field that it stands in.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata, StringVariableSample
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils.json_path import extract_json

from rehearsal.aws.stepfunctions import entry
from rehearsal.aws.stepfunctions.failures import query_failed
from rehearsal.aws.stepfunctions.jsonata import QueryEvaluationError, describe, evaluate

# What a field takes. moto turns some values into others and fails at the rest by Python's errors.
_EXPECTED = {
    "Cause": "string",
    "Condition": "boolean",
    "Error": "string",
    "HeartbeatSeconds": "number",
    "Items": "array",
    "MaxConcurrency": "number",
    "MaxItems": "number",
    "Seconds": "number",
    "TimeoutSeconds": "number",
    "Timestamp": "string",
    "ToleratedFailureCount": "number",
    "ToleratedFailurePercentage": "number",
}
# Their values are any JSON, and what they hold is named by the user.
_FREE = {"Arguments", "Assign", "ItemSelector", "Output"}


def evaluate_with_bound_variables() -> None:
    """Give moto's interpreter an engine: without one it fails at the first expression ('NoneType' is not callable)."""
    visit = Preprocessor.visitString_jsonata

    def visit_and_locate(self: Preprocessor, ctx: Any) -> StringJSONata:
        expression = visit(self, ctx)
        expression.location = _location(ctx)
        return expression

    Preprocessor.visitString_jsonata = visit_and_locate
    StringJSONata._eval_body = _evaluate_jsonata
    StringVariableSample._eval_body = _read_variable


def refuse_items_and_times_that_are_none() -> None:
    """Fail by ``States.QueryEvaluationError`` for a Map's input that is no array, a Wait's text that is no time."""
    execute, fail_at_time = StateMap._eval_execution, Timestamp._create_failure_event

    def execute_over_an_array(self: StateMap, env: Environment) -> None:
        takes_its_input = not (self.items or self.items_path or self.item_reader)
        if takes_its_input and not isinstance(env.stack[-1], list):
            found = json.dumps(env.stack[-1], separators=(",", ":"))
            raise query_failed(env, f"Map state input must be an array but was: {found}", "Items")
        execute(self, env)

    def fail_at_no_time(self: Timestamp, env: Environment, text: str) -> Any:
        if not isinstance(self.string, StringJSONata):
            return fail_at_time(self, env, text)
        sentence = "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string"
        return query_failed(env, f"{sentence}: {text}", "Timestamp").failure_event

    StateMap._eval_execution = execute_over_an_array
    Timestamp._create_failure_event = fail_at_no_time


def _evaluate_jsonata(self: StringJSONata, env: Environment) -> None:
    expression = self.expression.strip()
    try:
        value = evaluate(expression, entry.variables(env) | {"states": env.states._states_data}, self.location)
        _require_type(value, expression, self.location)
    except QueryEvaluationError as error:
        raise query_failed(env, str(error), self.location) from error
    env.stack.append(value)


def _read_variable(self: StringVariableSample, env: Environment) -> None:
    """JSONPath's ``$name``, with a path behind it or without."""
    name, path = re.fullmatch(r"\$(\w+)(.*)", self.expression, re.DOTALL).groups()  # type: ignore[union-attr]
    value = entry.variables(env)[name]
    env.stack.append(copy.deepcopy(extract_json(f"${path}", value) if path else value))


def _require_type(value: Any, expression: str, location: str) -> None:
    *above, field = location.split("/")
    expected = None if _FREE.intersection(above) else _EXPECTED.get(field)
    if expected and (found := _type(value)) != expected:
        raise QueryEvaluationError(
            f"{describe(expression, location)} returned an unexpected result type. Expected '{expected}', "
            f"but was '{found}' for value: {json.dumps(value, separators=(',', ':'))}"
        )


def _type(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def _location(context: Any) -> str:
    """Where an expression stands in its state, as ``Catch[0]/Output/error``."""
    parts: list[str] = []
    while not isinstance(context.parentCtx, ASLParser.State_declContext):
        inner, context = context, context.parentCtx
        texts = [child.getText() for child in context.children]
        if "[" in texts:
            members = [child for child in context.children[texts.index("[") :] if child.getText() not in "[,]"]
            parts.insert(0, f"[{members.index(inner)}]")
        if texts[1:2] == [":"]:
            parts.insert(0, json.loads(texts[0]))
    return "/".join(parts).replace("/[", "[")
