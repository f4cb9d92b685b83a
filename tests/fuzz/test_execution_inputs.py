"""What an execution can be started with, and what a deployment makes its default."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from run.contract import ExecutionInput, InvalidInput, complete
from run.deployment import check_deployment
from tests.fuzz.examples import fuzzed, outcome
from tests.fuzz.json_values import anything, shaped


@fuzzed(150)
@given(anything | shaped(ExecutionInput), st.just({}) | shaped(ExecutionInput))
def test_any_json_is_a_complete_input_or_a_sentence_for_each_fault(given_: Any, defaults: dict[str, Any]) -> None:
    completed = outcome(lambda: complete(given_, defaults), InvalidInput)
    if isinstance(completed, InvalidInput):
        assert 0 < len(str(completed).splitlines()) <= 21
        assert len(str(completed)) < 20_000  # of the 32,768 characters that a cause can have
        return
    assert complete(json.loads(json.dumps(completed.to_json()))) == completed


@fuzzed(60)
@given(shaped(ExecutionInput), st.lists(st.sampled_from(["aft-vbi-pds", "bucket"])), st.booleans())
def test_any_complete_input_fits_the_deployment_or_is_refused(
    given_: dict[str, Any], buckets: list[str], debugger: bool
) -> None:
    refused = outcome(lambda: check_deployment(complete(given_), buckets, debugger), InvalidInput)
    assert refused is None or str(refused)
