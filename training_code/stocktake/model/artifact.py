"""The model artifact: weights, how to use them, and the code that serves them, in one folder."""

import json
import shutil
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from stocktake.model.network import Weights, create_model
from stocktake.model.preprocessing import Preprocessing
from stocktake.model.tensor_files import read_tensors, write_tensors

CODE = Path(__file__).parents[2]
SERVED = (
    *("inference.py", "photo_file.py", "serving.py"),
    *("stocktake/__init__.py", "stocktake/model", "stocktake/serving"),
)
"""What answers requests; nothing that trains is in the artifact."""

CAREFULLY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""What keeps an archive's files within its folder. Python 3.11 has it from 3.11.4 on, and Debian 12 has 3.11.2."""


@dataclass(frozen=True)
class ModelDescription:
    """What is needed beside the weights to use a model, and how it came about.

    Attributes
    ----------
    labels
        The count that each output stands for.
    training
        Facts for reports: hyperparameters, history, best epoch, images by split and count.
    mirrored
        Whether an answer is the mean over the photo and its mirror image.
    temperature
        What its logarithm is divided by, see `calibrated`.
    one_off_worth
        By which the count that is answered is chosen, see `chosen_positions`.
    """

    architecture: str
    labels: tuple[int, ...]
    preprocessing: Preprocessing
    training: dict[str, Any]
    mirrored: bool = False
    temperature: float = 1.0
    one_off_worth: float = 0.0


def save_artifact(folder: Path, weights: Weights, description: ModelDescription) -> None:
    """Write what SageMaker packs into model.tar.gz: config.yaml, model.pt, model.json, code/."""
    write_tensors(folder / "model.pt", weights)
    (folder / "model.json").write_text(json.dumps(asdict(description), indent=2))
    shutil.copy(CODE / "config.yaml", folder)
    for name in SERVED:
        served, place = CODE / name, folder / "code" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if served.is_dir():
            shutil.copytree(served, place, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy(served, place)


def load_artifact(folder: Path) -> tuple[nn.Module, ModelDescription]:
    """Read an unpacked artifact; the model is on the CPU, in float32 and evaluation mode."""
    content = json.loads((folder / "model.json").read_text())
    stored = content["preprocessing"]
    description = ModelDescription(
        content["architecture"],
        tuple(content["labels"]),
        Preprocessing(stored["image_size"], tuple(stored["mean"]), tuple(stored["std"])),
        content["training"],
        # Models of earlier versions do not say these three.
        content.get("mirrored", False),
        content.get("temperature", 1.0),
        content.get("one_off_worth", 0.0),
    )
    model = create_model(description.architecture, len(description.labels))
    model.load_state_dict(read_tensors(folder / "model.pt"))
    return model.eval(), description


def unpack_artifact(archive: Path, folder: Path) -> None:
    with tarfile.open(archive, "r:gz") as tar:
        tar.extractall(folder, **CAREFULLY)
