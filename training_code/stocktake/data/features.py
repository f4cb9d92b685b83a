"""What the frozen trunk makes of the images: computed once, and read by training and every tuning trial.

With a frozen trunk, a flip is the only thing that happens to an image between epochs. So two vectors an image, of the
image and of its mirror image, hold all that an epoch would compute again. A file of them lies beside the name of each
shard: `train/train-00000.pt` for `train/train-00000.tar`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from copy import copy
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stocktake.data.batches import Key
from stocktake.data.shards import ShardDataset, load
from stocktake.failures import JobFailure
from stocktake.model.tensor_files import UnreadableTensors, read_tensors, write_tensors

ALL = slice(None)
BATCH_SIZE = 64
REMEDY = "Delete the features and run the execution again."


class FeatureDataset:
    """The features of one split, in the order of its images in the shards, all in memory.

    Raises
    ------
    JobFailure
        When a file is damaged or of another architecture, or a count is not among the labels.
    """

    trunk_is_applied = True

    def __init__(self, split: str, folder: Path, labels: Sequence[int], architecture: str):
        self.split, self.labels = split, tuple(labels)
        parts = [_read(file, architecture) for file in feature_files(folder)]
        self.ids: list[str] = [id for part in parts for id in part["ids"]]
        self.groups: list[str] = [group for part in parts for group in part["groups"]]
        counts: list[int] = [count for part in parts for count in part["counts"]]
        self._features = torch.cat([part["features"] for part in parts])
        self._places = torch.arange(len(self._features))
        unknown = sorted(set(counts) - set(self.labels))
        if unknown:
            raise JobFailure(
                f"The features of channel {split!r} have images with count {unknown[0]}, but the labels are "
                f"{', '.join(map(str, self.labels))}. Give the job the dataset's labels."
            )
        self._targets = torch.tensor([self.labels.index(count) for count in counts])

    def __len__(self) -> int:
        return len(self.ids)

    def images_by_count(self) -> dict[int, int]:
        found = Counter(self._targets.tolist())
        return {label: found[place] for place, label in enumerate(self.labels)}

    def load(self, batches: list[list[Key]]) -> Iterator[tuple[Tensor, Tensor]]:
        """Load batches in order: features (N, D) and positions of the labels (N,)."""
        for keys in batches:
            places = torch.tensor([index for index, _ in keys], dtype=torch.long)
            mirrored = torch.tensor([mirrored for _, mirrored in keys], dtype=torch.long)
            rows, targets = self._features[self._places[places], mirrored], self._targets[places]
            # A copy out of page-locked memory is not waited for.
            yield (rows.pin_memory(), targets.pin_memory()) if torch.cuda.is_available() else (rows, targets)

    def network_input(self, features: Tensor) -> Tensor:
        """The batch as the network takes it."""
        return features.float()

    def part(self, places: Sequence[int]) -> "FeatureDataset":
        """The images at these places as a dataset of their own, over the same features."""
        part = copy(self)
        part.ids, part.groups = [self.ids[place] for place in places], [self.groups[place] for place in places]
        part._places, part._targets = self._places[places], self._targets[places]
        return part


def feature_files(folder: Path) -> list[Path]:
    """The feature files of one split, in the order of the shards they were made of."""
    return sorted(folder.rglob("*.pt"))


class NotFinite(JobFailure):
    """The trunk makes values of an image that its number format does not hold, or that are none."""


@torch.inference_mode()
def extract(
    trunk: nn.Module,
    images: ShardDataset,
    folder: Path,
    *,
    architecture: str,
    precision: torch.dtype,
    device: torch.device,
    mirrored: bool,
    batch_size: int = BATCH_SIZE,
    shards: slice = ALL,
) -> None:
    """Write the features of one split, a file for each of its `shards`: (N, 2, D), or (N, 1, D) without mirror images.

    They are kept in the number format that the trunk computes them in, so nothing is lost.

    Raises
    ------
    NotFinite
        When a value is none. float16 ends at 65,504, which a random ResNet-101 goes beyond.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trunk.to(device).eval()
    by_shard = groupby(range(len(images)), key=lambda index: images.samples[index].shard)
    for shard, places in [(shard, list(group)) for shard, group in by_shard][shards]:
        keys = [(index, False) for index in places]
        batches = [keys[start : start + batch_size] for start in range(0, len(keys), batch_size)]
        rows: list[Tensor] = []
        for pixels, _ in load(images, batches):
            inputs = images.preprocessing.normalise(pixels.to(device, non_blocking=True))
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                views = [trunk(view) for view in ((inputs, inputs.flip(-1)) if mirrored else (inputs,))]
            rows.append(torch.stack(views, 1))
        # Once a shard: a GPU that is waited for after each batch stands still while the next one is launched.
        features = torch.cat(rows).cpu()
        if not features.isfinite().all():
            place = int((~features.isfinite()).flatten(1).any(1).nonzero()[0])
            raise NotFinite(
                f"{shard.name}: {architecture} in {precision} makes values of {images.samples[places[place]].id}.jpg "
                "that are no finite numbers. Check the weights that the execution starts from."
            )
        content = {
            "architecture": architecture,
            "ids": [images.samples[index].id for index in places],
            "counts": [images.samples[index].count for index in places],
            "groups": [images.samples[index].group for index in places],
            "features": features,
        }
        write_tensors(folder / f"{shard.stem}.pt", content)
        print(f"{images.split}: {shard.name} images={len(places)}", flush=True)


def _read(file: Path, architecture: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = read_tensors(file)
        found, images = content["architecture"], len(content["ids"])
        complete = images == len(content["counts"]) == len(content["groups"]) == len(content["features"])
    except (UnreadableTensors, KeyError, TypeError) as error:
        raise JobFailure(f"The features {file.name} are damaged. {REMEDY}") from error
    if not complete:
        raise JobFailure(f"The features {file.name} are incomplete. {REMEDY}")
    if found != architecture:
        raise JobFailure(f"The features {file.name} are those of {found}, not of {architecture}. {REMEDY}")
    return content
