"""An execution's name is found again in the registry, whatever characters it has."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from console.packages import written
from rehearsal.aws.constraints import compiled
from rehearsal.aws.service_models import service_model
from rehearsal.aws.stepfunctions.jsonata import evaluate
from stacks.states.tags import REFUSED


@given(st.text(min_size=1, max_size=80))
@example("größe (2)")
@example("٣ bins")
def test_the_command_looks_for_what_the_state_machine_wrote(name: str) -> None:
    found = written(name)
    assert found == evaluate(f"$replace($name, {REFUSED}, '_')", {"name": name})
    pattern = service_model("sagemaker").shape_for("CustomerMetadataValue").metadata["pattern"]
    assert compiled(pattern).fullmatch(found)
