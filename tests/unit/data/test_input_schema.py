"""The input's JSON Schema and its reference: as the contract has them, and refusing what Plan refuses."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from docs import input_reference
from run import contract
from tests.fuzz.examples import fuzzed, outcome
from tests.fuzz.json_values import shaped

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "docs/input.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

BEYOND_A_SCHEMA = [
    # One field because of another.
    "must be three shares train, valid and test that sum to 1",
    "must be an object with fraction or files, not both",
    "must be an object whose minCount is less than its maxCount",
    "must be an object with at most 100 counts",
    "must be an object whose parallelJobs is at most its maxJobs",
    'must be an object whose earlyStopping is "Off"',
    "must be an object whose maxWaitSeconds",
    "whose weights have one edition",
    'with the recipe "fine-tuning"',
    # An order inside a list.
    r"\[lowest, highest\], ascending",
    # The same number to a schema.
    r"[\d+-]\.0.* was given; must be .*integer",
    r"e[+]\d+.* was given; must be .*integer",
]


def accepts(document: Any) -> bool:
    return bool(VALIDATOR.is_valid(document))


@pytest.mark.parametrize("name", ["input.schema.json", "input.md"])
def test_both_files_are_as_the_contract_has_them(name: str) -> None:
    made = {
        "input.schema.json": json.dumps(input_reference.schema(), indent=2) + "\n",
        "input.md": input_reference.page(),
    }
    assert (ROOT / "docs" / name).read_text() == made[name], "make schema"


def test_it_is_a_schema_that_refers_to_nothing_and_says_what_every_field_does() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert "$ref" not in json.dumps(SCHEMA)

    def fields(part: dict[str, Any]) -> list[dict[str, Any]]:
        inside = part.get("properties", {}).values()
        return [part, *(field for one in inside for field in fields(one))]

    assert all(re.match(r"[A-Z].*\.$", field["description"]) for field in fields(SCHEMA))
    assert all(accepts(example) for example in SCHEMA["examples"])
    for field in fields(SCHEMA)[1:]:
        values = [*field.get("examples", ()), *([field["default"]] if "default" in field else ())]
        assert all(jsonschema.Draft202012Validator(field).is_valid(value) for value in values)


def test_the_whole_input_of_the_readme_and_every_preset_are_valid() -> None:
    [shown] = re.findall(r"^```json\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    for document in (json.loads(shown), {}, {"recipe": "fine-tuning"}):
        VALIDATOR.validate(document)
        VALIDATOR.validate(contract.complete(document).to_json())


def test_an_input_may_name_its_schema_and_have_a_comment() -> None:
    named = {"$schema": "docs/input.schema.json", "Comment": "weekly", "seed": 1}
    assert accepts(named)
    assert contract.complete(named) == contract.complete({"seed": 1})


@pytest.mark.parametrize(
    "wrong",
    [
        {"sed": 1},
        {"dataset": {"fraction": 0}},
        {"dataset": {"fraction": True}},
        {"dataset": {"source": "aft-vbi-pds"}},
        {"dataset": None},
        {"architectures": []},
        {"architectures": ["resnet50", "resnet50"]},
        {"tuning": {"ranges": {"batchSize": [32, 32]}}},
        {"tuning": {"ranges": {"epochs": [1, 2, 3]}}},
        {"training": {"instanceType": "g4dn.xlarge"}},
        {"release": {"package": "previously"}},
        {"recipe": "none"},
        [],
        None,
    ],
)
def test_what_plan_refuses_by_type_or_range_the_schema_refuses(wrong: Any) -> None:
    assert not accepts(wrong)


@fuzzed(60)
@given(shaped(contract.ExecutionInput))
def test_any_input_that_only_plan_refuses_is_wrong_for_a_reason_beyond_a_schema(given_: dict[str, Any]) -> None:
    # As it is after a way through JSON, which has no NaN; a $ is an end to editors, and also a line break's to Python.
    text = json.dumps(given_)
    if re.search(r'NaN|Infinity|\\n"', text):
        return
    document = json.loads(text)
    completed = outcome(lambda: contract.complete(document), contract.InvalidInput)
    if not isinstance(completed, contract.InvalidInput):
        VALIDATOR.validate(document)
    elif accepts(document):
        for sentence in str(completed).splitlines():
            assert any(re.search(reason, sentence) for reason in BEYOND_A_SCHEMA), sentence
