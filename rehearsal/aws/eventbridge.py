"""EventBridge: what services tell of themselves reaches the functions that rules name as targets.

Other targets hear nothing, and a function that fails is not tried again.
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.events.models import Rule, events_backends

from rehearsal.aws.iam.policies import Policies, Request, decide, statements
from rehearsal.aws.location import ACCOUNT_ID

_SERVICE = "events.amazonaws.com"


def publish(source: str, detail_type: str, region: str, resource: str, detail: Mapping[str, Any]) -> None:
    """Give an event of AWS's own to every enabled rule of the default bus whose pattern matches."""
    now = datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    event: Any = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT_ID,
        "time": now,
        "region": region,
        "resources": [resource],
        "detail": dict(detail),
    }
    for rule in list(events_backends[ACCOUNT_ID][region].event_buses["default"].rules.values()):
        if rule.state == "ENABLED" and not rule.scheduled_expression and rule.event_pattern.matches_event(event):
            for target in rule.targets:
                if target["Arn"].startswith("arn:aws:lambda:"):
                    _invoke(rule, target["Arn"], region, json.dumps(event).encode())


def _invoke(rule: Rule, arn: str, region: str, payload: bytes) -> None:
    """In the background, as Lambda does for events; a rule that the function's policy does not allow is refused."""
    function = lambda_backends[ACCOUNT_ID][region].get_function(arn)
    if _allows(function, rule.arn):
        function.invoke(payload, {"X-Amz-Invocation-Type": "Event"}, {})
    else:
        print(f"Denied: {_SERVICE} may not invoke {arn} for {rule.arn}", flush=True)


def _allows(function: LambdaFunction, rule_arn: str) -> bool:
    context = {"aws:sourcearn": [rule_arn], "aws:sourceaccount": [ACCOUNT_ID]}
    request = Request(_SERVICE, "lambda:InvokeFunction", function.function_arn, context)
    policy = statements(f"policy of {function.function_name}", {"Statement": function.policy.statements})
    return decide(request, Policies(resource=[s for s in policy if s.names({"Service": [_SERVICE]})])).allowed
