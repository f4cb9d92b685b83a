"""torchvision's registry wheel made importable beside a CPU torch, without the product knowing.

`install()` does it for this process. A child process and its own children get it with `FOLDER` on their
PYTHONPATH. Where torchvision works by itself it only makes the import shorter.
"""

from pathlib import Path

from rehearsal.torchvision_on_cpu.import_hook import install

FOLDER = Path(__file__).resolve().parent

__all__ = ["FOLDER", "install"]
