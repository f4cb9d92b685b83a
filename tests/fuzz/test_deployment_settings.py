"""The CDK context: any JSON, or text of the command line."""

import json
from typing import Any, cast

from constructs import Node
from hypothesis import given
from hypothesis import strategies as st

from run.contract import ExecutionInput
from stacks.settings import DeploymentSettings, InvalidSetting
from tests.fuzz.examples import fuzzed, outcome
from tests.fuzz.json_values import ODD_TEXTS, anything, shaped

texts = st.text("rate()cron 0123456789*?/,-LW#", max_size=20) | st.sampled_from(
    [
        "rate(1 day)",
        "rate(7 days)",
        "cron(0 3 ? * SUN *)",
        "cron(0/5 3 * * ? 2030)",
        "ml.m5.large",
        "ml.p3.2xlarge",
        "a@b",
        "a--b",
    ]
)
settings = shaped(DeploymentSettings)
defaults = st.fixed_dictionaries({}, optional={"defaults": shaped(ExecutionInput)})
strange = st.dictionaries(
    st.sampled_from([str(field.alias) for field in DeploymentSettings.model_fields.values()])
    | st.text(max_size=8)
    | st.sampled_from(["retaindata", "@aws-cdk/core:x", "aws:cdk", "end-point-instances"]),
    anything | texts,
    max_size=2,
)


class Context:
    """Of a construct's node what settings are read from; CDK itself takes any JSON there."""

    def __init__(self, context: dict[str, Any]) -> None:
        self.context = context

    def get_all_context(self) -> dict[str, Any]:
        return self.context


def as_text(value: Any) -> Any:
    """As the command line passes it on."""
    return value if isinstance(value, str) else json.dumps(value)


@fuzzed(150)
@given(settings, defaults, strange, st.booleans())
def test_any_context_is_settings_or_a_sentence_for_each_fault(
    given_: dict[str, Any], with_defaults: dict[str, Any], put: dict[str, Any], on_the_command_line: bool
) -> None:
    context = given_ | with_defaults | put
    if on_the_command_line:
        context = {name: as_text(value) for name, value in context.items()}
    chosen = outcome(lambda: DeploymentSettings.from_context(cast(Node, Context(context))), InvalidSetting)
    if isinstance(chosen, InvalidSetting):
        assert all(line.startswith("setting ") for line in str(chosen).splitlines())
        return
    assert DeploymentSettings.model_validate(chosen.model_dump(by_alias=True)) == chosen


@fuzzed(100)
@given(
    st.sampled_from(["schedule", "endpointInstanceType", "evaluationInstanceType", "notifyEmail", "name"]),
    texts | st.sampled_from(ODD_TEXTS),
)
def test_any_text_is_a_setting_or_a_sentence(name: str, value: str) -> None:
    chosen = outcome(lambda: DeploymentSettings.from_context(cast(Node, Context({name: value}))), InvalidSetting)
    assert isinstance(chosen, DeploymentSettings) or str(chosen).startswith(f"setting {name}: ")
