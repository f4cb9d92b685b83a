"""Which features a run trains on, and whether they have been extracted before."""

import hashlib
import json
from typing import Any

import storage
from run.weights import Weights

FORMAT = 3
"""Raise it with every change of what feature extraction writes: features from before are then made anew."""


def plan_features(bucket: str, dataset_id: str, architecture: str, weights: Weights) -> dict[str, Any]:
    """The features of a dataset's images under one frozen network.

    Returns:
        id: a hash of all that determines the features; uri: the folder that holds them; bucket and marker: the object
        that the state machine writes once they are complete; ready: whether it has.
    """
    content = json.dumps([FORMAT, dataset_id, architecture, weights.identity])
    id_ = hashlib.blake2b(content.encode(), digest_size=8).hexdigest()
    marker = f"features/{id_}/complete.json"
    return {
        "id": id_,
        "uri": f"s3://{bucket}/features/{id_}",
        "bucket": bucket,
        "marker": marker,
        "ready": storage.find_etag(bucket, marker) is not None,
    }
