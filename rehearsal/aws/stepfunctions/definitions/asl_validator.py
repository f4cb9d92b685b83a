"""asl-validator, the npm package: it parses JSONPath and intrinsic functions, and JSONata with JSONata's own parser.

Only what it says of paths and expressions counts. Its other checks are less exact than those beside it, and refuse what
AWS took in recorded executions: an Output or Condition that is a constant, a percentage with a fraction.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic, schema

_COMMAND = Path(__file__).resolve().parents[4] / "node_modules" / ".bin" / "asl-validator"
_FAULT = re.compile(r"^\s*SCHEMA_VALIDATION_FAILED: (/.*) is invalid\. (.*)$", re.MULTILINE)

_PAYLOADS = {
    *("Arguments", "Assign", "Output", "Items", "ItemSelector", "BatchInput"),
    *("Parameters", "Result", "ResultSelector"),
}
# It looks for these anywhere and takes a payload's for a state's. AWS reads ``$.[`` as ``$[``.
_LOOKED_FOR = {"States", "StartAt", "Next", "Default", "Branches", "ItemProcessor", "Iterator"}

_FORMATS = {
    'must match format "asl_payload_template"': "The value must be a valid JSONPath or a valid intrinsic function call",
    'must match format "asl_path"': "Value is not a valid JSONPath",
    'must match format "asl_ref_path"': "Value is not a Reference Path",
    'must match format "asl_result_path"': "Value is not a Reference Path",
    'must match format "jsonata_string"': "The value is not a valid JSONata expression",
    'must match format "maybe_jsonata_string"': "The value is not a valid JSONata expression",
}


def validator_errors(definition: dict[str, Any]) -> Iterator[Diagnostic]:
    """What asl-validator finds in half a second: Node.js is started for it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(_without_lookalikes(definition), file)
        file.flush()
        command: list[str | Path] = [_COMMAND, "--json-path", file.name]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if result.returncode not in (0, 1):
        raise RuntimeError(f"asl-validator failed: {result.stderr}")
    for place, message in _FAULT.findall(result.stderr):
        if message in _FORMATS:
            yield schema(_FORMATS[message], re.sub(r"/(\d+)(?=/|$)", r"[\1]", place))


def _without_lookalikes(value: Any, payload: bool = False) -> Any:
    if isinstance(value, list):
        return [_without_lookalikes(member, payload) for member in value]
    if isinstance(value, str):
        return value.replace("$.[", "$[")
    if not isinstance(value, dict):
        return value
    return {
        name: _without_lookalikes(member, payload or name in _PAYLOADS)
        for name, member in value.items()
        if not payload or name not in _LOOKED_FOR
    }
