"""The model artifact: what is served, and nothing that trains."""

import json
import os
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

from test_train_job import INTERPRETER

from stocktake.model.artifact import ModelDescription, load_artifact, save_artifact
from stocktake.model.network import create_model
from stocktake.model.preprocessing import Preprocessing


def test_a_model_archive_holds_what_answers_requests_and_no_trainer(tmp_path: Path) -> None:
    # given
    description = ModelDescription("resnet18", (1, 2), Preprocessing(32), {})
    (tmp_path / "model").mkdir()
    # when, as SageMaker packs it
    save_artifact(tmp_path / "model", create_model("resnet18", 2).state_dict(), description)
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "model", ".")
    # then
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        files = {Path(member.name).as_posix() for member in tar if member.isfile()}
    room = ("__init__", "artifact", "calibration", "counts", "metrics", "network", "preprocessing")
    room += ("served_network", "tensor_files")
    serving = ("__init__", "answers", "log", "photos", "refusal", "workers")
    assert files == {
        "config.yaml",
        "model.json",
        "model.pt",
        "code/inference.py",
        "code/photo_file.py",
        "code/serving.py",
        "code/stocktake/__init__.py",
        *(f"code/stocktake/model/{name}.py" for name in room),
        *(f"code/stocktake/serving/{name}.py" for name in serving),
    }


def test_a_description_is_read_as_it_was_written_and_an_earlier_ones_answers_are_as_they_were(tmp_path: Path) -> None:
    written = ModelDescription("resnet18", (1, 2), Preprocessing(32), {"world": 1}, True, 1.7, one_off_worth=0.5)
    save_artifact(tmp_path, create_model("resnet18", 2).state_dict(), written)
    assert load_artifact(tmp_path)[1] == written
    # given models from before there were mirror images, temperatures, and a worth of what is one off
    file = tmp_path / "model.json"
    content = json.loads(file.read_text())
    for lacks, before in {"mirrored": False, "temperature": 1.0, "one_off_worth": 0.0}.items():
        file.write_text(json.dumps({name: value for name, value in content.items() if name != lacks}))
        assert load_artifact(tmp_path)[1] == replace(written, **{lacks: before})


def test_the_archive_answers_without_the_code_it_was_trained_by(tmp_path: Path) -> None:
    description = ModelDescription("resnet18", (1, 2), Preprocessing(32), {})
    save_artifact(tmp_path, create_model("resnet18", 2).state_dict(), description)
    program = (
        "import io, sys; from PIL import Image; from inference import input_fn, model_fn, predict_fn;"
        "file = io.BytesIO(); Image.new('RGB', (40, 40)).save(file, 'JPEG');"
        "print(predict_fn(input_fn(file.getvalue(), 'image/jpeg'), model_fn(sys.argv[1]))['count'] in (1, 2))"
    )
    shims = INTERPRETER["PYTHONPATH"]
    environment = os.environ | INTERPRETER | {"PYTHONPATH": f"{tmp_path / 'code'}{os.pathsep}{shims}"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "True", done.stderr
