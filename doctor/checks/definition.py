"""What Step Functions itself says of the state machine's definition."""

from collections.abc import Iterator
from typing import Any

from doctor.findings import Finding, Severity

_SHOWN = 3


def check(stepfunctions: Any, definition: str) -> Iterator[Finding]:
    """Have the definition validated by AWS, which creates nothing."""
    answer = stepfunctions.validate_state_machine_definition(definition=definition, type="STANDARD", severity="WARNING")
    for severity, level in ((Severity.FAILS, "ERROR"), (Severity.WARNING, "WARNING")):
        told = [
            f"{item.get('location', '/')}: {item['message']}"
            for item in answer["diagnostics"]
            if item["severity"] == level
        ]
        if told:
            more = f" And {len(told) - _SHOWN} more." if len(told) > _SHOWN else ""
            meaning = "Step Functions refuses the state machine." if severity is Severity.FAILS else ""
            yield Finding("Definition", severity, " ".join(told[:_SHOWN]) + more, meaning)
    if not answer["diagnostics"]:
        yield Finding("Definition", Severity.FINE, f"Valid, {len(definition.encode()):,} bytes.")
