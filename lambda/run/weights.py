"""Where training starts from: the file of weights of each architecture, in the data bucket."""

from dataclasses import dataclass

import storage
from run import imagenet
from run.contract import ExecutionInput, InvalidInput

_FOLDERS = ("weights/", "models/")


@dataclass(frozen=True)
class Weights:
    """Where one architecture's training starts.

    Attributes:
        uri: of a file; None for random weights.
        identity: tells these weights from any others, whichever execution asks.
    """

    uri: str | None
    identity: str


def find_weights(completed: ExecutionInput, architecture: str, bucket: str) -> Weights:
    """The weights that the input asks for.

    Raises:
        InvalidInput: the object that `weights` names cannot be used; the sentence says what can.
    """
    match completed.weights:
        case edition if edition in imagenet.EDITIONS:
            uri = f"s3://{bucket}/{imagenet.key(edition, architecture)}"
            return Weights(uri, imagenet.EDITIONS[edition][architecture])
        case "none":
            return Weights(None, f"random {completed.seed}")
        case uri:
            return Weights(uri, f"{uri} {_version(completed, bucket)}")


def _version(completed: ExecutionInput, bucket: str) -> str:
    """ETag of the object that `weights` names."""
    given = f'weights: "{completed.weights}" was given'
    if len(completed.architectures) > 1:
        raise InvalidInput(
            f"{given}; must be {', '.join(imagenet.EDITIONS)} or none with several architectures, as a file holds the "
            "weights of one: give one architecture"
        )
    prefix = f"s3://{bucket}/"
    key = completed.weights.removeprefix(prefix)
    if not completed.weights.startswith(prefix) or not key.startswith(_FOLDERS):
        allowed = " or ".join(f"{prefix}{folder}" for folder in _FOLDERS)
        raise InvalidInput(f"{given}; must be an object below {allowed}, which training may read: copy the file there")
    etag = storage.find_etag(bucket, key)
    if etag is None:
        raise InvalidInput(f"{given}; must be an object that exists: put the file there, or correct the URI")
    return etag
