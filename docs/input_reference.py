"""The input's JSON Schema and its reference page, from the contract: `python docs/input_reference.py` writes both.

What is allowed is the contract's own; what a field does is a sentence in input_meanings.yaml.
"""

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml  # type: ignore[import-untyped]

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "lambda"))
from run import contract  # noqa: E402

Schema = dict[str, Any]

EXAMPLES = {
    "dataset.source": ["s3://aft-vbi-pds", "s3://my-bucket/bins"],
    "dataset.fraction": [0.02, 1],
    "dataset.files": ["s3://my-bucket/lists/file_list.json"],
    "dataset.leaveOut": ["s3://my-bucket/lists/leave_out.json"],
    "architectures": [["resnet50", "resnet101"], ["mobilenet_v2"]],
    "weights": ["imagenet", "none", "s3://my-data-bucket/models/a-job/output/model.tar.gz"],
    "training.instanceType": ["ml.g4dn.xlarge", "ml.m5.2xlarge"],
    "training.headInstanceType": ["ml.m5.xlarge", None],
    "training.labelNoiseFolds": [None, 5],
    "release.package": ["previous", "arn:aws:sagemaker:us-east-1:123456789012:model-package/my-group/3"],
}
_IGNORED = {
    "$schema": "Address of this schema, for editors; ignored.",
    "Comment": "Of whoever starts the execution; ignored, and kept in the output.",
    "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "Which execution started this one; ignored, and kept in the output.",
}
_UNIQUE = ("architectures", "tuning.ranges.batchSize")
"""Lists that take no value twice: of what the contract checks by itself, the part that JSON Schema can say."""


def schema() -> Schema:
    """JSON Schema (2020-12) of the input: every object in its place, so that it refers to nothing."""
    generated = contract.ExecutionInput.model_json_schema()
    root = _with_meanings("", _inlined(generated, generated["$defs"]), contract.complete({}).to_json())
    root["properties"] |= {name: {"description": meaning} for name, meaning in _IGNORED.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Input of an execution of Stocktake",
        "description": "Every field is optional: what is left out comes from the deployment's setting `defaults`, then "
        "from the recipe, then from the defaults here.",
        "type": "object",
        "properties": root["properties"],
        "additionalProperties": False,
        "examples": [{}, {"dataset": {"fraction": 0.1}, "architectures": ["resnet50"]}, {"recipe": "fine-tuning"}],
    }


def page() -> str:
    """The reference: a table for each object of the input, in Markdown."""
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["json"] = json.dumps
    template = environment.from_string((DOCS / "input.md.j2").read_text())
    return template.render(objects=[(path, _rows(path, found)) for path, found in _objects("", schema())])


@cache
def _meanings() -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load((DOCS / "input_meanings.yaml").read_text())
    return found


def _inlined(part: Any, definitions: Schema) -> Any:
    """The schema with every definition where it is used, without titles that only repeat the names."""
    if isinstance(part, list):
        return [_inlined(element, definitions) for element in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
    # A property may be called title; only a text is one.
    kept = {key: value for key, value in part.items() if key != "$defs" and not _is_title(key, value)}
    return {key: _inlined(value, definitions) for key, value in kept.items()}


def _is_title(key: str, value: Any) -> bool:
    return key == "title" and isinstance(value, str)


def _with_meanings(path: str, part: Schema, default: Any) -> Schema:
    """A field's schema with what it does, its default and examples; those inside an object in turn."""
    if "properties" in part:
        inside = {
            name: _with_meanings(f"{path}.{name}".lstrip("."), field, default[name])
            for name, field in part["properties"].items()
        }
        described = {"description": _meanings()[path]} if path else {}
        return described | {"type": "object", "properties": inside, "additionalProperties": False}
    allowed = part.pop("description")
    said = {"description": f"{_meanings()[path]} Must be {allowed}.", "default": default}
    if path in EXAMPLES:
        said["examples"] = EXAMPLES[path]
    return said | {key: value for key, value in part.items() if key != "default"} | _unique(path)


def _unique(path: str) -> Schema:
    return {"uniqueItems": True} if path in _UNIQUE else {}


def _objects(path: str, part: Schema) -> Iterator[tuple[str, Schema]]:
    yield path, part
    for name, field in part["properties"].items():
        if "properties" in field:
            yield from _objects(f"{path}.{name}".lstrip("."), field)


def _rows(above: str, part: Schema) -> Iterator[tuple[str, str, str, str]]:
    """Name, meaning, what is allowed, and default of each field; an object has a table of its own."""
    for name, field in part["properties"].items():
        meaning, _, allowed = field["description"].partition(" Must be ")
        if "properties" in field:
            allowed = f"an [object](#{above}{name})".replace(".", "").lower()
        default = json.dumps(field["default"]) if "default" in field else ""
        yield name, meaning, allowed.removesuffix("."), default


def main() -> None:
    """Write both files."""
    (DOCS / "input.schema.json").write_text(json.dumps(schema(), indent=2) + "\n")
    (DOCS / "input.md").write_text(page())


if __name__ == "__main__":
    main()
