"""Bucket policies of the emulated S3."""

from __future__ import annotations

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket


def ignore_conditional_statements() -> None:
    """Leave statements with a Condition out of account.

    moto ignores the condition, and so a policy that denies requests without TLS denies every request.
    """

    def get_permission(self: FakeBucket, action: str, resource: str) -> Any:
        if self.policy is None:
            return PermissionResult.NEUTRAL
        policy = json.loads(self.policy)
        policy["Statement"] = [entry for entry in policy["Statement"] if "Condition" not in entry]
        return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)

    FakeBucket.get_permission = get_permission
