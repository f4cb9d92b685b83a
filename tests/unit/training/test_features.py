"""Training on features is the same computation as running the frozen trunk in every epoch."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from synthetic_shards import LABELS

from stocktake.data.features import FeatureDataset, extract
from stocktake.data.shards import ShardDataset
from stocktake.failures import JobFailure
from stocktake.model.preprocessing import Preprocessing
from stocktake.training.hyperparameters import Hyperparameters
from stocktake.training.job import create_training, open_training_split
from stocktake.training.loop import Training
from stocktake.training.recipe import NOTEBOOK
from stocktake.training.weights import starting_trunk

CPU = torch.device("cpu")


def recipe(architecture: str) -> Hyperparameters:
    return Hyperparameters(
        architecture, "none", "head", lr=0.01, batch_size=10, epochs=4, seed=3, image_size=32, labels=LABELS
    )


@pytest.fixture(scope="module")
def extracted(splits: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder with the features of train and valid, in float32."""

    def extracted(architecture: str) -> Path:
        folder = tmp_path_factory.mktemp(architecture)
        trunk = starting_trunk(architecture, 3, None)
        for split in ("train", "valid"):
            extract(
                trunk,
                ShardDataset(split, splits / split, LABELS, Preprocessing(32)),
                folder / split,
                architecture=architecture,
                precision=torch.float32,
                device=CPU,
                mirrored=split == "train",
                batch_size=7,
            )
        return folder

    return extracted


def trained(recipe: Hyperparameters, folder: Path) -> Training:
    opened = {split: open_training_split(split, folder / split, recipe) for split in ("train", "valid")}
    training, _ = create_training(recipe, NOTEBOOK, opened, None, CPU)
    training.network.precision = torch.float32
    training.fit(None, lambda: False)
    return training


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2"])
def test_training_on_features_equals_running_the_trunk_in_every_epoch(
    extracted: Callable[[str], Path], splits: Path, architecture: str
) -> None:
    # when the same recipe (batches, flips, and mobilenet's dropout) is trained both ways
    recomputed, ours = trained(recipe(architecture), splits), trained(recipe(architecture), extracted(architecture))
    assert isinstance(ours.train, FeatureDataset)
    assert not isinstance(recomputed.train, FeatureDataset)
    # then the losses of every epoch and the final weights are equal
    for here, there in zip(ours.progress.history, recomputed.progress.history, strict=True):
        for measure in ("train:loss", "validation:loss", "train:accuracy", "validation:accuracy"):
            assert here[measure] == pytest.approx(there[measure], abs=1e-5), measure
    all_weights = recomputed.network.weights()
    for name, value in ours.network.weights().items():
        assert torch.allclose(value, all_weights[name], rtol=0, atol=1e-5), name
    # and something was learned, so that equality says something
    losses = [row["train:loss"] for row in ours.progress.history]
    assert losses[-1] < losses[0]


def test_features_hold_every_image_and_its_mirror_image_in_the_shards_order(
    extracted: Callable[[str], Path], splits: Path
) -> None:
    # given two shards of 45 images
    images = ShardDataset("train", splits / "train", LABELS, Preprocessing(32))
    features = FeatureDataset("train", extracted("resnet18") / "train", LABELS, "resnet18")
    trunk = starting_trunk("resnet18", 3, None).eval()
    assert features.ids == [sample.id for sample in images.samples]
    assert features.groups == [sample.group for sample in images.samples]
    assert features.images_by_count() == images.images_by_count()
    # when two images are asked for, one of them mirrored
    [(rows, targets)] = features.load([[(40, True), (3, False)]])
    # then they are what the trunk makes of these
    for row, target, key in zip(rows, targets, [(40, True), (3, False)], strict=True):
        pixels, expected = images[key]
        with torch.no_grad():
            [wanted] = trunk(images.preprocessing.normalise(pixels[None]))
        assert torch.allclose(row, wanted, atol=1e-5)
        assert target == expected


def test_bfloat16_features_are_kept_as_they_were_computed(splits: Path, tmp_path: Path) -> None:
    images = ShardDataset("valid", splits / "valid", LABELS, Preprocessing(32))
    trunk = starting_trunk("resnet18", 3, None)
    extract(trunk, images, tmp_path, architecture="resnet18", precision=torch.bfloat16, device=CPU, mirrored=False)
    features = FeatureDataset("valid", tmp_path, LABELS, "resnet18")
    [(rows, _)] = features.load([[(0, False)]])
    assert rows.dtype == torch.bfloat16
    assert features.network_input(rows).dtype == torch.float32


def test_damaged_features_are_named(extracted: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "train-00000.pt").write_bytes(b"half")
    with pytest.raises(JobFailure, match=r"features train-00000\.pt are damaged\. Delete"):
        FeatureDataset("train", tmp_path, LABELS, "resnet18")
    # of another architecture, or of labels that are not asked for
    folder = extracted("resnet18") / "train"
    with pytest.raises(JobFailure, match=r"are those of resnet18, not of resnet34"):
        FeatureDataset("train", folder, LABELS, "resnet34")
    with pytest.raises(JobFailure, match=r"have images with count 3, but the labels are 1, 2"):
        FeatureDataset("train", folder, (1, 2), "resnet18")


def test_only_a_head_can_be_trained_on_features(extracted: Callable[[str], Path]) -> None:
    asked = Hyperparameters(**{**vars(recipe("resnet18")), "trainable": "layer4"})
    with pytest.raises(JobFailure, match=r"trainable is layer4\. Give the job the dataset's shards"):
        open_training_split("train", extracted("resnet18") / "train", asked)


def test_the_job_writes_a_file_for_each_shard_and_mirrors_the_training_images_only(
    splits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import extract_features

    # given the layout of a processing job
    output = tmp_path / "processing/output"
    command = ["extract_features.py", "--architecture", "resnet18", "--weights", "none", "--seed", "3"]
    command += ["--image-size", "32", "--input", str(splits), "--output", str(output)]
    monkeypatch.setattr("sys.argv", command)
    # when
    extract_features.main()
    # then
    shapes = {str(file.relative_to(output)): tuple(torch.load(file)["features"].shape) for file in output.rglob("*.pt")}
    assert shapes == {
        "train/train-00000.pt": (23, 2, 512),
        "train/train-00001.pt": (22, 2, 512),
        "valid/valid-00000.pt": (12, 1, 512),
        "test/test-00000.pt": (24, 1, 512),
    }
