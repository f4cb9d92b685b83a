"""Kinds of definitions that AWS refuses, each with the code and the place of its fault.

Sources: the States Language specification, AWS's developer guide, and answers of AWS that others published: the
recordings of localstack/localstack and the measurements of floci-io/floci. What has no such answer is a MUST of the
specification, or a limit or a list in the guide.
"""

from __future__ import annotations

from tests.rehearsal.definitions.invalid_calls import CALLS, FIRST, MAPS, SCHEMA
from tests.rehearsal.definitions.machines import (
    END,
    FUNCTION,
    Definition,
    choice,
    going,
    jsonpath,
    machine,
    passing,
    task,
)

TARGET = "MISSING_TRANSITION_TARGET"
PARSE, REFERENCE = "INVALID_JSONATA_EXPRESSION", "UNSUPPORTED_JSONATA_EXPRESSION"

_YES = {"Condition": "{% true %}", "Next": "Done"}
_ALL = ["States.ALL"]
_BRANCH = {"StartAt": "Each", "States": {"Each": passing()}}

SHAPE: dict[str, tuple[Definition, str, str | None]] = {
    "no fields": ({}, SCHEMA, "/"),
    "no StartAt": ({"States": {"First": passing()}}, SCHEMA, "/"),
    "no States": ({"StartAt": "First"}, SCHEMA, "/"),
    "empty States": ({"StartAt": "First", "States": {}}, SCHEMA, "/States"),
    "unknown field of the machine": (machine(passing(), Retries=3), SCHEMA, "/"),
    "unknown query language": (machine(passing()) | {"QueryLanguage": "jq"}, SCHEMA, "/QueryLanguage"),
    "machine's timeout of 0": (machine(passing(), TimeoutSeconds=0), SCHEMA, "/TimeoutSeconds"),
    "state is no object": (machine("Pass"), SCHEMA, FIRST),
    "no Type": (machine({"End": True}), SCHEMA, FIRST),
    "unknown Type": (machine({"Type": "Loop", "End": True}), SCHEMA, f"{FIRST}/Type"),
    "unknown field": (machine(passing(Ouput={})), SCHEMA, FIRST),
    "name too long": (machine(passing(Next="x" * 81), **{"x" * 81: END}), "INVALID_STATE_NAME", f"/States/{'x' * 81}"),
    "JSONPath in a JSONata machine": (machine(passing(QueryLanguage="JSONPath")), SCHEMA, FIRST),
    "JSONPath's field in JSONata": (machine(passing(ResultPath="$.x")), SCHEMA, FIRST),
    "Parameters in JSONata": (machine(task(Parameters={})), SCHEMA, FIRST),
    "JSONata's field in JSONPath": (jsonpath(passing(Output="{% 1 %}")), SCHEMA, FIRST),
    "Catch on Pass": (machine(passing(Catch=[])), SCHEMA, FIRST),
    "Retry on Wait": (machine({"Type": "Wait", "Seconds": 1, "Retry": [], "End": True}), SCHEMA, FIRST),
    "TimeoutSeconds on Map": (machine(going(TimeoutSeconds=5)), SCHEMA, FIRST),
    "Next on Succeed": (machine({"Type": "Succeed", "Next": "Done"}, Done=END), SCHEMA, FIRST),
    "Assign on Fail": (machine({"Type": "Fail", "Assign": {"x": 1}}), SCHEMA, FIRST),
    "Arguments on Pass": (machine(passing(Arguments={})), SCHEMA, FIRST),
    "Error and ErrorPath": (jsonpath({"Type": "Fail", "Error": "E", "ErrorPath": "$.e"}), SCHEMA, FIRST),
    "QueryLanguage of a branch": (
        machine({"Type": "Parallel", "End": True, "Branches": [_BRANCH | {"QueryLanguage": "JSONata"}]}),
        SCHEMA,
        f"{FIRST}/Branches[0]",
    ),
    "Parallel without branches": (
        machine({"Type": "Parallel", "End": True, "Branches": []}),
        SCHEMA,
        f"{FIRST}/Branches",
    ),
    "Wait without a duration": (machine({"Type": "Wait", "End": True}), SCHEMA, FIRST),
    "Wait with two durations": (
        machine({"Type": "Wait", "Seconds": 1, "Timestamp": "2026-01-31T12:00:00Z", "End": True}),
        SCHEMA,
        FIRST,
    ),
    "Wait of -1 s": (machine({"Type": "Wait", "Seconds": -1, "End": True}), SCHEMA, f"{FIRST}/Seconds"),
    "no timestamp": (
        machine({"Type": "Wait", "Timestamp": "2026-13-05T21:29:29Z", "End": True}),
        SCHEMA,
        f"{FIRST}/Timestamp",
    ),
    "variable named states": (machine(passing(Assign={"states": 1})), SCHEMA, f"{FIRST}/Assign"),
    "variable's name with a hyphen": (machine(passing(Assign={"a-b": 1})), SCHEMA, f"{FIRST}/Assign"),
}

