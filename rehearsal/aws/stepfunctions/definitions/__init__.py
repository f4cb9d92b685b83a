"""Whether AWS would take a state machine's definition.

The emulated API refuses what this finds, so that a fault in a branch that no rehearsal enters is found all the same.
"""

from __future__ import annotations

from rehearsal.aws.stepfunctions.definitions.asl_validator import validator_errors
from rehearsal.aws.stepfunctions.definitions.diagnostic import Diagnostic
from rehearsal.aws.stepfunctions.definitions.document import read
from rehearsal.aws.stepfunctions.definitions.expressions import expression_errors
from rehearsal.aws.stepfunctions.definitions.machines import machines
from rehearsal.aws.stepfunctions.definitions.resources import resource_errors
from rehearsal.aws.stepfunctions.definitions.state_fields import field_errors
from rehearsal.aws.stepfunctions.definitions.templates import template_errors
from rehearsal.aws.stepfunctions.definitions.transitions import name_errors, transition_errors

_CHECKS = (field_errors, name_errors, transition_errors, expression_errors, template_errors, resource_errors)


def diagnose(definition: str, express: bool = False) -> list[Diagnostic]:
    """Everything that AWS would refuse in a definition.

    Parameters
    ----------
    definition
        The text in the States Language.
    express
        Whether the state machine's type is EXPRESS.
    """
    document, errors = read(definition)
    if errors:
        return errors
    found = list(machines(document, express))
    errors = [error for check in _CHECKS for error in check(found)]
    return errors or list(validator_errors(document))
