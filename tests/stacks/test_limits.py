"""States whose data could outgrow what Step Functions takes: 256 KiB for a value, 32,768 characters for a cause."""

import json
from typing import Any

import pytest

from tests.stacks.execution import rendered, variables

States = dict[str, dict[str, Any]]
VALUE = 256 * 1024
CAUSE = 32_768


def size(value: Any) -> int:
    """Bytes of a value as the service counts them: JSON, UTF-8."""
    return len(json.dumps(value, ensure_ascii=False).encode())


def characters(text: str) -> int:
    """Of a text as Java counts them."""
    return len(text.encode("utf-16-le")) // 2


def test_where_everything_is_caught_too_much_data_is_caught_too(states: States) -> None:
    """States.ALL has to stand alone, and does not catch States.DataLimitExceeded."""
    for name, state in states.items():
        catches = {tuple(c["ErrorEquals"]): c for c in state.get("Catch", [])}
        if ("States.ALL",) in catches:
            assert tuple(catches)[-2:] == (("States.DataLimitExceeded",), ("States.ALL",)), name
            everything, too_much = catches[("States.ALL",)], catches[("States.DataLimitExceeded",)]
            assert too_much | {"ErrorEquals": ["States.ALL"]} == everything, name


@pytest.mark.parametrize(("name", "item"), [("Catalogue", "batch"), ("Pack", "shard")])
@pytest.mark.parametrize("letter", ["x", '"', "\n", "Ω", "箱", "📦"])
def test_a_map_of_which_every_item_fails_still_tells_why(states: States, name: str, item: str, letter: str) -> None:
    """Given 535 batches, the whole dataset's, that all fail with a long cause, in whatever alphabet."""
    number = 535
    cause = f"SourceUnavailable: {letter * 5000}"
    catch = states[f"{name} {item}"]["Catch"][-1]
    results = [
        rendered(
            catch["Output"],
            variables(),
            {item: {item: f"train-{index:05d}"}},
            errorOutput={"Error": "SourceUnavailable", "Cause": json.dumps({"errorMessage": cause})},
        )
        for index in range(number)
    ]
    assert size(results) < 0.6 * VALUE
    assigned = rendered(states[name]["Assign"], variables(), result=[{}, *results, {}])
    assert size(assigned) < 0.1 * VALUE
    (incomplete,) = states[f"{name} complete?"]["Choices"]
    assert rendered(incomplete["Condition"], variables() | assigned) is True
    failure = rendered(incomplete["Assign"], variables() | assigned)["failure"]
    assert failure["error"] == "SourceUnavailable"
    assert failure["cause"].startswith(f"535 of the {'batches' if item == 'batch' else 'shards'} failed: train-00000: ")
    # The first twenty and a count.
    assert "train-00019: SourceUnavailable" in failure["cause"]
    assert "train-00020" not in failure["cause"]
    assert failure["cause"].endswith("; and 515 more")
    assert characters(failure["cause"]) < 0.5 * CAUSE


@pytest.mark.parametrize("name", ["Catalogue", "Pack"])
def test_a_single_failure_is_told_without_a_count_of_others(states: States, name: str) -> None:
    results = [{}, {"failed": "00007", "error": "OSError", "cause": "gone"}]
    assigned = rendered(states[name]["Assign"], variables(), result=results)
    (incomplete,) = states[f"{name} complete?"]["Choices"]
    cause = rendered(incomplete["Assign"], variables() | assigned)["failure"]["cause"]
    assert cause.endswith(" failed: 00007: gone")
    complete = rendered(states[name]["Assign"], variables(), result=[{}, {}])
    assert rendered(incomplete["Condition"], variables() | complete) is False


@pytest.mark.parametrize("letter", ["x", "箱", "📦"])
def test_no_cause_is_longer_than_a_failed_execution_may_have(states: States, letter: str) -> None:
    error = {"Error": "InvalidInput", "Cause": json.dumps({"errorMessage": letter * 60_000})}
    catch = states["Plan"]["Catch"][-1]
    known = variables() | rendered(catch["Assign"], variables(), errorOutput=error)
    cause = rendered(states["Failed"]["Cause"], known)
    assert cause.startswith(f"Plan: {letter * 100}")
    assert characters(cause) <= CAUSE
    context = {"Execution": {"Id": "an execution", "StartTime": "now", "Input": {"Comment": letter * 60_000}}}
    assert size(rendered(states["Write report of failure"]["Arguments"]["Payload"], known, context=context)) < VALUE
    written = {"reportUri": "s3://data/reports/r/index.html"}
    assert size(rendered(states["Notify failure"]["Arguments"]["Message"], known, written, context=context)) < VALUE


@pytest.mark.parametrize("cause", ['{"errorMessage": "cut off', "", "{", "no JSON"])
def test_a_cause_that_is_no_document_is_told_as_it_is(states: States, cause: str) -> None:
    catch = states["Plan"]["Catch"][-1]
    assigned = rendered(catch["Assign"], variables(), errorOutput={"Error": "E", "Cause": cause})
    assert assigned["failure"]["cause"] == cause
