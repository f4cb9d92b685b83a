"""Expressions as Step Functions evaluates them, and what their errors say."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rehearsal.aws.stepfunctions.jsonata import QueryEvaluationError, evaluate
from tests.rehearsal.emulator import Emulator
from tests.rehearsal.machines import END, child, single


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$range(3, 4, 5)", 3),
        ("[$range(3, 4, 5)]", [3]),
        ("$range(1, 7, 3)", [1, 4, 7]),
        ("$count(null)", 1),
        ("$count(nothing)", 0),
        ("$count([])", 0),
        ("$count([null, 1])", 2),
        ("$count('one')", 1),
        (r"$replace('größe ٣\u00a0b', /[^\w\s]|\d/, '_')", "gr__e __b"),
        (r"$match('Ab\nb', /^B/im).match", "b"),
    ],
)
def test_functions_that_differ_from_the_engines(expression: str, expected: Any) -> None:
    # Given a sequence of one value, or null, Then it is the value itself, and counts as one.
    assert evaluate(expression, {}) == expected


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("$gone", "'$gone' specified for the field 'Output/total' returned nothing (undefined)."),
        ("$sum", "'$sum' specified for the field 'Output/total' returned an unsupported result type."),
        ("$gone(1)", "threw an error during evaluation. T1006: Attempted to invoke a non-function"),
    ],
)
def test_an_error_names_its_field(expression: str, sentence: str) -> None:
    # Given an expression that fails in a field, Then the error says which and how.
    with pytest.raises(QueryEvaluationError) as raised:
        evaluate(expression, {}, "Output/total")
    assert str(raised.value).endswith(sentence)


def test_an_expression_has_its_own_values_in_each_of_many_evaluations_at_once() -> None:
    """Given one expression with functions of its own and the engine's, evaluated by the threads of a map's items."""
    expression = """(
        $twice := function($x) { 2 * $x };
        $tenTimes := $twice ~> function($x) { 5 * $x };
        $half := $power(?, 0.5);
        {
            "doubled": $map($items, $twice)[],
            "sum": $reduce($items, function($a, $b) { $a + $b }),
            "later": $tenTimes($first),
            "root": $half($first * $first),
            "sorted": $sort($items, function($a, $b) { $a < $b })[],
            "letters": $replace("a-b-c", /[a-c]/, function($m) { $m.match & $string($first) })
        }
    )"""

    def of(first: int) -> Any:
        return evaluate(expression, {"items": [first, first + 1, first + 2], "first": first})

    def expected(first: int) -> Any:
        return {
            "doubled": [2 * first, 2 * first + 2, 2 * first + 4],
            "sum": 3 * first + 3,
            "later": 10 * first,
            "root": first,
            "sorted": [first + 2, first + 1, first],
            "letters": f"a{first}-b{first}-c{first}",
        }

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(of, range(200))) == [expected(first) for first in range(200)]


def test_the_time_of_day_is_that_of_each_evaluation() -> None:
    before = evaluate("$millis()", {})
    time.sleep(0.01)
    assert evaluate("$millis()", {}) > before


MAP = {"Type": "Map", "ItemProcessor": child(END), "End": True}


@pytest.mark.parametrize(
    ("state", "location", "expected"),
    [
        (MAP | {"Items": "{% $states.input.text %}"}, "Items", "array"),
        (MAP | {"Items": [1], "MaxConcurrency": "{% $states.input.text %}"}, "MaxConcurrency", "number"),
        ({"Type": "Wait", "Seconds": "{% $states.input.text %}", "End": True}, "Seconds", "number"),
        (
            {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.text %}", "Next": "Last"}]},
            "Choices[0]/Condition",
            "boolean",
        ),
    ],
)
def test_a_value_of_the_wrong_type_fails_by_state_and_field(
    aws: Emulator, state: dict[str, Any], location: str, expected: str
) -> None:
    # Given a field that gets a text where it takes another type, Then error, cause and history say so.
    after = {"Last": END} if state["Type"] == "Choice" else {}
    result = aws.execute(single({"Type": "Pass", "Next": "Wrong"}, Wrong=state, **after), {"text": "three"})
    assert (result["status"], result["error"]) == ("FAILED", "States.QueryEvaluationError")
    cause = (
        "An error occurred while executing the state 'Wrong' (entered at the event id #4). The JSONata expression "
        f"'$states.input.text' specified for the field '{location}' returned an unexpected result type. "
        f"Expected '{expected}', but was 'string' for value: \"three\""
    )
    assert result["cause"] == cause
    history = aws.client("stepfunctions").get_execution_history(executionArn=result["executionArn"])["events"]
    (event,) = [event for event in history if event["type"] == "EvaluationFailed"]
    assert event["evaluationFailedEventDetails"] == {
        "state": "Wrong",
        "location": location,
        "error": "States.QueryEvaluationError",
        "cause": cause,
    }


def test_what_a_user_names_like_a_field_takes_any_value(aws: Emulator) -> None:
    # Given members of Output, of a state and of its Catch, that are called as fields are, Then they keep their types.
    output = {"Items": "{% 1 %}", "Cause": ["{% 2 %}"], "nested": {"Seconds": "{% 'x' %}"}}
    catch = {"ErrorEquals": ["States.ALL"], "Assign": {"Error": "{% 3 %}"}, "Output": output, "Next": "Caught"}
    broken = MAP | {"Items": "{% 1 %}", "Catch": [catch]}
    caught = {"Type": "Pass", "Output": {"Condition": "{% [$states.input, $Error] %}"}, "End": True}
    result = aws.execute(single(broken, Caught=caught))
    assert result["output"] == {"Condition": [{"Items": 1, "Cause": [2], "nested": {"Seconds": "x"}}, 3]}


def test_a_state_in_a_map_is_named_once(aws: Emulator) -> None:
    # Given an expression that fails within two maps, Then the cause names its state, and no map around it.
    inner = child({"Type": "Pass", "Output": {"list": [1, "{% $gone %}"]}, "End": True}, "Inner")
    within = {"Type": "Map", "Items": [1], "ItemProcessor": inner, "End": True}
    result = aws.execute(single({"Type": "Map", "Items": [1], "ItemProcessor": child(within), "End": True}))
    assert result["cause"].count("An error occurred while executing the state 'Inner'") == 1
    assert result["cause"].endswith("specified for the field 'Output/list[1]' returned nothing (undefined).")


@pytest.mark.parametrize("given", [5, None])
def test_a_map_over_an_input_that_is_no_array_fails(aws: Emulator, given: Any) -> None:
    # Given a map without Items, When its input is no array, Then the cause shows the input as JSON.
    result = aws.execute(single({"Type": "Pass", "Output": given if given else "{% null %}", "Next": "Map"}, Map=MAP))
    assert result["error"] == "States.QueryEvaluationError"
    assert result["cause"].endswith(f"Map state input must be an array but was: {'5' if given else 'null'}")


def test_a_text_that_is_no_time_fails(aws: Emulator) -> None:
    # Given a Wait whose expression gives no ISO 8601 time, Then it is the evaluation that fails.
    result = aws.execute(single({"Type": "Wait", "Timestamp": "{% '2026-01-31' %}", "End": True}))
    assert result["error"] == "States.QueryEvaluationError"
    assert "cannot be parsed as an ISO-8601 extended offset date-time format string: 2026-01-31" in result["cause"]


def test_jsonpath_reads_variables(aws: Emulator) -> None:
    # Given variables in JSONPath, Then paths, intrinsic functions and comparisons read them, and each sees the last.
    definition = {
        "QueryLanguage": "JSONPath",
        **single(
            {"Type": "Pass", "Assign": {"x": {"list": [1, 2]}, "name": 'a "b"'}, "Next": "Choose"},
            Choose={"Type": "Choice", "Choices": [{"Variable": "$x.list[1]", "NumericEquals": 2, "Next": "Read"}]},
            Read={
                "Type": "Pass",
                "Assign": {"name": "other"},
                "Parameters": {
                    "whole.$": "$x",
                    "second.$": "$x.list[1]",
                    "text.$": "States.Format('{}!', $name)",
                },
                "End": True,
            },
        ),
    }
    output = aws.execute(definition)["output"]
    assert output == {"whole": {"list": [1, 2]}, "second": 2, "text": 'a "b"!'}


def test_the_context_counts_redrives(aws: Emulator) -> None:
    # When a machine reads its context, Then the execution has not been redriven.
    result = aws.execute(
        single({"Type": "Pass", "Output": "{% $states.context.Execution.RedriveCount %}", "End": True})
    )
    assert result["output"] == 0
