"""Whether the images that jobs and the endpoint run in can be pulled in this region."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from doctor.checks.account import CDKS_REGION
from doctor.findings import Finding, Severity
from doctor.templates import Place

_ELSEWHERE = f"export AWS_REGION={CDKS_REGION}"
_MEANING = "Jobs and the endpoint cannot start there."


def check(ecr: Any, uris: Iterable[str], complete: bool, place: Place) -> Iterator[Finding]:
    """Ask the publishing registries for each image, as a pull does.

    Parameters
    ----------
    complete
        Whether the templates know an account that publishes images in this region.
    """
    if not complete:
        yield Finding("Images", Severity.FAILS, f"AWS publishes none in {place.region}.", _MEANING, _ELSEWHERE)
        return
    tags: dict[tuple[str, str], list[str]] = defaultdict(list)
    for uri in sorted(uris):
        if found := re.fullmatch(r"(\d+)[^/]*/(.+):(.+)", uri):
            tags[found[1], found[2]].append(found[3])
    absent: list[str] = []
    for (registry, repository), wanted in tags.items():
        missing = _missing(ecr, registry, repository, wanted)
        absent += [f"{repository}:{tag}" for tag in missing]
    if absent:
        finding = f"{', '.join(absent)}: not published in {place.region}."
        yield Finding("Images", Severity.FAILS, finding, _MEANING, _ELSEWHERE)
    else:
        names = [f"{repository}:{tag}" for (_, repository), wanted in tags.items() for tag in wanted]
        yield Finding("Images", Severity.FINE, f"{', '.join(names)}.")


def _missing(ecr: Any, registry: str, repository: str, tags: list[str]) -> list[str]:
    ids = [{"imageTag": tag} for tag in tags]
    try:
        answer = ecr.batch_get_image(registryId=registry, repositoryName=repository, imageIds=ids)
    except ClientError as error:
        if error.response["Error"]["Code"] != "RepositoryNotFoundException":
            raise
        return tags
    return [failure["imageId"]["imageTag"] for failure in answer.get("failures", [])]