FLOW: dict[str, tuple[Definition, str, str | None]] = {
    "dangling StartAt": (machine(passing()) | {"StartAt": "Nowhere"}, TARGET, "/StartAt"),
    "dangling Next": (machine({"Type": "Pass", "Next": "Nowhere"}, Done=END), TARGET, f"{FIRST}/Next"),
    "dangling Default": (machine(choice(_YES, Default="Nowhere"), Done=END), TARGET, f"{FIRST}/Default"),
    "dangling choice": (
        machine(choice({"Condition": True, "Next": "Nowhere"}, Default="Done"), Done=END),
        TARGET,
        f"{FIRST}/Choices[0]/Next",
    ),
    "dangling catch": (
        machine(task(Catch=[{"ErrorEquals": _ALL, "Next": "Nowhere"}])),
        TARGET,
        f"{FIRST}/Catch[0]/Next",
    ),
    "out of a map": (
        machine(
            going(ItemProcessor={"StartAt": "Each", "States": {"Each": {"Type": "Pass", "Next": "Done"}}}, End=False)
            | {"Next": "Done"},
            Done=END,
        ),
        TARGET,
        f"{FIRST}/ItemProcessor/States/Each/Next",
    ),
    "unreachable state": (machine(passing(), Alone=END), TARGET, "/States/Alone"),
    "no terminal state": (
        machine({"Type": "Pass", "Next": "Second"}, Second={"Type": "Pass", "Next": "First"}),
        "MISSING_END_STATE",
        None,
    ),
    "Next and End": (machine(passing(Next="Done"), Done=END), SCHEMA, FIRST),
    "neither Next nor End": (machine(choice(_YES), Done={"Type": "Pass"}), SCHEMA, "/States/Done"),
    "one name twice": (
        machine({"Type": "Parallel", "Branches": [_BRANCH, _BRANCH], "End": True}),
        "DUPLICATE_STATE_NAME",
        f"{FIRST}/Branches[1]/States/Each",
    ),
    "no choices": (machine(choice(Default="Done"), Done=END), SCHEMA, f"{FIRST}/Choices"),
    "choice without a condition": (machine(choice({"Next": "Done"}), Done=END), SCHEMA, f"{FIRST}/Choices[0]"),
    "choice without Next": (machine(choice({"Condition": True}, _YES), Done=END), SCHEMA, f"{FIRST}/Choices[0]"),
    "Next on Choice": (machine(choice(_YES, Next="Done"), Done=END), SCHEMA, FIRST),
    "condition that is no expression": (
        machine(choice({"Condition": "$x", "Next": "Done"}), Done=END),
        SCHEMA,
        f"{FIRST}/Choices[0]/Condition",
    ),
    "two comparisons": (
        jsonpath(choice({"Variable": "$.x", "IsNull": True, "IsString": True, "Next": "Done"}), Done=END),
        SCHEMA,
        f"{FIRST}/Choices[0]",
    ),
    "comparison with the wrong type": (
        jsonpath(choice({"Variable": "$.x", "NumericEquals": "1", "Next": "Done"}), Done=END),
        SCHEMA,
        f"{FIRST}/Choices[0]/NumericEquals",
    ),
    "comparison of nothing": (
        jsonpath(choice({"And": [{"IsNull": True}], "Next": "Done"}), Done=END),
        SCHEMA,
        f"{FIRST}/Choices[0]/And[0]",
    ),
}

