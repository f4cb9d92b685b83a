"""What the service authorization reference says of an action: the types of resources that it is checked on.

The data are cfn-lint's, which its maintainers take from AWS's own pages.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any


@cache
def _services() -> dict[str, Any]:
    file = resources.files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json")
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


@cache
def resource_types(action: str) -> dict[str, re.Pattern[str]]:
    """Name -> pattern of the ARN of every type of resource that an action may be limited to.

    Raises
    ------
    KeyError
        There is no such action.
    """
    service, _, name = action.partition(":")
    described = _services()[service]
    kinds = described["Resources"].keys() & described["Actions"][name.lower()].get("Resources", [])
    return {kind: _pattern(described["Resources"][kind]["ARNFormats"]) for kind in sorted(kinds)}


def _pattern(formats: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.sub(r"\$\{\w+\}", "[^:]*", written) for written in formats))
