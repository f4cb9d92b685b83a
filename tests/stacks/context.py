"""The context that tests synthesise with."""

import json
from pathlib import Path
from typing import Any

CDK_JSON = Path(__file__).resolve().parents[2] / "cdk.json"


def feature_flags(cdk_json: Path) -> dict[str, Any]:
    """Of a cdk.json's context what belongs to the application: its settings are those of whoever deploys it."""
    context = json.loads(cdk_json.read_text())["context"]
    return {name: value for name, value in context.items() if name.startswith("@aws-cdk/")}