ERRORS: dict[str, tuple[Definition, str, str | None]] = {
    "States.ALL not alone": (
        machine(task(Retry=[{"ErrorEquals": ["States.ALL", "States.Timeout"]}])),
        SCHEMA,
        f"{FIRST}/Retry[0]/ErrorEquals",
    ),
    "States.ALL not last": (
        machine(task(Catch=[{"ErrorEquals": _ALL, "Next": "Done"}, {"ErrorEquals": ["E"], "Next": "Done"}]), Done=END),
        SCHEMA,
        f"{FIRST}/Catch[0]/ErrorEquals",
    ),
    "no errors named": (machine(task(Retry=[{"ErrorEquals": []}])), SCHEMA, f"{FIRST}/Retry[0]/ErrorEquals"),
    "retry without errors": (machine(task(Retry=[{"MaxAttempts": 1}])), SCHEMA, f"{FIRST}/Retry[0]"),
    "catch without Next": (machine(task(Catch=[{"ErrorEquals": _ALL}])), SCHEMA, f"{FIRST}/Catch[0]"),
    "interval of 0 s": (
        machine(task(Retry=[{"ErrorEquals": _ALL, "IntervalSeconds": 0}])),
        SCHEMA,
        f"{FIRST}/Retry[0]/IntervalSeconds",
    ),
    "attempts below 0": (
        machine(task(Retry=[{"ErrorEquals": _ALL, "MaxAttempts": -1}])),
        SCHEMA,
        f"{FIRST}/Retry[0]/MaxAttempts",
    ),
    "backoff below 1": (
        machine(task(Retry=[{"ErrorEquals": _ALL, "BackoffRate": 0.5}])),
        SCHEMA,
        f"{FIRST}/Retry[0]/BackoffRate",
    ),
    "unknown jitter": (
        machine(task(Retry=[{"ErrorEquals": _ALL, "JitterStrategy": "HALF"}])),
        SCHEMA,
        f"{FIRST}/Retry[0]/JitterStrategy",
    ),
    "longest delay below the interval": (
        machine(task(Retry=[{"ErrorEquals": _ALL, "IntervalSeconds": 9, "MaxDelaySeconds": 5}])),
        SCHEMA,
        f"{FIRST}/Retry[0]/MaxDelaySeconds",
    ),
    "timeout of 0": (machine(task(TimeoutSeconds=0)), SCHEMA, f"{FIRST}/TimeoutSeconds"),
    "heartbeat of the timeout": (
        machine(task(TimeoutSeconds=5, HeartbeatSeconds=5)),
        SCHEMA,
        f"{FIRST}/HeartbeatSeconds",
    ),
}

