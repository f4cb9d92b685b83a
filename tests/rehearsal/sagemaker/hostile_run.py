"""Hostile requests and mutated photos against the application in a real Ray Serve cluster of its own network.

    .venv/bin/python -m tests.rehearsal.sagemaker.hostile_run --source DIR [--requests 500] [--photos 2000]

`run` starts the cluster, in which `hostile_attack.py` asks. The figures are one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import bench  # noqa: F401 - it makes the training code importable
from stocktake.model.artifact import ModelDescription, save_artifact
from stocktake.model.network import create_model
from stocktake.model.preprocessing import Preprocessing
from stocktake.model.served_network import native_precision
from tests.rehearsal.sagemaker.test_ray_cluster import CLUSTER, ISOLATED, PATIENT

ROOT = Path(__file__).resolve().parents[3]
ATTACK = Path(__file__).with_name("hostile_attack.py")
TORCHVISION_ON_CPU = ROOT / "rehearsal/torchvision_on_cpu"
LABELS = (1, 2, 3, 4, 5)


def run(photos: list[Path], requests: int, mutated: int, patience: int = 900) -> dict[str, Any]:
    """Serve an untrained ResNet-18 and attack it; what happened. Raises CalledProcessError."""
    # Ray's sockets have paths of at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        model = Path(folder) / "model"
        model.mkdir()
        network = create_model("resnet18", len(LABELS))
        save_artifact(model, network.state_dict(), ModelDescription("resnet18", LABELS, Preprocessing(224), {}))
        arguments = [str(requests), str(mutated), *map(str, photos)]
        client = (
            f"import runpy, sys; sys.argv[1:] += {arguments!r}; runpy.run_path({str(ATTACK)!r}, run_name='__main__')"
        )
        environment = (
            os.environ
            | PATIENT
            | {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PYTHONPATH": f"{TORCHVISION_ON_CPU}:{model}:{model / 'code'}",
                "HOME": folder,
                "STOCKTAKE_PRECISION": native_precision(),
                "STOCKTAKE_MODEL_PACKAGE": "arn:package/7",
                "RAY_USAGE_STATS_ENABLED": "0",
            }
        )
        command = [*ISOLATED, "bash", "-c", CLUSTER, "bash", folder, client, str(patience)]
        ended = subprocess.run(command, cwd=model, env=environment, capture_output=True, text=True)
        if ended.returncode:
            raise subprocess.CalledProcessError(ended.returncode, command, ended.stdout, ended.stderr[-8000:])
    figures: dict[str, Any] = json.loads(ended.stdout)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description="Hostile requests and mutated photos.")
    parser.add_argument("--source", type=Path, required=True, help="bins in the dataset's layout")
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--photos", type=int, default=2000)
    asked = parser.parse_args()
    photos = sorted((asked.source / "bin-images").glob("*.jpg"))[:50]
    print(json.dumps(run(photos, asked.requests, asked.photos), indent=2))


if __name__ == "__main__":
    main()
