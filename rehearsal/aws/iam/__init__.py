"""IAM, enforced: who makes a call, what policies say of it, and what AWS itself calls in somebody's name."""

from __future__ import annotations

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket


def install() -> None:
    """Leave bucket policies to this package: moto reads them without their conditions."""

    def get_permission(self: FakeBucket, action: str, resource: str) -> Any:
        return PermissionResult.NEUTRAL

    FakeBucket.get_permission = get_permission