EXPRESSIONS: dict[str, tuple[Definition, str, str | None]] = {
    "expression in Output": (machine(passing(Output={"a": ["{% 1 + %}"]})), PARSE, f"{FIRST}/Output/a[0]"),
    "expression in Assign": (machine(passing(Assign={"x": "{% a[1,2) %}"})), PARSE, f"{FIRST}/Assign/x"),
    "expression in Arguments": (machine(task(FUNCTION, {"x": "{% 'open %}"})), PARSE, f"{FIRST}/Arguments/x"),
    "expression in Condition": (
        machine(choice({"Condition": "{% $x = %}", "Next": "Done"}), Done=END),
        PARSE,
        f"{FIRST}/Choices[0]/Condition",
    ),
    "expression in Catch": (
        machine(task(Catch=[{"ErrorEquals": _ALL, "Next": "Done", "Assign": {"x": "{% ( %}"}}]), Done=END),
        PARSE,
        f"{FIRST}/Catch[0]/Assign/x",
    ),
    "expression in Items": (machine(going(Items="{% [1 %}")), PARSE, f"{FIRST}/Items"),
    "expression in ItemSelector": (
        machine(going(ItemSelector={"x": "{% {'a':} %}"})),
        PARSE,
        f"{FIRST}/ItemSelector/x",
    ),
    "expression in Cause": (machine({"Type": "Fail", "Cause": "{%  %}"}), PARSE, f"{FIRST}/Cause"),
    "expression inside of a map": (
        machine(going(ItemProcessor={"StartAt": "Each", "States": {"Each": passing(Output="{% $x := %}")}})),
        PARSE,
        f"{FIRST}/ItemProcessor/States/Each/Output",
    ),
    "expression without its end": (machine(passing(Output="{% 1 ")), SCHEMA, f"{FIRST}/Output"),
    "result on Pass": (machine(passing(Output="{% $states.result %}")), REFERENCE, f"{FIRST}/Output"),
    "result in Arguments": (
        machine(task(FUNCTION, {"x": "{% $states.result.x %}"})),
        REFERENCE,
        f"{FIRST}/Arguments/x",
    ),
    "result in Catch": (
        machine(task(Catch=[{"ErrorEquals": _ALL, "Next": "Done", "Output": "{% $states.result %}"}]), Done=END),
        REFERENCE,
        f"{FIRST}/Catch[0]/Output",
    ),
    "result in ItemSelector": (
        machine(going(ItemSelector={"x": "{% [$states.input, $states.result] %}"})),
        REFERENCE,
        f"{FIRST}/ItemSelector/x",
    ),
    "errorOutput outside of Catch": (
        machine(task(Output="{% $string($states.errorOutput.Cause) %}")),
        REFERENCE,
        f"{FIRST}/Output",
    ),
    "unknown field of $states": (machine(passing(Output="{% $states.inputs %}")), REFERENCE, f"{FIRST}/Output"),
    "name without $": (machine(passing(Output="{% $count(photos) %}")), REFERENCE, f"{FIRST}/Output"),
    "name without $ in a function": (
        machine(passing(Output="{% $map([1], function($x) { $x + more }) %}")),
        REFERENCE,
        f"{FIRST}/Output",
    ),
    "context item": (machine(passing(Output="{% $.photos %}")), REFERENCE, f"{FIRST}/Output"),
    "root of the context": (machine(passing(Output="{% $$ %}")), REFERENCE, f"{FIRST}/Output"),
    "JSONPath in a template": (jsonpath(passing(Parameters={"x.$": "photos"})), SCHEMA, f"{FIRST}/Parameters"),
    "quotation mark in an intrinsic function": (
        jsonpath(passing(Parameters={"x.$": "States.Format('\\\"{}\\\"', $.a)"})),
        SCHEMA,
        f"{FIRST}/Parameters",
    ),
    "quotation mark in the call of a CausePath": (
        jsonpath({"Type": "Fail", "CausePath": "States.Format('\\\"{}\\\"', $.a)"}),
        SCHEMA,
        f"{FIRST}/CausePath",
    ),
    "backslash before a letter in Credentials": (
        jsonpath(task(Credentials={"RoleArn.$": "States.Format('\\a{}', $.a)"})),
        SCHEMA,
        f"{FIRST}/Credentials",
    ),
    "unknown intrinsic function": (
        jsonpath(passing(Parameters={"x.$": "States.Nothing($.a)"})),
        SCHEMA,
        f"{FIRST}/Parameters/x.$",
    ),
    "path that begins with no $": (jsonpath(passing(InputPath="photos")), SCHEMA, f"{FIRST}/InputPath"),
    "path that does not parse": (jsonpath(passing(InputPath="$.a[")), SCHEMA, f"{FIRST}/InputPath"),
    "path to several places": (jsonpath(passing(ResultPath="$.a[*]")), SCHEMA, f"{FIRST}/ResultPath"),
}

INVALID = SHAPE | FLOW | ERRORS | EXPRESSIONS | CALLS | MAPS
