"""Side-by-side measurements, each started as `python -m bench.<name>`."""

import sys
from pathlib import Path

from rehearsal import torchvision_on_cpu

for _folder in ("lambda", "training_code"):
    sys.path.insert(0, str(Path(__file__).parents[1] / _folder))
torchvision_on_cpu.install()
