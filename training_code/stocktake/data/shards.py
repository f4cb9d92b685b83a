"""Reading a dataset's tar shards (WebDataset naming: `<id>.jpg` beside `<id>.json`)."""

import json
import os
import tarfile
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from photo_file import ImageRefused
from stocktake.data.batches import Key
from stocktake.data.decoded import DecodedPhotos, Pixels
from stocktake.failures import JobFailure
from stocktake.model.preprocessing import Preprocessing

REMEDY = "Pack the dataset again."
END_OF_ARCHIVE = bytes(tarfile.BLOCKSIZE)

# Every batch lies in fresh memory. In pages of 4 kB the kernel would take longer to hand it out than it takes to
# normalise the images; torch asks for large pages only when told to before its first tensor.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image, the group of linked bins that it belongs to, and where its bytes lie."""

    id: str
    count: int
    group: str
    shard: Path
    offset: int
    size: int


class ShardDataset:
    """The images of one split, in the order of shard names and places within them.

    An item is `(pixels, target)`: uint8 (3, S, S) and the position of the image's count in `labels`.

    Parameters
    ----------
    uncounted
        A folder with more images, whose counts may be any; the position of those that are no label is -1.
    memory
        Bytes to keep decoded photos in.

    Raises
    ------
    JobFailure
        When the folder is absent or holds no shard, a shard is damaged, or a count is not among the labels.
    """

    def __init__(
        self,
        split: str,
        folder: Path | None,
        labels: Sequence[int],
        preprocessing: Preprocessing,
        *,
        uncounted: Path | None = None,
        memory: int = 0,
    ):
        if folder is None or not folder.is_dir():
            raise JobFailure(f"The channel {split!r} is missing. Give the job an input channel of that name.")
        shards = sorted(folder.rglob("*.tar"))
        if not shards:
            raise JobFailure(
                f"The channel {split!r} holds no .tar shard. Check its S3 URI; if instances share it, use no more "
                "of them than there are shards."
            )
        self.split = split
        self.labels = tuple(labels)
        self.preprocessing = preprocessing
        self.samples = [sample for shard in shards for sample in read_index(shard)]
        self._check_counts()
        if uncounted:
            self.samples += [sample for shard in sorted(uncounted.rglob("*.tar")) for sample in read_index(shard)]
        positions = {label: position for position, label in enumerate(labels)}
        self.positions = torch.tensor([positions.get(sample.count, -1) for sample in self.samples])
        self._decoded = DecodedPhotos(memory)

    def _check_counts(self) -> None:
        if not self.samples:
            raise JobFailure(f"The shards of channel {self.split!r} hold no image. {REMEDY}")
        for sample in self.samples:
            if sample.count not in self.labels:
                raise JobFailure(
                    f"{sample.shard.name}: {sample.id}.json says count {sample.count}, "
                    f"but the labels are {', '.join(map(str, self.labels))}. Give the job the dataset's labels."
                )

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: Key) -> tuple[Tensor, int]:
        index, mirrored = key
        pixels = torch.from_numpy(self._pixels(index)).permute(2, 0, 1)
        return pixels.flip(-1) if mirrored else pixels, int(self.positions[index])

    def _pixels(self, index: int) -> Pixels:
        """The image as the network sees it, (S, S, 3)."""
        if (known := self._decoded.get(index)) is not None:
            return known
        sample = self.samples[index]
        try:
            pixels = self.preprocessing.pixels(self.image_bytes(index)).permute(1, 2, 0).numpy()
        except ImageRefused as error:
            raise JobFailure(f"{sample.shard.name}: {sample.id}.jpg: {error} {REMEDY}") from error
        self._decoded.keep(index, pixels)
        return pixels

    def batch(self, keys: Sequence[Key], pinned: bool = False) -> tuple[Tensor, Tensor]:
        """Several items together, the pixels in page-locked memory if wanted: (N, 3, S, S) and (N,)."""
        side = self.preprocessing.image_size
        pixels = torch.empty((len(keys), side, side, 3), dtype=torch.uint8, pin_memory=pinned)
        # Each image goes to its place at once: kept until they are stacked, images would touch twice the memory. NumPy
        # copies it, as torch would divide even this among threads.
        for place, (index, mirrored) in zip(pixels.numpy(), keys, strict=True):
            image = self._pixels(index)
            # NumPy's own mirror image takes ten times torch's time: it copies three bytes at a time.
            place[:] = torch.from_numpy(image).flip(1).numpy() if mirrored else image
        return pixels.permute(0, 3, 1, 2), self.positions[[index for index, _ in keys]]

    def image_bytes(self, index: int) -> bytes:
        """The photo's file, a JPEG or, in a split as the source has it, a PNG under a JPEG's name."""
        sample = self.samples[index]
        with sample.shard.open("rb") as shard:
            shard.seek(sample.offset)
            return shard.read(sample.size)

    @property
    def counts(self) -> Tensor:
        """Each image's count, int64 (N,)."""
        return torch.tensor([sample.count for sample in self.samples])

    def images_by_count(self) -> dict[int, int]:
        """Images of each label."""
        found = Counter(sample.count for sample in self.samples)
        return {label: found[label] for label in self.labels}


def read_index(shard: Path) -> list[Sample]:
    """List a shard's images without reading them.

    Raises
    ------
    JobFailure
        When the archive is damaged or cut off, or an image and its label do not come in pairs.
    """
    images: dict[str, tarfile.TarInfo] = {}
    labels: dict[str, tuple[int, str]] = {}
    member_name = "its first header"
    try:
        with tarfile.open(shard, "r:") as archive, shard.open("rb") as file:
            for member in archive:
                member_name = member.name
                name, _, extension = member.name.rpartition(".")
                if extension == "jpg":
                    images[name] = member
                elif extension == "json":
                    file.seek(member.offset_data)
                    facts = json.loads(file.read(member.size))
                    labels[name] = int(facts["count"]), facts.get("group", name)
            # tarfile takes a damaged header in the middle for the end.
            file.seek(archive.offset)
            if file.read(tarfile.BLOCKSIZE) != END_OF_ARCHIVE:
                raise tarfile.ReadError("the archive does not end there")
    # The last two: a count that is infinite, and JSON that is nested too deeply.
    except (tarfile.TarError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise JobFailure(f"{shard.name} is damaged at {member_name}: {error!r}. {REMEDY}") from error
    if unpaired := sorted(images.keys() ^ labels.keys()):
        raise JobFailure(f"{shard.name}: {unpaired[0]} has only one of .jpg and .json. {REMEDY}")
    return [Sample(name, *labels[name], shard, member.offset_data, member.size) for name, member in images.items()]


def load(
    dataset: ShardDataset, batches: Sequence[Sequence[Key]], threads: int | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Load batches in order: uint8 pixels (N, 3, S, S), channels last in memory, and targets (N,).

    `threads` load some batches ahead, by default one for each core that the training step can spare. Processes would
    copy every batch once more, and nothing would be gained: Pillow decodes without Python's lock.
    """
    read = partial(dataset.batch, pinned=torch.cuda.is_available())
    threads = _spare_cores() if threads is None else threads
    if not threads:
        yield from map(read, batches)
        return
    remaining = iter(batches)
    with ThreadPoolExecutor(threads) as pool:
        ahead = deque(pool.submit(read, keys) for keys in islice(remaining, 2 * threads))
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(pool.submit(read, keys) for keys in islice(remaining, 1))


def _spare_cores() -> int:
    cores = len(os.sched_getaffinity(0))
    # With two cores the training step needs both, and decoding is a small part of the work.
    return min(cores - 1, 8) if cores > 2 else 0
