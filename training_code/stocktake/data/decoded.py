"""Photos that were decoded before, kept in memory so that only a training's first epoch decodes."""

import os

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


class DecodedPhotos:
    """Pixels by position, as many as fit into `limit` bytes; the others are decoded whenever they are wanted."""

    def __init__(self, limit: int):
        self._room = limit
        self._pixels: dict[int, Pixels] = {}

    def get(self, index: int) -> Pixels | None:
        return self._pixels.get(index)

    def keep(self, index: int, pixels: Pixels) -> None:
        """Keep a photo's pixels while there is room."""
        if pixels.nbytes <= self._room:
            self._room -= pixels.nbytes
            self._pixels[index] = pixels.copy()


def spare_memory() -> int:
    """Bytes that one process may fill with a split's photos: over all processes, an eighth of the machine's memory.

    2% of the public dataset take 1.1 GB at 224 pixels.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return memory // 8 // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
