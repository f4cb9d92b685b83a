"""Other accounts' container registries: they have every image, as no emulator knows which AWS has published."""

from __future__ import annotations

from typing import Any

from moto.ecr.models import ECRBackend

from rehearsal.aws.location import ACCOUNT_ID

_own_images = ECRBackend.batch_get_image


def install() -> None:
    """Answer for them, too; moto knows repositories of one account."""
    ECRBackend.batch_get_image = _batch_get_image


def _batch_get_image(
    self: ECRBackend,
    repository_name: str,
    registry_id: str | None = None,
    image_ids: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    if registry_id in (None, ACCOUNT_ID):
        own: dict[str, Any] = _own_images(self, repository_name, registry_id, image_ids)
        return own
    names = {"registryId": registry_id, "repositoryName": repository_name}
    return {"images": [names | {"imageId": image_id} for image_id in image_ids or []], "failures": []}
