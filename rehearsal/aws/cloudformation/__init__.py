"""CloudFormation with the semantics that this application's stacks rely on, in the place of moto's."""

from __future__ import annotations

from rehearsal.aws.cloudformation.api import replace_cloudformation


def install() -> None:
    """Apply the replacement."""
    replace_cloudformation()
